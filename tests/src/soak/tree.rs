//! The znodes of a soak: groups that stay, and children that come, change and go.

use std::fmt;

/// The parent of everything.
pub const ROOT: &str = "/soak";
/// Parent of one ephemeral for each session.
pub const LIVE: &str = "/soak-live";

/// The child that every client watches.
pub const EVERYBODYS: Spot = Spot::Child(0, 0);

/// A znode of the soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// A group. Its data never changes.
    Group(u32),
    /// A child of a group. Only the writer that owns the group touches it.
    Child(u32, u32),
}

impl Spot {
    /// The group it is, or is in.
    #[must_use]
    pub fn group(self) -> u32 {
        match self {
            Spot::Group(group) | Spot::Child(group, _) => group,
        }
    }

    /// The znode at a path; `None` when it is none of the soak's.
    #[must_use]
    pub fn of(path: &str) -> Option<Spot> {
        let below = path.strip_prefix(ROOT)?.strip_prefix("/g")?;
        match below.split_once("/n") {
            Some((group, child)) => Some(Spot::Child(group.parse().ok()?, child.parse().ok()?)),
            None => Some(Spot::Group(below.parse().ok()?)),
        }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spot::Group(group) => write!(f, "{ROOT}/g{group}"),
            Spot::Child(group, child) => write!(f, "{ROOT}/g{group}/n{child}"),
        }
    }
}
