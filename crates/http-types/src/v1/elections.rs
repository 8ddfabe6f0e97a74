//! `/v1/elections`: candidates, and which of them leads.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Encoding;
use super::owner::Owner;
use crate::duration::TextDuration;

/// `PUT /v1/elections/{name}/-/candidates/{id}`: stand for election, or ask how the candidate of this
/// id stands. Repeating it changes value and weight to what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignRequest {
    /// What others find at the leader, such as its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the value is written; left out: as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Of the candidates the one with the greatest weight leads next. It unseats nobody.
    pub weight: u32,
}

/// Where a candidate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CandidateState {
    /// It leads.
    Leader,
    /// It is ready to.
    Standby,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// The election.
    pub election: String,
    /// Its id.
    pub candidate: String,
    /// Where it stands.
    pub state: CandidateState,
    /// The fencing token of its leadership, while it leads. Every later leader has a larger one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// Candidates that would lead before it, and itself; left out when it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Its weight.
    pub weight: u32,
    /// The session that owns it.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// What others find at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the value is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Position since which it stands.
    pub stands_index: u64,
    /// Since when.
    pub stands_at: String,
    /// For so long its leadership is certain, counted from the moment the request was sent, unless
    /// somebody takes it away at once. Left out while it stands by, and where the node cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_ms: Option<u64>,
    /// Who leads.
    pub leader: String,
    /// While it leads: it is to hand over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<LeaderTransfer>,
    /// Where to resign (DELETE).
    pub resign: String,
}

/// A leadership that is to be handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaderTransfer {
    /// To whom.
    pub to: String,
    /// After so long it happens without the leader.
    pub remaining_ms: u64,
    /// When it was asked for.
    pub asked_at: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How a candidacy or a leadership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CandidateEnd {
    /// By its owner's wish.
    Resigned,
    /// Its session was closed.
    SessionClosed,
    /// Its session expired.
    SessionExpired,
    /// Its znode was deleted directly.
    NodeDeleted,
    /// The leadership was handed over; the candidacy goes on.
    Transferred,
}

/// A candidate that has ended; remembered for 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedCandidate {
    /// The election.
    pub election: String,
    /// Its id.
    pub candidate: String,
    /// How it ended.
    pub state: CandidateEnd,
    /// Its term, when it led at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// The session that owned it.
    pub session: String,
    /// Position of the command that ended it.
    pub ended_index: u64,
    /// When.
    pub ended_at: String,
}

/// `GET /v1/elections/{name}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Election {
    /// Its name.
    pub election: String,
    /// Who leads.
    pub leader: Candidate,
    /// The fencing token of the leadership.
    pub term: u64,
    /// Since when it lasts.
    pub elected_at: String,
    /// For how long.
    pub led_ms: u64,
    /// Who stands by, in the order in which they would lead (the first few).
    pub standby: Vec<Candidate>,
    /// How many stand, the leader among them.
    pub candidate_count: u32,
}

/// One row of [`ElectionList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ElectionSummary {
    /// Its name.
    pub election: String,
    /// Who leads.
    pub leader: String,
    /// In which term.
    pub term: u64,
    /// The leader's session.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// For how long it leads.
    pub led_ms: u64,
    /// How many stand, the leader among them.
    pub candidate_count: u32,
}

/// `GET /v1/elections`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ElectionList {
    /// In order of name.
    pub elections: Vec<ElectionSummary>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/elections`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ElectionsQuery {
    /// What the names begin with.
    pub prefix: Option<String>,
    /// Most elections to list.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// `POST /v1/elections/{name}/-/transfer`: hand the leadership over to another candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverRequest {
    /// Id of the candidate that is to lead.
    pub to: String,
    /// How long the leader has to finish and resign; then it is done without it. Left out: at once.
    #[schema(value_type = Option<String>, example = "10s")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<TextDuration>,
    /// Only from the leader of this term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// Why; told to the leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
