//! The fields of each request, in their order on the wire.

use bytes::Bytes;

use crate::proto::acl::Acl;
use crate::proto::create_mode::CreateMode;
use crate::proto::jute::record;
use crate::proto::watch::{AddWatchMode, WatcherType};

record! {
    /// `CreateRequest`: `create`, `create2` and `createContainer`.
    pub struct CreateRequest {
        /// Path; for a sequential znode the part before the number.
        pub path: String,
        /// Data. Null and empty are different.
        pub data: Option<Bytes>,
        /// Who may do what. Empty is not valid, but that is not for this crate to say.
        pub acl: Vec<Acl>,
        /// Kind of znode as it arrived.
        pub flags: i32,
    }
}

impl CreateRequest {
    /// The kind of znode; `None` when the flags mean nothing.
    #[must_use]
    pub fn mode(&self) -> Option<CreateMode> {
        CreateMode::from_flags(self.flags)
    }
}

record! {
    /// `CreateTTLRequest`: `createTTL`.
    pub struct CreateTtlRequest {
        /// Path; for a sequential znode the part before the number.
        pub path: String,
        /// Data. Null and empty are different.
        pub data: Option<Bytes>,
        /// Who may do what.
        pub acl: Vec<Acl>,
        /// Kind of znode as it arrived; one with a time to live from a sane client.
        pub flags: i32,
        /// Time to live, in milliseconds.
        pub ttl: i64,
    }
}

impl CreateTtlRequest {
    /// The kind of znode; `None` when the flags mean nothing.
    #[must_use]
    pub fn mode(&self) -> Option<CreateMode> {
        CreateMode::from_flags(self.flags)
    }
}

record! {
    /// `DeleteRequest`: `delete`.
    pub struct DeleteRequest {
        /// Path.
        pub path: String,
        /// Version expected, −1 for any.
        pub version: i32,
    }
}

record! {
    /// `CheckVersionRequest`: `check`.
    pub struct CheckVersionRequest {
        /// Path.
        pub path: String,
        /// Version expected, −1 for any.
        pub version: i32,
    }
}

record! {
    /// What `exists`, `getData`, `getChildren` and `getChildren2` ask (`ExistsRequest` and so on).
    pub struct ReadRequest {
        /// Path.
        pub path: String,
        /// Whether to leave a watch.
        pub watch: bool,
    }
}

record! {
    /// What `getACL`, `sync` and `getAllChildrenNumber` ask (`GetACLRequest` and so on).
    pub struct PathRequest {
        /// Path.
        pub path: String,
    }
}

record! {
    /// `SetDataRequest`: `setData`.
    pub struct SetDataRequest {
        /// Path.
        pub path: String,
        /// Data. Null and empty are different.
        pub data: Option<Bytes>,
        /// Version expected, −1 for any.
        pub version: i32,
    }
}

record! {
    /// `SetACLRequest`: `setACL`.
    pub struct SetAclRequest {
        /// Path.
        pub path: String,
        /// Who may do what.
        pub acl: Vec<Acl>,
        /// Version of the ACL (`aversion`) expected, −1 for any.
        pub version: i32,
    }
}

record! {
    /// `ReconfigRequest`: `reconfig`. Null and empty are different: with new members the change
    /// replaces the configuration, without it adds and removes.
    pub struct ReconfigRequest {
        /// Servers to add, separated by commas.
        pub joining_servers: Option<String>,
        /// Ids of servers to remove, separated by commas.
        pub leaving_servers: Option<String>,
        /// All servers of the new configuration, separated by commas or line ends.
        pub new_members: Option<String>,
        /// Version of the configuration expected, −1 for any.
        pub cur_config_id: i64,
    }
}

record! {
    /// `CheckWatchesRequest` and `RemoveWatchesRequest`.
    pub struct WatchesRequest {
        /// Path.
        pub path: String,
        /// Which watches (jute's `type`), as it arrived.
        pub watcher_type: i32,
    }
}

impl WatchesRequest {
    /// Which watches; `None` when the number means nothing. ZooKeeper then answers
    /// `MARSHALLINGERROR`, as for a body it cannot read.
    #[must_use]
    pub const fn kind(&self) -> Option<WatcherType> {
        WatcherType::from_code(self.watcher_type)
    }
}

record! {
    /// `AddWatchRequest`: `addWatch`.
    pub struct AddWatchRequest {
        /// Path.
        pub path: String,
        /// What to register, as it arrived.
        pub mode: i32,
    }
}

impl AddWatchRequest {
    /// What to register; `None` when the number means nothing. ZooKeeper then answers
    /// `MARSHALLINGERROR`, as for a body it cannot read.
    #[must_use]
    pub const fn kind(&self) -> Option<AddWatchMode> {
        AddWatchMode::from_code(self.mode)
    }
}

record! {
    /// `AuthPacket`: `auth`.
    pub struct AuthPacket {
        /// 0 (jute's `type`).
        pub auth_type: i32,
        /// Scheme.
        pub scheme: String,
        /// What the scheme wants to see; for `digest` the bytes of `user:password`.
        pub auth: Option<Bytes>,
    }
}

record! {
    /// `GetSASLRequest`: one step of the client.
    pub struct SaslRequest {
        /// Token of the mechanism.
        pub token: Option<Bytes>,
    }
}

record! {
    /// `SetWatches`: `setWatches`.
    pub struct SetWatches {
        /// Greatest zxid the client has seen: what changed since then fires at once.
        pub relative_zxid: i64,
        /// Paths with a data watch on an existing znode.
        pub data_watches: Vec<String>,
        /// Paths with a data watch on a missing znode.
        pub exist_watches: Vec<String>,
        /// Paths with a child watch.
        pub child_watches: Vec<String>,
    }
}

record! {
    /// `SetWatches2`: `setWatches2`.
    pub struct SetWatches2 {
        /// Greatest zxid the client has seen: what changed since then fires at once.
        pub relative_zxid: i64,
        /// Paths with a data watch on an existing znode.
        pub data_watches: Vec<String>,
        /// Paths with a data watch on a missing znode.
        pub exist_watches: Vec<String>,
        /// Paths with a child watch.
        pub child_watches: Vec<String>,
        /// Paths with a persistent watch.
        pub persistent_watches: Vec<String>,
        /// Paths with a persistent recursive watch.
        pub persistent_recursive_watches: Vec<String>,
    }
}

record! {
    /// `GetEphemeralsRequest`: `getEphemerals`.
    pub struct GetEphemeralsRequest {
        /// What the paths have to start with, as plain text. Empty, blank or `/` for all.
        pub prefix_path: String,
    }
}
