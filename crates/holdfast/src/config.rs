//! What a node is told at its start, and by whom.
//!
//! Every setting has one name and four sources: a flag, an environment variable, a line of the
//! configuration file, a default, in that order of precedence. The names are the table in
//! [`setting`]; flags, variables, file keys, `holdfast config print` and
//! `docs/reference/config.md` are all made from it, so they cannot drift apart.
//!
//! Nothing else in this program reads the environment or a configuration file of the server.

pub(crate) mod cluster;
pub(crate) mod setting;
pub(crate) mod show;
pub(crate) mod source;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use membership::{Profile, RaftSettings, Timing};
use node::NodeSettings;
use raft_core::limits;
use raft_types::{ClusterId, NodeId};
use zookeeper::DoorSettings;

use self::cluster::InitialCluster;
use self::source::Values;
use crate::telemetry::LogSettings;

/// Most threads that serve, unless more are asked for: what is to be done in order is done by one at a time.
const THREADS_DEFAULT_MAX: usize = 8;

/// Everything a node needs to know at its start.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) node_id: NodeId,
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: Listen,
    /// Compared with the data directory and the peers where it is given.
    pub(crate) cluster_id: Option<ClusterId>,
    /// Goes into the id of a cluster founded by this node.
    pub(crate) token: String,
    pub(crate) start: Start,
    pub(crate) timing: Timing,
    pub(crate) raft: RaftSettings,
    pub(crate) node: NodeSettings,
    pub(crate) zookeeper: Option<ZooKeeperDoor>,
    pub(crate) log: LogSettings,
    /// How long a stopping node looks for another to hand leadership to.
    pub(crate) stop_timeout: Duration,
    /// Threads that serve.
    pub(crate) threads: usize,
    pub(crate) fence_tokens: FenceTokens,
}

/// How fence tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FenceTokens {
    /// How long one is valid.
    pub(crate) lifetime: Duration,
    /// How long this node signs with one key.
    pub(crate) key_lifetime: Duration,
}

/// Where the node listens, and what others are told to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) peer: String,
    pub(crate) peer_advertise: String,
    pub(crate) api: String,
    pub(crate) api_advertise: String,
}

/// The port for ZooKeeper clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZooKeeperDoor {
    pub(crate) listen: String,
    /// What clients are told to connect to.
    pub(crate) advertise: String,
    pub(crate) settings: DoorSettings,
}

/// What a node with an empty data directory does. A directory in use is always resumed, whatever
/// is said here: a restart must not need another command line than the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Found the cluster, together with every other node of the list.
    Found(InitialCluster),
    /// Ask a node of an existing cluster to be taken in.
    Join(Vec<String>),
    /// Refuse: nobody said what the node should be part of.
    Resume,
}

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {path} cannot be read: {cause}")]
    Unreadable { path: String, cause: String },
    /// The file is not what it should be.
    #[error("configuration file {path}: {cause}")]
    BadFile { path: String, cause: String },
    /// A key nobody knows: a typing error must not be taken for a default.
    #[error("{origin} has no meaning: there is no setting {key:?}{hint}")]
    Unknown {
        origin: String,
        key: String,
        hint: String,
    },
    /// A value of the wrong form.
    #[error("{key} = {value:?} (from {origin}): {cause}")]
    BadValue {
        key: &'static str,
        value: String,
        origin: String,
        cause: String,
    },
    /// A value that must be given.
    #[error(
        "{key} is not set: {why}; give --{key}, or {variable}, or a line in the configuration file"
    )]
    Missing {
        key: &'static str,
        variable: String,
        why: &'static str,
    },
    /// Values that do not fit together.
    #[error("{0}")]
    Contradiction(String),
}

impl Config {
    /// Reads a configuration out of the values given.
    ///
    /// # Errors
    /// The first value that is missing, malformed or at odds with another.
    pub(crate) fn from_values(values: &Values) -> Result<Config, ConfigError> {
        let node_id =
            values.number("node-id", "every node of a cluster has a number of its own")?;
        if node_id == 0 {
            return Err(values.bad("node-id", "node ids start at 1"));
        }
        let initial = values.initial_cluster()?;
        let listen = listen(values, node_id, initial.as_ref())?;
        let timing = timing(values)?;
        let raft = raft(values, initial.as_ref())?;
        Ok(Config {
            node_id,
            data_dir: PathBuf::from(
                values.text("data-dir", "the log of the cluster must have a place")?,
            ),
            cluster_id: values.cluster_id()?,
            token: values.given("cluster-token").unwrap_or_default().to_owned(),
            start: start(values, node_id, &listen, initial)?,
            zookeeper: zookeeper(values, &listen)?,
            listen,
            timing,
            raft,
            node: runtime(values)?,
            log: values.log()?,
            stop_timeout: values.duration("stop-timeout")?,
            threads: threads(values)?,
            fence_tokens: fence_tokens(values)?,
        })
    }
}

