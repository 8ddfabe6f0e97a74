//! Whether there is room for another znode, and making the containers a lock or counter needs.

use std::sync::Arc;

use mutant::Mutant;

use crate::acl::{AclEntry, Perms};
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::ids::{SessionId, ZnodePath};
use crate::limits;
use crate::outcome::Refusal;
use crate::query::znode::Existing;
use crate::znode::ZnodeKind;

impl Step<'_> {
    /// Makes `path` and its missing ancestors as open containers; nothing when it exists.
    ///
    /// # Errors
    /// [`Refusal::NoAuth`] or [`Refusal::NoChildrenForEphemerals`] of the deepest ancestor that
    /// exists, [`Refusal::LimitReached`]; then nothing was made.
    pub(crate) fn ensure_containers(&mut self, path: &ZnodePath) -> Result<(), Refusal> {
        let missing = self.missing_from(path)?;
        let Some(first) = missing.last() else {
            return Ok(());
        };
        let parent = first.parent().unwrap_or_else(ZnodePath::root);
        let parent = self.state.existing_at(&parent)?;
        parent.require(self.identities, Perms::CREATE)?;
        self.check_room(parent, missing.len())?;
        let open: Arc<[AclEntry]> = Arc::from([AclEntry::open()]);
        for path in missing.into_iter().rev() {
            let acl = Arc::clone(&open);
            self.insert_znode(path, NewZnode::empty(acl, ZnodeKind::Container));
        }
        Ok(())
    }

    /// Whether the missing znode at `path` may be made with so many bytes of data, and its missing
    /// ancestors with none.
    ///
    /// # Errors
    /// As [`ensure_containers`](Step::ensure_containers), and [`Refusal::QuotaExceeded`].
    pub(crate) fn check_can_make(&self, path: &ZnodePath, length: u64) -> Result<(), Refusal> {
        let missing = self.missing_from(path)?;
        let Some(top) = missing.last().and_then(ZnodePath::parent) else {
            return Ok(());
        };
        let top = self.state.existing_at(&top)?;
        top.require(self.identities, Perms::CREATE)?;
        self.check_room(top, missing.len())?;
        let lengths = missing
            .iter()
            .map(|made| (made, if made == path { length } else { 0 }));
        self.check_quotas(lengths)
    }

    /// `path` and those of its ancestors that do not exist, deepest first.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`] when they are more than one create may make.
    pub(crate) fn missing_from(&self, path: &ZnodePath) -> Result<Vec<ZnodePath>, Refusal> {
        let mut missing = Vec::new();
        let mut next = Some(path.clone());
        while let Some(path) = next.filter(|path| !self.state.znodes.contains_key(path)) {
            if missing.len() >= limits::PARENTS_PER_CREATE_MAX {
                return Err(Refusal::limit(
                    "missing parents made by one create",
                    limits::PARENTS_PER_CREATE_MAX as u64,
                ));
            }
            next = path.parent();
            missing.push(path);
        }
        Ok(missing)
    }

    /// Whether `parent` can have another child, and the tree `count` more znodes.
    ///
    /// # Errors
    /// [`Refusal::NoChildrenForEphemerals`] or [`Refusal::LimitReached`].
    pub(crate) fn check_room(&self, parent: Existing<'_>, count: usize) -> Result<(), Refusal> {
        if parent.znode.owner().is_some() {
            return Err(Refusal::NoChildrenForEphemerals {
                path: parent.path.clone(),
            });
        }
        if parent.znode.num_children() >= limits::CHILDREN_PER_ZNODE_MAX {
            return Err(Refusal::limit(
                "children per znode",
                u64::from(limits::CHILDREN_PER_ZNODE_MAX),
            ));
        }
        let znodes = self.state.znodes.len().saturating_add(count) as u64;
        if znodes > limits::ZNODES_MAX {
            return Err(Refusal::limit("znodes", limits::ZNODES_MAX));
        }
        Ok(())
    }

    /// Whether a session can own another ephemeral.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`].
    pub(crate) fn check_ephemerals(&self, owner: SessionId) -> Result<(), Refusal> {
        let owned = self
            .state
            .index
            .ephemerals
            .get(&owner)
            .map_or(0, |paths| paths.len());
        if owned >= limits::EPHEMERALS_PER_SESSION_MAX {
            return Err(Refusal::limit(
                "ephemeral znodes per session",
                limits::EPHEMERALS_PER_SESSION_MAX as u64,
            ));
        }
        Ok(())
    }

    /// The suffix the next sequential child of `parent` gets: the creates ever done below it.
    pub(crate) fn next_sequence(&self, parent: &ZnodePath) -> i32 {
        if mutant::is(Mutant::SequenceReused) {
            return self.state.sequence_after_present_children(parent);
        }
        self.state
            .znodes
            .get(parent)
            .map_or(0, |znode| znode.rare.creates)
    }
}

#[cfg(test)]
mod tests {
    use crate::apply::tree::tests::step;
    use crate::ids::{SessionId, ZnodePath};
    use crate::limits;
    use crate::outcome::Refusal;
    use crate::state::State;

    fn limit_of(result: Result<(), Refusal>) -> String {
        match result {
            Err(Refusal::LimitReached { what, .. }) => what,
            other => panic!("no limit: {other:?}"),
        }
    }

    #[test]
    fn children_and_ephemerals_have_limits() {
        let mut state = State::new();
        let root = ZnodePath::root();
        state.znodes.update(&root, |znode| {
            znode.rare.num_children = limits::CHILDREN_PER_ZNODE_MAX
        });
        let owner = SessionId(1);
        let paths = (0..limits::EPHEMERALS_PER_SESSION_MAX)
            .map(|n| ZnodePath::parse(&format!("/e{n}")).unwrap());
        state.index.ephemerals.insert(owner, paths.collect());
        let step = step(&mut state);
        let root = step.state.existing_at(&root).unwrap();
        assert_eq!(limit_of(step.check_room(root, 1)), "children per znode");
        assert_eq!(
            limit_of(step.check_ephemerals(owner)),
            "ephemeral znodes per session"
        );
        assert_eq!(step.check_ephemerals(SessionId(2)), Ok(()));
    }

    #[test]
    fn znodes_have_a_limit() {
        let mut state = State::new();
        let step = step(&mut state);
        let room = usize::try_from(limits::ZNODES_MAX).unwrap() - step.state.znodes.len();
        let root = step.state.existing_at(&ZnodePath::root()).unwrap();
        assert_eq!(step.check_room(root, room), Ok(()));
        assert_eq!(limit_of(step.check_room(root, room + 1)), "znodes");
    }
}
