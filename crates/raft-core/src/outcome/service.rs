//! What came of an operation on a service.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, LogTime, ReservationId, WallTime};
use crate::service::{Instance, Registration};

/// Of an operation on a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceReply {
    /// An instance, as it is after the command.
    Instance {
        /// Whether this request registered it.
        created: bool,
        /// As it is.
        instance: Box<Instance>,
    },
    /// An instance is not registered.
    Deregistered {
        /// Whether this request ended it.
        left: bool,
    },
    /// Instances were picked.
    Picked(Box<Picked>),
    /// A reservation is not open.
    Released {
        /// Whether this request ended it.
        released: bool,
    },
}

/// What was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// The instances, the first choice first; one at least.
    pub chosen: Vec<PickedInstance>,
    /// When their reservations end.
    pub expires: Option<LogTime>,
    /// All instances of the service, where that was asked for.
    pub considered: Vec<Considered>,
}

/// One that was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickedInstance {
    /// Its id.
    pub instance: InstanceId,
    /// What it says of itself.
    pub registration: Arc<Registration>,
    /// What was reserved.
    pub reservation: Option<ReservationId>,
}

/// An instance that a pick looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// Its id.
    pub instance: InstanceId,
    /// Whether it was chosen.
    pub chosen: bool,
    /// How busy it would be with one request more, in thousandths of its capacity and weight, where that
    /// decided.
    pub score: Option<u64>,
    /// Why it did not come into question.
    pub excluded: Option<Exclusion>,
}

/// An instance that did not come into question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Its id.
    pub instance: InstanceId,
    /// Why.
    pub why: Exclusion,
}

/// Why an instance does not come into question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exclusion {
    /// It is not in this zone.
    Zone(String),
    /// It does not have this tag.
    Tag(String),
    /// It does not have this in its meta.
    Meta(String, String),
    /// The caller named it.
    Named,
    /// It is draining.
    Draining,
    /// Its checks fail.
    Failing {
        /// Since when.
        since: WallTime,
        /// What they found.
        text: String,
    },
    /// Too many calls of it failed in a row.
    SetAside {
        /// For how much longer, milliseconds.
        left_ms: u64,
    },
    /// Its weight is 0.
    Weightless,
}

/// What follows the name of the instance in a sentence. When a check began to fail is left to those who
/// can write a time.
impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exclusion::Zone(zone) => write!(f, "is not in zone {zone}"),
            Exclusion::Tag(tag) => write!(f, "has no tag {tag}"),
            Exclusion::Meta(key, value) => write!(f, "has no {key}={value}"),
            Exclusion::Named => f.write_str("was excluded by the caller"),
            Exclusion::Draining => f.write_str("is draining"),
            Exclusion::Failing { text, .. } if text.is_empty() => f.write_str("fails its checks"),
            Exclusion::Failing { text, .. } => write!(f, "fails its checks ({text})"),
            Exclusion::SetAside { left_ms } => {
                write!(f, "is set aside after failed calls, for {left_ms} ms more")
            }
            Exclusion::Weightless => f.write_str("has weight 0"),
        }
    }
}
