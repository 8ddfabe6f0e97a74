//! Services, their instances, and picks.

use std::collections::{BTreeMap, BTreeSet};

use http_types::duration::TextDuration;
use http_types::paths;
use http_types::v1::events;
use http_types::v1::services as v1;
use raft_core::command::{Filter, RegisterInstance, Selection, Strategy};
use raft_core::event::{EventKind, InstanceChange};
use raft_core::ids::{InstanceId, LogTime, ReservationId, ServiceName};
use raft_core::outcome::{Considered, Excluded, Exclusion, Picked};
use raft_core::query::pick::RING_SIZE;
use raft_core::query::service::InstanceView;
use raft_core::service::{CheckSpec, InstanceEnd, InstanceState, Keeper, Probe, Registration};
use raft_core::state::State;

use crate::convert::session;
use crate::error::Problem;
use crate::millis::rfc3339;

/// Of a check that names no times, milliseconds.
const CHECK_INTERVAL_MS: u64 = 5_000;
const CHECK_TIMEOUT_MS: u64 = 1_000;
const FAIL_AFTER: u32 = 3;
const PASS_AFTER: u32 = 1;

/// What a registration asks.
pub(crate) fn register(
    instance: InstanceId,
    request: v1::RegisterRequest,
) -> Result<RegisterInstance, Problem> {
    let v1::RegisterRequest {
        address,
        port,
        weight,
        zone,
        tags,
        meta,
        check,
        ttl,
        state,
    } = request;
    let tags: BTreeSet<String> = tags.into_iter().collect();
    Ok(RegisterInstance {
        instance,
        registration: Registration {
            address,
            port,
            weight: weight.unwrap_or(1),
            zone,
            tags: tags.into_iter().collect(),
            meta,
            check: check.map(check_spec).transpose()?,
        },
        ttl_ms: ttl.map(TextDuration::as_millis),
        state: state.map(state_in),
    })
}

/// What a state of the contract says.
pub(crate) fn state_in(state: v1::InstanceState) -> InstanceState {
    match state {
        v1::InstanceState::Up => InstanceState::Up,
        v1::InstanceState::Draining => InstanceState::Draining,
    }
}

fn check_spec(check: v1::InstanceCheck) -> Result<CheckSpec, Problem> {
    let probe = match (check.http, check.tcp) {
        (Some(path), false) => Probe::Http(path),
        (None, true) => Probe::Tcp,
        (Some(_), true) | (None, false) => {
            return Err(Problem::bad_request(
                "a check has one of http (a path) and tcp (true)",
            ));
        }
    };
    let interval_ms = check
        .interval
        .map_or(CHECK_INTERVAL_MS, TextDuration::as_millis);
    let timeout = check.timeout.map(TextDuration::as_millis);
    Ok(CheckSpec {
        probe,
        interval_ms,
        timeout_ms: timeout.unwrap_or_else(|| CHECK_TIMEOUT_MS.min(interval_ms)),
        fail_after: check.fail_after.unwrap_or(FAIL_AFTER),
        pass_after: check.pass_after.unwrap_or(PASS_AFTER),
    })
}

fn check_of(check: &CheckSpec) -> v1::InstanceCheck {
    let (http, tcp) = match &check.probe {
        Probe::Http(path) => (Some(path.clone()), false),
        Probe::Tcp => (None, true),
    };
    v1::InstanceCheck {
        http,
        tcp,
        interval: Some(TextDuration::from_millis(check.interval_ms)),
        timeout: Some(TextDuration::from_millis(check.timeout_ms)),
        fail_after: Some(check.fail_after),
        pass_after: Some(check.pass_after),
    }
}

/// An instance as it is. What is left of times and how old a report is are by the clock of the log, which
/// moves with commands.
pub(crate) fn instance(state: &State, view: &InstanceView<'_>) -> v1::Instance {
    let it = view.instance;
    let registration = &*it.registration;
    let now = state.log_time();
    let (ttl_ms, expires_ms) = match it.keeper {
        Keeper::Session(_) => (None, None),
        Keeper::Ttl { ttl_ms, expires } => (Some(ttl_ms), Some(left(expires, now))),
    };
    v1::Instance {
        service: view.service.to_string(),
        id: view.id.to_string(),
        address: registration.address.clone(),
        port: registration.port,
        weight: registration.weight,
        zone: registration.zone.clone(),
        tags: registration.tags.clone(),
        meta: registration.meta.clone(),
        session: it.session().map(|id| session::label(state, id)),
        ttl_ms,
        expires_ms,
        state: match it.state {
            InstanceState::Up => v1::InstanceState::Up,
            InstanceState::Draining => v1::InstanceState::Draining,
        },
        unavailable: state.unavailable(it).as_ref().map(words),
        check: registration.check.as_ref().map(check_of),
        verdict: it.verdict.as_ref().map(|verdict| v1::Verdict {
            passing: verdict.passing,
            since: rfc3339(verdict.since.wall),
            since_index: verdict.since.zxid.0,
            text: verdict.text.clone(),
        }),
        load: it.load.map(|load| v1::Load {
            inflight: load.in_flight,
            capacity: load.capacity,
            age_ms: left(now, load.at),
        }),
        failures: it.failures.in_a_row,
        reserved: view.reserved,
        registered_index: it.registered.zxid.0,
        registered_at: rfc3339(it.registered.wall),
        changed_index: it.changed.zxid.0,
    }
}

