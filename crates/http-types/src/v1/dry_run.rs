//! `?dry_run=1`: what a request would do, with nothing done.
//!
//! A dry run that would be refused is answered with that refusal, status and `code` as the real
//! request would have.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::flag;
use super::locks::ClaimEnd;
use super::owner::Owner;
use super::txn::{Guard, GuardForm};

/// Query of a request that takes no other parameter.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams,
)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct DryRunQuery {
    /// Say what would happen, change nothing.
    #[serde(deserialize_with = "flag")]
    pub dry_run: bool,
}

/// What a request would do. True of the state at `index`; others may change it before the real
/// request comes: name what stands in `only_if` in that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRun<T> {
    /// Always true.
    pub dry_run: bool,
    /// Position of the state it was computed from. It took none itself.
    pub index: u64,
    /// What the answer would be. Positions in it are that of the next write, if the request came
    /// at once; times are of the node that was asked.
    pub would: T,
    /// What would change.
    pub effects: Effects,
    /// What to name in the real request, so that it acts on nothing but what is shown.
    pub only_if: OnlyIf,
}

/// Either answer of a request that can be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OrDryRun<T> {
    /// It was done.
    Done(T),
    /// With `dry_run`: nothing was.
    Would(Box<DryRun<T>>),
}

/// The first of a list, and how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// How many there are.
    pub count: u32,
    /// The first of them: at most `dry_run_shown_max` of `/v1/limits`.
    pub shown: Vec<T>,
    /// Whether there are more than are shown.
    pub more: bool,
}

impl<T> Default for Listed<T> {
    fn default() -> Listed<T> {
        Listed {
            count: 0,
            shown: Vec::new(),
            more: false,
        }
    }
}

/// What would change, as the events of the request would tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effects {
    /// Znodes, those of claims among them; no values.
    pub znodes: ZnodeEffects,
    /// Holds that would end.
    pub holds_ended: Listed<AffectedClaim>,
    /// Waiters that would lose their place.
    pub waiters_removed: Listed<AffectedClaim>,
    /// Waiters that would get their lock in the same step.
    pub granted: Listed<AffectedClaim>,
    /// Claims that would come into a queue: of znodes named as ZooKeeper's lock recipes name them.
    pub queued: Listed<AffectedClaim>,
    /// Locks that would be granted to nobody for a while.
    pub delayed: Listed<DelayedLock>,
    /// Candidates that would stand no more.
    pub candidates_removed: Listed<AffectedCandidate>,
    /// Leaderships that would end.
    pub leaderships_ended: Listed<AffectedCandidate>,
    /// Candidates that would lead in the same step.
    pub elected: Listed<AffectedCandidate>,
    /// Sessions that would end: those made for one claim alone end with it.
    pub sessions_ended: Listed<String>,
}

/// Paths, parents before children. A znode that would be made and removed again is in both lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZnodeEffects {
    /// Made.
    pub created: Listed<String>,
    /// With other data or another access list.
    pub changed: Listed<String>,
    /// Removed.
    pub deleted: Listed<String>,
}

/// A claim that something would happen to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AffectedClaim {
    /// The lock.
    pub lock: String,
    /// Its id.
    pub claim: String,
    /// Its fence.
    pub fence: u64,
    /// The session that owns it.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// How it would end, where it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ClaimEnd>,
}

/// A candidate that something would happen to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AffectedCandidate {
    /// The election.
    pub election: String,
    /// Its id.
    pub candidate: String,
    /// The term that would end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<u64>,
    /// The session that owns it.
    pub session: String,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// A lock that would be free, and granted to nobody until its delay is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DelayedLock {
    /// The lock.
    pub lock: String,
    /// For how long.
    pub delayed_ms: u64,
    /// Who would be first in the queue then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AffectedClaim>,
}

/// What holds the real request to what the dry run showed. Only what applies is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OnlyIf {
    /// For `If-Match`: the fence of the hold to break, the version of the znode to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// For `max` of a recursive delete: refused if there are more by then. It does not notice one
    /// that took another's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// For `if` of the transaction, beside its own guards: that the znodes it writes are as they
    /// were, and the holds it ends still stand. Left out are znodes the caller may not read.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Listed<GuardForm>>)]
    pub guards: Option<Listed<Guard>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_is_left_out() {
        let run = DryRun {
            dry_run: true,
            index: 184,
            would: 7,
            effects: Effects::default(),
            only_if: OnlyIf {
                if_match: Some("\"f12\"".to_owned()),
                ..OnlyIf::default()
            },
        };
        let json = serde_json::to_value(&run).unwrap();
        assert_eq!(json["only_if"], serde_json::json!({"if_match": "\"f12\""}));
        assert_eq!(
            json["effects"]["znodes"]["deleted"],
            serde_json::json!({"count": 0, "shown": [], "more": false})
        );
        assert_eq!(serde_json::from_value::<DryRun<i32>>(json).unwrap(), run);
    }
}
