//! Reads of work queues: what the tree says.

use std::ops::Bound;

use crate::ids::{ItemId, QueueName, SessionId, ZnodePath, Zxid};
use crate::path::QUEUES;
use crate::query::group::Wanted;
use crate::queue::{DEAD, ENTRIES, QueueSettings, TAKEN, WHY, Why};
use crate::state::State;
use crate::znode::Znode;

/// A work queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Its settings.
    pub settings: QueueSettings,
    /// Items that wait or are taken.
    pub items: u32,
    /// Items that are taken.
    pub taken: u32,
    /// Dead letters.
    pub dead: u32,
}

/// An item.
#[derive(Clone, Copy, Debug)]
pub struct ItemView<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its znode.
    pub znode: &'a Znode,
    /// What says that it is taken.
    pub taken: Option<&'a Znode>,
}

impl ItemView<'_> {
    /// Tries that it has had.
    #[must_use]
    pub fn tries(&self) -> u32 {
        u32::try_from(self.znode.version).unwrap_or(0)
    }

    /// Who has it, and in which delivery.
    #[must_use]
    pub fn delivery(&self) -> Option<(Zxid, Option<SessionId>)> {
        self.taken.map(|znode| (znode.czxid, znode.owner()))
    }
}

/// A dead letter.
#[derive(Clone, Debug)]
pub struct DeadLetterView<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its znode, made when it died.
    pub znode: &'a Znode,
    /// What became of it.
    pub why: Why,
}

impl State {
    /// A work queue. `None` while there is nothing of it.
    #[must_use]
    pub fn work_queue(&self, name: &QueueName) -> Option<QueueView> {
        self.znodes.get(&name.znode())?;
        let children = |path: &ZnodePath| self.znodes.get(path).map(Znode::num_children);
        let (entries, taken, dead) = (name.entries(), name.taken(), name.dead());
        Some(QueueView {
            settings: self.queue_settings(name),
            items: children(&entries).unwrap_or(0),
            taken: children(&taken).unwrap_or(0),
            dead: children(&dead).unwrap_or(0),
        })
    }

    /// What the znode of a queue says of its settings.
    pub(crate) fn queue_settings(&self, name: &QueueName) -> QueueSettings {
        let znode = self.znodes.get(&name.znode());
        let data = znode.and_then(|znode| znode.data.as_deref());
        data.map_or_else(QueueSettings::default, QueueSettings::parse)
    }

    /// Whether somebody could take an item.
    #[must_use]
    pub fn has_free_items(&self, name: &QueueName) -> bool {
        self.free_items(name).next().is_some()
    }

    /// Items that nobody has taken, the first to be taken first.
    pub(crate) fn free_items<'a>(
        &'a self,
        name: &QueueName,
    ) -> impl Iterator<Item = &'a ZnodePath> + use<'a> {
        let entries = name.entries();
        let from = Bound::Included(entries.key_below(""));
        let range = self.index.free_items.range((from, Bound::Unbounded));
        range.take_while(move |path| path.is_child_of(&entries))
    }

    /// Items in the order in which they are taken: at most `limit`, those after `after`.
    #[must_use]
    pub fn items(&self, name: &QueueName, after: Option<&str>, limit: usize) -> Vec<ItemView<'_>> {
        let found = self.children_after(&name.entries(), after).take(limit);
        found
            .map(|(path, znode)| self.item_view(name, path, znode))
            .collect()
    }

    /// One item.
    #[must_use]
    pub fn item(&self, name: &QueueName, item: &ItemId) -> Option<ItemView<'_>> {
        let path = name.entries().child(item.as_str()).ok()?;
        let (path, znode) = self.znodes.get_key_value(&path)?;
        Some(self.item_view(name, path, znode))
    }

    fn item_view<'a>(
        &'a self,
        name: &QueueName,
        path: &'a ZnodePath,
        znode: &'a Znode,
    ) -> ItemView<'a> {
        let taken = name.taken().child(path.name()).ok();
        ItemView {
            id: path.name(),
            znode,
            taken: taken.and_then(|path| self.znodes.get(&path)),
        }
    }

    /// Dead letters in the order of their names: at most `limit`, those after `after`.
    #[must_use]
    pub fn dead_letters(
        &self,
        name: &QueueName,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<DeadLetterView<'_>> {
        let found = self.children_after(&name.dead(), after).take(limit);
        found
            .map(|(path, znode)| self.letter_view(path, znode))
            .collect()
    }

    /// One dead letter.
    #[must_use]
    pub fn dead_letter(&self, name: &QueueName, item: &ItemId) -> Option<DeadLetterView<'_>> {
        let path = name.dead().child(item.as_str()).ok()?;
        let (path, znode) = self.znodes.get_key_value(&path)?;
        Some(self.letter_view(path, znode))
    }

    fn letter_view<'a>(&'a self, path: &'a ZnodePath, znode: &'a Znode) -> DeadLetterView<'a> {
        let why = path.child(WHY).ok();
        let why = why.and_then(|path| self.znodes.get(&path)?.data.as_deref().map(Why::parse));
        DeadLetterView {
            id: path.name(),
            znode,
            why: why.unwrap_or_default(),
        }
    }

    /// Children in order of name, those after `after`.
    fn children_after<'a>(
        &'a self,
        parent: &ZnodePath,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a ZnodePath, &'a Znode)> + use<'a> {
        let from = parent.key_below(after.unwrap_or(""));
        let parent = parent.clone();
        self.znodes
            .range((Bound::Excluded(from), Bound::Unbounded))
            .take_while(move |(path, _)| path.is_child_of(&parent))
    }

    /// Work queues whose name begins with `prefix` (any text): at most `limit`, those after `after`, in order of
    /// their names' segments. Takes time in proportion to the queues that it passes, not to their items.
    #[must_use]
    pub fn work_queues(
        &self,
        prefix: &str,
        after: Option<&QueueName>,
        limit: usize,
    ) -> Vec<(QueueName, QueueView)> {
        let wanted = Wanted::new(prefix, after.map(QueueName::as_str), limit);
        let mut found = Vec::new();
        if let Ok(top) = ZnodePath::parse(QUEUES) {
            self.find_queues(&top, &wanted, &mut found);
        }
        found
    }

    /// Adds the queues below `path` that are wanted.
    fn find_queues(
        &self,
        path: &ZnodePath,
        wanted: &Wanted<'_>,
        found: &mut Vec<(QueueName, QueueView)>,
    ) {
        for (key, _) in self.children_of(path) {
            if found.len() >= wanted.limit {
                return;
            }
            let Some(name) = QueueName::of_znode(key).filter(|name| wanted.may_hold(name.as_str()))
            else {
                continue;
            };
            if wanted.is(name.as_str()) && self.is_queue(key) {
                found.extend(self.work_queue(&name).map(|view| (name, view)));
            }
            self.find_queues(key, wanted, found);
        }
    }

    /// Whether a znode has what only queues have, and does not just stand above some.
    fn is_queue(&self, path: &ZnodePath) -> bool {
        let has = |part: &str| {
            path.child(part)
                .is_ok_and(|path| self.znodes.contains_key(&path))
        };
        [ENTRIES, TAKEN, DEAD].into_iter().any(has)
    }
}
