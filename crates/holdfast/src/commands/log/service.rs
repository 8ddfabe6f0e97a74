//! What the log says of services, as JSON.

use raft_core::command::{Pick, RegisterInstance, ServiceCommand, ServiceOp};
use raft_core::event::{EventKind, InstanceChange};
use raft_core::outcome::{Picked, ServiceReply};
use raft_core::service::{InstanceEnd, InstanceState};
use serde_json::{Value, json};

/// An operation on a service.
pub(super) fn command(command: &ServiceCommand) -> Value {
    let mut shown = operation(&command.op);
    if let Value::Object(fields) = &mut shown {
        fields.insert("service".to_owned(), command.service.to_string().into());
    }
    shown
}

fn operation(op: &ServiceOp) -> Value {
    match op {
        ServiceOp::Register(register) => registration(register),
        ServiceOp::Deregister { instance } => {
            json!({"command": "deregister-instance", "instance": instance.to_string()})
        }
        ServiceOp::Renew { instance } => {
            json!({"command": "renew-instance", "instance": instance.to_string()})
        }
        ServiceOp::SetState { instance, state } => json!({
            "command": "set-instance-state", "instance": instance.to_string(),
            "state": match state {
                InstanceState::Up => "up",
                InstanceState::Draining => "draining",
            },
        }),
        ServiceOp::ReportLoad {
            instance,
            in_flight,
            capacity,
        } => json!({
            "command": "report-load", "instance": instance.to_string(), "inflight": in_flight,
            "capacity": capacity,
        }),
        ServiceOp::ReportCall { instance, ok } => {
            json!({"command": "report-call", "instance": instance.to_string(), "ok": ok})
        }
        ServiceOp::ReportCheck {
            instance,
            incarnation,
            passing,
            text,
        } => json!({
            "command": "report-check", "instance": instance.to_string(),
            "incarnation": incarnation.0, "passing": passing, "text": text,
        }),
        ServiceOp::Pick(pick) => picking(pick),
        ServiceOp::Release { reservation } => {
            json!({"command": "release-reservation", "reservation": reservation.to_string()})
        }
    }
}

fn registration(register: &RegisterInstance) -> Value {
    let registration = &register.registration;
    json!({
        "command": "register-instance", "instance": register.instance.to_string(),
        "address": registration.address, "port": registration.port,
        "weight": registration.weight, "ttl_ms": register.ttl_ms,
    })
}

fn picking(pick: &Pick) -> Value {
    json!({
        "command": "pick", "strategy": format!("{:?}", pick.selection.strategy),
        "count": pick.selection.count, "draw": pick.draw, "reserve_ms": pick.reserve_ms,
    })
}

/// What it was answered.
pub(super) fn reply(reply: &ServiceReply) -> Value {
    match reply {
        ServiceReply::Instance { created, instance } => json!({
            "created": created, "registered": instance.registered.zxid.0,
            "changed": instance.changed.zxid.0,
        }),
        ServiceReply::Deregistered { left } => json!({"left": left}),
        ServiceReply::Picked(picked) => json!({"picked": chosen(picked)}),
        ServiceReply::Released { released } => json!({"released": released}),
    }
}

fn chosen(picked: &Picked) -> Vec<Value> {
    let shown = picked.chosen.iter().map(|one| {
        let reservation = one.reservation.map(|id| id.to_string());
        json!({"instance": one.instance.to_string(), "reservation": reservation})
    });
    shown.collect()
}

/// What happened to an instance; of others nothing.
pub(super) fn event(kind: &EventKind) -> Value {
    let EventKind::Instance {
        service,
        instance,
        session,
        change,
    } = kind
    else {
        return Value::Null;
    };
    let (name, how) = match change {
        InstanceChange::Registered => ("service.registered", None),
        InstanceChange::Changed => ("service.changed", None),
        InstanceChange::Draining => ("service.draining", None),
        InstanceChange::Up => ("service.up", None),
        InstanceChange::Passing => ("service.passing", None),
        InstanceChange::Failing => ("service.failing", None),
        InstanceChange::SetAside => ("service.set_aside", None),
        InstanceChange::Back => ("service.back", None),
        InstanceChange::Left(end) => ("service.left", Some(ended(*end))),
    };
    json!({
        "event": name, "service": service.to_string(), "instance": instance.to_string(),
        "owner": session.map(|session| session.0), "how": how,
    })
}

fn ended(end: InstanceEnd) -> &'static str {
    match end {
        InstanceEnd::Deregistered => "deregistered",
        InstanceEnd::SessionClosed => "session_closed",
        InstanceEnd::SessionExpired => "session_expired",
        InstanceEnd::TtlElapsed => "ttl_elapsed",
    }
}
