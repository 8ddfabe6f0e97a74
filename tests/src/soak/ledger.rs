//! What has happened to the watched znodes: every change with its position. Each group has one
//! writer, which writes down what it was told, and after a lost connection what it found.

use zookeeper::proto::event::EventType;

use super::tree::Spot;

/// What a writer did to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was not there before.
    Created,
    /// It has other data.
    Changed,
    /// It is no longer there.
    Deleted,
}

impl Kind {
    /// What a watch on the child is told.
    #[must_use]
    pub fn event(self) -> EventType {
        match self {
            Kind::Created => EventType::NodeCreated,
            Kind::Changed => EventType::NodeDataChanged,
            Kind::Deleted => EventType::NodeDeleted,
        }
    }

    /// Whether the group's list of children is another one after it.
    #[must_use]
    pub fn changes_list(self) -> bool {
        match self {
            Kind::Created | Kind::Deleted => true,
            Kind::Changed => false,
        }
    }
}

/// One change of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its position.
    pub zxid: i64,
    /// Which child of the group.
    pub child: u32,
    /// What was done.
    pub kind: Kind,
    /// The data written with it.
    pub number: u64,
}

/// What a znode looks like at some position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing is there.
    Missing,
    /// A child, with its data.
    Data {
        /// Position of the last change.
        mzxid: i64,
        /// What was written.
        number: u64,
    },
    /// A child, asked for without its data.
    There {
        /// Position of the last change.
        mzxid: i64,
    },
    /// A group.
    List {
        /// How many children.
        children: usize,
        /// Position of the last change of the list.
        pzxid: i64,
    },
}

#[derive(Clone, Debug, Default)]
struct Group {
    /// Everything up to here is written down.
    known_to: i64,
    created: i64,
    changes: Vec<Change>,
    by_child: Vec<Vec<Change>>,
    /// The list of children after each change of it: position and length.
    lists: Vec<(i64, usize)>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    groups: Vec<Group>,
}

impl Ledger {
    /// A ledger for groups that were created at these positions and are empty.
    #[must_use]
    pub fn new(created: &[i64]) -> Ledger {
        let group = |zxid: &i64| Group {
            known_to: *zxid,
            created: *zxid,
            ..Group::default()
        };
        Ledger {
            groups: created.iter().map(group).collect(),
        }
    }

    fn group(&self, group: u32) -> &Group {
        &self.groups[group as usize]
    }

    /// Writes a change down. Its writer made the one before it earlier.
    ///
    /// # Panics
    /// When it comes before one that is written down.
    pub fn add(&mut self, group: u32, change: Change) {
        let group = &mut self.groups[group as usize];
        assert!(
            change.zxid > group.known_to,
            "{change:?} before {}",
            group.known_to
        );
        group.known_to = change.zxid;
        group.changes.push(change);
        let children = group.lists.last().map_or(0, |(_, children)| *children);
        match change.kind {
            Kind::Created => group.lists.push((change.zxid, children + 1)),
            Kind::Deleted => group.lists.push((change.zxid, children - 1)),
            Kind::Changed => {}
        }
        let child = change.child as usize;
        if group.by_child.len() <= child {
            group.by_child.resize_with(child + 1, Vec::new);
        }
        group.by_child[child].push(change);
    }

    /// The writer of a group says: up to here there is nothing more.
    pub fn known(&mut self, group: u32, zxid: i64) {
        let group = &mut self.groups[group as usize];
        group.known_to = group.known_to.max(zxid);
    }

    /// How far everything is known of the group of this znode.
    #[must_use]
    pub fn known_to(&self, spot: Spot) -> i64 {
        self.group(spot.group()).known_to
    }

    /// Changes written down.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.changes.len()).sum()
    }

    /// Whether nothing is written down.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn of_child(&self, group: u32, child: u32) -> &[Change] {
        let lists = &self.group(group).by_child;
        lists.get(child as usize).map_or(&[], Vec::as_slice)
    }

    /// What a watch is told after `from`, in order.
    pub fn told(&self, watch: Told, from: i64) -> impl Iterator<Item = Event> + '_ {
        let all = match watch {
            Told::Of(Spot::Child(group, child)) => self.of_child(group, child),
            Told::Of(Spot::Group(group)) | Told::Below(group) => &self.group(group).changes,
        };
        let start = all.partition_point(|change| change.zxid <= from);
        all[start..]
            .iter()
            .filter_map(move |change| event(watch, change))
    }

    /// What a znode looks like at a position.
    #[must_use]
    pub fn shown(&self, spot: Spot, at: i64) -> Shown {
        match spot {
            Spot::Child(group, child) => {
                let all = self.of_child(group, child);
                let end = all.partition_point(|change| change.zxid <= at);
                match all[..end].last() {
                    None => Shown::Missing,
                    Some(change) if change.kind == Kind::Deleted => Shown::Missing,
                    Some(change) => Shown::Data {
                        mzxid: change.zxid,
                        number: change.number,
                    },
                }
            }
            Spot::Group(group) => self.list(group, at),
        }
    }

    fn list(&self, group: u32, at: i64) -> Shown {
        let group = self.group(group);
        let end = group.lists.partition_point(|(zxid, _)| *zxid <= at);
        let empty = (group.created, 0);
        let (pzxid, children) = *group.lists[..end].last().unwrap_or(&empty);
        Shown::List { children, pzxid }
    }
}

/// What a watch is told of a change in its group, if anything.
fn event(watch: Told, change: &Change) -> Option<Event> {
    let (kind, spot) = match watch {
        Told::Of(Spot::Group(group)) => {
            if !change.kind.changes_list() {
                return None;
            }
            (EventType::NodeChildrenChanged, Spot::Group(group))
        }
        Told::Of(spot @ Spot::Child(..)) => (change.kind.event(), spot),
        Told::Below(group) => (change.kind.event(), Spot::Child(group, change.child)),
    };
    Some(Event {
        zxid: change.zxid,
        kind,
        spot,
    })
}

/// What a watch is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A child, or the list of children of a group.
    Of(Spot),
    /// Every child of a group.
    Below(u32),
}

/// One watch event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its position.
    pub zxid: i64,
    /// What is told.
    pub kind: EventType,
    /// Of which znode.
    pub spot: Spot,
}
