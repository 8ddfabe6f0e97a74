//! Script words of services. Commands: `serve SERVICE ID ADDRESS:PORT [weight=] [zone=] [tags=a,b]
//! [meta=k:v,k:v] [check=tcp|PATH] [ttl=] [state=up|draining]`, `deregister SERVICE ID`, `renew SERVICE ID`,
//! `state SERVICE ID up|draining`, `load SERVICE ID IN_FLIGHT CAPACITY`, `called SERVICE ID ok|failed`,
//! `checked SERVICE ID INCARNATION passing|failing [TEXT]`, `pick SERVICE STRATEGY [key=] [previous=] [bounded=]
//! [n=] [zone=] [tags=] [meta=] [exclude=] [reserve=] [draw=] [explain]`, `done SERVICE RESERVATION`. Queries:
//! `service NAME`, `services [PREFIX] [after=] [limit=]`, `checks`, and `look` as `pick`, which changes nothing.

use std::collections::BTreeMap;

use balance::round_robin::Cursor;
use raft_core::command::{
    Command, Filter, Pick, RegisterInstance, Selection, ServiceCommand, ServiceOp, Strategy,
};
use raft_core::event::EventKind;
use raft_core::ids::{InstanceId, ReservationId, ServiceName, Zxid};
use raft_core::outcome::{Considered, Picked, Reply, ServiceReply};
use raft_core::query::service::InstanceView;
use raft_core::service::{CheckSpec, InstanceState, Keeper, Probe, Registration};
use raft_core::state::State;

use crate::harness::shown_refusal;
use crate::words::{Words, joined};

pub(crate) fn service(text: &str) -> ServiceName {
    ServiceName::parse(text).unwrap()
}

pub(crate) fn instance(text: &str) -> InstanceId {
    InstanceId::parse(text).unwrap()
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    let parse = match words.peek()? {
        "serve" => register,
        "deregister" => |words: &mut Words| ServiceOp::Deregister {
            instance: next_instance(words),
        },
        "renew" => |words: &mut Words| ServiceOp::Renew {
            instance: next_instance(words),
        },
        "state" => |words: &mut Words| ServiceOp::SetState {
            instance: next_instance(words),
            state: state_of(&words.expect("a state")),
        },
        "load" => |words: &mut Words| ServiceOp::ReportLoad {
            instance: next_instance(words),
            in_flight: words.expect("requests").parse().unwrap(),
            capacity: words.expect("a capacity").parse().unwrap(),
        },
        "called" => |words: &mut Words| ServiceOp::ReportCall {
            instance: next_instance(words),
            ok: one_of(words, "ok", "failed"),
        },
        "checked" => |words: &mut Words| ServiceOp::ReportCheck {
            instance: next_instance(words),
            incarnation: Zxid(words.expect("an incarnation").parse().unwrap()),
            passing: one_of(words, "passing", "failing"),
            text: words.next().unwrap_or_default(),
        },
        "pick" => |words: &mut Words| ServiceOp::Pick(pick(words)),
        "done" => |words: &mut Words| ServiceOp::Release {
            reservation: ReservationId::parse(&words.expect("a reservation")).unwrap(),
        },
        _ => return None,
    };
    words.next();
    let service = service(&words.expect("a service"));
    let op = parse(words);
    Some(Command::Service(ServiceCommand { service, op }))
}

fn next_instance(words: &mut Words) -> InstanceId {
    instance(&words.expect("an instance"))
}

fn one_of(words: &mut Words, yes: &str, no: &str) -> bool {
    let word = words.expect(yes);
    assert!(
        word == yes || word == no,
        "{word} is neither {yes} nor {no}"
    );
    word == yes
}

fn state_of(text: &str) -> InstanceState {
    match text {
        "up" => InstanceState::Up,
        "draining" => InstanceState::Draining,
        other => panic!("no such state: {other}"),
    }
}

