//! Script words of groups. Commands: `join GROUP ID [value=] [type=]`, `leave GROUP ID`. Queries: `group
//! NAME`, `groups [PREFIX] [after=] [limit=]`.

use bytes::Bytes;
use raft_core::command::{Command, JoinGroup};
use raft_core::ids::{GroupName, MemberId};
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::words::Words;

fn group(words: &mut Words) -> GroupName {
    GroupName::parse(&words.expect("a group")).unwrap()
}

fn member(words: &mut Words) -> MemberId {
    MemberId::parse(&words.expect("a member")).unwrap()
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    match words.peek()? {
        "join" => {
            words.next();
            Some(Command::JoinGroup(JoinGroup {
                group: group(words),
                member: member(words),
                value: words.value("value").map(Bytes::from),
                content_type: words.value("type").map(Into::into),
            }))
        }
        "leave" => {
            words.next();
            let (group, member) = (group(words), member(words));
            Some(Command::LeaveGroup { group, member })
        }
        _ => None,
    }
}

/// Answers a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    match words.peek()? {
        "group" => {
            words.next();
            let members = state.group_members(&group(words));
            let shown = members.iter().map(|member| {
                let value = member.znode.data.as_deref();
                let value = value.map_or("null".into(), String::from_utf8_lossy);
                let (id, session, since) = (member.id, member.session, member.znode.czxid);
                format!("{id} of {session} since {since} {value:?}")
            });
            Some(format!("[{}]", shown.collect::<Vec<_>>().join(", ")))
        }
        "groups" => {
            words.next();
            let after = words.value("after");
            let after = after.map(|name| GroupName::parse(&name).unwrap());
            let limit = words.number("limit").unwrap_or(100);
            let prefix = words.next().unwrap_or_default();
            let found = state.groups(&prefix, after.as_ref(), limit);
            let shown = found
                .iter()
                .map(|(name, members)| format!("{name}={members}"));
            Some(format!("[{}]", shown.collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    }
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::GroupJoined { created, stat } => {
            let known = if *created { "" } else { " (was there)" };
            format!("member since {} v{}{known}", stat.czxid, stat.version)
        }
        Reply::GroupLeft { left: true } => "left".to_owned(),
        Reply::GroupLeft { left: false } => "was not there".to_owned(),
        other => panic!("not of this family: {other:?}"),
    }
}
