//! Codes of operations (`ZooDefs.OpCode`).

macro_rules! op_codes {
    ($($(#[$about:meta])* $variant:ident = $code:literal $name:literal,)*) => {
        /// An operation of the protocol. Not all may be asked for by a client:
        /// [`request::decode`](crate::proto::request::decode) decides.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum OpCode { $($(#[$about])* $variant,)* }

        impl OpCode {
            /// Every operation.
            pub const ALL: &[OpCode] = &[$(OpCode::$variant,)*];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self { $(OpCode::$variant => $code,)* }
            }

            /// The operation a number on the wire stands for.
            #[must_use]
            pub const fn from_code(code: i32) -> Option<Self> {
                match code { $($code => Some(OpCode::$variant),)* _ => None }
            }

            /// ZooKeeper's name for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(OpCode::$variant => $name,)* }
            }
        }
    };
}

op_codes! {
    /// Sent by servers only.
    Notification = 0 "notification",
    /// Create a znode.
    Create = 1 "create",
    /// Delete a znode.
    Delete = 2 "delete",
    /// The stat of a znode, if it exists.
    Exists = 3 "exists",
    /// Data and stat of a znode.
    GetData = 4 "getData",
    /// Replace the data of a znode.
    SetData = 5 "setData",
    /// ACL and stat of a znode.
    GetAcl = 6 "getACL",
    /// Replace the ACL of a znode.
    SetAcl = 7 "setACL",
    /// Names of the children.
    GetChildren = 8 "getChildren",
    /// Catch up with the leader.
    Sync = 9 "sync",
    /// Sign of life.
    Ping = 11 "ping",
    /// Names of the children, and the stat of the parent.
    GetChildren2 = 12 "getChildren2",
    /// A condition on a version. In multi only.
    Check = 13 "check",
    /// Several writes, all or none.
    Multi = 14 "multi",
    /// Create a znode and return its stat.
    Create2 = 15 "create2",
    /// Change the membership of the cluster.
    Reconfig = 16 "reconfig",
    /// Whether this connection has a watch.
    CheckWatches = 17 "checkWatches",
    /// Remove a watch of this connection.
    RemoveWatches = 18 "removeWatches",
    /// Create a container.
    CreateContainer = 19 "createContainer",
    /// Remove a container. Between ZooKeeper's servers only.
    DeleteContainer = 20 "deleteContainer",
    /// Create a znode with a time to live.
    CreateTtl = 21 "createTTL",
    /// Several reads, each answered by itself.
    MultiRead = 22 "multiRead",
    /// Add an identity to the connection.
    Auth = 100 "auth",
    /// Register watches again after a reconnect.
    SetWatches = 101 "setWatches",
    /// One step of a SASL exchange.
    Sasl = 102 "sasl",
    /// The ephemeral znodes of this session.
    GetEphemerals = 103 "getEphemerals",
    /// Number of all descendants.
    GetAllChildrenNumber = 104 "getAllChildrenNumber",
    /// As `setWatches`, with persistent watches.
    SetWatches2 = 105 "setWatches2",
    /// Register a persistent watch.
    AddWatch = 106 "addWatch",
    /// The identities of this connection.
    WhoAmI = 107 "whoAmI",
    /// Open a session. Between ZooKeeper's servers only; clients send a connect request.
    CreateSession = -10 "createSession",
    /// Close the session.
    CloseSession = -11 "closeSession",
    /// A failed operation in ZooKeeper's log and in the results of a multi.
    Error = -1 "error",
}
