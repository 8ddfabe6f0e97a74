//! Names and numbers that cross a function, each a type of its own, valid by construction.

mod reservation;
mod znode_path;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::limits;
use crate::path;
use crate::queue;

pub use self::reservation::ReservationId;
pub use self::znode_path::ZnodePath;

/// Public half of a key pair (Ed25519). Nothing here computes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// Position of a write attempt in the single order of the cluster. Every attempt takes exactly
    /// one, also a refused one; Raft-internal entries take none (decision 5).
    Zxid
}
number! {
    /// A session. The zxid of the command that opened it, so it is never used twice (I-6).
    SessionId
}
number! {
    /// Fencing token of a claim: the czxid of its znode. Fences of one lock strictly increase in
    /// grant order (decision 7).
    Fence
}
number! {
    /// Fencing token of a leadership: the zxid of the command by which it began. Terms of one
    /// election strictly increase.
    Term
}
number! {
    /// Milliseconds of the cluster's own clock. It moves only while there is a leader and never
    /// jumps, so no change of leader or wall clock makes a deadline pass early. All deadlines of
    /// the state are in log time.
    LogTime
}
number! {
    /// Milliseconds since 1970 as stamped by the leader and clamped so that it never goes back.
    /// Shown to people (`ctime`, `mtime`); decides nothing.
    WallTime
}

impl LogTime {
    /// This time plus `ms` milliseconds, saturating.
    #[must_use]
    pub fn after(self, ms: u64) -> LogTime {
        LogTime(self.0.saturating_add(ms))
    }
}

/// A type that is a validated text: its encoding is the text, and decoding validates again, so no
/// bytes can make an invalid one.
macro_rules! encoded_as_text {
    ($name:ident, $error:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(stringify!($name))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.as_str().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}
use encoded_as_text;

/// Why a text is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum InvalidName {
    /// Nothing there.
    #[error("a {kind} must not be empty")]
    Empty {
        /// What was being named.
        kind: String,
    },
    /// Over the limit.
    #[error("a {kind} may have at most {limit} bytes, this one has {length}")]
    TooLong {
        /// What was being named.
        kind: String,
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        length: usize,
    },
    /// A character outside `A-Za-z0-9._:@+,~-`, or a reserved segment.
    #[error("{text:?} is not a valid {kind}: {reason}")]
    BadSegment {
        /// What was being named.
        kind: String,
        /// The offending segment.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn check_segment(kind: &str, segment: &str) -> Result<(), InvalidName> {
    let bad = |reason: &str| InvalidName::BadSegment {
        kind: kind.to_owned(),
        text: segment.to_owned(),
        reason: reason.to_owned(),
    };
    if segment.is_empty() {
        return Err(bad("a segment is empty"));
    }
    if segment.len() > limits::NAME_SEGMENT_BYTES_MAX {
        return Err(InvalidName::TooLong {
            kind: kind.to_owned(),
            limit: limits::NAME_SEGMENT_BYTES_MAX,
            length: segment.len(),
        });
    }
    if matches!(segment, "-" | "." | "..") {
        return Err(bad("this segment is reserved"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:@+,~-".contains(c);
    match segment.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(bad(&format!(
            "character {c:?} is not among A-Z a-z 0-9 . _ : @ + , ~ -"
        ))),
        None => Ok(()),
    }
}

macro_rules! segment_name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Validates `text`: one segment of `A-Za-z0-9._:@+,~-`, 1 to 128 bytes, not `-`, `.`
            /// or `..`.
            ///
            /// # Errors
            /// What is wrong with it.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                if text.is_empty() {
                    return Err(InvalidName::Empty { kind: $kind.to_owned() });
                }
                check_segment($kind, text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        encoded_as_text!($name, InvalidName);
    };
}

segment_name! {
    /// Id of a claim, chosen by the client before its first attempt, so that a retry is the same
    /// claim. Unique within one lock.
    ClaimId, "claim id"
}
segment_name! {
    /// Id of a candidate, chosen by the client. Unique within one election.
    CandidateId, "candidate id"
}

impl CandidateId {
    /// Before every id, for ranges: never stored, never shown.
    pub(crate) fn before_all() -> CandidateId {
        CandidateId(Arc::from(""))
    }
}

segment_name! {
    /// Id of a member of a group or of a party of a barrier, chosen by the client. Unique within it.
    MemberId, "member id"
}

segment_name! {
    /// Name of an item of a work queue, or of a dead letter: given by the server, or by a ZooKeeper client.
    ItemId, "item id"
}

segment_name! {
    /// Id of an instance of a service, chosen by the client. Unique within it.
    InstanceId, "instance id"
}

impl InstanceId {
    /// Before every id, for ranges: never stored, never shown.
    pub(crate) fn before_all() -> InstanceId {
        InstanceId(Arc::from(""))
    }
}

segment_name! {
    /// Name of a session, chosen by the client (HTTP) so that opening it can be repeated.
    SessionName, "session name"
}

macro_rules! name_of_znode {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $below:expr $(, without $reserved:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Validates `text`: segments of `A-Za-z0-9._:@+,~-` joined by `/`.
            ///
            /// # Errors
            /// What is wrong with it.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                check_name($kind, text)?;
                $(check_without($kind, text, &$reserved)?;)?
                Ok(Self(Arc::from(text)))
            }

            /// The text, without the path that such names are below.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The znode of this name.
            #[must_use]
            pub fn znode(&self) -> ZnodePath {
                ZnodePath::of_valid(&format!("{}/{}", $below, self.0))
            }

            /// Whose znode is `path`, if it is one of such a name.
            #[must_use]
            pub fn of_znode(path: &ZnodePath) -> Option<Self> {
                let rest = path.as_str().strip_prefix($below)?.strip_prefix('/')?;
                Self::parse(rest).ok()
            }
        }

        encoded_as_text!($name, InvalidName);
    };
}

