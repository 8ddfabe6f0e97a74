//! A znode as it is stored.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::acl::AclEntry;
use crate::ids::{LogTime, SessionId, WallTime, ZnodePath, Zxid};
use crate::state::Due;

/// What ends a znode besides a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZnodeKind {
    /// Nothing.
    Persistent,
    /// The end of this session.
    Ephemeral(SessionId),
    /// Being empty for some time.
    Container,
    /// Being empty and unwritten for so many milliseconds.
    Ttl(u64),
}

/// A znode. Its path is its key in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Znode {
    /// Data; `None` is ZooKeeper's null.
    pub data: Option<Bytes>,
    /// Hash of the data, so that the state's digest does not read it again at every change of
    /// the counters below.
    pub data_hash: u64,
    /// Media type, for the HTTP door.
    pub content_type: Option<Arc<str>>,
    /// Access list; shared, since most znodes have the same.
    pub acl: Arc<[AclEntry]>,
    /// Kind.
    pub kind: ZnodeKind,
    /// Position of its creation.
    pub czxid: Zxid,
    /// Position of the last change of its data.
    pub mzxid: Zxid,
    /// Position of the last change of its set of children.
    pub pzxid: Zxid,
    /// Time of creation.
    pub ctime: WallTime,
    /// Time of the last change of data.
    pub mtime: WallTime,
    /// Changes of data.
    pub version: i32,
    /// Changes of the access list.
    pub aversion: i32,
    /// Creates ever done below it; the next sequential suffix. Wraps as ZooKeeper's does.
    pub creates: i32,
    /// Children it has.
    pub num_children: u32,
    /// When it goes by itself, if it has no children then. For a TTL znode the last write plus its
    /// ttl; for an empty container some time after it was emptied or made; otherwise `None`.
    pub reap_at: Option<LogTime>,
}

/// ZooKeeper's `Stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Position of its creation.
    pub czxid: Zxid,
    /// Position of the last change of data.
    pub mzxid: Zxid,
    /// Position of the last change of its set of children.
    pub pzxid: Zxid,
    /// Time of creation.
    pub ctime: WallTime,
    /// Time of the last change of data.
    pub mtime: WallTime,
    /// Changes of data.
    pub version: i32,
    /// Changes of its set of children: 2 * creates - children.
    pub cversion: i32,
    /// Changes of the access list.
    pub aversion: i32,
    /// Session of an ephemeral; 0 for every other kind.
    pub ephemeral_owner: SessionId,
    /// Bytes of data.
    pub data_length: u32,
    /// Children.
    pub num_children: u32,
}

impl Znode {
    /// Its `Stat`.
    #[must_use]
    pub fn stat(&self) -> Stat {
        let children = i32::try_from(self.num_children).unwrap_or(i32::MAX);
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            pzxid: self.pzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            cversion: self.creates.wrapping_mul(2).wrapping_sub(children),
            aversion: self.aversion,
            ephemeral_owner: self.owner().unwrap_or_default(),
            data_length: u32::try_from(self.data_length()).unwrap_or(u32::MAX),
            num_children: self.num_children,
        }
    }

    /// The session that owns it, if it is an ephemeral.
    #[must_use]
    pub fn owner(&self) -> Option<SessionId> {
        match self.kind {
            ZnodeKind::Ephemeral(session) => Some(session),
            ZnodeKind::Persistent | ZnodeKind::Container | ZnodeKind::Ttl(_) => None,
        }
    }

    /// Bytes of data; 0 for null.
    #[must_use]
    pub fn data_length(&self) -> u64 {
        self.data.as_ref().map_or(0, |data| data.len() as u64)
    }

    /// Its entry in [`Index::due`](crate::state::Index): there is one while it is to go by itself
    /// and nothing is below it.
    pub(crate) fn due(&self, path: &ZnodePath) -> Option<(LogTime, Due)> {
        let at = self.reap_at.filter(|_| self.num_children == 0)?;
        match self.kind {
            ZnodeKind::Persistent | ZnodeKind::Ephemeral(_) => None,
            ZnodeKind::Container => Some((at, Due::Container(path.clone()))),
            ZnodeKind::Ttl(_) => Some((at, Due::ZnodeTtl(path.clone()))),
        }
    }
}
