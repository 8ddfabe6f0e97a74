//! Flags of everything about services.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use http_types::v1::services::Strategy;

use super::parse;

/// `holdfast service …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Be an instance while a command runs
    Register(RegisterArgs),
    /// End a registration, whoever keeps it
    Deregister {
        /// The service
        service: String,
        /// The instance
        id: String,
    },
    /// List services that have instances
    List {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show the instances of a service, and why those are not picked that are not
    Show {
        /// The service
        service: String,
    },
    /// Pick an instance and print where it is; exit code 75 if there is none
    Pick(PickInstanceArgs),
    /// Say that the work of a pick is done
    Release {
        /// The service
        service: String,
        /// The reservation
        reservation: String,
    },
    /// Say how a call of an instance went
    Report {
        /// The service
        service: String,
        /// The instance
        id: String,
        /// How it went
        result: CallResult,
    },
    /// Say how busy an instance is
    Load {
        /// The service
        service: String,
        /// The instance
        id: String,
        /// Requests it is serving
        inflight: u32,
        /// How many it serves at once
        #[arg(long, value_name = "N", default_value_t = 1)]
        capacity: u32,
    },
    /// Send an instance no new work
    Drain {
        /// The service
        service: String,
        /// The instance
        id: String,
        /// Send it some again
        #[arg(long)]
        undo: bool,
    },
    /// Follow which instances come, go and can be picked
    Watch {
        /// The service; all of them if left out
        service: Option<String>,
        /// Go on after this event
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// First show what is there
        #[arg(long, conflicts_with = "after")]
        initial: bool,
    },
}

/// `holdfast service register`
#[derive(Clone, Debug, Args)]
pub(crate) struct RegisterArgs {
    /// Name of the service
    pub(crate) service: String,
    /// Id of the instance [default: a random one]
    pub(crate) id: Option<String>,
    /// Where it is reached
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) address: String,
    /// At which port
    #[arg(long, value_name = "PORT")]
    pub(crate) port: u16,
    /// Its share of the work, relative to the weights of the others
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) weight: u32,
    /// Where it is
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// A word to be found by; may be repeated
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Anything else to be found by; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse::pair)]
    pub(crate) meta: Vec<(String, String)>,
    /// Let the cluster check it by a GET of this path
    #[arg(long, value_name = "PATH", conflicts_with = "check_tcp")]
    pub(crate) check_http: Option<String>,
    /// Let the cluster check it by a connection
    #[arg(long)]
    pub(crate) check_tcp: bool,
    /// How often it is checked
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) interval: Duration,
    /// Silence of this machine after which the cluster may end the registration
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// When the session is lost: time between asking the command to end and killing it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) grace: Duration,
    /// Give standard input to the command (it must be a pipe or a file)
    #[arg(long)]
    pub(crate) pass_stdin: bool,
    /// The command; without one this program is an instance until it is interrupted
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// `holdfast service pick`
#[derive(Clone, Debug, Args)]
pub(crate) struct PickInstanceArgs {
    /// Name of the service
    pub(crate) service: String,
    /// How it is chosen
    #[arg(long, value_enum, default_value_t = How::RoundRobin)]
    pub(crate) strategy: How,
    /// For hash, maglev and sticky
    #[arg(long, value_name = "TEXT")]
    pub(crate) key: Option<String>,
    /// For sticky: the instance it was
    #[arg(long, value_name = "ID")]
    pub(crate) previous: Option<String>,
    /// For hash: how much of its share of the load an instance may have at most, 1.25 say
    #[arg(long, value_name = "NUMBER")]
    pub(crate) bounded: Option<String>,
    /// Count it as busy for this long, or until it is released
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) reserve: Option<Duration>,
    /// Count turns of round-robin in the cluster, not in the node that is asked
    #[arg(long)]
    pub(crate) global: bool,
    /// How many different ones; fewer where there are no more
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    pub(crate) number: u32,
    /// Only instances in this zone
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// Only instances with this tag; may be repeated
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Only instances with this in their meta; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse::pair)]
    pub(crate) meta: Vec<(String, String)>,
    /// Not this instance; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) exclude: Vec<String>,
    /// Say of each instance why it was chosen or not
    #[arg(long)]
    pub(crate) explain: bool,
}

/// How an instance is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    /// By chance and weight
    Random,
    /// In turn, by weight
    RoundRobin,
    /// The least busy
    LeastLoad,
    /// The less busy of two that are drawn
    P2c,
    /// The same for the same key
    Hash,
    /// The same for the same key, from a table
    Maglev,
    /// The one it was, while it can be picked
    Sticky,
}

impl From<How> for Strategy {
    fn from(how: How) -> Strategy {
        match how {
            How::Random => Strategy::Random,
            How::RoundRobin => Strategy::RoundRobin,
            How::LeastLoad => Strategy::LeastLoad,
            How::P2c => Strategy::P2c,
            How::Hash => Strategy::Hash,
            How::Maglev => Strategy::Maglev,
            How::Sticky => Strategy::Sticky,
        }
    }
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallResult {
    /// Well
    Ok,
    /// Not
    Failed,
}