fn left(until: LogTime, now: LogTime) -> u64 {
    until.0.saturating_sub(now.0)
}

/// Why an instance is not picked, in words that follow its name.
fn words(why: &Exclusion) -> String {
    if let Exclusion::Failing { since, text } = why {
        let found = if text.is_empty() {
            String::new()
        } else {
            format!(": {text}")
        };
        return format!("fails its checks since {}{found}", rfc3339(*since));
    }
    why.to_string()
}

/// The instances of a refusal.
pub(crate) fn excluded(excluded: &[Excluded]) -> Vec<v1::Considered> {
    let shown = |excluded: &Excluded| v1::Considered {
        id: excluded.instance.to_string(),
        chosen: false,
        score: None,
        excluded: Some(words(&excluded.why)),
    };
    excluded.iter().map(shown).collect()
}

/// The instances that a pick looked at.
pub(crate) fn considered(considered: &[Considered]) -> Vec<v1::Considered> {
    let shown = |considered: &Considered| v1::Considered {
        id: considered.instance.to_string(),
        chosen: considered.chosen,
        score: considered.score,
        excluded: considered.excluded.as_ref().map(words),
    };
    considered.iter().map(shown).collect()
}

/// What a pick asks.
pub(crate) fn selection(query: &v1::PickQuery) -> Result<Selection, Problem> {
    let strategy = query.strategy.unwrap_or_default();
    let key = || {
        query.key.clone().ok_or_else(|| {
            Problem::bad_request("hash, maglev and sticky need a key: key=user-42, say")
        })
    };
    let strategy = match strategy {
        v1::Strategy::Random => Strategy::Random,
        v1::Strategy::RoundRobin => Strategy::RoundRobin,
        v1::Strategy::LeastLoad => Strategy::LeastLoad,
        v1::Strategy::P2c => Strategy::TwoChoices,
        v1::Strategy::Hash => Strategy::Hash {
            key: key()?,
            bounded_percent: query.bounded.as_deref().map(percent).transpose()?,
        },
        v1::Strategy::Maglev => Strategy::Maglev {
            key: key()?,
            size: query.size.unwrap_or(RING_SIZE),
        },
        v1::Strategy::Sticky => Strategy::Sticky {
            previous: query
                .previous
                .as_deref()
                .map(InstanceId::parse)
                .transpose()?,
            key: key()?,
        },
    };
    check_use(query)?;
    let mut filter = filter(
        query.zone.as_deref(),
        query.tag.as_deref(),
        query.meta.as_deref(),
    )?;
    for id in list(query.exclude.as_deref()) {
        filter.exclude.insert(InstanceId::parse(id)?);
    }
    Ok(Selection {
        strategy,
        filter,
        count: query.n.unwrap_or(1),
    })
}

/// A parameter that the strategy would ignore is a mistake.
fn check_use(query: &v1::PickQuery) -> Result<(), Problem> {
    let strategy = query.strategy.unwrap_or_default();
    let is = |wanted: &[v1::Strategy]| wanted.contains(&strategy);
    use v1::Strategy::{Hash, Maglev, RoundRobin, Sticky};
    let unused = [
        ("key", query.key.is_some(), is(&[Hash, Maglev, Sticky])),
        ("previous", query.previous.is_some(), is(&[Sticky])),
        ("bounded", query.bounded.is_some(), is(&[Hash])),
        ("size", query.size.is_some(), is(&[Maglev])),
        ("cursor", query.cursor.is_some(), is(&[RoundRobin])),
    ];
    match unused.iter().find(|(_, given, used)| *given && !used) {
        Some((name, ..)) => Err(Problem::bad_request(format!(
            "{name} says nothing to this strategy"
        ))),
        None => Ok(()),
    }
}

/// Which instances come into question; lists are separated by commas.
pub(crate) fn filter(
    zone: Option<&str>,
    tags: Option<&str>,
    meta: Option<&str>,
) -> Result<Filter, Problem> {
    let pair = |text: &str| {
        let pair = text.split_once(':');
        pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| {
                Problem::bad_request(format!("meta={text} is not of the form key:value"))
            })
    };
    let meta: Result<BTreeMap<String, String>, Problem> = list(meta).map(pair).collect();
    Ok(Filter {
        zone: zone.map(str::to_owned),
        tags: list(tags).map(str::to_owned).collect(),
        meta: meta?,
        exclude: BTreeSet::new(),
    })
}

fn list(text: Option<&str>) -> impl Iterator<Item = &str> {
    let words = text.into_iter().flat_map(|text| text.split(','));
    words.filter(|word| !word.is_empty())
}

