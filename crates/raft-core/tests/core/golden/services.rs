//! One operation on a service of every kind, with all its fields set.

use std::collections::{BTreeMap, BTreeSet};

use raft_core::command::{
    Command, Filter, Pick, RegisterInstance, Selection, ServiceCommand, ServiceOp, Strategy,
};
use raft_core::ids::{ReservationId, Zxid};
use raft_core::service::{CheckSpec, InstanceState, Probe, Registration};

use crate::service_commands::{instance, service};

pub(super) fn commands() -> Vec<(&'static str, Command)> {
    let instance = instance("web-7");
    let of = |op| {
        let service = service("shop/api");
        Command::Service(ServiceCommand { service, op })
    };
    let all = [
        ("register_instance", ServiceOp::Register(registration())),
        (
            "deregister_instance",
            ServiceOp::Deregister {
                instance: instance.clone(),
            },
        ),
        (
            "renew_instance",
            ServiceOp::Renew {
                instance: instance.clone(),
            },
        ),
        (
            "set_instance_state",
            ServiceOp::SetState {
                instance: instance.clone(),
                state: InstanceState::Draining,
            },
        ),
        (
            "report_load",
            ServiceOp::ReportLoad {
                instance: instance.clone(),
                in_flight: 12,
                capacity: 64,
            },
        ),
        (
            "report_call",
            ServiceOp::ReportCall {
                instance: instance.clone(),
                ok: true,
            },
        ),
        (
            "report_check",
            ServiceOp::ReportCheck {
                instance,
                incarnation: Zxid(300),
                passing: true,
                text: "200 OK".to_owned(),
            },
        ),
        ("pick", ServiceOp::Pick(pick())),
        (
            "release_reservation",
            ServiceOp::Release {
                reservation: ReservationId {
                    zxid: Zxid(301),
                    ordinal: 2,
                },
            },
        ),
    ];
    all.into_iter().map(|(name, op)| (name, of(op))).collect()
}

fn meta() -> BTreeMap<String, String> {
    BTreeMap::from([("build".to_owned(), "881".to_owned())])
}

fn registration() -> Box<RegisterInstance> {
    Box::new(RegisterInstance {
        instance: instance("web-7"),
        registration: Registration {
            address: "10.0.0.7".to_owned(),
            port: 8080,
            weight: 10,
            zone: Some("a".to_owned()),
            tags: vec!["v2".to_owned()],
            meta: meta(),
            check: Some(CheckSpec {
                probe: Probe::Http("/livez".to_owned()),
                interval_ms: 5_000,
                timeout_ms: 1_000,
                fail_after: 3,
                pass_after: 2,
            }),
        },
        ttl_ms: Some(30_000),
        state: Some(InstanceState::Draining),
    })
}

fn pick() -> Pick {
    Pick {
        selection: Selection {
            strategy: Strategy::Hash {
                key: "user-42".to_owned(),
                bounded_percent: Some(125),
            },
            filter: Filter {
                zone: Some("a".to_owned()),
                tags: BTreeSet::from(["v2".to_owned()]),
                meta: meta(),
                exclude: BTreeSet::from([instance("web-9")]),
            },
            count: 3,
        },
        draw: 0x0123_4567_89ab_cdef,
        reserve_ms: Some(10_000),
        explain: true,
    }
}
