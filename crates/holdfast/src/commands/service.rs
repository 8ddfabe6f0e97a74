//! `holdfast service …`.

mod register;

use std::time::Duration;

use holdfast_client::http_types::duration::TextDuration;
use holdfast_client::http_types::v1::services::{
    Considered, Cursor, Instance, InstanceState, PickQuery, Picked, PickedInstance, ServicesQuery,
};

use super::pages::{Page, read_all};
use super::{App, events};
use crate::args::{CallResult, PickInstanceArgs, ServiceCommand};
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, command: ServiceCommand) -> Result<u8, Failure> {
    let done = match command {
        ServiceCommand::Register(args) => return register::run(app, args).await,
        ServiceCommand::Deregister { service, id } => deregister(app, &service, &id).await,
        ServiceCommand::List { prefix, limit } => list(app, prefix, limit).await,
        ServiceCommand::Show { service } => show(app, &service).await,
        ServiceCommand::Pick(args) => pick(app, args).await,
        ServiceCommand::Release {
            service,
            reservation,
        } => release(app, &service, reservation).await,
        ServiceCommand::Report {
            service,
            id,
            result,
        } => {
            let ok = match result {
                CallResult::Ok => true,
                CallResult::Failed => false,
            };
            let noted = app.client.report_call(&service, &id, ok).await;
            show_one(app, &noted.cannot(|| format!("report on {id}"))?)
        }
        ServiceCommand::Load {
            service,
            id,
            inflight,
            capacity,
        } => {
            let client = &app.client;
            let noted = client.report_load(&service, &id, inflight, capacity).await;
            show_one(app, &noted.cannot(|| format!("report the load of {id}"))?)
        }
        ServiceCommand::Drain { service, id, undo } => {
            let state = if undo {
                InstanceState::Up
            } else {
                InstanceState::Draining
            };
            let client = &app.client;
            let changed = client.set_instance_state(&service, &id, state).await;
            show_one(app, &changed.cannot(|| format!("drain {id}"))?)
        }
        ServiceCommand::Watch {
            service,
            after,
            initial,
        } => events::watch_services(app, service, after, initial).await,
    };
    done.map(|()| 0)
}

async fn deregister(app: &App, service: &str, id: &str) -> Result<(), Failure> {
    let left = app.client.deregister(service, id).await;
    let left = left.cannot(|| format!("deregister {id}"))?;
    let text = if left.left {
        format!("deregistered {id} of {service}\n")
    } else {
        format!("{id} of {service} was not registered\n")
    };
    app.out.show(&Shown::text(&left, id, text)?)
}

async fn release(app: &App, service: &str, reservation: String) -> Result<(), Failure> {
    let released = app.client.release_reservation(service, &reservation).await;
    let released = released.cannot(|| format!("release {reservation}"))?;
    let text = if released.released {
        format!("released {reservation}\n")
    } else {
        format!("{reservation} was not open\n")
    };
    app.out.show(&Shown::text(&released, reservation, text)?)
}

async fn list(app: &App, prefix: String, limit: Option<usize>) -> Result<(), Failure> {
    let services = read_all(limit, async |after, count| {
        let query = ServicesQuery {
            prefix: Some(prefix.clone()),
            after,
            limit: Some(count),
        };
        let page = app.client.services(&query).await;
        let page = page.cannot(|| "list the services".to_owned())?;
        Ok(Page {
            items: page.services,
            next: page.next,
        })
    })
    .await?;
    let columns = ["SERVICE", "INSTANCES", "RESERVATIONS"];
    let shown = Shown::list(&services, &columns, |service| {
        vec![
            service.service.clone(),
            service.instances.to_string(),
            service.reservations.to_string(),
        ]
    })?;
    app.out.show(&shown)
}

