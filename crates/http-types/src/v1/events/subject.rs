//! Whom an event is about.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::v1::elections::{CandidateEnd, Election};
use crate::v1::locks::{Claim, ClaimEnd, Lock};
use crate::v1::nodes::Node;
use crate::v1::services::Instance;
use crate::v1::sessions::Session;

/// A claim named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimEvent {
    /// The lock.
    pub lock: String,
    /// The claim.
    pub claim: String,
    /// Its fence.
    pub fence: u64,
    /// Its session.
    pub session: String,
}

/// The end of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimEndEvent {
    /// Which claim.
    #[serde(flatten)]
    pub claim: ClaimEvent,
    /// How it ended.
    pub state: ClaimEnd,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A candidate named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CandidateEvent {
    /// The election.
    pub election: String,
    /// The candidate.
    pub candidate: String,
    /// Its session.
    pub session: String,
}

/// The end of a candidacy or a leadership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CandidateEndEvent {
    /// Which candidate.
    #[serde(flatten)]
    pub candidate: CandidateEvent,
    /// The term that is over, of a leadership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// How it ended.
    pub state: CandidateEnd,
}

/// An instance of a service named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceEvent {
    /// The service.
    pub service: String,
    /// The instance.
    pub instance: String,
    /// The session that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceEnd {
    /// Somebody deregistered it.
    Deregistered,
    /// Its session was closed.
    SessionClosed,
    /// Its session expired.
    SessionExpired,
    /// It was not renewed in time.
    TtlElapsed,
    /// A way this version does not know; never sent.
    #[serde(other)]
    Unrecognised,
}

/// A session named by an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionEvent {
    /// Its name or number.
    pub session: String,
    /// Its number.
    pub number: u64,
}

/// One thing that was there when a stream with `initial=state` began; one field is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StateEvent {
    /// A znode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// A lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// A claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// An election.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub election: Option<Election>,
    /// An instance of a service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Instance>,
    /// A session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}
