//! Requests that are not requests: what is left of them, for the answer.

use bytes::{BufMut, Bytes, BytesMut};
use zookeeper::proto::header::{RequestHeader, Xid};
use zookeeper::proto::jute::{DecodeError, Jute};
use zookeeper::proto::multi::MultiFailure;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{self, Decoded, Request};
use zookeeper::proto::response::{FromServer, Reply, Response};

use crate::samples::{self, Sample, frame_of, payload};

fn named(name: &str) -> Sample {
    let mut all = samples::all().into_iter();
    all.find(|sample| sample.name == name).unwrap()
}

fn request_payload(name: &str) -> Bytes {
    let sample = named(name);
    payload(&frame_of(|out| sample.request.encode(sample.xid, out)))
}

fn header(xid: i32, op: i32) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_i32(xid);
    frame.put_i32(op);
    frame
}

/// `members` after the header of a multi: type, fields.
fn multi(op: OpCode, members: &[(i32, &[u8])]) -> Decoded {
    let mut frame = header(9, op.code());
    for (op, fields) in members {
        frame.put_i32(*op);
        frame.put_slice(&[0, 0xff, 0xff, 0xff, 0xff]);
        frame.put_slice(fields);
    }
    frame.put_slice(&[0xff, 0xff, 0xff, 0xff, 1, 0xff, 0xff, 0xff, 0xff]);
    request::decode(frame.freeze()).unwrap()
}

fn create_fields(flags: i32) -> BytesMut {
    let mut fields = BytesMut::new();
    "/a".to_owned().encode(&mut fields);
    fields.put_slice(&[0xff; 8]);
    fields.put_i32(flags);
    fields
}

fn refused(op: OpCode, field: &'static str, value: i32) -> Decoded {
    Decoded::Unparsable {
        xid: Xid(9),
        op,
        error: DecodeError::Value { field, value },
    }
}

const READ: &[u8] = b"\0\0\0\x02/a\x01";
const DELETE: &[u8] = b"\0\0\0\x02/a\xff\xff\xff\xff";

#[test]
fn operations_that_are_unknown_or_not_for_clients_keep_their_header() {
    for op in [0, 10, 13, 20, -1, -10, 23, 500, 507, i32::MIN] {
        let mut frame = header(77, op);
        frame.put_slice(b"whatever");
        let header = RequestHeader { xid: Xid(77), op };
        let decoded = request::decode(frame.freeze());
        assert_eq!(decoded, Ok(Decoded::Unimplemented { header }));
    }
}

#[test]
fn a_frame_without_room_for_a_header_is_no_request() {
    for len in 0..8 {
        let frame = header(1, 11).freeze().slice(..len);
        assert!(matches!(
            request::decode(frame),
            Err(DecodeError::Short { .. })
        ));
    }
    let ping = request::decode(header(-2, 11).freeze()).unwrap();
    let (xid, request) = (Xid::PING, Request::Ping);
    assert_eq!(ping, Decoded::Request { xid, request });
}

#[test]
fn a_request_cut_anywhere_keeps_its_header() {
    for sample in samples::all() {
        let whole = payload(&frame_of(|out| sample.request.encode(sample.xid, out)));
        for len in 8..whole.len() {
            let decoded = request::decode(whole.slice(..len)).unwrap();
            let Decoded::Unparsable { xid, op, error } = decoded else {
                panic!("{} cut at {len}: {decoded:?}", sample.name);
            };
            assert_eq!((xid, op), (sample.xid, sample.request.op()));
            assert!(matches!(error, DecodeError::Short { .. }), "{error}");
        }
    }
}

#[test]
fn bytes_behind_a_request_are_ignored() {
    for sample in samples::all() {
        let mut frame = BytesMut::new();
        sample.request.encode(sample.xid, &mut frame).unwrap();
        frame.put_slice(b"behind");
        let (xid, request) = (sample.xid, sample.request);
        let decoded = request::decode(frame.freeze().slice(4..)).unwrap();
        assert_eq!(decoded, Decoded::Request { xid, request });
    }
}

#[test]
fn create_flags_are_not_judged_outside_a_multi() {
    let mut frame = header(9, OpCode::Create.code());
    frame.put_slice(&create_fields(99));
    let Decoded::Request { request, .. } = request::decode(frame.freeze()).unwrap() else {
        panic!("not a request");
    };
    let Request::Create(create) = request else {
        panic!("not a create: {request:?}");
    };
    assert_eq!((create.flags, create.mode()), (99, None));
}

#[test]
fn a_multi_with_unknown_create_flags_is_unparsable() {
    for op in [1, 15, 19, 21] {
        let mut fields = create_fields(7);
        fields.put_i64(1);
        let decoded = multi(OpCode::Multi, &[(2, DELETE), (op, &fields)]);
        assert_eq!(decoded, refused(OpCode::Multi, "flags", 7));
    }
}

