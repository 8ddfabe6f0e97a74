//! What is asked about services.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, ReservationId, ServiceName, Zxid};
use crate::service::{InstanceState, Registration};

/// One operation on a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCommand {
    /// The service.
    pub service: ServiceName,
    /// What is done.
    pub op: ServiceOp,
}

/// What may be done to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceOp {
    /// Registers an instance, changes it, renews it.
    Register(Box<RegisterInstance>),
    /// Ends a registration.
    Deregister {
        /// The instance.
        instance: InstanceId,
    },
    /// Puts off the deadline of an instance that has one.
    Renew {
        /// The instance.
        instance: InstanceId,
    },
    /// Says whether new work is sent to an instance.
    SetState {
        /// The instance.
        instance: InstanceId,
        /// From now on.
        state: InstanceState,
    },
    /// An instance says how busy it is.
    ReportLoad {
        /// The instance.
        instance: InstanceId,
        /// Requests it is serving.
        in_flight: u32,
        /// How many it serves at once.
        capacity: u32,
    },
    /// A caller of an instance says how a call went.
    ReportCall {
        /// The instance.
        instance: InstanceId,
        /// Whether it succeeded.
        ok: bool,
    },
    /// The node that checks says what the checks of an instance say from now on.
    ReportCheck {
        /// The instance.
        instance: InstanceId,
        /// Which of that name was checked: [`Instance::incarnation`](crate::service::Instance::incarnation).
        incarnation: Zxid,
        /// Whether its checks pass.
        passing: bool,
        /// What the last one found; what is too long is cut.
        text: String,
    },
    /// Picks instances.
    Pick(Pick),
    /// A pick is done.
    Release {
        /// The reservation it was given.
        reservation: ReservationId,
    },
}

/// Registers an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterInstance {
    /// Its id, chosen by the client: to register it again is to change or to renew it.
    pub instance: InstanceId,
    /// What it says of itself.
    pub registration: Registration,
    /// It goes unless it is renewed within this many milliseconds. `None`: it goes with the acting session.
    pub ttl_ms: Option<u64>,
    /// Whether new work is sent to it. `None` leaves what is so, and is `Up` for a new one.
    pub state: Option<InstanceState>,
}

/// Picks, and notes what was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// Which and how.
    pub selection: Selection,
    /// A random number: the only chance there is in a pick.
    pub draw: u64,
    /// Each that is picked counts as busy for this long, or until it is released. `None`: not at all.
    pub reserve_ms: Option<u64>,
    /// Whether to say of each instance why it was chosen or not.
    pub explain: bool,
}

/// Which instances, and how they are chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// How.
    pub strategy: Strategy,
    /// Among which.
    pub filter: Filter,
    /// How many different ones; fewer where there are no more.
    pub count: u32,
}

/// How instances are chosen (crate `balance`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// By chance and weight.
    Random,
    /// In turn, by weight.
    RoundRobin,
    /// The least busy for its size.
    LeastLoad,
    /// The less busy of two that are drawn.
    TwoChoices,
    /// The same for the same key.
    Hash {
        /// The key.
        key: String,
        /// At most this many percent of its share of the load.
        bounded_percent: Option<u32>,
    },
    /// The same for the same key, from a table that clients can take along. Not in a command: to build a
    /// table takes milliseconds.
    Maglev {
        /// The key.
        key: String,
        /// Entries of the table.
        size: u32,
    },
    /// The one it was before, while that can be picked; then as by hash.
    Sticky {
        /// The one it was.
        previous: Option<InstanceId>,
        /// The key.
        key: String,
    },
}

/// Which instances come into question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// In this zone.
    pub zone: Option<String>,
    /// With all of these tags.
    pub tags: BTreeSet<String>,
    /// With all of these in their meta.
    pub meta: BTreeMap<String, String>,
    /// None of these.
    pub exclude: BTreeSet<InstanceId>,
}
