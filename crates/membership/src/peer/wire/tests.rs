//! Golden bytes (a change here breaks clusters of mixed versions) and garbage.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use openraft::EntryPayload;
use openraft::raft::{StreamAppendError, TransferLeaderError};
use proptest::prelude::*;
use raft_types::snapshot::SnapshotMeta;
use raft_types::{
    ClusterId, Entry, EntryBytes, LeaderId, LogId, Membership, PeerAddress, StoredMembership, Vote,
};

use super::Lane;
use super::codec::{self, DecodeError, Decoder};
use super::frame::{self, FrameError, FrameKind};
use super::hello::{self, Hello, Identity, Welcome};
use super::message::{self, AppendReply, AppendRequest, Ballot, SnapshotBegin, SnapshotEnd};

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

fn identity() -> Identity {
    Identity {
        cluster: ClusterId(0x0102),
        node: 5,
        incarnation: 0xff,
    }
}

const VOTE: &str = "0700000000000000020000000000000001";
const ADDRESSES: &str = "\
    0300000001000000000000000400000068313a3109000000687474703a2f2f6831\
    02000000000000000400000068323a3109000000687474703a2f2f6832\
    03000000000000000400000068333a3109000000687474703a2f2f6833";

#[test]
fn a_frame_is_length_kind_correlation_payload_checksum() {
    let frame = frame::build(FrameKind::Call, 3, 1024, 2, |out| {
        out.extend_from_slice(b"hi")
    });
    assert_eq!(
        hex(&frame.unwrap()),
        "0f00000028030000000000000068692e5ca525"
    );
    assert_eq!(
        hex(&frame::keep_alive()),
        "0d000000040000000000000000a245e5bb"
    );
}

#[test]
fn a_hello_says_who_to_whom_and_what_for() {
    let hello = Hello::new(identity(), 6, Lane::Snapshot);
    let bytes = bytes_of(|out| hello.put(out));
    assert_eq!(
        hex(&bytes),
        "484f4c44464153540100020100000000000000000000000000000500000000000000\
         ff00000000000000060000000000000003"
            .replace(' ', "")
    );
    assert_eq!(Hello::decode(bytes).unwrap(), hello);

    let welcome = Welcome::new(identity());
    let bytes = bytes_of(|out| welcome.put(out));
    assert_eq!(
        hex(&bytes),
        "484f4c44464153540100020100000000000000000000000000000500000000000000ff00000000000000"
    );
    assert_eq!(Welcome::decode(bytes).unwrap(), welcome);
}

#[test]
fn an_append_holds_vote_positions_and_entries() {
    let request = request();
    let bytes = bytes_of(|out| message::put_append(out, &request));
    let expected = [
        VOTE,
        "0106000000000000000900000000000000",
        "0107000000000000000a00000000000000",
        "03000000",
        "07000000000000000a0000000000000000",
        "07000000000000000b000000000000000103000000616263",
        "07000000000000000c0000000000000002",
        "02000000",
        "0200000001000000000000000200000000000000",
        "0200000001000000000000000300000000000000",
        ADDRESSES,
    ];
    assert_eq!(hex(&bytes), expected.concat());
    let decoded = message::append(bytes).unwrap();
    assert_eq!(decoded.vote, request.vote);
    assert_eq!(decoded.prev_log_id, request.prev_log_id);
    assert_eq!(decoded.leader_commit, request.leader_commit);
    assert_eq!(decoded.entries, request.entries);
}

#[test]
fn entries_must_follow_one_another() {
    let mut request = request();
    request.entries.remove(0);
    let bytes = bytes_of(|out| message::put_append(out, &request));
    let error = message::append(bytes).map(|_| ()).unwrap_err();
    assert_eq!(error, DecodeError::Invalid("entry index"));
}

#[test]
fn append_replies_round_trip() {
    let cases: [(AppendReply, &str); 4] = [
        (Ok(None), "0000"),
        (
            Ok(Some(log_id(7, 12))),
            "000107000000000000000c00000000000000",
        ),
        (
            Err(StreamAppendError::Conflict(log_id(6, 9))),
            "0106000000000000000900000000000000",
        ),
        (
            Err(StreamAppendError::HigherVote(vote())),
            "020700000000000000020000000000000001",
        ),
    ];
    for (reply, golden) in cases {
        let bytes = bytes_of(|out| message::put_append_reply(out, &reply));
        assert_eq!(hex(&bytes), golden);
        assert_eq!(message::append_reply(bytes).unwrap(), reply);
    }
}

