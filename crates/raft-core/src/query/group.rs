//! Reads of groups: what the tree says.

use std::ops::Bound;

use crate::ids::{GroupName, SessionId, ZnodePath};
use crate::path::GROUPS;
use crate::state::State;
use crate::znode::Znode;

/// A member of a group, or a party of a barrier.
#[derive(Clone, Copy, Debug)]
pub struct MemberView<'a> {
    /// Name of its znode: its id, or whatever name a ZooKeeper client gave it.
    pub id: &'a str,
    /// Its session.
    pub session: SessionId,
    /// Its znode, whose data is its value.
    pub znode: &'a Znode,
}

/// Which groups or queues a listing looks for.
pub(super) struct Wanted<'a> {
    prefix: &'a str,
    after: Option<Vec<&'a str>>,
    pub(super) limit: usize,
}

impl State {
    /// Members of a group in the order in which they joined; those of one multi in order of name. Takes
    /// time in proportion to the children of the group's znode.
    #[must_use]
    pub fn group_members(&self, name: &GroupName) -> Vec<MemberView<'_>> {
        self.ephemeral_children(&name.znode())
    }

    /// Ephemeral children in the order in which they were made; those of one multi in order of name.
    pub(crate) fn ephemeral_children(&self, path: &ZnodePath) -> Vec<MemberView<'_>> {
        let mut members: Vec<_> = self
            .children_of(path)
            .filter_map(|(key, znode)| view(key, znode))
            .collect();
        members.sort_by_key(|member| (member.znode.czxid, member.id));
        members
    }

    /// One member of a group.
    #[must_use]
    pub fn group_member(&self, name: &GroupName, id: &str) -> Option<MemberView<'_>> {
        let path = name.znode().child(id).ok()?;
        let (key, znode) = self.znodes.get_key_value(&path)?;
        view(key, znode)
    }

    /// Groups with members whose name begins with `prefix` (any text), with how many members they have:
    /// at most `limit`, those after `after`, in order of their names' segments. Takes time in proportion
    /// to the znodes of the groups that it passes.
    #[must_use]
    pub fn groups(
        &self,
        prefix: &str,
        after: Option<&GroupName>,
        limit: usize,
    ) -> Vec<(GroupName, u32)> {
        let wanted = Wanted::new(prefix, after.map(GroupName::as_str), limit);
        let mut found = Vec::new();
        if let Ok(top) = ZnodePath::parse(GROUPS) {
            self.find_groups(&top, None, &wanted, &mut found);
        }
        found
    }

    /// Adds the group at `path`, if it is one that is wanted, and those below it.
    fn find_groups(
        &self,
        path: &ZnodePath,
        name: Option<GroupName>,
        wanted: &Wanted<'_>,
        found: &mut Vec<(GroupName, u32)>,
    ) {
        let (mut members, mut below) = (0_u32, Vec::new());
        for (key, znode) in self.children_of(path) {
            if znode.owner().is_some() {
                members = members.saturating_add(1);
            } else if let Some(name) =
                GroupName::of_znode(key).filter(|name| wanted.may_hold(name.as_str()))
            {
                below.push((key, name));
            }
        }
        if let Some(name) = name.filter(|name| members > 0 && wanted.is(name.as_str())) {
            found.push((name, members));
        }
        for (key, name) in below {
            if found.len() >= wanted.limit {
                return;
            }
            self.find_groups(key, Some(name), wanted, found);
        }
    }

    /// Children in order of name, nothing when there is no such znode.
    pub(super) fn children_of<'a>(
        &'a self,
        path: &ZnodePath,
    ) -> impl Iterator<Item = (&'a ZnodePath, &'a Znode)> + use<'a> {
        let start = path.key_below("");
        let path = path.clone();
        self.znodes
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(move |(key, _)| key.is_child_of(&path))
    }
}

impl<'a> Wanted<'a> {
    /// At most `limit` whose name begins with `prefix`, those after `after`.
    pub(super) fn new(prefix: &'a str, after: Option<&'a str>, limit: usize) -> Wanted<'a> {
        Wanted {
            prefix,
            after: after.map(|name| name.split('/').collect()),
            limit,
        }
    }

    /// Whether the one of this name or one below it can be among them.
    pub(super) fn may_hold(&self, text: &str) -> bool {
        let on_the_way = || {
            let rest = self.prefix.strip_prefix(text);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if !text.starts_with(self.prefix) && !on_the_way() {
            return false;
        }
        let Some(after) = &self.after else {
            return true;
        };
        let segments: Vec<&str> = text.split('/').collect();
        segments >= *after || after.starts_with(&segments)
    }

    /// Whether the one of this name is.
    pub(super) fn is(&self, name: &str) -> bool {
        let is_after = self
            .after
            .as_ref()
            .is_none_or(|after| name.split('/').gt(after.iter().copied()));
        is_after && name.starts_with(self.prefix)
    }
}

pub(super) fn view<'a>(key: &'a ZnodePath, znode: &'a Znode) -> Option<MemberView<'a>> {
    Some(MemberView {
        id: key.name(),
        session: znode.owner()?,
        znode,
    })
}
