//! The table of settings.

/// What form a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text.
    Text,
    /// `host:port`.
    Address,
    /// A whole number.
    Number,
    /// A number of bytes: plain, or with `KiB`, `MiB`, `GiB`.
    Bytes,
    /// Like `500ms`, `10s`, `2m`.
    Duration,
    /// Present or not; `true` or `false` in the environment and the file.
    Flag,
    /// Texts separated by commas; an array in the file.
    List,
}

impl Form {
    /// For the reference.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Address => "host:port",
            Form::Number => "number",
            Form::Bytes => "bytes (`64MiB`)",
            Form::Duration => "time (`500ms`, `2m`)",
            Form::Flag => "`true` or `false`",
            Form::List => "list",
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Name of the flag and of the key in the file.
    pub(crate) key: &'static str,
    /// Form of its value.
    pub(crate) form: Form,
    /// Value when nobody says anything, for the table; `None`: see the description.
    pub(crate) default: Option<&'static str>,
    /// What it does, one or two sentences.
    pub(crate) help: &'static str,
}

impl Setting {
    /// Its environment variable: `HOLDFAST_` and the key in capitals.
    pub(crate) fn variable(&self) -> String {
        format!(
            "HOLDFAST_{}",
            self.key.to_ascii_uppercase().replace('-', "_")
        )
    }

    /// What stands for its value in help texts.
    pub(crate) fn placeholder(&self) -> &'static str {
        match self.form {
            Form::Text => "TEXT",
            Form::Address => "HOST:PORT",
            Form::Number => "N",
            Form::Bytes => "BYTES",
            Form::Duration => "TIME",
            Form::Flag => "BOOL",
            Form::List => "LIST",
        }
    }
}

/// The setting of this name.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn setting(
    key: &'static str,
    form: Form,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        form,
        default,
        help,
    }
}

