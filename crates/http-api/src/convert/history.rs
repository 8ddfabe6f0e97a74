//! Holds that ended.

use http_types::v1::locks as v1;
use raft_core::history::{self, History, HoldStatistics};
use raft_core::ids::LockName;

use crate::convert::{fence, lock};
use crate::extract::path::session_label;
use crate::millis::rfc3339;

/// The last holds of a lock, at most `limit`.
pub(crate) fn history(name: &LockName, history: Option<&History>, limit: usize) -> v1::LockHistory {
    let holds = history.into_iter().flat_map(History::newest_first);
    v1::LockHistory {
        lock: name.to_string(),
        holds: holds.take(limit).map(past_hold).collect(),
        count: history.map_or(0, History::count),
        statistics: history
            .and_then(History::statistics)
            .as_ref()
            .map(statistics),
    }
}

fn past_hold(hold: &history::PastHold) -> v1::PastHold {
    let (mode, permits) = lock::mode(hold.mode);
    v1::PastHold {
        claim: hold.claim.to_string(),
        session: session_label(hold.session, hold.session_name.as_ref()),
        owner: hold.owner.as_deref().map(str::to_owned),
        fence: fence::shown(hold.fence),
        mode,
        permits,
        queued_at: rfc3339(hold.queued.wall),
        granted_at: rfc3339(hold.granted.wall),
        ended_at: rfc3339(hold.ended.wall),
        ended_index: hold.ended.zxid.0,
        waited_ms: hold.waited_ms(),
        held_ms: hold.held_ms(),
        end: lock::end(hold.end),
        reason: hold.reason.as_deref().map(str::to_owned),
        end_reason: hold.end_reason.as_deref().map(str::to_owned),
    }
}

/// What holds have in common.
pub(crate) fn statistics(found: &HoldStatistics) -> v1::LockStatistics {
    v1::LockStatistics {
        holds: found.holds,
        since: rfc3339(found.since.wall),
        hold_ms: quantiles(found.held),
        wait_ms: quantiles(found.waited),
    }
}

fn quantiles(found: history::Quantiles) -> v1::Quantiles {
    v1::Quantiles {
        p50: found.p50,
        p95: found.p95,
    }
}
