//! What the log says of groups and barriers, as JSON.

use raft_core::command::Command;
use raft_core::outcome::{BarrierReply, Reply};
use serde_json::{Value, json};

use super::command::data;

/// A command about a group or a barrier; of others nothing.
pub(super) fn command(command: &Command) -> Value {
    if let Command::JoinGroup(join) = command {
        json!({
            "command": "join-group", "group": join.group.to_string(),
            "member": join.member.to_string(), "data": data(join.value.as_deref()),
        })
    } else if let Command::LeaveGroup { group, member } = command {
        json!({
            "command": "leave-group", "group": group.to_string(), "member": member.to_string(),
        })
    } else if let Command::EnterBarrier(enter) = command {
        json!({
            "command": "enter-barrier", "barrier": enter.barrier.to_string(),
            "party": enter.party.to_string(), "parties": enter.parties,
        })
    } else if let Command::LeaveBarrier { barrier, party } = command {
        json!({
            "command": "leave-barrier", "barrier": barrier.to_string(), "party": party.to_string(),
        })
    } else {
        Value::Null
    }
}

/// What such a command was answered; of others nothing.
pub(super) fn reply(reply: &Reply) -> Value {
    if let Reply::GroupJoined { created, stat } = reply {
        json!({"created": created, "version": stat.version})
    } else if let Reply::GroupLeft { left } = reply {
        json!({"left": left})
    } else if let Reply::Barrier(barrier) = reply {
        let mut shown = standing(barrier);
        if let Value::Object(fields) = &mut shown {
            fields.insert("created".to_owned(), barrier.created.into());
        }
        shown
    } else if let Reply::BarrierLeft { left, barrier } = reply {
        let mut shown = standing(barrier);
        if let Value::Object(fields) = &mut shown {
            fields.insert("left".to_owned(), (*left).into());
        }
        shown
    } else {
        Value::Null
    }
}

fn standing(barrier: &BarrierReply) -> Value {
    json!({
        "open": barrier.is_open, "opened": barrier.opened.map(|zxid| zxid.0),
        "inside": barrier.inside,
    })
}
