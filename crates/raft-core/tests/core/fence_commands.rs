//! Script words of fence registers. Commands: `advance RESOURCE FENCE`, `forget RESOURCE`. Queries:
//! `register RESOURCE`, `registers [prefix=T] [after=RESOURCE] [limit=N]`.

use raft_core::command::Command;
use raft_core::fence_register::FenceRegister;
use raft_core::ids::{Fence, ResourceName};
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::harness::shown_refusal;
use crate::words::{Words, joined};

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    match words.peek()? {
        "advance" => {
            words.next();
            let resource = name(words);
            let fence = words.expect("a fence").parse().expect("a number");
            let fence = Fence(fence);
            Some(Command::AdvanceFence { resource, fence })
        }
        "forget" => {
            words.next();
            let resource = name(words);
            Some(Command::ForgetFence { resource })
        }
        _ => None,
    }
}

fn name(words: &mut Words) -> ResourceName {
    ResourceName::parse(&words.expect("a resource")).unwrap()
}

/// Runs a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    match words.peek()? {
        "register" => {
            words.next();
            Some(match state.fence_register(&name(words)) {
                Ok(register) => shown(register),
                Err(refusal) => shown_refusal(&refusal),
            })
        }
        "registers" => {
            words.next();
            let prefix = words.value("prefix").unwrap_or_default();
            let after = words.value("after");
            let after = after.map(|after| ResourceName::parse(&after).unwrap());
            let limit = words.number("limit").unwrap_or(usize::MAX);
            let found = state.fence_registers(&prefix, after.as_ref(), limit);
            let row = |(name, register): &(ResourceName, &FenceRegister)| {
                format!("{name}:{}", register.highest)
            };
            Some(joined(found.iter().map(row)))
        }
        _ => None,
    }
}

fn shown(register: &FenceRegister) -> String {
    let FenceRegister { highest, moved } = register;
    format!("highest {highest} since {} at {}", moved.zxid, moved.wall)
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::FenceAdvanced { register, moved } => {
            let how = if *moved { "moved" } else { "same" };
            format!("{how}: {}", shown(register))
        }
        Reply::FenceForgotten(register) => format!("forgotten: {}", shown(register)),
        other => panic!("not of this family: {other:?}"),
    }
}
