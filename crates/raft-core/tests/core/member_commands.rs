//! Script words of the members. What consensus tells: `members ID ID:observer …` (a membership was
//! applied; member N is at 10.0.0.N). Commands: `announce ID [ADDRESS]`, `publish`. Query: `config`.

use std::collections::BTreeMap;

use raft_core::command::Command;
use raft_core::members::Member;
use raft_core::state::State;

use crate::words::Words;

/// A membership of these voters and observers.
pub(crate) fn members(voters: &[u64], observers: &[u64]) -> BTreeMap<u64, Member> {
    let member = |id: u64, voter| {
        let member = Member {
            voter,
            peer: format!("10.0.0.{id}:7500"),
            api: format!("http://10.0.0.{id}:7400"),
        };
        (id, member)
    };
    let voters = voters.iter().map(|id| member(*id, true));
    let observers = observers.iter().map(|id| member(*id, false));
    voters.chain(observers).collect()
}

/// The membership the words name.
pub(crate) fn told(words: &mut Words) -> Option<BTreeMap<u64, Member>> {
    if words.peek() != Some("members") {
        return None;
    }
    words.next();
    let (mut voters, mut observers) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        match word.strip_suffix(":observer") {
            Some(id) => observers.push(id.parse().expect("an id")),
            None => voters.push(word.parse().expect("an id")),
        }
    }
    Some(members(&voters, &observers))
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    match words.peek()? {
        "announce" => {
            words.next();
            let node = words.expect("an id").parse().expect("an id");
            let address = words.next();
            Some(Command::AnnounceClients { node, address })
        }
        "publish" => {
            words.next();
            Some(Command::PublishMembers)
        }
        _ => None,
    }
}

/// Answers a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    if words.peek() != Some("config") {
        return None;
    }
    words.next();
    let path = raft_core::ids::ZnodePath::parse("/zookeeper/config").unwrap();
    let znode = state.znode(&path).unwrap();
    let data = znode.data.clone().unwrap_or_default();
    Some(format!(
        "{}\nversion {} mzxid {} behind={}",
        String::from_utf8(data.to_vec()).unwrap(),
        znode.version,
        znode.mzxid,
        state.config_is_behind()
    ))
}

/// An entry that changes the members takes no zxid: digests of one zxid are compared while one replica
/// has applied it and another has not.
#[test]
fn the_digest_is_that_of_a_zxid_and_a_snapshot_has_the_members_too() {
    let mut state = State::new();
    state.note_members(&members(&[1, 2, 3], &[]));
    let before = state.digest();
    state.note_members(&members(&[1, 2], &[3]));
    assert_eq!(state.digest(), before);
    let snapshot_of = |state: &State| {
        let mut bytes = Vec::new();
        let mut out = |part: &[u8]| {
            bytes.extend_from_slice(part);
            Ok(())
        };
        state.encode_snapshot(&mut out).expect("a Vec takes all");
        bytes
    };
    let restored = State::restore(&mut snapshot_of(&state).as_slice()).expect("a snapshot");
    assert_eq!(restored.member(3), state.member(3));
}
