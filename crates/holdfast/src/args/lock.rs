//! Flags of everything about locks.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use http_types::paths;
use http_types::v1::locks::{ClaimPart, LockKind, LockState};

use super::parse;

/// How a lock is wanted.
#[derive(Clone, Debug, Args)]
pub(crate) struct Wish {
    /// Together with other shared claims
    #[arg(short, long, conflicts_with_all = ["exclusive", "permits"])]
    pub(crate) shared: bool,
    /// Alone (the default)
    #[arg(short = 'x', long, conflicts_with = "permits")]
    pub(crate) exclusive: bool,
    /// So many permits of a semaphore
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) permits: Option<u32>,
    /// Permits in all; everybody who uses the semaphore must say the same
    #[arg(long, value_name = "N", requires = "permits",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// And this lock: all of them or none, in whatever order they are named. Alone, or `NAME:shared`, or
    /// `NAME:PERMITS` or `NAME:PERMITS/LIMIT` of a semaphore; may be given several times
    #[arg(long = "and", value_name = "LOCK", value_parser = parse::claim_part)]
    pub(crate) all_of: Vec<ClaimPart>,
    /// Take it now or not at all
    #[arg(short, long, conflicts_with = "wait")]
    pub(crate) nonblock: bool,
    /// Stand in the queue at most so long
    #[arg(short, long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) wait: Option<Duration>,
    /// Exit code when the lock is busy or the wait is over
    #[arg(short = 'E', long, value_name = "CODE", default_value_t = 75)]
    pub(crate) busy_exit: u8,
    /// Shown to those who wait
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Shown to those who wait; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse::pair)]
    pub(crate) annotate: Vec<(String, String)>,
}

/// `holdfast lock`
#[derive(Clone, Debug, Args)]
pub(crate) struct LockArgs {
    /// Name of the lock
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Silence of this machine after which the cluster may give the lock to the next
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "15s")]
    pub(crate) ttl: Duration,
    /// When the lock is lost, or asked for with --on-request=term: time between asking the command to end and
    /// killing it
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "5s")]
    pub(crate) grace: Duration,
    /// When somebody asks for the lock: `ignore` (it is only said); `term`: answer that --grace is needed, ask
    /// the command to end, kill it after --grace, and release; or a command for the shell, such as
    /// 'kill -USR1 $HOLDFAST_PID; echo 90s', whose output, if any, is the time to answer (it also finds
    /// HOLDFAST_ASKED_BY, HOLDFAST_ASKED_REASON and HOLDFAST_ASKED_WITHIN_MS)
    #[arg(long, value_name = "ignore|term|CMD", default_value = "ignore", value_parser = OnRequest::parse)]
    pub(crate) on_request: OnRequest,
    /// Give standard input to the command (it must be a pipe or a file)
    #[arg(long)]
    pub(crate) pass_stdin: bool,
    /// Give the command a signed token of its fence, for resources that verify it (HOLDFAST_FENCE_TOKEN)
    #[arg(long)]
    pub(crate) token: bool,
    /// How to show the wait
    #[arg(long, value_enum, default_value_t)]
    pub(crate) progress: ProgressKind,
    /// The command; without one the lock is held until this program is interrupted
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// What to do when somebody asks for the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OnRequest {
    /// Say so.
    Ignore,
    /// End the command and release.
    Term,
    /// Run this in a shell.
    Run(String),
}

impl OnRequest {
    fn parse(text: &str) -> Result<OnRequest, String> {
        match text {
            "ignore" => Ok(OnRequest::Ignore),
            "term" => Ok(OnRequest::Term),
            "" => Err("write ignore, term or a command".to_owned()),
            command => Ok(OnRequest::Run(command.to_owned())),
        }
    }
}

/// How a wait is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// A moving line on a terminal, plain lines elsewhere
    #[default]
    Auto,
    /// Plain lines
    Plain,
    /// Not at all
    None,
}

/// `holdfast acquire`
#[derive(Clone, Debug, Args)]
pub(crate) struct AcquireArgs {
    /// Name of the lock
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// How long the claim may hold before it must be extended [default: 60s, or as long as the
    /// session]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) ttl: Option<Duration>,
    /// The claim lives with this session, which somebody keeps alive
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Id of the claim, to be able to repeat this command
    #[arg(long, value_name = "ID")]
    pub(crate) claim: Option<String>,
}

/// A claim, by its address or by lock and id.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClaimTarget {
    /// Address of the claim as `acquire` prints it, or name of the lock
    #[arg(value_name = "CLAIM-URL|LOCK")]
    pub(crate) target: String,
    /// Id of the claim, after the name of the lock
    #[arg(value_name = "CLAIM")]
    pub(crate) claim: Option<String>,
    /// The session the claim lives with
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
}

