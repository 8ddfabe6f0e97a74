//! The catalogue: every kind of fault, what it needs, whom it may hit.

/// What a kind needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: loopback will do.
    Nothing,
    /// Nodes with a network of their own.
    Network,
    /// That, and packets handed to a process.
    Queue,
    /// A library that fakes the wall clock.
    Faketime,
    /// A time namespace at a restart.
    TimeNamespace,
    /// The disk that loses what was not synced.
    Losefs,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in plans and histories.
    pub name: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Whom it may hit, of the names in `plan::Fault::target`.
    pub targets: &'static [&'static str],
    /// How long one lasts at least and at most, in ms; both 0: over at once.
    pub lasts_ms: (u64, u64),
    /// Nodes that do not serve while it lasts, at most: decides how much recovery follows.
    pub weight: Weight,
}

/// How much of the cluster it takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Everybody serves, slower.
    Light,
    /// A minority is away.
    Minority,
    /// No quorum while it lasts.
    Outage,
}

const ONE: &[&str] = &["leader", "follower", "one"];
const FEW: &[&str] = &["leader", "follower", "one", "minority"];
const ANY: &[&str] = &["leader", "follower", "one", "minority", "majority", "all"];
const LEADER: &[&str] = &["leader"];
const ALL: &[&str] = &["all"];
const CLIENT: &[&str] = &["client"];
const MINORITY: &[&str] = &["minority"];

const fn kind(
    name: &'static str,
    needs: Needs,
    targets: &'static [&'static str],
    lasts_ms: (u64, u64),
    weight: Weight,
) -> Kind {
    Kind {
        name,
        needs,
        targets,
        lasts_ms,
        weight,
    }
}

use Needs::{Faketime, Losefs, Network, Nothing, Queue, TimeNamespace};
use Weight::{Light, Minority, Outage};

/// All kinds, class by class.
pub const KINDS: &[Kind] = &[
    kind("kill", Nothing, ANY, (300, 3000), Minority),
    kind("term", Nothing, FEW, (300, 2000), Minority),
    kind("pause", Nothing, ANY, (500, 6000), Minority),
    kind("restart-all", Nothing, ALL, (0, 0), Light),
    kind("kill-all", Nothing, ALL, (300, 1500), Outage),
    kind("partition-leader", Network, LEADER, (2000, 6000), Minority),
    kind("partition-halves", Network, ALL, (2000, 6000), Minority),
    kind("partition-majority-ring", Network, ALL, (2000, 6000), Light),
    kind("partition-bridge", Network, ONE, (2000, 6000), Light),
    kind("partition-one-way-in", Network, ONE, (2000, 6000), Minority),
    kind(
        "partition-one-way-out",
        Network,
        ONE,
        (2000, 6000),
        Minority,
    ),
    kind("partition-clients", Network, FEW, (1000, 5000), Minority),
    kind("partition-peers", Network, ONE, (2000, 6000), Minority),
    kind("flapping", Network, ONE, (2000, 6000), Minority),
    kind("loss", Network, ALL, (2000, 6000), Light),
    kind("delay", Queue, ALL, (2000, 6000), Light),
    kind("big-packets", Network, ONE, (2000, 6000), Minority),
    kind("reset", Network, ONE, (1000, 4000), Minority),
    kind("clock-jump", Faketime, ANY, (2000, 5000), Light),
    kind("clock-drift", Faketime, ANY, (3000, 8000), Light),
    kind("monotonic-epoch", TimeNamespace, ONE, (300, 1000), Minority),
    kind("disk-full", Losefs, FEW, (1500, 4000), Minority),
    kind("disk-slow", Losefs, FEW, (1500, 5000), Light),
    kind("lost-writes", Losefs, ANY, (300, 1500), Minority),
    kind("torn-tail", Losefs, ANY, (300, 1500), Minority),
    kind("bit-flip", Nothing, MINORITY, (300, 1500), Minority),
    kind("leader-transfer", Nothing, LEADER, (0, 0), Light),
    kind("snapshot-storm", Nothing, ALL, (1500, 5000), Light),
    kind("membership", Nothing, ONE, (2000, 8000), Light),
    kind("client-pause", Nothing, CLIENT, (1000, 6000), Light),
    kind("client-kill", Nothing, CLIENT, (0, 0), Light),
];

/// The kind of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