async fn show(app: &App, name: &str) -> Result<(), Failure> {
    let service = app.client.service(name).await;
    let service = service.cannot(|| format!("read {name}"))?;
    let columns = ["INSTANCE", "ADDRESS", "WEIGHT", "LOAD", "RESERVED", "STATE"];
    let shown = Shown::list(&service.instances, &columns, |instance| {
        let load = instance.load;
        vec![
            instance.id.clone(),
            place(&instance.address, instance.port),
            instance.weight.to_string(),
            load.map_or("-".to_owned(), |load| {
                format!("{}/{}", load.inflight, load.capacity)
            }),
            instance.reserved.to_string(),
            state(instance),
        ]
    })?;
    let count = service.instances.len();
    let available = service.available;
    let shown = shown.foot(format!("{available} of {count} can be picked"));
    app.out.show(&shown.json(&service)?)
}

fn state(instance: &Instance) -> String {
    let why = instance.unavailable.clone();
    why.unwrap_or_else(|| "can be picked".to_owned())
}

fn show_one(app: &App, instance: &Instance) -> Result<(), Failure> {
    let text = format!("{} {}\n", instance.id, state(instance));
    app.out.show(&Shown::text(instance, &instance.id, text)?)
}

/// `host:port`, with brackets around an IPv6 address.
fn place(address: &str, port: u16) -> String {
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

async fn pick(app: &App, args: PickInstanceArgs) -> Result<(), Failure> {
    let is_command = args.reserve.is_some() || args.global;
    let is_explained = args.explain;
    let service = args.service.clone();
    let query = query(args);
    let picked = if is_command {
        app.client.pick_and_reserve(&service, &query).await
    } else {
        app.client.pick(&service, &query).await
    };
    let picked = picked.cannot(|| format!("pick an instance of {service}"))?;
    let all: Vec<&PickedInstance> = [&picked.instance]
        .into_iter()
        .chain(&picked.others)
        .collect();
    let shown = if is_explained {
        explained(&picked)?
    } else {
        let line = |one: &&PickedInstance| {
            let mut line = format!("{}\t{}", one.id, place(&one.address, one.port));
            if let Some(reservation) = &one.reservation {
                line.push_str(&format!("\t{}", reservation.id));
            }
            line + "\n"
        };
        let text: String = all.iter().map(line).collect();
        Shown::text(&picked, &picked.instance.id, text)?
    };
    app.out.show(&shown.env(environment(&picked.instance)))
}

/// One row for each instance that was looked at.
fn explained(picked: &Picked) -> Result<Shown, Failure> {
    let columns = ["INSTANCE", "CHOSEN", "SCORE", "WHY NOT"];
    let shown = Shown::list(&picked.considered, &columns, |it: &Considered| {
        vec![
            it.id.clone(),
            if it.chosen { "yes" } else { "no" }.to_owned(),
            it.score.map_or("-".to_owned(), |score| score.to_string()),
            it.excluded.clone().unwrap_or_default(),
        ]
    })?;
    shown.json(picked)
}

fn environment(picked: &PickedInstance) -> Vec<(&'static str, String)> {
    let mut env = vec![
        ("HOLDFAST_INSTANCE", picked.id.clone()),
        ("HOLDFAST_ADDRESS", picked.address.clone()),
        ("HOLDFAST_PORT", picked.port.to_string()),
    ];
    if let Some(reservation) = &picked.reservation {
        env.push(("HOLDFAST_RESERVATION", reservation.id.clone()));
    }
    env
}

fn query(args: PickInstanceArgs) -> PickQuery {
    let list = |words: Vec<String>| (!words.is_empty()).then(|| words.join(","));
    let meta = args.meta.into_iter();
    let meta = meta.map(|(key, value)| format!("{key}:{value}"));
    PickQuery {
        strategy: Some(args.strategy.into()),
        key: args.key,
        previous: args.previous,
        bounded: args.bounded,
        size: None,
        cursor: args.global.then_some(Cursor::Global),
        zone: args.zone,
        tag: list(args.tag),
        meta: list(meta.collect()),
        exclude: list(args.exclude),
        n: Some(args.number),
        reserve: args.reserve.map(|time: Duration| TextDuration::from(time)),
        explain: args.explain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_version_6_is_put_in_brackets() {
        assert_eq!(place("10.0.0.1", 80), "10.0.0.1:80");
        assert_eq!(place("::1", 80), "[::1]:80");
    }
}