impl ClaimTarget {
    /// Lock and claim.
    pub(crate) fn names(&self) -> Option<(String, String)> {
        match &self.claim {
            Some(claim) => Some((self.target.clone(), claim.clone())),
            None => paths::parse_claim(&self.target),
        }
    }
}

/// `holdfast extend`
#[derive(Clone, Debug, Args)]
pub(crate) struct ExtendArgs {
    #[command(flatten)]
    pub(crate) claim: ClaimTarget,
    /// New time to hold, from now
    #[arg(long, value_name = "TIME", value_parser = parse::duration, default_value = "60s")]
    pub(crate) ttl: Duration,
}

/// `holdfast locks …`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LocksCommand {
    /// List locks
    Ls {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// Only locks in this state
        #[arg(long, value_enum)]
        state: Option<StateArg>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show a lock and its settings
    Get {
        /// The lock
        name: String,
    },
    /// Show who has a lock and who waits for it, in order
    Queue {
        /// The lock
        name: String,
    },
    /// Say in sentences why a lock is as it is and what would free it
    Explain {
        /// The lock
        name: String,
    },
    /// Show who had a lock before, and how long holds and waits took
    History {
        /// The lock
        name: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// List the locks that were waited for longest, now and lately
    Hot {
        /// Names that begin with this
        #[arg(default_value = "")]
        prefix: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Say whether a fence still holds a lock (exit code 82 if not)
    Verify {
        /// The lock
        name: String,
        /// The fence
        fence: u64,
    },
    /// Print a signed token that shows the fence of a hold to resources outside
    Token {
        /// The lock
        name: String,
        /// Id of the claim
        claim: String,
    },
    /// Ask the holder of a lock to release it; nothing is taken away
    RequestRelease(AskArgs),
    /// Take a lock from its holder
    Break(BreakArgs),
    /// Set how a lock behaves
    Set(SetArgs),
    /// Follow what happens to a lock, or to all below a prefix
    Watch {
        /// The lock or prefix; all locks if left out
        name: Option<String>,
        /// Go on after this event
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// First show what is there
        #[arg(long, conflicts_with = "after")]
        initial: bool,
    },
}

/// `holdfast locks request-release`
#[derive(Clone, Debug, Args)]
pub(crate) struct AskArgs {
    /// The lock
    pub(crate) name: String,
    /// Why; the holder is told
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// By when it is wanted, from now; nothing happens then
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) deadline: Duration,
    /// Fence of the hold that is meant; needed where several hold
    #[arg(long)]
    pub(crate) fence: Option<u64>,
}

/// `holdfast locks break`
#[derive(Clone, Debug, Args)]
pub(crate) struct BreakArgs {
    /// The lock
    pub(crate) name: String,
    /// Fence of the hold to break, so that nobody else's is broken by mistake
    #[arg(long)]
    pub(crate) fence: u64,
    /// Why; the holder is told
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Say what would happen, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `holdfast locks set`
#[derive(Clone, Debug, Args)]
pub(crate) struct SetArgs {
    /// The lock
    pub(crate) name: String,
    /// What it accepts
    #[arg(long, value_enum, default_value_t)]
    pub(crate) kind: KindArg,
    /// Permits in all, for a semaphore
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
    /// After a holder was lost, grant to nobody for this long
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) lock_delay: Option<Duration>,
    /// Longest hold
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub(crate) max_hold: Option<Duration>,
    /// Longest queue
    #[arg(long, value_name = "N")]
    pub(crate) max_waiters: Option<u32>,
    /// Anything else; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse::pair)]
    pub(crate) label: Vec<(String, String)>,
    /// Only if the settings still have this version
    #[arg(long, value_name = "N")]
    pub(crate) if_version: Option<i32>,
}

/// [`LockKind`] on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// Exclusive claims only
    Mutex,
    /// Exclusive and shared claims
    #[default]
    Rw,
    /// Permits
    Semaphore,
}

impl From<KindArg> for LockKind {
    fn from(kind: KindArg) -> LockKind {
        match kind {
            KindArg::Mutex => LockKind::Mutex,
            KindArg::Rw => LockKind::Rw,
            KindArg::Semaphore => LockKind::Semaphore,
        }
    }
}

/// [`LockState`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateArg {
    /// Nobody has it
    Free,
    /// Somebody has it
    Held,
    /// Nobody has it, and a lock delay keeps it closed
    Delayed,
}

impl From<StateArg> for LockState {
    fn from(state: StateArg) -> LockState {
        match state {
            StateArg::Free => LockState::Free,
            StateArg::Held => LockState::Held,
            StateArg::Delayed => LockState::Delayed,
        }
    }
}
