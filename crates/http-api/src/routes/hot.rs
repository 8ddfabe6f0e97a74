//! `GET /v1/hot`: the locks that are waited for most.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use http_types::problem::Problem as Document;
use http_types::v1::locks as v1;
use raft_core::history::{History, PastHold};
use raft_core::ids::LockName;
use raft_core::lock::Lock;
use raft_core::state::State;

use crate::call::Call;
use crate::convert;
use crate::error::Problem;
use crate::limits::{HOT_LOCKS_DEFAULT, HOT_WAITERS_MAX, PAGE_MAX, QUEUE_SORT_SCAN_MAX};
use crate::millis::since;
use crate::reply::Reply;

/// The locks that were waited for longest, now and in the holds that are remembered.
#[utoipa::path(
    get, path = "/v1/hot", tag = "locks", operation_id = "hot_locks",
    params(v1::HotQuery),
    responses(
        (status = 200, description = "Most waited for first", body = v1::HotLocks),
        (status = 400, description = "`bad_request`: too many locks to look through; name a prefix", body = Document),
        (status = 503, description = "`overloaded`: other lists are being made", body = Document),
    )
)]
pub(crate) async fn hot(call: Call) -> Result<Reply, Problem> {
    let query: v1::HotQuery = call.query()?;
    let limit = query.limit.unwrap_or(HOT_LOCKS_DEFAULT).clamp(1, PAGE_MAX);
    let wall_ms = call.api.wall_ms();
    let walk = call.api.admission.walk(call.time_left()).await?;
    let answer = call.read(|state| Ok(state.clone())).await?;
    let state = answer.value.clone();
    let prefix = query.prefix.unwrap_or_default();
    let looking = move || hottest(&state, (&prefix, limit), wall_ms);
    let found = walk.through(looking).await??;
    Ok(Reply::ok(&found)?.at(answer.zxid).aged(answer.age))
}

/// Where a lock stands; smaller is listed before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Heat {
    waited_ms: Reverse<u64>,
    waiting_ms: u64,
    name: LockName,
}

/// No more than one page of places, the last of them on top.
struct Hottest {
    limit: usize,
    best: BinaryHeap<Heat>,
}

impl Hottest {
    fn note(&mut self, name: LockName, waiting_ms: u64, past_ms: u64) {
        let waited_ms = Reverse(waiting_ms.saturating_add(past_ms));
        if waited_ms.0 == 0 {
            return;
        }
        self.best.push(Heat {
            waited_ms,
            waiting_ms,
            name,
        });
        if self.best.len() > self.limit {
            self.best.pop();
        }
    }
}

/// Looks at every lock that is remembered or waited for.
fn hottest(
    state: &State,
    (prefix, limit): (&str, usize),
    wall_ms: u64,
) -> Result<v1::HotLocks, Problem> {
    let mut hottest = Hottest {
        limit,
        best: BinaryHeap::new(),
    };
    let mut from: Option<LockName> = None;
    loop {
        // The histories are bounded over all locks.
        let found = state.histories(prefix, from.as_ref(), PAGE_MAX);
        let is_last = found.len() < PAGE_MAX;
        for (name, history) in found {
            from = Some(name.clone());
            let waiting_ms = waiting_ms(state, &name, wall_ms);
            hottest.note(name, waiting_ms, past_ms(history));
        }
        if is_last {
            break;
        }
    }
    note_waited_for(state, prefix, (&mut hottest, wall_ms))?;
    let places = hottest.best.into_sorted_vec();
    Ok(v1::HotLocks {
        locks: places
            .iter()
            .map(|heat| shown(state, wall_ms, heat))
            .collect(),
    })
}

/// Those of which no hold is remembered.
fn note_waited_for(
    state: &State,
    prefix: &str,
    (hottest, wall_ms): (&mut Hottest, u64),
) -> Result<(), Problem> {
    let mut scanned = 0usize;
    let mut from: Option<LockName> = None;
    loop {
        let found = state.locks(prefix, from.as_ref(), PAGE_MAX);
        let is_last = found.len() < PAGE_MAX;
        scanned = scanned.saturating_add(found.len());
        if scanned > QUEUE_SORT_SCAN_MAX {
            return Err(Problem::bad_request(format!(
                "the names of more than {QUEUE_SORT_SCAN_MAX} locks begin with {prefix:?}: name a \
                 longer prefix"
            )));
        }
        for (name, record) in found {
            from = Some(name.clone());
            if record.waiters > 0 && state.history(&name).is_none() {
                let waiting_ms = waiting_ms(state, &name, wall_ms);
                hottest.note(name, waiting_ms, 0);
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

/// How long those who wait now have waited so far.
fn waiting_ms(state: &State, name: &LockName, wall_ms: u64) -> u64 {
    let waiters = state.queue(name, HOT_WAITERS_MAX).into_iter();
    let waited = waiters.map(|claim| since(&claim.queued, wall_ms));
    waited.fold(0, u64::saturating_add)
}

fn past_ms(history: &History) -> u64 {
    let waited = history.newest_first().map(PastHold::waited_ms);
    waited.fold(0, u64::saturating_add)
}

fn shown(state: &State, wall_ms: u64, heat: &Heat) -> v1::HotLock {
    let lock = state
        .lock(&heat.name)
        .map_or_else(Lock::default, |view| view.lock);
    let holder = state.holders(&heat.name, 1).first().copied();
    let statistics = state.history(&heat.name).and_then(History::statistics);
    v1::HotLock {
        lock: heat.name.to_string(),
        waited_ms: heat.waited_ms.0,
        waiting_ms: heat.waiting_ms,
        queue_length: lock.waiters,
        holder_count: lock.holders,
        holder: holder.map(|claim| convert::lock::holder(state, wall_ms, claim)),
        statistics: statistics.as_ref().map(convert::history::statistics),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_waited_for_comes_first_equal_ones_by_name_and_the_rest_is_dropped() {
        let mut hottest = Hottest {
            limit: 3,
            best: BinaryHeap::new(),
        };
        let found = [
            ("b", 5, 5),
            ("a", 5, 5),
            ("z", 0, 0),
            ("c", 0, 99),
            ("d", 1, 0),
        ];
        for (name, waiting, past) in found {
            hottest.note(LockName::parse(name).unwrap(), waiting, past);
        }
        let places = hottest.best.into_sorted_vec();
        let names: Vec<&str> = places.iter().map(|heat| heat.name.as_str()).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
