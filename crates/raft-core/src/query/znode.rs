//! Reads of the tree, and of the state as a whole.

use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::acl::{self, AclEntry, Identity, Perms};
use crate::ids::ZnodePath;
use crate::outcome::Refusal;
use crate::state::State;
use crate::znode::{Stat, Znode};

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Znodes, the system's own among them.
    pub znodes: usize,
    /// Bytes of data in all znodes.
    pub data_bytes: u64,
    /// Live sessions.
    pub sessions: usize,
    /// Ended sessions that are remembered.
    pub ended_sessions: usize,
    /// Locks with claims or settings.
    pub locks: usize,
    /// Live claims, holders and waiters.
    pub claims: usize,
    /// Ended claims that are remembered.
    pub ended_claims: usize,
    /// Remembered answers to idempotency keys.
    pub answers: usize,
    /// Bytes of the remembered answers.
    pub answer_bytes: u64,
}

/// A znode and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Existing<'a> {
    pub(crate) path: &'a ZnodePath,
    pub(crate) znode: &'a Znode,
}

impl Existing<'_> {
    /// Whether its own list gives somebody this permission.
    ///
    /// # Errors
    /// [`Refusal::NoAuth`].
    pub(crate) fn require(self, who: &[Identity], need: Perms) -> Result<(), Refusal> {
        acl::require(self.path, &self.znode.acl, who, need)
    }
}

impl State {
    /// The znode at `path`. Asks nobody's permission: see [`State::can_read`].
    #[must_use]
    pub fn znode(&self, path: &ZnodePath) -> Option<&Znode> {
        self.znodes.get(path)
    }

    /// The stat of the znode at `path`.
    #[must_use]
    pub fn stat(&self, path: &ZnodePath) -> Option<Stat> {
        self.znodes.get(path).map(Znode::stat)
    }

    /// Children of `path` in order of name, at most `limit`, those after the name `after`. `None`
    /// when there is no such znode. `after` need not name a child, or be a valid name.
    #[must_use]
    pub fn children(
        &self,
        path: &ZnodePath,
        after: Option<&str>,
        limit: usize,
    ) -> Option<Vec<(String, Stat)>> {
        self.znodes.get(path)?;
        let start = match after {
            Some(name) => Bound::Excluded(path.key_below(name)),
            None => Bound::Included(path.key_below("")),
        };
        let found = self
            .znodes
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.is_child_of(path))
            .take(limit)
            .map(|(key, znode)| (key.name().to_owned(), znode.stat()));
        Some(found.collect())
    }

    /// `path` and what is below it, at most `depth` levels (0: `path` alone) and `limit` znodes;
    /// level by level, in order of path within a level. `None` when there is no such znode.
    #[must_use]
    pub fn subtree(
        &self,
        path: &ZnodePath,
        depth: usize,
        limit: usize,
    ) -> Option<Vec<(ZnodePath, Stat)>> {
        let found = self.subtree_nodes(path, depth, limit)?;
        Some(
            found
                .into_iter()
                .map(|(path, znode)| (path.clone(), znode.stat()))
                .collect(),
        )
    }

    /// As [`State::subtree`], by reference.
    pub(crate) fn subtree_nodes(
        &self,
        path: &ZnodePath,
        depth: usize,
        limit: usize,
    ) -> Option<Vec<(&ZnodePath, &Znode)>> {
        self.znodes.get(path)?;
        let deepest = path.depth().saturating_add(depth);
        let found = self
            .within(path)
            .take_while(|(key, _)| key.depth() <= deepest)
            .take(limit);
        Some(found.collect())
    }

    /// `path` and everything below it, level by level; nothing when there is no such znode.
    pub(crate) fn within(&self, path: &ZnodePath) -> impl Iterator<Item = (&ZnodePath, &Znode)> {
        let levels = (1..).map_while(move |level| {
            let start = path.level_below(level)?;
            let depth = start.depth();
            let mut of_level = self
                .znodes
                .range((Bound::Included(start), Bound::Unbounded))
                .take_while(move |(key, _)| key.depth() == depth && key.is_within(path))
                .peekable();
            // A level without znodes has no levels below it.
            of_level.peek().is_some().then_some(of_level)
        });
        let top = self.znodes.get_key_value(path).into_iter();
        top.chain(levels.flatten())
    }

    /// Whether somebody may read data and list children of the znode at `path`.
    ///
    /// # Errors
    /// [`Refusal::NoNode`] or [`Refusal::NoAuth`].
    pub fn can_read(&self, path: &ZnodePath, who: &[Identity]) -> Result<(), Refusal> {
        let znode = self.existing(path)?;
        acl::require(path, &znode.acl, who, Perms::READ)
    }

    /// Whether somebody may write data of the znode at `path`.
    ///
    /// # Errors
    /// [`Refusal::NoNode`] or [`Refusal::NoAuth`].
    pub fn can_write(&self, path: &ZnodePath, who: &[Identity]) -> Result<(), Refusal> {
        let znode = self.existing(path)?;
        acl::require(path, &znode.acl, who, Perms::WRITE)
    }

    /// The access list of the znode at `path` with its stat. Needs READ or ADMIN; without ADMIN the
    /// hashes of `digest` entries are masked (CVE-2019-0201).
    ///
    /// # Errors
    /// [`Refusal::NoNode`] or [`Refusal::NoAuth`].
    pub fn acl(
        &self,
        path: &ZnodePath,
        who: &[Identity],
    ) -> Result<(Vec<AclEntry>, Stat), Refusal> {
        let znode = self.existing(path)?;
        acl::require(path, &znode.acl, who, Perms(Perms::READ.0 | Perms::ADMIN.0))?;
        let shown = if acl::allows(&znode.acl, who, Perms::ADMIN) {
            znode.acl.to_vec()
        } else {
            znode.acl.iter().map(AclEntry::masked).collect()
        };
        Ok((shown, znode.stat()))
    }

    /// How much of everything there is. O(1).
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            znodes: self.znodes.len(),
            data_bytes: self.index.data_bytes,
            sessions: self.sessions.len(),
            ended_sessions: self.ended_sessions.len(),
            locks: self.locks.len(),
            claims: self.claims.len(),
            ended_claims: self.ended_claims.len(),
            answers: self.answers.len(),
            answer_bytes: self.index.answer_bytes,
        }
    }

    /// The znode at `path`, with the path that is stored, or the refusal that there is none.
    pub(crate) fn existing_at(&self, path: &ZnodePath) -> Result<Existing<'_>, Refusal> {
        match self.znodes.get_key_value(path) {
            Some((path, znode)) => Ok(Existing { path, znode }),
            None => Err(Refusal::NoNode { path: path.clone() }),
        }
    }

    /// The znode at `path`, or the refusal that there is none.
    pub(crate) fn existing(&self, path: &ZnodePath) -> Result<&Znode, Refusal> {
        self.znodes
            .get(path)
            .ok_or_else(|| Refusal::NoNode { path: path.clone() })
    }
}
