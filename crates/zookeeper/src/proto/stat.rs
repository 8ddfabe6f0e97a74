//! What ZooKeeper tells about a znode besides its data.

use super::jute::record;

record! {
    /// `Stat`: 68 bytes.
    #[derive(Copy, Default)]
    pub struct Stat {
        /// Zxid of the transaction that created the znode.
        pub czxid: i64,
        /// Zxid of the last change of its data.
        pub mzxid: i64,
        /// When it was created, in milliseconds since 1970.
        pub ctime: i64,
        /// When its data last changed, in milliseconds since 1970.
        pub mtime: i64,
        /// Changes of its data.
        pub version: i32,
        /// Changes of its children.
        pub cversion: i32,
        /// Changes of its ACL.
        pub aversion: i32,
        /// Session that owns it; 0 when it is not ephemeral, containers included.
        pub ephemeral_owner: i64,
        /// Bytes of data; 0 for none.
        pub data_length: i32,
        /// Direct children.
        pub num_children: i32,
        /// Zxid of the last change of its children.
        pub pzxid: i64,
    }
}
