//! Picks: what is asked, and what was picked.

use std::collections::{BTreeMap, BTreeSet};

use http_types::paths;
use http_types::v1::services as v1;
use raft_core::command::{Filter, Selection, Strategy};
use raft_core::ids::{InstanceId, LogTime, ReservationId, ServiceName};
use raft_core::outcome::{Considered, Excluded, Picked};
use raft_core::query::pick::RING_SIZE;
use raft_core::service::Registration;

use crate::convert::service::{left, words};
use crate::error::Problem;

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
