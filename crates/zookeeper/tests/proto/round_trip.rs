//! What one side writes, the other reads, and writes again as the same bytes.

use bytes::Bytes;
use proptest::prelude::*;
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::request::{self, Decoded};
use zookeeper::proto::response::FromServer;

use crate::arbitrary;
use crate::golden::reply_in;
use crate::samples::{frame_of, payload};

proptest! {
    #[test]
    fn requests(xid in arbitrary::xid(), request in arbitrary::request()) {
        let frame = frame_of(|out| request.encode(xid, out));
        let decoded = request::decode(payload(&frame)).unwrap();
        prop_assert_eq!(decoded, Decoded::Request { xid, request });
    }

    #[test]
    fn replies((op, reply) in arbitrary::reply()) {
        let frame = frame_of(|out| reply.encode(out));
        prop_assert_eq!(reply_in(&frame, op), reply);
    }

    #[test]
    fn events(event in arbitrary::event()) {
        let frame = frame_of(|out| event.encode(out));
        let decoded = FromServer::decode(payload(&frame)).unwrap();
        prop_assert_eq!(decoded, FromServer::Event(event));
    }

    #[test]
    fn connect_requests(
        (protocol_version, timeout_ms) in any::<(i32, i32)>(),
        (last_zxid_seen, session_id) in any::<(i64, i64)>(),
        password in arbitrary::data(),
        read_only in any::<Option<bool>>(),
    ) {
        let request = ConnectRequest {
            protocol_version, last_zxid_seen, timeout_ms, session_id, password, read_only,
        };
        let frame = frame_of(|out| request.encode(out));
        prop_assert_eq!(ConnectRequest::decode(payload(&frame)), Ok(request));
    }

    #[test]
    fn connect_responses(
        (protocol_version, timeout_ms, session_id) in any::<(i32, i32, i64)>(),
        password in any::<[u8; 16]>(),
        read_only in any::<Option<bool>>(),
    ) {
        let response = ConnectResponse {
            protocol_version, timeout_ms, session_id, password, read_only,
        };
        let frame = frame_of(|out| response.encode(out));
        prop_assert_eq!(ConnectResponse::decode(payload(&frame)), Ok(response));
    }

    /// Frames go into one buffer behind each other.
    #[test]
    fn frames_are_appended(request in arbitrary::request(), before in any::<Vec<u8>>()) {
        let mut out = bytes::BytesMut::from(before.as_slice());
        let xid = zookeeper::proto::header::Xid(1);
        request.encode(xid, &mut out).unwrap();
        let alone = frame_of(|out| request.encode(xid, out));
        prop_assert_eq!(out.freeze(), Bytes::from([before.as_slice(), &alone].concat()));
    }
}