#[test]
fn ballots_and_transfers_round_trip() {
    let mut ballot = Ballot::new(vote(), Some(log_id(7, 12)));
    ballot.leadership_transfer = true;
    let bytes = bytes_of(|out| message::put_ballot(out, &ballot));
    assert_eq!(
        hex(&bytes),
        format!("{VOTE}0107000000000000000c0000000000000001")
    );
    assert_eq!(message::ballot(bytes).unwrap(), ballot);

    let reply = message::BallotReply {
        vote: vote(),
        vote_granted: true,
        last_log_id: None,
    };
    let bytes = bytes_of(|out| message::put_ballot_reply(out, &reply));
    assert_eq!(hex(&bytes), format!("{VOTE}0100"));
    assert_eq!(message::ballot_reply(bytes).unwrap(), reply);

    let transfer = message::Transfer::new(vote(), 3, None);
    let bytes = bytes_of(|out| message::put_transfer(out, &transfer));
    assert_eq!(hex(&bytes), format!("{VOTE}030000000000000000"));
    assert_eq!(message::transfer(bytes).unwrap(), transfer);

    let replies = [
        (Ok(()), "00".to_owned()),
        (
            Err(TransferLeaderError::VoteChanged {
                expected: vote(),
                actual: vote(),
            }),
            format!("01{VOTE}{VOTE}"),
        ),
        (
            Err(TransferLeaderError::LogNotFlushed {
                expected: Some(log_id(1, 2)),
                actual: None,
            }),
            "02010100000000000000020000000000000000".to_owned(),
        ),
    ];
    for (reply, golden) in replies {
        let bytes = bytes_of(|out| message::put_transfer_reply(out, &reply));
        assert_eq!(hex(&bytes), golden);
        assert_eq!(message::transfer_reply(bytes).unwrap(), reply);
    }
}

#[test]
fn snapshot_messages_round_trip() {
    let begin = SnapshotBegin {
        vote: vote(),
        meta: SnapshotMeta {
            last_log_id: Some(log_id(7, 12)),
            last_membership: StoredMembership::new(Some(log_id(7, 3)), membership()),
        },
        content_len: 99,
    };
    let bytes = bytes_of(|out| begin.put(out));
    let expected = [
        VOTE,
        "0107000000000000000c00000000000000",
        "0107000000000000000300000000000000",
        "02000000",
        "0200000001000000000000000200000000000000",
        "0200000001000000000000000300000000000000",
        ADDRESSES,
        "6300000000000000",
    ];
    assert_eq!(hex(&bytes), expected.concat());
    assert_eq!(SnapshotBegin::decode(bytes).unwrap(), begin);

    let end = SnapshotEnd {
        content_len: 99,
        checksum: 0xdead_beef,
    };
    let bytes = bytes_of(|out| end.put(out));
    assert_eq!(hex(&bytes), "6300000000000000efbeadde");
    assert_eq!(SnapshotEnd::decode(bytes).unwrap(), end);

    let bytes = bytes_of(|out| message::put_snapshot_reply(out, &vote()));
    assert_eq!(hex(&bytes), VOTE);
    assert_eq!(message::snapshot_reply(bytes).unwrap(), vote());
}

#[test]
fn an_empty_membership_round_trips() {
    let stored = StoredMembership::default();
    let bytes = bytes_of(|out| codec::put_stored_membership(out, &stored));
    assert_eq!(
        codec::stored_membership(&mut Decoder::new(bytes)).unwrap(),
        stored
    );
}

#[test]
fn strangers_are_told_why_they_are_refused() {
    let me = Identity {
        cluster: ClusterId(1),
        node: 6,
        incarnation: 1,
    };
    let good = Hello::new(
        Identity {
            cluster: ClusterId(1),
            node: 5,
            incarnation: 2,
        },
        6,
        Lane::App,
    );
    assert_eq!(good.objection(&me), None);
    let reason = |change: fn(&mut Hello)| {
        let mut hello = good;
        change(&mut hello);
        hello.objection(&me).unwrap()
    };
    assert!(reason(|hello| hello.version = 9).contains("version 9"));
    assert!(reason(|hello| hello.from.cluster = ClusterId(2)).contains("cluster"));
    assert!(reason(|hello| hello.to = 7).contains("node 7 was meant"));
    assert!(reason(|hello| hello.from.node = 6).contains("two share one id"));
}

