//! One operation on the tree, with ZooKeeper's order of checks (spec 2.2): which of several
//! refusals a client sees is part of the protocol, so each function reads from top to bottom in
//! that order. Our own limits stand where the quotas do: last, but before the version.

use std::sync::Arc;

use bytes::Bytes;
use mutant::Mutant;

use crate::acl::{self, AclEntry, Perms};
use crate::apply::Step;
use crate::apply::tree::{NewZnode, is_below_locks};
use crate::command::{Create, CreateKind, Expect, SetData, ZnodeOp};
use crate::data::Data;
use crate::election::CandidateEnd;
use crate::ids::ZnodePath;
use crate::limits;
use crate::outcome::{Refusal, ZnodeReply};
use crate::path::{self, InvalidPath};
use crate::query::znode::Existing;
use crate::recipe;
use crate::znode::{Znode, ZnodeKind};

impl Step<'_> {
    /// Does one operation. Refuses before it changes anything.
    pub(super) fn znode_op(&mut self, op: &ZnodeOp) -> Result<ZnodeReply, Refusal> {
        match op {
            ZnodeOp::Create(create) => self.create(create),
            ZnodeOp::Delete { path, expect } => self.delete(path, *expect),
            ZnodeOp::SetData(set) => self.set_data(set),
            ZnodeOp::Put { set, kind, parents } => self.put(set, *kind, *parents),
            ZnodeOp::SetAcl { path, acl, expect } => self.set_acl(path, acl, *expect),
            ZnodeOp::Check { path, expect } => self.check(path, *expect),
        }
    }

    /// A parent whose path is not valid cannot exist; it is refused as `InvalidPath` at the place
    /// of the parent's `NoNode`, so that a person learns what is wrong. The ZooKeeper door, where
    /// the code must be NONODE, recognises it by the parent's part of the path.
    fn create(&mut self, create: &Create) -> Result<ZnodeReply, Refusal> {
        let kind = self.kind_to_make(create.kind)?;
        let parent = parent_text(&create.path)?;
        let acl = acl::fix_up(&create.path, &create.acl, self.identities)?;
        let parent = ZnodePath::parse(parent)?;
        let (base, missing) = self.ancestor(&parent, create.parents)?;
        base.require(self.identities, Perms::CREATE)?;
        let path = self.path_to_make(create, &parent)?;
        if let Some(existing) = self.state.znode(&path) {
            return Err(Refusal::NodeExists {
                path,
                version: existing.version,
            });
        }
        self.check_room(base, missing.len().saturating_add(1))?;
        check_data(create.data.as_ref(), create.content_type.as_deref())?;
        let length = create.data.as_ref().map_or(0, |data| data.len() as u64);
        let made = || {
            missing
                .iter()
                .map(|path| (path, 0))
                .chain([(&path, length)])
        };
        self.check_quotas(made())?;
        self.check_new_quotas(made().map(|(path, _)| path))?;
        let is_claim_like = self.check_ephemeral(&path, kind, create.sequential)?;

        for parent in missing.into_iter().rev() {
            let new = NewZnode::empty(Arc::clone(&acl), ZnodeKind::Persistent);
            self.insert_znode(parent, new);
        }
        let data = create.data.as_ref().map(Data::from);
        let content_type = create.content_type.clone();
        let stat = self.insert_znode(
            path.clone(),
            NewZnode {
                data,
                content_type,
                acl,
                kind,
            },
        );
        if is_claim_like {
            self.claim_znode_created(&path);
        }
        Ok(ZnodeReply::Created { path, stat })
    }

    fn kind_to_make(&self, kind: CreateKind) -> Result<ZnodeKind, Refusal> {
        match kind {
            CreateKind::Persistent => Ok(ZnodeKind::Persistent),
            CreateKind::Container => Ok(ZnodeKind::Container),
            CreateKind::Ttl { ttl_ms } if (1..=limits::ZNODE_TTL_MS_MAX).contains(&ttl_ms) => {
                Ok(ZnodeKind::Ttl(ttl_ms))
            }
            CreateKind::Ttl { ttl_ms } => Err(Refusal::BadArguments(format!(
                "the ttl of a znode is 1 to {} milliseconds, not {ttl_ms}",
                limits::ZNODE_TTL_MS_MAX
            ))),
            CreateKind::Ephemeral => match self.session {
                Some(session) => Ok(ZnodeKind::Ephemeral(session)),
                None => Err(Refusal::SessionRequired {
                    what: "creating an ephemeral znode".to_owned(),
                }),
            },
        }
    }

    /// The deepest ancestor that exists, and the ones below it that a create has to make, deepest first.
    pub(super) fn ancestor(
        &self,
        parent: &ZnodePath,
        make: bool,
    ) -> Result<(Existing<'_>, Vec<ZnodePath>), Refusal> {
        let found = self.state.existing_at(parent);
        if found.is_ok() || !make {
            return Ok((found?, Vec::new()));
        }
        let missing = self.missing_from(parent)?;
        let base = missing.last().and_then(ZnodePath::parent);
        let base = base.unwrap_or_else(ZnodePath::root);
        Ok((self.state.existing_at(&base)?, missing))
    }

    /// The whole path, with the suffix a sequential create gets: `%010d` of the parent's counter.
    fn path_to_make(&self, create: &Create, parent: &ZnodePath) -> Result<ZnodePath, InvalidPath> {
        if !create.sequential {
            return ZnodePath::parse(&create.path);
        }
        ZnodePath::parse(&format!(
            "{}{:010}",
            create.path,
            self.next_sequence(parent)
        ))
    }

    /// Whether this create makes what the locks look at; with the bounds of ephemerals.
    fn check_ephemeral(
        &self,
        path: &ZnodePath,
        kind: ZnodeKind,
        sequential: bool,
    ) -> Result<bool, Refusal> {
        let ZnodeKind::Ephemeral(owner) = kind else {
            return Ok(false);
        };
        self.check_ephemerals(owner)?;
        let is_claim_like = is_below_locks(path)
            && (sequential
                || recipe::is_lease_without_suffix(path.name())
                || self.state.goes_on_reading(path, owner));
        if is_claim_like {
            self.claim_znode_allowed(path, owner)?;
        }
        Ok(is_claim_like)
    }

    fn delete(&mut self, text: &str, expect: Expect) -> Result<ZnodeReply, Refusal> {
        let parent = parent_text(text)?;
        check_deletable(text)?;
        let parent = ZnodePath::parse(parent)?;
        let parent_acl = &self.state.existing(&parent)?.acl;
        acl::require(&parent, parent_acl, self.identities, Perms::DELETE)?;
        let path = ZnodePath::parse(text)?;
        let znode = self.state.existing(&path)?;
        check_version(&path, expect, znode.version)?;
        if znode.num_children() > 0 {
            return Err(Refusal::NotEmpty {
                count: znode.num_children(),
                path,
            });
        }
        if let Some(removed) = self.remove_znode(&path) {
            self.tell_of_removed(&path, &removed);
        }
        Ok(ZnodeReply::Deleted)
    }

    /// Tells locks and elections that a client removed a znode.
    pub(super) fn tell_of_removed(&mut self, path: &ZnodePath, removed: &Znode) {
        if removed.owner().is_none() {
            self.lock_znode_gone(path, removed);
        } else if is_below_locks(path) {
            self.claim_znode_removed(path, removed);
        } else {
            self.candidate_znode_removed(path, CandidateEnd::ZnodeDeleted);
        }
    }

    fn set_data(&mut self, set: &SetData) -> Result<ZnodeReply, Refusal> {
        let path = ZnodePath::parse(&set.path)?;
        let znode = self.permitted(&path, Perms::WRITE)?;
        if path.as_str() == path::CONFIG {
            return Err(Refusal::BadArguments(format!(
                "znode {path} shows the members of the cluster and is written by changing them"
            )));
        }
        check_data(set.data.as_ref(), set.content_type.as_deref())?;
        let length = set.data.as_ref().map_or(0, |data| data.len() as u64);
        self.check_quota_of_data(&path, length)?;
        check_version(&path, set.expect, znode.version)?;
        let stat = self.set_znode_data(
            &path,
            set.data.as_ref().map(Data::from),
            set.content_type.clone(),
        );
        Ok(ZnodeReply::DataSet { stat })
    }

    fn put(
        &mut self,
        set: &SetData,
        kind: CreateKind,
        parents: bool,
    ) -> Result<ZnodeReply, Refusal> {
        self.kind_to_make(kind)?;
        let path = ZnodePath::parse(&set.path)?;
        if self.state.znodes.contains_key(&path) || set.expect != Expect::Any {
            return self.set_data(set);
        }
        self.create(&Create {
            path: set.path.clone(),
            data: set.data.clone(),
            content_type: set.content_type.clone(),
            acl: vec![AclEntry::open()],
            kind,
            sequential: false,
            parents,
        })
    }

    fn set_acl(
        &mut self,
        text: &str,
        acl: &[AclEntry],
        expect: Expect,
    ) -> Result<ZnodeReply, Refusal> {
        let path = ZnodePath::parse(text)?;
        let acl = acl::fix_up(text, acl, self.identities)?;
        let znode = self.permitted(&path, Perms::ADMIN)?;
        check_version(&path, expect, znode.rare.aversion)?;
        let stat = self.set_znode_acl(&path, acl);
        Ok(ZnodeReply::AclSet { stat })
    }

    fn check(&self, text: &str, expect: Expect) -> Result<ZnodeReply, Refusal> {
        let path = ZnodePath::parse(text)?;
        let znode = self.permitted(&path, Perms::READ)?;
        check_version(&path, expect, znode.version)?;
        Ok(ZnodeReply::Checked)
    }

    /// The znode at `path`, if its own list gives the asker this permission.
    pub(super) fn permitted(&self, path: &ZnodePath, need: Perms) -> Result<&Znode, Refusal> {
        let znode = self.state.existing(path)?;
        acl::require(path, &znode.acl, self.identities, need)?;
        Ok(znode)
    }
}

