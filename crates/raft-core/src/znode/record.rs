//! A znode as bytes.

use std::sync::Arc;

use mutant::Mutant;
use serde::{Deserialize, Serialize, Serializer};

use super::{RareFields, Znode, ZnodeKind};
use crate::acl::AclEntry;
use crate::data::Data;
use crate::ids::{LogTime, WallTime, Zxid};
use crate::rare::Rare;

/// A znode as a snapshot has it: with every field, and with the hash of its data, which was taken when that was
/// written and is compared when it is read.
#[derive(Serialize, Deserialize)]
pub(crate) struct ZnodeRecord {
    data: Option<Data>,
    data_hash: u64,
    content_type: Option<Arc<str>>,
    acl: Arc<[AclEntry]>,
    kind: ZnodeKind,
    czxid: Zxid,
    mzxid: Zxid,
    pzxid: Zxid,
    ctime: WallTime,
    mtime: WallTime,
    version: i32,
    aversion: i32,
    creates: i32,
    num_children: u32,
    reap_at: Option<LogTime>,
}

impl ZnodeRecord {
    fn of(znode: &Znode) -> ZnodeRecord {
        let RareFields {
            kind,
            content_type,
            children_changed: _,
            aversion,
            creates,
            num_children,
            reap_at,
        } = RareFields::clone(&znode.rare);
        ZnodeRecord {
            data: znode.data.clone(),
            data_hash: znode.data_hash(),
            content_type,
            acl: Arc::clone(&znode.acl),
            kind,
            czxid: znode.czxid,
            mzxid: znode.mzxid,
            pzxid: znode.pzxid(),
            ctime: znode.ctime,
            mtime: znode.mtime,
            version: znode.version,
            aversion,
            creates,
            num_children,
            reap_at,
        }
    }

    /// The znode, if its data is what was stored.
    pub(crate) fn into_znode(self) -> Option<Znode> {
        let mut znode = Znode {
            data: self.data,
            acl: self.acl,
            czxid: self.czxid,
            mzxid: self.mzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            rare: Rare::default(),
        };
        let rare = RareFields {
            kind: self.kind,
            content_type: self.content_type,
            children_changed: (self.pzxid != self.czxid).then_some(self.pzxid),
            aversion: self.aversion,
            creates: self.creates,
            num_children: self.num_children,
            reap_at: self.reap_at,
        };
        if rare != *znode.rare {
            *znode.rare = rare;
        }
        let is_intact = znode.data_hash() == self.data_hash;
        (is_intact || mutant::is(Mutant::ChecksumNotVerified)).then_some(znode)
    }
}

impl Serialize for Znode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ZnodeRecord::of(self).serialize(serializer)
    }
}
