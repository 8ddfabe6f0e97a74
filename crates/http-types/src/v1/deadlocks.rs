//! `/v1/deadlocks` and `/v1/lock-order`: waits that would never have ended, and locks that are taken in
//! both orders. Both as the node that is asked has seen since it started.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::owner::Owner;

/// One step of a cycle: each waits for the next, and the last for the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wait {
    /// The session that waits.
    pub session: String,
    /// Which of its tasks, where its claim names one by the label `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Who is behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The lock it waits for.
    pub waits_for: String,
    /// The claim of the next in the cycle that is ahead there.
    pub behind: String,
}

/// A wait that was refused because it would never have ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deadlock {
    /// Position of the command that was refused.
    pub index: u64,
    /// When.
    pub at: String,
    /// In words.
    pub detail: String,
    /// Who waited for whom; the first is the one that was refused.
    pub cycle: Vec<Wait>,
}

/// `GET /v1/deadlocks`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deadlocks {
    /// Newest first; the last 100.
    pub deadlocks: Vec<Deadlock>,
}

/// Locks that were asked for while others were held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockOrder {
    /// Beginning of the names of those that were held.
    pub held: String,
    /// Beginning of the names of those that were asked for.
    pub asked: String,
    /// How often.
    pub count: u64,
    /// What was held the last time.
    pub last_held: String,
    /// What was asked for then.
    pub last_asked: String,
    /// When that was.
    pub last_at: String,
}

/// Locks that are taken in both orders, so that their owners may wait for each other one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderConflict {
    /// The more usual order.
    pub usual: LockOrder,
    /// The other one.
    pub rare: LockOrder,
}

/// `GET /v1/lock-order`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderConflicts {
    /// In order of the beginnings of names.
    pub conflicts: Vec<OrderConflict>,
}
