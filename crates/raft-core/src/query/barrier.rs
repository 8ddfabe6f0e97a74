//! Reads of barriers: what the tree says.

use crate::barrier::{READY, Round};
use crate::ids::{BarrierName, Zxid};
use crate::query::group::{MemberView, view};
use crate::state::State;

/// A barrier that somebody is in.
#[derive(Clone, Debug)]
pub struct BarrierView<'a> {
    /// How many are to meet; `None` where only ZooKeeper clients are in it, who tell nobody.
    pub parties: Option<u32>,
    /// Position at which it opened, where that is known.
    pub opened: Option<Zxid>,
    /// Whether it is open: all that are in it go on.
    pub is_open: bool,
    /// Who is in it, in the order in which they came.
    pub members: Vec<MemberView<'a>>,
}

impl State {
    /// A barrier. `None` while nobody is in it. Takes time in proportion to the children of its znode.
    #[must_use]
    pub fn barrier(&self, name: &BarrierName) -> Option<BarrierView<'_>> {
        let mut members = self.ephemeral_children(&name.znode());
        members.retain(|member| member.id != READY);
        if members.is_empty() {
            return None;
        }
        let round = self.round(name);
        let opened = round.and_then(|round| round.opened);
        Some(BarrierView {
            parties: round.map(|round| round.parties),
            opened,
            is_open: opened.is_some() || self.has_ready(name),
            members,
        })
    }

    /// Whether somebody is in a barrier.
    pub(crate) fn is_used(&self, name: &BarrierName) -> bool {
        self.parties(name).next().is_some()
    }

    /// How many are in a barrier. Takes time in proportion to them.
    pub(crate) fn inside(&self, name: &BarrierName) -> u32 {
        u32::try_from(self.parties(name).count()).unwrap_or(u32::MAX)
    }

    /// Whether somebody is in a barrier and it is open.
    pub(crate) fn is_open(&self, name: &BarrierName) -> bool {
        let opened = || self.round(name).is_some_and(|round| round.opened.is_some());
        self.is_used(name) && (opened() || self.has_ready(name))
    }

    /// Who is in a barrier, in order of name.
    pub(crate) fn parties<'a>(
        &'a self,
        name: &BarrierName,
    ) -> impl Iterator<Item = MemberView<'a>> + use<'a> {
        let children = self.children_of(&name.znode());
        let members = children.filter_map(|(key, znode)| view(key, znode));
        members.filter(|member| member.id != READY)
    }

    /// What the barrier's znode says of the round under way. `None`: it has none that is ours.
    pub(crate) fn round(&self, name: &BarrierName) -> Option<Round> {
        Round::parse(self.znodes.get(&name.znode())?.data.as_deref()?)
    }

    /// Whether there is the znode by which ZooKeeper clients know that a barrier is open.
    pub(crate) fn has_ready(&self, name: &BarrierName) -> bool {
        let ready = name.znode().child(READY);
        ready.is_ok_and(|ready| self.znodes.contains_key(&ready))
    }
}