/// The parent's part of a path a client wants to create or delete; not yet valid itself.
fn parent_text(text: &str) -> Result<&str, InvalidPath> {
    if text.is_empty() {
        return Err(InvalidPath::Empty);
    }
    if text.contains('\0') {
        return Err(InvalidPath::BadCharacter(path::shown(text), 0));
    }
    match text.rsplit_once('/') {
        None => Err(InvalidPath::NotAbsolute(path::shown(text))),
        Some(("", _)) => Ok("/"),
        Some((parent, _)) => Ok(parent),
    }
}

/// Refuses to delete what every tree has.
pub(super) fn check_deletable(text: &str) -> Result<(), Refusal> {
    if text == "/" || path::SYSTEM.contains(&text) {
        return Err(Refusal::BadArguments(format!(
            "znode {text} belongs to the system and stays"
        )));
    }
    Ok(())
}

fn check_version(path: &ZnodePath, expect: Expect, actual: i32) -> Result<(), Refusal> {
    if mutant::is(Mutant::CasIgnoresVersion) {
        return Ok(());
    }
    match expect {
        Expect::Version(expected) if expected != actual => Err(Refusal::BadVersion {
            path: path.clone(),
            expected,
            actual,
        }),
        Expect::Version(_) | Expect::Any => Ok(()),
    }
}

pub(super) fn check_data(data: Option<&Bytes>, content_type: Option<&str>) -> Result<(), Refusal> {
    if data.is_some_and(|data| data.len() > limits::ZNODE_DATA_BYTES_MAX) {
        return Err(Refusal::limit(
            "bytes of data per znode",
            limits::ZNODE_DATA_BYTES_MAX as u64,
        ));
    }
    if content_type.is_some_and(|text| text.len() > limits::CONTENT_TYPE_BYTES_MAX) {
        return Err(Refusal::limit(
            "bytes per content type",
            limits::CONTENT_TYPE_BYTES_MAX as u64,
        ));
    }
    Ok(())
}
