//! Garbage, and valid frames with a few bytes changed: an answer or an error, never a panic, and
//! never memory on the word of a length.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::frame::{first_frame, next_frame};
use zookeeper::proto::jute::Jute;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{self, Decoded, Request};
use zookeeper::proto::response::{FromServer, Response};

use crate::arbitrary;
use crate::samples::{frame_of, payload};

/// Numbers that lengths, counts and codes break at.
fn number() -> impl Strategy<Value = i32> {
    let edges = vec![i32::MIN, -2, -1, 0, 1, 4, 0xf_ffff, i32::MAX - 1, i32::MAX];
    prop_oneof![prop::sample::select(edges), any::<i32>()]
}

/// Where, as a part of the length, and what.
fn changes() -> impl Strategy<Value = Vec<(f64, i32)>> {
    proptest::collection::vec((0.0..1.0, number()), 1..4)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a short frame"
)]
fn change(frame: &[u8], changes: &[(f64, i32)]) -> Bytes {
    let mut frame = BytesMut::from(frame);
    for (place, number) in changes {
        let at = (*place * frame.len() as f64) as usize;
        let end = frame.len().min(at + 4);
        frame[at..end].copy_from_slice(&number.to_be_bytes()[..end - at]);
    }
    frame.freeze()
}

/// Lists in what was read have no more room than their items need on the wire.
fn lists_fit(frame: &Bytes, request: &Request) -> bool {
    let room = frame.len();
    let texts = |list: &Vec<String>| list.capacity() * String::BYTES_MIN <= room;
    match request {
        Request::SetAcl(fields) => fields.acl.capacity() * 12 <= room,
        Request::Create(fields) => fields.acl.capacity() * 12 <= room,
        Request::SetWatches(fields) => {
            texts(&fields.data_watches)
                && texts(&fields.exist_watches)
                && texts(&fields.child_watches)
        }
        _ => true,
    }
}

fn read_as_server(frame: &Bytes) {
    let _ = ConnectRequest::decode(frame.clone());
    if let Ok(Decoded::Request { xid, request }) = request::decode(frame.clone()) {
        assert!(lists_fit(frame, &request));
        // What is understood can be written and is understood the same way again.
        let again = payload(&frame_of(|out| request.encode(xid, out)));
        assert_eq!(
            request::decode(again),
            Ok(Decoded::Request { xid, request })
        );
    }
}

fn read_as_client(frame: &Bytes) {
    let _ = ConnectResponse::decode(frame.clone());
    let Ok(FromServer::Reply(reply)) = FromServer::decode(frame.clone()) else {
        return;
    };
    for op in OpCode::ALL {
        let read = reply.clone().read(*op);
        if let Ok(Ok(Response::Children(names))) = read.map(|reply| reply.result) {
            assert!(names.capacity() * String::BYTES_MIN <= frame.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn garbage_is_survived_by_both_sides(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let frame = Bytes::from(bytes);
        read_as_server(&frame);
        read_as_client(&frame);
    }

    #[test]
    fn garbage_after_a_good_header_is_survived(
        op in prop::sample::select(OpCode::ALL),
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let header = [1_i32.to_be_bytes(), op.code().to_be_bytes()].concat();
        read_as_server(&Bytes::from([header, bytes.clone()].concat()));
        let header = [[0, 0, 0, 1].as_slice(), &[0; 12]].concat();
        read_as_client(&Bytes::from([header, bytes].concat()));
    }

    #[test]
    fn a_changed_request_is_survived(request in arbitrary::request(), changes in changes()) {
        let frame = payload(&frame_of(|out| request.encode(zookeeper::proto::header::Xid(1), out)));
        read_as_server(&change(&frame, &changes));
    }

    #[test]
    fn a_changed_reply_is_survived((_, reply) in arbitrary::reply(), changes in changes()) {
        let frame = payload(&frame_of(|out| reply.encode(out)));
        read_as_client(&change(&frame, &changes));
    }

    #[test]
    fn a_changed_event_is_survived(event in arbitrary::event(), changes in changes()) {
        let frame = payload(&frame_of(|out| event.encode(out)));
        let _ = FromServer::decode(change(&frame, &changes));
    }

    #[test]
    fn a_garbage_stream_is_cut_without_allocating(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        len in number(),
    ) {
        for bytes in [bytes.clone(), [len.to_be_bytes().as_slice(), &bytes].concat()] {
            let mut stream = BytesMut::from(bytes.as_slice());
            let capacity = stream.capacity();
            let _ = first_frame(&mut stream, 0xf_ffff);
            while let Ok(Some(_)) = next_frame(&mut stream, 0xf_ffff) {}
            prop_assert!(stream.capacity() <= capacity);
        }
    }
}

#[test]
fn a_count_of_two_billion_in_a_short_frame_is_unparsable() {
    let huge = i32::MAX.to_be_bytes();
    let set_watches = [[0; 8].as_slice(), &huge].concat();
    let set_acl = [b"\0\0\0\x02/a".as_slice(), &huge].concat();
    let set_data = [b"\0\0\0\x02/a".as_slice(), &huge].concat();
    let cases = [
        (OpCode::SetWatches, set_watches),
        (OpCode::SetAcl, set_acl),
        (OpCode::SetData, set_data),
        (OpCode::Delete, huge.to_vec()),
    ];
    for (op, body) in cases {
        let header = [1_i32.to_be_bytes(), op.code().to_be_bytes()].concat();
        let decoded = request::decode(Bytes::from([header, body].concat())).unwrap();
        assert!(
            matches!(decoded, Decoded::Unparsable { .. }),
            "{}",
            op.name()
        );
    }
}
