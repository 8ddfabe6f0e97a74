//! Why a request was refused, as a document (RFC 9457).
//!
//! The field that matters most is `outcome`: whether the request happened. *Unknown* is never
//! reported as *not applied* (decision 10).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::v1::deadlocks::Wait;
use crate::v1::elections::EndedCandidate;
use crate::v1::locks::{EndedClaim, Eta, Holder};
use crate::v1::services::Considered;
use crate::v1::sessions::EndedSession;

pub use crate::catalogue::ErrorCode;

/// Did it happen?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It did.
    Applied,
    /// It did not, and will not.
    NotApplied,
    /// It may have, or may yet.
    Unknown,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Address of the explanation, served by every node: `/errors/lock-held`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in one sentence; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem for programs.
    pub code: ErrorCode,
    /// What happened this time, in one sentence.
    pub detail: String,
    /// The resource asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Did it happen?
    pub outcome: Effect,
    /// Whether sending the same request again can succeed without anything else being changed.
    /// With outcome `unknown` only for a request that may be repeated (PUT and DELETE of claims
    /// and sessions, anything with an `Idempotency-Key`).
    pub retryable: bool,
    /// For outcome `unknown`: where to see what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// What belongs to this kind of problem.
    #[serde(flatten)]
    pub more: Box<Extensions>,
}

/// Fields that belong to certain kinds of problem; absent elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Extensions {
    /// The lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// The claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The fence that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// The election.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub election: Option<String>,
    /// The candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// The present term of the election.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// How the candidate ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_candidate: Option<EndedCandidate>,
    /// The resource of a fence register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The highest fence that was shown for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<u64>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The barrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barrier: Option<String>,
    /// How many are to meet there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parties: Option<u32>,
    /// The work queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Its item, or dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u64>,
    /// The member of the group, or the party of the barrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The instance of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_instance: Option<String>,
    /// Why instances were not picked (the first few).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub considered: Option<Vec<Considered>>,
    /// Who has the lock (the first few).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holders: Option<Vec<Holder>>,
    /// Claims in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_length: Option<u32>,
    /// Who waits for whom: each for the next, and the last for the first, which is the one refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Vec<Wait>>,
    /// What would avoid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// How long a lock delay keeps the lock closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delayed_ms: Option<u64>,
    /// How long a claim that queued now might wait, where enough past holds of the lock are remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<Eta>,
    /// How the claim ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_claim: Option<EndedClaim>,
    /// How the session ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_session: Option<EndedSession>,
    /// The znode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The version that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
    /// The version that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual_version: Option<i32>,
    /// Znodes below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The permission that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
    /// The guards that did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_guards: Option<Vec<FailedGuard>>,
    /// Which operation of several was refused, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<u32>,
    /// What the counter is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// What is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited: Option<String>,
    /// The limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<u64>,
    /// What is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<u64>,
    /// The oldest event there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_index: Option<u64>,
    /// Position the answer reflects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Position that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_index: Option<u64>,
    /// How long the node waited before it gave up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// What speaks against a membership change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<Vec<String>>,
    /// Id to look for in the log of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
}

/// A guard that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailedGuard {
    /// Which, from 0.
    pub index: u32,
    /// What was expected, in words.
    pub expected: String,
    /// What was found, in words.
    pub actual: String,
}

impl Problem {
    /// A problem of this kind, with everything its kind decides filled in.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: code.type_path(),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            instance: None,
            outcome: code.outcome(),
            retryable: code.retryable(),
            check: None,
            more: Box::default(),
        }
    }

    /// With fields of its kind.
    #[must_use]
    pub fn with(mut self, fill: impl FnOnce(&mut Extensions)) -> Problem {
        fill(&mut self.more);
        self
    }

    /// Says which resource was asked for.
    #[must_use]
    pub fn at(mut self, instance: impl Into<String>) -> Problem {
        self.instance = Some(instance.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_flat_and_survives_the_way() {
        let problem = Problem::new(ErrorCode::LockHeld, "orders/42 is held")
            .at("/v1/locks/orders/42")
            .with(|more| more.queue_length = Some(3));
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "/errors/lock-held");
        assert_eq!(json["outcome"], "not-applied");
        assert_eq!(json["queue_length"], 3);
        assert_eq!(json["status"], 423);
        assert!(json.get("holders").is_none());
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    }

    #[test]
    fn a_code_of_a_newer_server_is_no_error() {
        let mut json = serde_json::to_value(Problem::new(ErrorCode::NoLeader, "x")).unwrap();
        json["code"] = "made_up".into();
        let problem: Problem = serde_json::from_value(json).unwrap();
        assert_eq!(problem.code, ErrorCode::Unrecognised);
        assert_eq!(problem.outcome, Effect::NotApplied);
    }
}
