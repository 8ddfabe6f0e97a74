//! Plain operations on the tree. They check nothing a client could do wrong: that is done before.
//! What they keep true: counters of the parent, look-ups, deadlines, quotas, events (I-2, I-4, I-5,
//! I-12).

use std::sync::Arc;

use mutant::Mutant;

use crate::acl::AclEntry;
use crate::apply::Step;
use crate::data::Data;
use crate::event::EventKind;
use crate::ids::{LogTime, WallTime, ZnodePath};
use crate::limits;
use crate::path;
use crate::rare::Rare;
use crate::state::State;
use crate::znode::{Stat, Znode, ZnodeKind};

/// What a znode is made with.
pub(crate) struct NewZnode {
    /// Data; `None` is ZooKeeper's null.
    pub(crate) data: Option<Data>,
    /// Media type of the data.
    pub(crate) content_type: Option<Arc<str>>,
    /// Access list, fixed up.
    pub(crate) acl: Arc<[AclEntry]>,
    /// Kind.
    pub(crate) kind: ZnodeKind,
}

impl NewZnode {
    /// With empty data, as ZooKeeper's clients make what they need on the way. Not null: kazoo's `Semaphore`, for one,
    /// reads the number of leases there, and fails at null.
    pub(super) fn empty(acl: Arc<[AclEntry]>, kind: ZnodeKind) -> NewZnode {
        NewZnode {
            data: Some(Data::default()),
            content_type: None,
            acl,
            kind,
        }
    }

    /// Words for people, open to all: what a claim or the settings of a lock say of themselves.
    pub(super) fn text(text: String, kind: ZnodeKind) -> NewZnode {
        NewZnode::data(Data::from(text), "text/plain", kind)
    }

    /// Data of this media type, open to all.
    pub(super) fn data(data: Data, content_type: &str, kind: ZnodeKind) -> NewZnode {
        NewZnode {
            data: Some(data),
            content_type: Some(Arc::from(content_type)),
            acl: Arc::from([AclEntry::open()]),
            kind,
        }
    }
}

