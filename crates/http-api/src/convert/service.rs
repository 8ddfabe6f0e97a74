//! Services and their instances.

use std::collections::BTreeSet;

use http_types::duration::TextDuration;
use http_types::v1::events;
use http_types::v1::services as v1;
use raft_core::command::RegisterInstance;
use raft_core::event::{EventKind, InstanceChange};
use raft_core::ids::{InstanceId, LogTime};
use raft_core::outcome::Exclusion;
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

pub(super) fn left(until: LogTime, now: LogTime) -> u64 {
    until.0.saturating_sub(now.0)
}

/// Why an instance is not picked, in words that follow its name.
pub(super) fn words(why: &Exclusion) -> String {
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