#[test]
fn a_hello_of_another_version_is_understood_enough_to_refuse_it() {
    let mut hello = Hello::new(identity(), 6, Lane::App);
    hello.version = 2;
    let bytes = bytes_of(|out| {
        hello.put(out);
        out.extend_from_slice(b"what version 2 adds");
    });
    assert_eq!(Hello::decode(bytes).unwrap().version, 2);
}

#[test]
fn damaged_and_oversize_frames_are_refused() {
    let whole = frame::build(FrameKind::Call, 3, 1024, 2, |out| {
        out.extend_from_slice(b"hi")
    });
    let whole = whole.unwrap();
    for bit in 32..whole.len() * 8 {
        let mut damaged = BytesMut::from(&whole[..]);
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = frame::split(&mut damaged, 1024).unwrap_err();
        assert!(matches!(error, FrameError::Checksum), "bit {bit}: {error}");
    }
    let mut long = BytesMut::from(&b"GET / HTTP/1.1\r\n"[..]);
    assert!(matches!(
        frame::split(&mut long, 1024),
        Err(FrameError::TooLong { .. })
    ));
    let mut short = BytesMut::from(&[1, 0, 0, 0, 9][..]);
    assert!(matches!(
        frame::split(&mut short, 1024),
        Err(FrameError::TooShort { len: 1 })
    ));
    let build = frame::build(FrameKind::Call, 3, 16, 99, |out| {
        out.extend_from_slice(&[0; 99])
    });
    assert!(build.is_err());
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let bytes = bytes_of(|out| hello::put_reason(out, &"ä".repeat(400)));
    assert_eq!(hello::reason(bytes), "ä".repeat(256));
}

fn decode_everything(bytes: &Bytes) {
    let _ = message::append(bytes.clone());
    let _ = message::append_reply(bytes.clone());
    let _ = message::ballot(bytes.clone());
    let _ = message::ballot_reply(bytes.clone());
    let _ = message::transfer(bytes.clone());
    let _ = message::transfer_reply(bytes.clone());
    let _ = message::snapshot_reply(bytes.clone());
    let _ = message::call(bytes.clone());
    let _ = SnapshotBegin::decode(bytes.clone());
    let _ = SnapshotEnd::decode(bytes.clone());
    let _ = Hello::decode(bytes.clone());
    let _ = Welcome::decode(bytes.clone());
    let _ = hello::reason(bytes.clone());
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        decode_everything(&bytes.clone().into());
        let mut buffer = BytesMut::from(&bytes[..]);
        let _ = frame::split(&mut buffer, 1 << 16);
    }

    #[test]
    fn damaged_messages_never_panic(at in 0_usize..400, byte in any::<u8>(), cut in 0_usize..400) {
        let mut out = BytesMut::new();
        message::put_append(&mut out, &request());
        let at = at % out.len();
        out[at] = byte;
        decode_everything(&out.clone().freeze());
        let cut = cut % out.len();
        let truncated = out.freeze().slice(..cut);
        prop_assert!(message::append(truncated.clone()).is_err());
        decode_everything(&truncated);
    }

    #[test]
    fn frames_survive_any_split(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 1..8),
        step in 1_usize..40,
    ) {
        let mut stream = BytesMut::new();
        for (index, payload) in payloads.iter().enumerate() {
            let put = |out: &mut BytesMut| out.extend_from_slice(payload);
            let frame = frame::build(FrameKind::Call, index as u64, 1024, 64, put).unwrap();
            stream.extend_from_slice(&frame);
        }
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for piece in stream.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = frame::split(&mut buffer, 1024).unwrap() {
                seen.push((frame.correlation, frame.payload.to_vec()));
            }
        }
        let sent: Vec<_> = payloads.into_iter().enumerate().map(|(i, p)| (i as u64, p)).collect();
        prop_assert_eq!(seen, sent);
    }
}