impl Step<'_> {
    /// Makes a znode and gives its stat. The parent must exist and not be ephemeral, the path must be free, an owner
    /// must be live.
    ///
    /// # Panics
    /// When one of these does not hold.
    pub(crate) fn insert_znode(&mut self, path: ZnodePath, new: NewZnode) -> Stat {
        let NewZnode {
            data,
            content_type,
            acl,
            kind,
        } = new;
        let now = self.now;
        let data = self.state.data_to_keep(&path, data);
        let acl = self.counted_in_parent(&path, acl);
        let reap_at = match kind {
            ZnodeKind::Persistent | ZnodeKind::Ephemeral(_) => None,
            ZnodeKind::Container => Some(now.log_time.after(limits::CONTAINER_NEVER_USED_MS)),
            ZnodeKind::Ttl(ttl_ms) => Some(now.log_time.after(ttl_ms)),
        };
        let mut znode = Znode {
            data,
            acl,
            czxid: now.zxid,
            mzxid: now.zxid,
            ctime: now.wall,
            mtime: now.wall,
            version: 0,
            rare: Rare::default(),
        };
        if kind != ZnodeKind::Persistent {
            (znode.rare.kind, znode.rare.reap_at) = (kind, reap_at);
        }
        if content_type.is_some() {
            znode.rare.content_type = content_type;
        }
        if mutant::is(Mutant::ApplyUsesLocalTime) {
            znode.ctime = WallTime(mutant::local_millis());
        }
        if let Some(owner) = znode.owner() {
            assert!(
                self.state.sessions.contains_key(&owner),
                "I-2: owner {owner} is not live"
            );
            self.state
                .index
                .ephemerals
                .entry(owner)
                .or_default()
                .insert(path.clone());
        }
        if let Some(entry) = znode.due(&path) {
            self.state.index.due.insert(entry);
        }
        self.state.index.data_bytes += znode.data_length();
        let stat = znode.stat();
        self.events.push(EventKind::NodeCreated {
            path: path.clone(),
            value: znode.data.clone(),
            content_type: znode.rare.content_type.clone(),
            stat,
            acl: Arc::clone(&znode.acl),
        });
        let data = znode.data.clone();
        let former = self.state.znodes.insert(path.clone(), znode);
        assert!(former.is_none(), "I-4: znode {former:?} was there already");
        self.note_made(&path, data.as_ref());
        self.note_barrier(&path, true);
        self.note_item(&path, true);
        stat
    }

    /// Counts the create of `path` in its parent. Gives the access list back, shared with the
    /// parent's where it is the same: most znodes of a tree have the same few lists.
    fn counted_in_parent(&mut self, path: &ZnodePath, acl: Arc<[AclEntry]>) -> Arc<[AclEntry]> {
        let zxid = self.now.zxid;
        let parent = path.parent().unwrap_or_else(ZnodePath::root);
        let shared = self.state.update_znode(&parent, |znode| {
            assert!(
                znode.owner().is_none(),
                "I-5: parent {parent} of {path} is ephemeral"
            );
            znode.set_pzxid(zxid);
            let rare = &mut *znode.rare;
            rare.creates = rare.creates.wrapping_add(1);
            rare.num_children = rare.num_children.saturating_add(1);
            if matches!(rare.kind, ZnodeKind::Container) {
                rare.reap_at = None;
            }
            if znode.acl == acl {
                Arc::clone(&znode.acl)
            } else {
                acl
            }
        });
        assert!(
            shared.is_some(),
            "I-4: parent {parent} of {path} is missing"
        );
        shared.unwrap_or_default()
    }

    /// Removes a znode and gives it back. It must exist and have no children.
    ///
    /// # Panics
    /// When it does not or has.
    pub(crate) fn remove_znode(&mut self, path: &ZnodePath) -> Option<Znode> {
        let removed = self.state.znodes.remove(path);
        assert!(removed.is_some(), "I-4: znode {path} is missing");
        let removed = removed?;
        let below = removed.num_children();
        assert!(
            below == 0,
            "I-4: znode {path} removed with {below} children"
        );
        let now = self.now;
        let parent = path.parent().unwrap_or_else(ZnodePath::root);
        let counted = self.state.update_znode(&parent, |znode| {
            znode.set_pzxid(now.zxid);
            let rare = &mut *znode.rare;
            rare.num_children = rare.num_children.saturating_sub(1);
            if rare.num_children == 0 && matches!(rare.kind, ZnodeKind::Container) {
                rare.reap_at = Some(now.log_time.after(limits::CONTAINER_REAP_AFTER_MS));
            }
        });
        assert!(
            counted.is_some(),
            "I-4: parent {parent} of {path} is missing"
        );
        self.state.unindex(path, &removed);
        self.note_removed(path, removed.data_length());
        self.note_barrier(path, false);
        self.note_item(path, false);
        self.events.push(EventKind::NodeDeleted {
            path: path.clone(),
            previous: removed.data.clone(),
            stat: removed.stat(),
            acl: Arc::clone(&removed.acl),
        });
        Some(removed)
    }

    /// Replaces the data of a znode that exists. A TTL begins anew.
    pub(crate) fn set_znode_data(
        &mut self,
        path: &ZnodePath,
        data: Option<Data>,
        content_type: Option<Arc<str>>,
    ) -> Stat {
        let now = self.now;
        let data = self.state.data_to_keep(path, data);
        let value = data.clone();
        let shown_type = content_type.clone();
        let changed = self.state.update_znode(path, |znode| {
            let previous = std::mem::replace(&mut znode.data, data);
            if content_type != znode.rare.content_type {
                znode.rare.content_type = content_type;
            }
            znode.mzxid = now.zxid;
            znode.mtime = now.wall;
            if path.as_str() != path::CONFIG {
                znode.version = next_version(znode.version);
            }
            if let ZnodeKind::Ttl(ttl_ms) = znode.kind() {
                znode.rare.reap_at = Some(now.log_time.after(ttl_ms));
            }
            (previous, znode.stat(), Arc::clone(&znode.acl))
        });
        assert!(changed.is_some(), "I-4: znode {path} is missing");
        let (previous, stat, acl) =
            changed.unwrap_or_else(|| (None, Stat::default(), Arc::default()));
        let former_length = previous.as_ref().map_or(0, |data| data.len() as u64);
        self.note_rewritten(path, former_length, value.as_ref());
        let content_type = shown_type;
        let path = path.clone();
        self.events.push(EventKind::NodeChanged {
            path,
            value,
            previous,
            content_type,
            stat,
            acl,
        });
        stat
    }

    /// Replaces the access list of a znode that exists.
    pub(crate) fn set_znode_acl(&mut self, path: &ZnodePath, acl: Arc<[AclEntry]>) -> Stat {
        let changed = self.state.update_znode(path, |znode| {
            znode.acl = acl;
            znode.rare.aversion = next_version(znode.rare.aversion);
            znode.stat()
        });
        assert!(changed.is_some(), "I-4: znode {path} is missing");
        let stat = changed.unwrap_or_default();
        self.events.push(EventKind::NodeAclChanged {
            path: path.clone(),
            stat,
        });
        stat
    }

    /// Makes a znode that exists persistent or a container. No event: nothing a client's stat
    /// shows has changed.
    pub(crate) fn set_znode_kind(&mut self, path: &ZnodePath, kind: ZnodeKind) {
        let now = self.now.log_time;
        let changed = self.state.update_znode(path, |znode| {
            let (was, will) = (znode.owner(), kind);
            assert!(was.is_none(), "I-2: znode {path} has the owner {was:?}");
            assert!(
                !matches!(will, ZnodeKind::Ephemeral(_)),
                "I-2: {path} cannot become {will:?}"
            );
            znode.rare.kind = kind;
            znode.rare.reap_at = reap_at_after_change(znode, now);
        });
        assert!(changed.is_some(), "I-4: znode {path} is missing");
    }

    /// Removes a container or TTL znode whose time has come, if that still holds: it exists, is
    /// empty, and its time is not later than now. Says whether it did. Asks no permission.
    pub(crate) fn reap_znode(&mut self, path: &ZnodePath) -> bool {
        let now = self.now.log_time;
        let due = self
            .state
            .znodes
            .get(path)
            .and_then(|znode| znode.due(path));
        if due.is_none_or(|(at, _)| at > now) {
            return false;
        }
        if let Some(removed) = self.remove_znode(path) {
            self.lock_znode_gone(path, &removed);
        }
        true
    }

    /// Tells the locks about the end of a znode that clients do not know as a claim.
    pub(crate) fn lock_znode_gone(&mut self, path: &ZnodePath, removed: &Znode) {
        if is_below_locks(path) {
            self.lock_znode_removed(path, removed);
        }
    }
}