/// Threads that serve, if nobody says: the other half of the cores is for the threads of the log, the system, and
/// clients on the same machine.
fn threads(values: &Values) -> Result<usize, ConfigError> {
    if values.given("threads").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        return Ok((cores / 2).clamp(1, THREADS_DEFAULT_MAX));
    }
    match values.size("threads")? {
        0 => Err(values.bad("threads", "at least 1 is needed")),
        threads => Ok(threads),
    }
}

/// The limits are those of the replicated state, which keeps public keys for as long as the longest token may live.
fn fence_tokens(values: &Values) -> Result<FenceTokens, ConfigError> {
    let within = |key, range: RangeInclusive<u64>, in_words| {
        let value = values.duration(key)?;
        match u64::try_from(value.as_millis()) {
            Ok(ms) if range.contains(&ms) => Ok(value),
            Ok(_) | Err(_) => Err(values.bad(key, format!("it must be {in_words}"))),
        }
    };
    let key_lifetimes = limits::SIGNING_KEY_LIFETIME_MS_MIN..=limits::SIGNING_KEY_LIFETIME_MS_MAX;
    Ok(FenceTokens {
        lifetime: within(
            "fence-token-lifetime",
            1_000..=limits::FENCE_TOKEN_MS_MAX,
            "1s to 24h",
        )?,
        key_lifetime: within("fence-token-key-lifetime", key_lifetimes, "6h to 366d")?,
    })
}

fn zookeeper(values: &Values, own: &Listen) -> Result<Option<ZooKeeperDoor>, ConfigError> {
    let Some(listen) = values.given_address("zookeeper-listen")? else {
        return Ok(None);
    };
    let (least, most) = (
        values.duration("zookeeper-session-min")?,
        values.duration("zookeeper-session-max")?,
    );
    if least > most {
        return Err(values.bad(
            "zookeeper-session-min",
            "it is longer than zookeeper-session-max",
        ));
    }
    let settings = DoorSettings {
        session_timeout_min: least,
        session_timeout_max: most,
        frame_bytes_max: values.size("zookeeper-jute-maxbuffer")?,
        connections_per_address_max: values.size("zookeeper-connections-per-address")?,
        words: values.list("zookeeper-words").into_iter().collect(),
        super_digest: values.given("zookeeper-super-digest").map(str::to_owned),
        reconfig: values.flag("zookeeper-reconfig")?,
        read_only: values.flag("zookeeper-read-only")?,
        ..DoorSettings::default()
    };
    let advertise = advertised_to_zookeeper(values, &listen, own)?;
    Ok(Some(ZooKeeperDoor {
        listen,
        advertise,
        settings,
    }))
}

/// What goes into `/zookeeper/config`: an address that clients can connect to.
fn advertised_to_zookeeper(
    values: &Values,
    listen: &str,
    own: &Listen,
) -> Result<String, ConfigError> {
    match values.given_address("zookeeper-advertise")? {
        Some(given) if is_every_interface(&given) => Err(values.bad(
            "zookeeper-advertise",
            "that is every interface and no address clients could connect to",
        )),
        Some(given) => Ok(given),
        None if is_every_interface(listen) => {
            let port = listen.rsplit_once(':').map_or(listen, |(_, port)| port);
            let (_, authority) = own.api_advertise.split_once("://").unwrap_or_default();
            let authority = authority.split('/').next().unwrap_or_default();
            let host = match authority.rsplit_once(':') {
                Some((host, port)) if port.parse::<u16>().is_ok() => host,
                Some(_) | None => authority,
            };
            Ok(format!("{host}:{port}"))
        }
        None => Ok(listen.to_owned()),
    }
}

fn listen(
    values: &Values,
    node_id: NodeId,
    initial: Option<&InitialCluster>,
) -> Result<Listen, ConfigError> {
    let own = initial.and_then(|list| list.member(node_id));
    let peer = values.address("peer-listen")?;
    let api = values.address("api-listen")?;
    let peer_advertise = match (values.given_address("peer-advertise")?, own) {
        (Some(given), _) => given,
        (None, Some(member)) => member.peer.clone(),
        (None, None) => reachable(values, "peer-listen", "peer-advertise", &peer)?,
    };
    let api_advertise = match (values.given("api-advertise"), own) {
        (Some(given), _) => given.trim_end_matches('/').to_owned(),
        (None, Some(member)) => member.api.clone(),
        (None, None) => {
            format!(
                "http://{}",
                reachable(values, "api-listen", "api-advertise", &api)?
            )
        }
    };
    if !api_advertise.starts_with("http://") && !api_advertise.starts_with("https://") {
        return Err(values.bad(
            "api-advertise",
            "a URL is expected, like http://10.0.0.4:7400",
        ));
    }
    Ok(Listen {
        peer,
        peer_advertise,
        api,
        api_advertise,
    })
}