/// `1.25` as 125, with two digits after the point at most.
fn percent(text: &str) -> Result<u32, Problem> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{part:0<2}");
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let valid = digits.len() == 2 && !whole.is_empty() && is_number(whole) && is_number(&digits);
    let number = format!("{whole}{digits}").parse().ok();
    number.filter(|_| valid).ok_or_else(|| {
        let why = format!("bounded={text} is not a number like 1.25");
        Problem::bad_request(why)
    })
}

/// What a pick gave. `now`: the time of the log at which it was made.
pub(crate) fn picked(
    service: &ServiceName,
    strategy: v1::Strategy,
    (picked, now): (&Picked, LogTime),
) -> Result<v1::Picked, Problem> {
    let expires_ms = picked.expires.map(|at| left(at, now));
    let mut all = picked.chosen.iter().map(|one| {
        let reservation = one.reservation.zip(expires_ms);
        let reservation = reservation.map(|(id, ms)| reserved(service, id, ms));
        picked_instance(&one.instance, &one.registration, reservation)
    });
    let Some(instance) = all.next() else {
        return Err(Problem::internal("a pick of nobody"));
    };
    Ok(v1::Picked {
        instance,
        others: all.collect(),
        strategy,
        ring_version: None,
        considered: considered(&picked.considered),
    })
}

/// An instance for those who call it.
pub(crate) fn picked_instance(
    id: &InstanceId,
    registration: &Registration,
    reservation: Option<v1::Reservation>,
) -> v1::PickedInstance {
    v1::PickedInstance {
        id: id.to_string(),
        address: registration.address.clone(),
        port: registration.port,
        zone: registration.zone.clone(),
        meta: registration.meta.clone(),
        reservation,
    }
}

fn reserved(service: &ServiceName, id: ReservationId, expires_ms: u64) -> v1::Reservation {
    let id = id.to_string();
    v1::Reservation {
        release: paths::service_reservation(service.as_str(), &id),
        id,
        expires_ms,
    }
}

/// The name of an event about an instance.
pub(crate) fn name(change: InstanceChange) -> &'static str {
    match change {
        InstanceChange::Registered => "service.registered",
        InstanceChange::Changed => "service.changed",
        InstanceChange::Draining => "service.draining",
        InstanceChange::Up => "service.up",
        InstanceChange::Passing => "service.passing",
        InstanceChange::Failing => "service.failing",
        InstanceChange::SetAside => "service.set_aside",
        InstanceChange::Back => "service.back",
        InstanceChange::Left(_) => "service.left",
    }
}

/// An event about an instance; of others nothing that is known.
pub(crate) fn event(state: &State, kind: &EventKind) -> events::EventKind {
    let EventKind::Instance {
        service,
        instance,
        session: owner,
        change,
    } = kind
    else {
        return events::EventKind::Unrecognised;
    };
    let event = events::InstanceEvent {
        service: service.to_string(),
        instance: instance.to_string(),
        session: owner.map(|id| session::label(state, id)),
    };
    match change {
        InstanceChange::Registered => events::EventKind::ServiceRegistered(event),
        InstanceChange::Changed => events::EventKind::ServiceChanged(event),
        InstanceChange::Draining => events::EventKind::ServiceDraining(event),
        InstanceChange::Up => events::EventKind::ServiceUp(event),
        InstanceChange::Passing => events::EventKind::ServicePassing(event),
        InstanceChange::Failing => events::EventKind::ServiceFailing(event),
        InstanceChange::SetAside => events::EventKind::ServiceSetAside(event),
        InstanceChange::Back => events::EventKind::ServiceBack(event),
        InstanceChange::Left(end) => events::EventKind::ServiceLeft {
            instance: event,
            state: match end {
                InstanceEnd::Deregistered => events::InstanceEnd::Deregistered,
                InstanceEnd::SessionClosed => events::InstanceEnd::SessionClosed,
                InstanceEnd::SessionExpired => events::InstanceEnd::SessionExpired,
                InstanceEnd::TtlElapsed => events::InstanceEnd::TtlElapsed,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_in_percent() {
        for (text, expected) in [("1.25", 125), ("1", 100), ("2.5", 250), ("100", 10_000)] {
            assert_eq!(percent(text).unwrap(), expected, "{text}");
        }
        for text in ["", "x", "-1", "1.255", "1.2x", "1,2", "+1", "99999999999"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_strategy_would_ignore_is_refused() {
        let query = |strategy| v1::PickQuery {
            strategy: Some(strategy),
            key: Some("k".to_owned()),
            ..v1::PickQuery::default()
        };
        assert!(selection(&query(v1::Strategy::Hash)).is_ok());
        assert!(selection(&query(v1::Strategy::Random)).is_err());
        let without = v1::PickQuery {
            key: None,
            ..query(v1::Strategy::Sticky)
        };
        assert!(selection(&without).is_err());
    }
}
