//! `/v1/barriers`: parties that meet, go on together, and leave together.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::owner::Owner;

/// `PUT /v1/barriers/{barrier}/-/members/{id}`: come in, or ask how the barrier stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterRequest {
    /// How many are to meet. All of them must say the same.
    pub parties: u32,
}

/// How a barrier stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BarrierState {
    /// Nobody is in it.
    Free,
    /// Who is in it waits for the others.
    Waiting,
    /// All have met; they go on, and leave.
    Open,
}

/// A party of a barrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// The barrier.
    pub barrier: String,
    /// Its id. One that was made by a ZooKeeper client has the name of its znode.
    pub member: String,
    /// How the barrier stands.
    pub state: BarrierState,
    /// How many are to meet. Left out where only ZooKeeper clients are in it, who tell nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parties: Option<u32>,
    /// How many are in it.
    pub inside: u32,
    /// The session that owns the party: it goes with it.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Position at which it came in.
    pub entered_index: u64,
    /// When.
    pub entered_at: String,
    /// Position at which the last one came in and the barrier opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_index: Option<u64>,
    /// Where to leave (DELETE).
    pub leave: String,
}

/// Somebody in a barrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BarrierMember {
    /// Its id.
    pub member: String,
    /// The session that owns it.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Position at which it came in.
    pub entered_index: u64,
    /// When.
    pub entered_at: String,
}

/// `GET /v1/barriers/{barrier}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Barrier {
    /// Its name.
    pub barrier: String,
    /// How it stands.
    pub state: BarrierState,
    /// How many are to meet, where somebody is in it who said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parties: Option<u32>,
    /// How many are in it.
    pub inside: u32,
    /// Position at which it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_index: Option<u64>,
    /// Who is in it, in the order in which they came (the first few).
    pub members: Vec<BarrierMember>,
}

/// `DELETE /v1/barriers/{barrier}/-/members/{id}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartyLeft {
    /// The barrier.
    pub barrier: String,
    /// The party.
    pub member: String,
    /// Whether this request took it out; otherwise it was not in.
    pub left: bool,
    /// `open` while others of the same round are still in it.
    pub state: BarrierState,
    /// How many are in it.
    pub inside: u32,
}