#[test]
fn a_multi_with_an_unknown_member_is_unparsable() {
    let field = "type of a multi's member";
    for op in [0, 3, 7, 14, 22, 77, -1, -11] {
        for list in [OpCode::Multi, OpCode::MultiRead] {
            let decoded = multi(list, &[(op, DELETE)]);
            assert_eq!(decoded, refused(list, field, op));
        }
    }
}

#[test]
fn a_multi_does_not_mix_reads_and_writes() {
    let field = "type of a multi's member";
    let mixed = multi(OpCode::Multi, &[(2, DELETE), (4, READ)]);
    assert_eq!(mixed, refused(OpCode::Multi, field, 4));
    let mixed = multi(OpCode::MultiRead, &[(8, READ), (2, DELETE)]);
    assert_eq!(mixed, refused(OpCode::MultiRead, field, 2));
}

#[test]
fn a_multi_without_its_end_is_unparsable() {
    let whole = request_payload("multi");
    let decoded = request::decode(whole.slice(..whole.len() - 9)).unwrap();
    assert!(matches!(decoded, Decoded::Unparsable { .. }));
}

#[test]
fn watch_flags_in_a_multi_read_are_dropped() {
    let decoded = multi(OpCode::MultiRead, &[(8, READ), (4, READ)]);
    let Decoded::Request { request, .. } = decoded else {
        panic!("{decoded:?}");
    };
    let again = payload(&frame_of(|out| request.encode(Xid(9), out)));
    // Header, then two members of header, length, path and flag.
    assert_eq!((again[8 + 9 + 6], again[8 + 16 + 9 + 6]), (0, 0));
}

#[test]
fn a_failed_multi_blames_one_operation() {
    let failure = MultiFailure {
        ops: 4,
        failed_at: 1,
        err: zookeeper::proto::error::ErrorCode::NodeExists,
    };
    let codes: Vec<String> = failure.results().iter().map(|r| format!("{r:?}")).collect();
    let after = "Error(RuntimeInconsistency)";
    assert_eq!(codes, ["Error(Ok)", "Error(NodeExists)", after, after]);
}

#[test]
fn a_reply_with_bytes_behind_it_is_refused() {
    for sample in samples::all() {
        let mut frame = BytesMut::from(payload(&frame_of(|out| sample.reply.encode(out))));
        frame.put_u8(0);
        let FromServer::Reply(reply) = FromServer::decode(frame.freeze()).unwrap() else {
            panic!("an event");
        };
        let trailing = Err(DecodeError::Trailing { bytes: 1 });
        assert_eq!(reply.read(sample.request.op()), trailing, "{}", sample.name);
    }
}

#[test]
fn add_watch_answered_with_an_error_inside_is_refused() {
    let mut frame = BytesMut::new();
    let reply = Reply {
        result: Ok(Response::TotalNumber(-6)),
        ..named("add_watch").reply
    };
    reply.encode(&mut frame).unwrap();
    let FromServer::Reply(reply) = FromServer::decode(frame.freeze().slice(4..)).unwrap() else {
        panic!("an event");
    };
    let (field, value) = ("err of addWatch", -6);
    let error = Err(DecodeError::Value { field, value });
    assert_eq!(reply.read(OpCode::AddWatch), error);
}

#[test]
fn a_multi_has_a_time_to_live_only_where_there_is_a_field_for_it() {
    for op in [1, 15, 19] {
        let decoded = multi(OpCode::Multi, &[(op, &create_fields(5))]);
        assert_eq!(decoded, refused(OpCode::Multi, "flags", 5), "{op}");
    }
    let mut fields = create_fields(5);
    fields.put_i64(1);
    let decoded = multi(OpCode::Multi, &[(21, &fields)]);
    assert!(matches!(decoded, Decoded::Request { .. }), "{decoded:?}");
}

#[test]
fn null_is_no_path_of_a_read_and_no_list_of_watches() {
    let null = [0xff; 4];
    for op in [
        OpCode::Exists,
        OpCode::GetData,
        OpCode::GetAcl,
        OpCode::GetChildren,
        OpCode::GetChildren2,
    ] {
        let mut frame = header(9, op.code());
        frame.put_slice(&null);
        frame.put_u8(0);
        let decoded = request::decode(frame.freeze()).unwrap();
        assert!(matches!(decoded, Decoded::Unparsable { .. }), "{decoded:?}");
    }
    let mut frame = header(9, OpCode::SetWatches.code());
    frame.put_i64(0);
    frame.put_slice(&null.repeat(3));
    let decoded = request::decode(frame.freeze()).unwrap();
    assert!(matches!(decoded, Decoded::Unparsable { .. }), "{decoded:?}");
}
