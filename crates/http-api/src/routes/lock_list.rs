//! `GET /v1/locks`: locks, page by page.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::locks as v1;
use raft_core::ids::LockName;
use raft_core::lock::Lock;
use raft_core::state::State;

use crate::call::Call;
use crate::convert::lock;
use crate::error::Problem;
use crate::limits::{FILTER_SCAN_MAX, PAGE_DEFAULT, PAGE_MAX, QUEUE_SORT_SCAN_MAX};
use crate::reply::Reply;

/// Locks with claims or settings, in order of name or of their queues.
#[utoipa::path(
    get, path = "/v1/locks", tag = "locks", operation_id = "locks",
    params(v1::SortedLocksQuery),
    responses(
        (status = 200, description = "A page of them", body = v1::LockList),
        (status = 400, description = "`bad_request`: too many locks to sort; name a prefix", body = Document),
        (status = 503, description = "`overloaded`: other lists are being sorted", body = Document),
    )
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::SortedLocksQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let wall_ms = call.api.wall_ms();
    let (answer, page) = match query.sort.unwrap_or_default() {
        v1::LockOrder::Name => {
            let after = query.after.as_deref().map(LockName::parse).transpose()?;
            let answer = call.read(|state| Ok(state.clone())).await?;
            let page = by_name(&answer.value, (&query, after, limit), wall_ms);
            (answer, page)
        }
        v1::LockOrder::Queue => {
            let after = query.after.as_deref().map(Place::parse).transpose()?;
            let walk = call.api.admission.walk(call.time_left()).await?;
            let answer = call.read(|state| Ok(state.clone())).await?;
            let (state, asked) = (answer.value.clone(), query.clone());
            let sorting = move || by_queue(&state, (&asked, after, limit), wall_ms);
            (answer, walk.through(sorting).await??)
        }
    };
    let mut reply = Reply::ok(&page)?.at(answer.zxid).aged(answer.age);
    if let Some(next) = &page.next {
        let url = next_url(&query, limit, next);
        reply = reply.text("link", &format!("<{url}>; rel=\"next\""));
    }
    Ok(reply)
}

fn next_url(query: &v1::SortedLocksQuery, limit: usize, next: &str) -> String {
    let state = query.state.map(|state| match state {
        v1::LockState::Free => "free".to_owned(),
        v1::LockState::Held => "held".to_owned(),
        v1::LockState::Delayed => "delayed".to_owned(),
    });
    let sort = query.sort.map(|sort| match sort {
        v1::LockOrder::Name => "name".to_owned(),
        v1::LockOrder::Queue => "queue".to_owned(),
    });
    paths::with_query(
        "/v1/locks",
        &[
            ("prefix", query.prefix.clone()),
            ("limit", Some(limit.to_string())),
            ("after", Some(next.to_owned())),
            ("state", state),
            ("sort", sort),
        ],
    )
}

/// A query, with its `after` and its limit understood.
type Asked<'a, T> = (&'a v1::SortedLocksQuery, Option<T>, usize);

fn by_name(
    state: &State,
    (query, mut after, limit): Asked<'_, LockName>,
    wall_ms: u64,
) -> v1::LockList {
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let mut list = v1::LockList::default();
    let mut scanned = 0usize;
    loop {
        let found = state.locks(prefix, after.as_ref(), PAGE_MAX);
        let is_last = found.len() < PAGE_MAX;
        for (name, record) in found {
            if list.locks.len() == limit || scanned == FILTER_SCAN_MAX {
                list.next = after.map(|name| name.to_string());
                return list;
            }
            scanned = scanned.saturating_add(1);
            if is_wanted(state, record, query) {
                list.locks
                    .push(lock::summary(state, wall_ms, &name, record));
            }
            after = Some(name);
        }
        if is_last {
            return list;
        }
    }
}

fn is_wanted(state: &State, record: &Lock, query: &v1::SortedLocksQuery) -> bool {
    query
        .state
        .is_none_or(|wanted| wanted == lock::state_of(state, record))
}

/// Where a lock stands in the order of queues; smaller is listed before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    waiters: Reverse<u32>,
    name: LockName,
}

impl Place {
    /// Reads `12:orders/42`.
    fn parse(text: &str) -> Result<Place, Problem> {
        let malformed = || {
            let form = "the length of a queue and a name, for example 12:orders/42";
            Problem::bad_request(format!("after is {text:?}, expected {form}"))
        };
        let (waiters, name) = text.split_once(':').ok_or_else(malformed)?;
        let waiters = waiters.parse().map_err(|_| malformed())?;
        Ok(Place {
            waiters: Reverse(waiters),
            name: LockName::parse(name)?,
        })
    }

    fn text(&self) -> String {
        format!("{}:{}", self.waiters.0, self.name)
    }
}

/// Looks at every lock, but keeps no more than one page of places.
fn by_queue(
    state: &State,
    (query, after, limit): Asked<'_, Place>,
    wall_ms: u64,
) -> Result<v1::LockList, Problem> {
    let prefix = query.prefix.as_deref().unwrap_or_default();
    // One more than shown says whether there is a next page. The last of the best is on top.
    let most = limit.saturating_add(1);
    let mut best: BinaryHeap<Place> = BinaryHeap::with_capacity(most.saturating_add(1));
    let mut scanned = 0usize;
    let mut from: Option<LockName> = None;
    loop {
        let found = state.locks(prefix, from.as_ref(), PAGE_MAX);
        let is_last = found.len() < PAGE_MAX;
        scanned = scanned.saturating_add(found.len());
        if scanned > QUEUE_SORT_SCAN_MAX {
            return Err(Problem::bad_request(format!(
                "the names of more than {QUEUE_SORT_SCAN_MAX} locks begin with {prefix:?}: name a \
                 longer prefix, or list them by name"
            )));
        }
        for (name, record) in found {
            from = Some(name.clone());
            let place = Place {
                waiters: Reverse(record.waiters),
                name,
            };
            let is_late = best.len() == most && best.peek().is_some_and(|last| *last < place);
            let is_before = after.as_ref().is_some_and(|after| place <= *after);
            if !is_late && !is_before && is_wanted(state, record, query) {
                best.push(place);
                if best.len() > most {
                    best.pop();
                }
            }
        }
        if is_last {
            break;
        }
    }
    Ok(shown(state, (best.into_sorted_vec(), limit), wall_ms))
}

fn shown(state: &State, (mut places, limit): (Vec<Place>, usize), wall_ms: u64) -> v1::LockList {
    let has_more = places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| has_more).map(Place::text);
    let row = |place: &Place| {
        // The first name that begins with a name is that name.
        let (name, record) = state.locks(place.name.as_str(), None, 1).pop()?;
        Some(lock::summary(state, wall_ms, &name, record))
    };
    v1::LockList {
        locks: places.iter().filter_map(row).collect(),
        next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_queues_come_first_and_equal_ones_by_name() {
        let mut places = ["2:b", "10:z", "2:a", "0:a/b"].map(|text| Place::parse(text).unwrap());
        places.sort();
        let texts: Vec<String> = places.iter().map(Place::text).collect();
        assert_eq!(texts, ["10:z", "2:a", "2:b", "0:a/b"]);
    }

    #[test]
    fn a_place_holds_names_with_colons_and_nothing_else() {
        assert_eq!(Place::parse("1:a:b").unwrap().name.as_str(), "a:b");
        for bad in ["", "a", ":a", "-1:a", "1:", "4294967296:a", "x:a"] {
            assert!(Place::parse(bad).is_err(), "{bad} was accepted");
        }
    }
}