impl State {
    /// Changes a znode in place and keeps what is derived from it. `None` when there is none.
    pub(super) fn update_znode<R>(
        &mut self,
        path: &ZnodePath,
        change: impl FnOnce(&mut Znode) -> R,
    ) -> Option<R> {
        let State { znodes, index, .. } = self;
        znodes.update(path, |znode| {
            let (due, length) = (znode.due(path), znode.data_length());
            let result = change(znode);
            let due_now = znode.due(path);
            if due != due_now {
                due.map(|entry| index.due.remove(&entry));
                due_now.map(|entry| index.due.insert(entry));
            }
            index.data_bytes = index.data_bytes.saturating_sub(length) + znode.data_length();
            result
        })
    }

    /// Drops what is derived from a znode that was removed.
    fn unindex(&mut self, path: &ZnodePath, removed: &Znode) {
        self.index.data_bytes = self.index.data_bytes.saturating_sub(removed.data_length());
        if let Some(entry) = removed.due(path) {
            self.index.due.remove(&entry);
        }
        let Some(owner) = removed.owner() else { return };
        if let Some(owned) = self.index.ephemerals.get_mut(&owner) {
            owned.remove(path);
            if owned.is_empty() {
                self.index.ephemerals.remove(&owner);
            }
        }
    }
}

/// Whether `path` lies below `/locks`.
pub(super) fn is_below_locks(path: &ZnodePath) -> bool {
    path.as_str()
        .strip_prefix(path::LOCKS)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn reap_at_after_change(znode: &Znode, now: LogTime) -> Option<LogTime> {
    match znode.kind() {
        ZnodeKind::Persistent | ZnodeKind::Ephemeral(_) => None,
        ZnodeKind::Container if znode.num_children() > 0 => None,
        ZnodeKind::Container => Some(now.after(limits::CONTAINER_REAP_AFTER_MS)),
        ZnodeKind::Ttl(ttl_ms) => Some(now.after(ttl_ms)),
    }
}

/// The version after `version`: wraps, and skips -1, which means "any" in requests (ZK-4743).
fn next_version(version: i32) -> i32 {
    match version.wrapping_add(1) {
        -1 => 0,
        next => next,
    }
}

#[cfg(test)]
pub(super) mod tests;