/// Every setting of a node, in the order in which people meet them.
pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "node-id",
        Form::Number,
        None,
        "Number of this node in its cluster, from 1. Never used twice in one cluster: a node that \
         lost its disk comes back under a new number.",
    ),
    setting(
        "data-dir",
        Form::Text,
        None,
        "Directory of the log and the snapshots. Made when it does not exist; belongs to one node \
         of one cluster for ever.",
    ),
    setting(
        "peer-listen",
        Form::Address,
        Some("127.0.0.1:7500"),
        "Where to listen for the other nodes. Peers are not authenticated: keep this port inside \
         the cluster's own network.",
    ),
    setting(
        "peer-advertise",
        Form::Address,
        None,
        "What the other nodes connect to. Default: this node's entry in initial-cluster, or else \
         peer-listen.",
    ),
    setting(
        "api-listen",
        Form::Address,
        Some("127.0.0.1:7400"),
        "Where to listen for clients (HTTP). Clients are not authenticated yet: whoever reaches \
         this port may do everything.",
    ),
    setting(
        "api-advertise",
        Form::Text,
        None,
        "URL under which clients reach this node. Default: this node's entry in initial-cluster, \
         or else http:// and api-listen.",
    ),
    setting(
        "zookeeper-listen",
        Form::Address,
        None,
        "Where to listen for ZooKeeper clients. Not given: no such port. Clients are not \
         authenticated beyond access lists.",
    ),
    setting(
        "zookeeper-advertise",
        Form::Address,
        None,
        "Where ZooKeeper clients reach this node: published to all of them in /zookeeper/config, and \
         some connect to what they find there. Default: zookeeper-listen, or where that is every \
         interface, its port at the host of api-advertise.",
    ),
    setting(
        "zookeeper-session-min",
        Form::Duration,
        Some("4s"),
        "Shortest session timeout of ZooKeeper clients; a shorter wish is raised to it.",
    ),
    setting(
        "zookeeper-session-max",
        Form::Duration,
        Some("40s"),
        "Longest session timeout of ZooKeeper clients; a longer wish is lowered to it.",
    ),
    setting(
        "zookeeper-jute-maxbuffer",
        Form::Bytes,
        Some("1048575"),
        "Bytes of one request of a ZooKeeper client; a longer one closes its connection.",
    ),
    setting(
        "zookeeper-connections-per-address",
        Form::Number,
        Some("10000"),
        "ZooKeeper connections from one address; further ones are closed.",
    ),
    setting(
        "zookeeper-words",
        Form::List,
        Some(zookeeper::WORDS_DEFAULT),
        "Four-letter words that are answered; *: all.",
    ),
    setting(
        "zookeeper-super-digest",
        Form::Text,
        None,
        "Digest identity (super: and base64 of the SHA-1 of super:password) that passes every \
         access list.",
    ),
    setting(
        "zookeeper-reconfig",
        Form::Flag,
        Some("false"),
        "Whether ZooKeeper clients may change the members of the cluster. They need WRITE on \
         /zookeeper/config too, which only zookeeper-super-digest can give.",
    ),
    setting(
        "zookeeper-read-only",
        Form::Flag,
        Some("false"),
        "Whether this node, when it has lost its quorum, serves reads of what it has to ZooKeeper \
         clients that asked for it (canBeReadOnly).",
    ),
    setting(
        "initial-cluster",
        Form::List,
        None,
        "The founding nodes, the same list on each of them: ID=PEER@API, separated by commas, like \
         1=10.0.0.1:7500@http://10.0.0.1:7400.",
    ),
    setting(
        "cluster-token",
        Form::Text,
        Some("holdfast"),
        "Goes into the id of a new cluster together with initial-cluster. Give clusters that are \
         founded again and again under the same addresses different tokens.",
    ),
    setting(
        "bootstrap",
        Form::Flag,
        Some("false"),
        "Found the cluster of initial-cluster when the data directory is empty. Harmless on later \
         starts; wrong after this node lost its disk.",
    ),
    setting(
        "join",
        Form::List,
        None,
        "URLs of nodes of an existing cluster: when the data directory is empty, ask them to take \
         this node in as a learner.",
    ),
    setting(
        "cluster-id",
        Form::Text,
        None,
        "32 hexadecimal digits. Where given, the node refuses a data directory or peers of any \
         other cluster. A new cluster gets this id.",
    ),
    setting(
        "profile",
        Form::Text,
        Some("lan"),
        "Set of timings: lan for nodes in one place with local disks, wan for slow disks or links. \
         The same on every node.",
    ),
    setting(
        "heartbeat",
        Form::Duration,
        None,
        "A leader sends one to each follower per interval. Default: by profile (lan 50ms, wan \
         250ms).",
    ),
    setting(
        "election-min",
        Form::Duration,
        None,
        "Least random wait before a follower that misses its leader stands for election. Default: \
         by profile (lan 250ms, wan 1500ms).",
    ),
    setting(
        "election-max",
        Form::Duration,
        None,
        "Most of that wait, and the leader's lease. Default: by profile (lan 500ms, wan 3s).",
    ),
    setting(
        "connect-timeout",
        Form::Duration,
        None,
        "For a connection between nodes to be made. Default: by profile (lan 200ms, wan 1200ms).",
    ),
    setting(
        "peer-idle-timeout",
        Form::Duration,
        None,
        "A connection between nodes on which nothing arrives for so long is dropped. Default: by \
         profile (lan 1s, wan 5s).",
    ),
    setting(
        "append-timeout",
        Form::Duration,
        None,
        "For a follower to store what it was sent, disk included. Default: by profile (lan 10s, \
         wan 30s).",
    ),
    setting(
        "install-snapshot-timeout",
        Form::Duration,
        None,
        "For one whole snapshot to be sent and installed. Default: by profile (lan 10m, wan 30m).",
    ),
    setting(
        "snapshot-entries",
        Form::Number,
        Some("200000"),
        "A snapshot is taken after so many log entries.",
    ),
    setting(
        "snapshot-log-bytes",
        Form::Bytes,
        Some("128MiB"),
        "A snapshot is also taken after so many bytes of log entries, or as many as the last one \
         has, if that is more.",
    ),
    setting(
        "log-entries-kept",
        Form::Number,
        Some("500000"),
        "Log entries kept although a snapshot contains them: what a node that was away may have \
         missed without needing the snapshot.",
    ),
    setting(
        "threads",
        Form::Number,
        None,
        "Threads that serve; the log has one more, and so has what blocks. With one thread nothing has \
         to wake another: least time and CPU for a request. Default: half of the machine's cores, at \
         least 1, at most 8.",
    ),
    setting(
        "proposals-in-flight-max",
        Form::Number,
        Some("16384"),
        "Writes of this node's clients that may be waiting for their outcome; more are refused.",
    ),
    setting(
        "proposal-bytes-in-flight-max",
        Form::Bytes,
        Some("256MiB"),
        "Bytes of those writes.",
    ),
    setting(
        "event-commits-max",
        Form::Number,
        Some("100000"),
        "Writes whose events are kept for streams that resume.",
    ),
    setting(
        "event-bytes-max",
        Form::Bytes,
        Some("32MiB"),
        "Bytes of those events.",
    ),
    setting(
        "service-checks",
        Form::Text,
        Some("on"),
        "on or off: whether this node, while it leads, checks instances of services. Whoever may register one \
         makes it connect to an address and port of their choice. The same on all nodes.",
    ),
    setting(
        "fence-token-lifetime",
        Form::Duration,
        Some("1h"),
        "How long a signed fence token says that it is valid, 1s to 24h. It is no lease: what keeps a late \
         writer out is the fence in it.",
    ),
    setting(
        "fence-token-key-lifetime",
        Form::Duration,
        Some("30d"),
        "After so long, 6h to 366d, the node makes a new key pair to sign fence tokens with. The public half \
         of the old one is listed for another 25h.",
    ),
    setting(
        "stop-timeout",
        Form::Duration,
        Some("3s"),
        "How long a node that was asked to stop looks for another node to hand leadership to.",
    ),
    setting(
        "log-format",
        Form::Text,
        Some("text"),
        "text or json, one line per event, to stderr.",
    ),
    setting(
        "log-level",
        Form::Text,
        Some("info"),
        "error, warn, info, debug or trace; also per part of the program, like \
         info,membership=debug.",
    ),
];