fn check_name(kind: &str, text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty {
            kind: kind.to_owned(),
        });
    }
    if text.len() > limits::NAME_BYTES_MAX {
        return Err(InvalidName::TooLong {
            kind: kind.to_owned(),
            limit: limits::NAME_BYTES_MAX,
            length: text.len(),
        });
    }
    text.split('/')
        .try_for_each(|segment| check_segment(kind, segment))
}

/// Segments that mean something else below names of this kind.
fn check_without(kind: &str, text: &str, reserved: &[&str]) -> Result<(), InvalidName> {
    match text.split('/').find(|segment| reserved.contains(segment)) {
        Some(segment) => Err(InvalidName::BadSegment {
            kind: kind.to_owned(),
            text: segment.to_owned(),
            reason: "this segment is reserved".to_owned(),
        }),
        None => Ok(()),
    }
}

name_of_znode! {
    /// Name of a lock: segments of `A-Za-z0-9._:@+,~-` joined by `/`, 512 bytes in all. The lock is
    /// the znode `/locks/<name>`.
    LockName, "lock name", path::LOCKS
}
name_of_znode! {
    /// Name of an election: as that of a lock. The election is the znode `/elections/<name>`.
    ElectionName, "election name", path::ELECTIONS
}
name_of_znode! {
    /// Name of a counter: as that of a lock. The counter is the znode `/counters/<name>`.
    CounterName, "counter name", path::COUNTERS
}

name_of_znode! {
    /// Name of a group: as that of a lock. The group is the znode `/groups/<name>`.
    GroupName, "group name", path::GROUPS
}
name_of_znode! {
    /// Name of a barrier: as that of a lock. The barrier is the znode `/barriers/<name>`.
    BarrierName, "barrier name", path::BARRIERS
}
name_of_znode! {
    /// Name of a work queue: as that of a lock, without the segments `entries`, `taken` and `dead`. The queue is
    /// the znode `/queues/<name>`.
    QueueName, "queue name", path::QUEUES, without [queue::ENTRIES, queue::TAKEN, queue::DEAD]
}

impl QueueName {
    /// The parent of its items.
    #[must_use]
    pub fn entries(&self) -> ZnodePath {
        self.below(queue::ENTRIES)
    }

    /// The parent of what says that an item is taken.
    #[must_use]
    pub fn taken(&self) -> ZnodePath {
        self.below(queue::TAKEN)
    }

    /// The parent of its dead letters.
    #[must_use]
    pub fn dead(&self) -> ZnodePath {
        self.below(queue::DEAD)
    }

    fn below(&self, part: &str) -> ZnodePath {
        ZnodePath::of_valid(&format!("{}/{}/{part}", path::QUEUES, self.0))
    }
}

macro_rules! name_without_znode {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Validates `text`: segments of `A-Za-z0-9._:@+,~-` joined by `/`.
            ///
            /// # Errors
            /// What is wrong with it.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                check_name($kind, text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        encoded_as_text!($name, InvalidName);
    };
}

name_without_znode! {
    /// Name of a resource outside whose highest fence is kept, made like that of a lock. Often it is the
    /// name of the lock that guards the resource; nothing depends on that.
    ResourceName, "resource name"
}
name_without_znode! {
    /// Name of a service: as that of a lock. Instances are no znodes.
    ServiceName, "service name"
}

/// Names that tables are searched by a beginning of.
macro_rules! bounds_of_ranges {
    ($($name:ident)*) => {$(
        impl $name {
            /// A bound for ranges over names: not validated, never stored, never shown.
            pub(crate) fn range_bound(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }
    )*};
}

bounds_of_ranges! { LockName ElectionName ResourceName ServiceName }