fn list(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let words = text.split(',').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn map(text: Option<String>) -> BTreeMap<String, String> {
    let pair = |text: String| {
        let (key, value) = text.split_once(':').expect("key:value");
        (key.to_owned(), value.to_owned())
    };
    list(text).into_iter().map(pair).collect()
}

fn register(words: &mut Words) -> ServiceOp {
    let instance = next_instance(words);
    let place = words.expect("address:port");
    let (address, port) = place.rsplit_once(':').expect("address:port");
    let check = words.value("check").map(|probe| CheckSpec {
        probe: match probe.as_str() {
            "tcp" => Probe::Tcp,
            path => Probe::Http(path.to_owned()),
        },
        interval_ms: words.number("interval").unwrap_or(5_000),
        timeout_ms: words.number("timeout").unwrap_or(1_000),
        fail_after: 3,
        pass_after: 1,
    });
    ServiceOp::Register(Box::new(RegisterInstance {
        instance,
        registration: Registration {
            address: address.to_owned(),
            port: port.parse().unwrap(),
            weight: words.number("weight").unwrap_or(1),
            zone: words.value("zone"),
            tags: list(words.value("tags")),
            meta: map(words.value("meta")),
            check,
        },
        ttl_ms: words.number("ttl"),
        state: words.value("state").map(|text| state_of(&text)),
    }))
}

fn selection(words: &mut Words) -> Selection {
    let name = words.expect("a strategy");
    let key = words.value("key").unwrap_or_default();
    let strategy = match name.as_str() {
        "random" => Strategy::Random,
        "round_robin" => Strategy::RoundRobin,
        "least_load" => Strategy::LeastLoad,
        "p2c" => Strategy::TwoChoices,
        "hash" => Strategy::Hash {
            key,
            bounded_percent: words.number("bounded"),
        },
        "maglev" => Strategy::Maglev {
            key,
            size: words.number("size").unwrap_or(251),
        },
        "sticky" => Strategy::Sticky {
            previous: words.value("previous").map(|id| instance(&id)),
            key,
        },
        other => panic!("no such strategy: {other}"),
    };
    let exclude = list(words.value("exclude"));
    Selection {
        strategy,
        filter: Filter {
            zone: words.value("zone"),
            tags: list(words.value("tags")).into_iter().collect(),
            meta: map(words.value("meta")),
            exclude: exclude.iter().map(|id| instance(id)).collect(),
        },
        count: words.number("n").unwrap_or(1),
    }
}

fn pick(words: &mut Words) -> Pick {
    Pick {
        selection: selection(words),
        draw: words.number("draw").unwrap_or(1),
        reserve_ms: words.number("reserve"),
        explain: words.flag("explain"),
    }
}

/// Answers a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    match words.peek()? {
        "service" => {
            words.next();
            let service = service(&words.expect("a service"));
            let shown = state.instances(&service).map(|view| shown_view(&view));
            Some(joined(shown))
        }
        "services" => {
            words.next();
            let after = words.value("after").map(|name| service(&name));
            let limit = words.number("limit").unwrap_or(100);
            let prefix = words.next().unwrap_or_default();
            let found = state.services(&prefix, after.as_ref(), limit);
            Some(joined(found.iter().map(|found| {
                let (instances, reservations) = (found.instances, found.reservations);
                format!("{}={instances}/{reservations}", found.service)
            })))
        }
        "checks" => {
            words.next();
            let shown = state.checked_instances().map(|view| {
                let incarnation = view.instance.incarnation;
                format!("{}/{}@{incarnation}", view.service, view.id)
            });
            Some(joined(shown))
        }
        "look" => {
            words.next();
            let service = service(&words.expect("a service"));
            Some(look(state, &service, &pick(words)))
        }
        _ => None,
    }
}

/// A pick that changes nothing, with a cursor of its own.
fn look(state: &State, service: &ServiceName, pick: &Pick) -> String {
    let field = state.field(service, &pick.selection.filter);
    let chosen = pick
        .selection
        .check()
        .and_then(|()| field.choose(&pick.selection, pick.draw, &mut Cursor::default()));
    match chosen {
        Ok(chosen) => joined(field.instances_at(&chosen).map(|view| view.id.to_string())),
        Err(refusal) => shown_refusal(&refusal),
    }
}

fn shown_view(view: &InstanceView<'_>) -> String {
    let (id, instance) = (view.id, view.instance);
    let registration = &instance.registration;
    let keeper = match instance.keeper {
        Keeper::Session(session) => format!("of {session}"),
        Keeper::Ttl { expires, .. } => format!("until {expires}"),
    };
    let mut text = format!(
        "{id} {}:{} w{} {keeper}",
        registration.address, registration.port, registration.weight
    );
    match instance.state {
        InstanceState::Up => {}
        InstanceState::Draining => text.push_str(" draining"),
    }
    if let Some(verdict) = &instance.verdict {
        let word = if verdict.passing {
            "passing"
        } else {
            "failing"
        };
        text.push_str(&format!(" {word}({})@{}", verdict.text, verdict.since.zxid));
    }
    if let Some(load) = instance.load {
        text.push_str(&format!(
            " load={}/{} others={} at={}",
            load.in_flight, load.capacity, load.others, load.at
        ));
    }
    if instance.failures.in_a_row > 0 {
        text.push_str(&format!(" failed={}", instance.failures.in_a_row));
    }
    if let Some(until) = instance.failures.set_aside_until {
        text.push_str(&format!(" aside until {until}"));
    }
    if view.reserved > 0 {
        text.push_str(&format!(" reserved={}", view.reserved));
    }
    format!("<{text}>")
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    let Reply::Service(reply) = reply else {
        panic!("not of this family: {reply:?}");
    };
    match reply {
        ServiceReply::Instance { created, instance } => {
            let known = if *created { "" } else { " (was there)" };
            let (registered, changed) = (instance.registered.zxid, instance.changed.zxid);
            format!("instance since {registered} changed {changed}{known}")
        }
        ServiceReply::Deregistered { left: true } => "deregistered".to_owned(),
        ServiceReply::Deregistered { left: false } => "was not registered".to_owned(),
        ServiceReply::Released { released: true } => "released".to_owned(),
        ServiceReply::Released { released: false } => "was not reserved".to_owned(),
        ServiceReply::Picked(picked) => shown_picked(picked),
    }
}

fn shown_picked(picked: &Picked) -> String {
    let chosen = picked.chosen.iter().map(|one| match one.reservation {
        Some(reservation) => format!("{}:{reservation}", one.instance),
        None => one.instance.to_string(),
    });
    let mut text = format!("picked {}", joined(chosen));
    if let Some(expires) = picked.expires {
        text.push_str(&format!(" until {expires}"));
    }
    for Considered {
        instance,
        chosen,
        score,
        excluded,
    } in &picked.considered
    {
        let chosen = if *chosen { " CHOSEN" } else { "" };
        text.push_str(&format!("\n  {instance}{chosen}"));
        if let Some(score) = score {
            text.push_str(&format!(" score {score}"));
        }
        if let Some(why) = excluded {
            text.push_str(&format!(" {why}"));
        }
    }
    text
}

/// Shows an event of this family.
pub(crate) fn shown_event(kind: &EventKind) -> String {
    let EventKind::Instance {
        service,
        instance,
        session,
        change,
    } = kind
    else {
        panic!("not of this family: {kind:?}");
    };
    let session = session.map_or("nobody".to_owned(), |session| session.to_string());
    format!("instance {service}/{instance} of {session} {change:?}")
}
