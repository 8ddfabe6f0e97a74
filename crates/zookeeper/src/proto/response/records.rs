//! The bodies of replies that have more than one field.

use bytes::Bytes;

use crate::proto::acl::Acl;
use crate::proto::jute::record;
use crate::proto::stat::Stat;

record! {
    /// `Create2Response`: of `create2`, `createContainer` and `createTTL`.
    pub struct Create2Response {
        /// Path of the new znode, with its number if sequential.
        pub path: String,
        /// Its stat.
        pub stat: Stat,
    }
}

record! {
    /// `GetDataResponse`: of `getData`; of `reconfig` for the znode of the configuration.
    pub struct GetDataResponse {
        /// Data. Null and empty are different.
        pub data: Option<Bytes>,
        /// Stat.
        pub stat: Stat,
    }
}

record! {
    /// `GetACLResponse`: of `getACL`.
    pub struct GetAclResponse {
        /// Who may do what.
        pub acl: Vec<Acl>,
        /// Stat.
        pub stat: Stat,
    }
}

record! {
    /// `GetChildren2Response`: of `getChildren2`.
    pub struct GetChildren2Response {
        /// Names of the children, in no order.
        pub children: Vec<String>,
        /// Stat of the parent.
        pub stat: Stat,
    }
}

record! {
    /// `ClientInfo`: an identity in the answer to `whoAmI`.
    pub struct ClientInfo {
        /// Scheme.
        pub auth_scheme: String,
        /// The identity as far as it may be shown.
        pub user: String,
    }
}