/// An address to listen on is also one to connect to, unless it means "every interface".
fn reachable(
    values: &Values,
    listen: &'static str,
    advertise: &'static str,
    address: &str,
) -> Result<String, ConfigError> {
    if is_every_interface(address) {
        return Err(ConfigError::Contradiction(format!(
            "{listen} = {address:?} (from {}) listens on every interface, which is no address \
             others could connect to; set {advertise}",
            values.origin(listen)
        )));
    }
    Ok(address.to_owned())
}

fn is_every_interface(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    matches!(host, "0.0.0.0" | "[::]" | "" | "*")
}

fn start(
    values: &Values,
    node_id: NodeId,
    listen: &Listen,
    initial: Option<InitialCluster>,
) -> Result<Start, ConfigError> {
    let join = values.list("join");
    match (values.flag("bootstrap")?, initial, join.is_empty()) {
        (true, _, false) => Err(ConfigError::Contradiction(
            "bootstrap founds a new cluster and join enters an existing one; give one of them"
                .to_owned(),
        )),
        (true, None, true) => Err(ConfigError::Contradiction(
            "bootstrap needs initial-cluster: the same list of all founding nodes on each of them, \
             like 1=10.0.0.1:7500@http://10.0.0.1:7400,2=…"
                .to_owned(),
        )),
        (true, Some(list), true) => {
            let Some(member) = list.member(node_id) else {
                return Err(ConfigError::Contradiction(format!(
                    "initial-cluster does not name node {node_id}, which is this node"
                )));
            };
            if member.peer != listen.peer_advertise || member.api != listen.api_advertise {
                return Err(ConfigError::Contradiction(format!(
                    "initial-cluster says node {node_id} is reached at {} and {}, but it advertises \
                     {} and {}",
                    member.peer, member.api, listen.peer_advertise, listen.api_advertise
                )));
            }
            Ok(Start::Found(list))
        }
        (false, _, false) => Ok(Start::Join(join)),
        (false, _, true) => Ok(Start::Resume),
    }
}

fn timing(values: &Values) -> Result<Timing, ConfigError> {
    let profile: Profile = values.parsed("profile")?;
    let base = profile.timing();
    let or = |key, base| Ok(values.given_duration(key)?.unwrap_or(base));
    let timing = Timing {
        heartbeat: or("heartbeat", base.heartbeat)?,
        election_min: or("election-min", base.election_min)?,
        election_max: or("election-max", base.election_max)?,
        connect_timeout: or("connect-timeout", base.connect_timeout)?,
        peer_idle_timeout: or("peer-idle-timeout", base.peer_idle_timeout)?,
        append_timeout: or("append-timeout", base.append_timeout)?,
        install_snapshot_timeout: or("install-snapshot-timeout", base.install_snapshot_timeout)?,
    };
    timing
        .check()
        .map_err(|error| ConfigError::Contradiction(error.to_string()))?;
    Ok(timing)
}

fn raft(values: &Values, initial: Option<&InitialCluster>) -> Result<RaftSettings, ConfigError> {
    let defaults = RaftSettings::default();
    let settings = RaftSettings {
        snapshot_entries: values.whole("snapshot-entries")?,
        entries_kept: values.whole("log-entries-kept")?,
        expected_voters: initial.map_or(defaults.expected_voters, InitialCluster::len),
        ..defaults
    };
    if settings.snapshot_entries == 0 {
        return Err(values.bad("snapshot-entries", "at least 1 is needed"));
    }
    Ok(settings)
}

fn runtime(values: &Values) -> Result<NodeSettings, ConfigError> {
    Ok(NodeSettings {
        proposals_in_flight_max: values.size("proposals-in-flight-max")?,
        proposal_bytes_in_flight_max: values.size("proposal-bytes-in-flight-max")?,
        event_commits_max: values.size("event-commits-max")?,
        event_bytes_max: values.size("event-bytes-max")?,
        snapshot_log_bytes: values.whole("snapshot-log-bytes")?,
        service_checks: values.switch("service-checks")?,
        ..NodeSettings::default()
    })
}

#[cfg(test)]
mod tests;
