//! A znode as it is stored.

mod record;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::acl::AclEntry;
use crate::data::Data;
use crate::ids::{LogTime, SessionId, WallTime, ZnodePath, Zxid};
use crate::rare::{ConstDefault, Rare};
use crate::state::Due;

pub(crate) use self::record::ZnodeRecord;

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
///
/// There are millions of them, nearly all of them leaves with data: what such a one lacks is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    /// Data; `None` is ZooKeeper's null.
    pub data: Option<Data>,
    /// Access list; shared, since most znodes have the same.
    pub acl: Arc<[AclEntry]>,
    /// Position of its creation.
    pub czxid: Zxid,
    /// Position of the last change of its data.
    pub mzxid: Zxid,
    /// Time of creation.
    pub ctime: WallTime,
    /// Time of the last change of data.
    pub mtime: WallTime,
    /// Changes of data.
    pub version: i32,
    /// The rest.
    pub(crate) rare: Rare<RareFields>,
}

/// What a persistent leaf does not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RareFields {
    /// Kind.
    pub(crate) kind: ZnodeKind,
    /// Media type, for the HTTP door.
    pub(crate) content_type: Option<Arc<str>>,
    /// Position of the last change of its set of children, if there ever was one.
    pub(crate) children_changed: Option<Zxid>,
    /// Changes of the access list.
    pub(crate) aversion: i32,
    /// Creates ever done below it; the next sequential suffix. Wraps as ZooKeeper's does.
    pub(crate) creates: i32,
    /// Children it has.
    pub(crate) num_children: u32,
    /// When it goes by itself, if it has no children then. For a TTL znode the last write plus its
    /// ttl; for an empty container some time after it was emptied or made; otherwise `None`.
    pub(crate) reap_at: Option<LogTime>,
}

impl ConstDefault for RareFields {
    const DEFAULT: &'static RareFields = &RareFields {
        kind: ZnodeKind::Persistent,
        content_type: None,
        children_changed: None,
        aversion: 0,
        creates: 0,
        num_children: 0,
        reap_at: None,
    };
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
        let rare = &*self.rare;
        let children = i32::try_from(rare.num_children).unwrap_or(i32::MAX);
        Stat {
            czxid: self.czxid,
            mzxid: self.mzxid,
            pzxid: self.pzxid(),
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            cversion: rare.creates.wrapping_mul(2).wrapping_sub(children),
            aversion: rare.aversion,
            ephemeral_owner: self.owner().unwrap_or_default(),
            data_length: u32::try_from(self.data_length()).unwrap_or(u32::MAX),
            num_children: rare.num_children,
        }
    }

    /// Kind.
    #[must_use]
    pub fn kind(&self) -> ZnodeKind {
        self.rare.kind
    }

    /// Media type of the data, for the HTTP door.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.rare.content_type.as_deref()
    }

    /// Position of the last change of its set of children; that of its creation, if there was none.
    #[must_use]
    pub fn pzxid(&self) -> Zxid {
        self.rare.children_changed.unwrap_or(self.czxid)
    }

    /// Its set of children has changed.
    pub(crate) fn set_pzxid(&mut self, zxid: Zxid) {
        self.rare.children_changed = (zxid != self.czxid).then_some(zxid);
    }

    /// Children it has.
    #[must_use]
    pub fn num_children(&self) -> u32 {
        self.rare.num_children
    }

    /// The session that owns it, if it is an ephemeral.
    #[must_use]
    pub fn owner(&self) -> Option<SessionId> {
        match self.kind() {
            ZnodeKind::Ephemeral(session) => Some(session),
            ZnodeKind::Persistent | ZnodeKind::Container | ZnodeKind::Ttl(_) => None,
        }
    }

    /// Hash of the data, 0 for null.
    pub(crate) fn data_hash(&self) -> u64 {
        self.data.as_ref().map_or(0, Data::hash)
    }

    /// Bytes of data; 0 for null.
    #[must_use]
    pub fn data_length(&self) -> u64 {
        self.data.as_ref().map_or(0, |data| data.len() as u64)
    }

    /// Its entry in [`Index::due`](crate::state::Index): there is one while it is to go by itself
    /// and nothing is below it.
    pub(crate) fn due(&self, path: &ZnodePath) -> Option<(LogTime, Due)> {
        let at = self.rare.reap_at.filter(|_| self.num_children() == 0)?;
        match self.kind() {
            ZnodeKind::Persistent | ZnodeKind::Ephemeral(_) => None,
            ZnodeKind::Container => Some((at, Due::Container(path.clone()))),
            ZnodeKind::Ttl(_) => Some((at, Due::ZnodeTtl(path.clone()))),
        }
    }
}
