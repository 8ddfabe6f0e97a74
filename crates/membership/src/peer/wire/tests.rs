//! Golden bytes (a change here breaks clusters of mixed versions) and garbage.

mod garbage;
mod golden;
mod hello;

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use openraft::EntryPayload;
use raft_types::{Entry, EntryBytes, LeaderId, LogId, Membership, PeerAddress, Vote};

use super::message::AppendRequest;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(put: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    put(&mut out);
    out.freeze()
}

fn vote() -> Vote {
    Vote {
        leader_id: LeaderId {
            term: 7,
            voted_for: 2,
        },
        committed: true,
    }
}

fn log_id(term: u64, index: u64) -> LogId {
    LogId {
        leader_id: term.into(),
        index,
    }
}

fn membership() -> Membership {
    let address = |id: u64| PeerAddress {
        peer: format!("h{id}:1"),
        api: format!("http://h{id}"),
    };
    let configs = vec![BTreeSet::from([1, 2]), BTreeSet::from([1, 3])];
    let nodes: BTreeMap<_, _> = [1, 2, 3].map(|id| (id, address(id))).into();
    Membership::new(configs, nodes).unwrap()
}

fn request() -> AppendRequest {
    let entry = |index, payload| Entry {
        log_id: log_id(7, index),
        payload,
    };
    AppendRequest {
        vote: vote(),
        prev_log_id: Some(log_id(6, 9)),
        leader_commit: Some(log_id(7, 10)),
        entries: vec![
            entry(10, EntryPayload::Blank),
            entry(
                11,
                EntryPayload::Normal(EntryBytes(Bytes::from_static(b"abc"))),
            ),
            entry(12, EntryPayload::Membership(membership())),
        ],
    }
}
