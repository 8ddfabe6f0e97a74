//! Deleting a znode with everything below it.

use std::cmp::Reverse;

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::znode::check_deletable;
use crate::ids::ZnodePath;
use crate::limits;
use crate::outcome::Refusal;

impl Step<'_> {
    /// Removes `top` and everything below it. Needs what deleting them one by one would need:
    /// DELETE on the parent of each.
    ///
    /// # Errors
    /// As a delete; [`Refusal::NotEmpty`] when there are more than `max` znodes, and
    /// [`Refusal::LimitReached`] when more than one command may remove.
    pub(super) fn delete_subtree(&mut self, top: &ZnodePath, max: u32) -> Result<u32, Refusal> {
        check_deletable(top.as_str())?;
        let parent = top.parent().unwrap_or_else(ZnodePath::root);
        self.permitted(&parent, Perms::DELETE)?;
        self.state.existing(top)?;
        let most = max.min(limits::SUBTREE_DELETE_MAX);
        let enough = (most as usize).saturating_add(1);
        let found = self
            .state
            .subtree_nodes(top, usize::MAX, enough)
            .unwrap_or_default();
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        if count > max {
            let below = count.saturating_sub(1);
            return Err(Refusal::NotEmpty {
                path: top.clone(),
                count: below,
            });
        }
        if count > most {
            return Err(Refusal::limit(
                "znodes removed by one recursive delete",
                u64::from(limits::SUBTREE_DELETE_MAX),
            ));
        }
        for (path, znode) in found.iter().filter(|(_, znode)| znode.num_children() > 0) {
            acl::require(path, &znode.acl, self.identities, Perms::DELETE)?;
        }
        // Deepest first, since only empty znodes go. Among siblings the newest first: so the
        // waiters of a lock are gone before its holder, and nobody is granted a lock that is
        // being deleted.
        let mut order: Vec<_> = found
            .iter()
            .map(|(path, znode)| (Reverse(path.depth()), Reverse(znode.czxid), (*path).clone()))
            .collect();
        order.sort_unstable();
        let removed: Vec<_> = order
            .into_iter()
            .filter_map(|(_, _, path)| self.remove_znode(&path).map(|znode| (path, znode)))
            .collect();
        for (path, znode) in removed {
            self.tell_of_removed(&path, &znode);
        }
        Ok(count)
    }
}
