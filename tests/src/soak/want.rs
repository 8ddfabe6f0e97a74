//! What a client may want to be told, and where a server keeps that.

use zookeeper::proto::event::EventType;

use super::ledger::Told;
use super::tree::Spot;

/// What a client wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Changes of a child, by `getData`, and by `exists` while it is not there.
    Data(Spot),
    /// Changes of a child, by `exists`.
    Existence(Spot),
    /// Changes of the list of children of a group.
    Children(Spot),
    /// All changes of a znode, by `addWatch`.
    Persistent(Spot),
    /// All changes below a group, by `addWatch`.
    Recursive(u32),
}

/// A place in one of a server's two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On data.
    Data(Spot),
    /// On children.
    Children(Spot),
}

impl Want {
    /// What a server keeps for it.
    #[must_use]
    pub fn places(self) -> Vec<Place> {
        match self {
            Want::Data(spot) | Want::Existence(spot) => vec![Place::Data(spot)],
            Want::Children(spot) => vec![Place::Children(spot)],
            Want::Persistent(spot) => vec![Place::Data(spot), Place::Children(spot)],
            Want::Recursive(group) => vec![Place::Data(Spot::Group(group))],
        }
    }

    /// The znode it is about.
    #[must_use]
    pub fn spot(self) -> Spot {
        match self {
            Want::Data(spot)
            | Want::Existence(spot)
            | Want::Children(spot)
            | Want::Persistent(spot) => spot,
            Want::Recursive(group) => Spot::Group(group),
        }
    }

    /// As the ledger asks, for those that stay.
    pub(super) fn stream(self) -> Option<Told> {
        match self {
            Want::Persistent(spot) => Some(Told::Of(spot)),
            Want::Recursive(group) => Some(Told::Below(group)),
            Want::Data(_) | Want::Existence(_) | Want::Children(_) => None,
        }
    }

    /// Whether an event is for it.
    pub(super) fn is_met_by(self, kind: EventType, spot: Spot) -> bool {
        let of_data = kind != EventType::NodeChildrenChanged;
        match self {
            Want::Data(wanted) | Want::Existence(wanted) => of_data && spot == wanted,
            Want::Children(wanted) => !of_data && spot == wanted,
            Want::Persistent(wanted) => spot == wanted,
            Want::Recursive(group) => of_data && spot.group() == group,
        }
    }
}
