//! The bytes of every message.

use openraft::raft::{StreamAppendError, TransferLeaderError};
use raft_types::StoredMembership;
use raft_types::snapshot::SnapshotMeta;

use super::{bytes_of, hex, log_id, membership, request, vote};
use crate::peer::wire::codec::{self, Decoder};
use crate::peer::wire::frame::{self, FrameKind};
use crate::peer::wire::message::{self, AppendReply, Ballot, SnapshotBegin, SnapshotEnd};

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
