//! Connect requests and responses, with and without the byte that came later.

use bytes::{Bytes, BytesMut};
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse, PASSWORD_BYTES};
use zookeeper::proto::jute::DecodeError;

use crate::golden::golden;
use crate::samples::{frame_of, payload};

const SESSION: i64 = 0x0100_0000_0000_00ab;
/// The golden files of this module.
pub(crate) const FILES: [&str; 3] = ["connect", "connect_without_read_only", "connect_refused"];

fn password() -> [u8; PASSWORD_BYTES] {
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
}

fn request(read_only: Option<bool>) -> ConnectRequest {
    ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: 0,
        timeout_ms: 10_000,
        session_id: 0,
        password: Some(Bytes::from_static(&[0; PASSWORD_BYTES])),
        read_only,
    }
}

fn response(read_only: Option<bool>) -> ConnectResponse {
    ConnectResponse {
        protocol_version: 0,
        timeout_ms: 8000,
        session_id: SESSION,
        password: password(),
        read_only,
    }
}

fn again() -> ConnectRequest {
    ConnectRequest {
        last_zxid_seen: 0x4ff,
        session_id: SESSION,
        password: Some(Bytes::copy_from_slice(&password())),
        ..request(None)
    }
}

fn unknown() -> ConnectRequest {
    ConnectRequest {
        session_id: -1,
        ..request(Some(false))
    }
}

#[test]
fn handshakes_have_the_bytes_of_their_files() {
    let pairs = [
        (request(Some(true)), response(Some(false))),
        (again(), response(None)),
        (unknown(), ConnectResponse::refused(&unknown())),
    ];
    for (file, (request, response)) in FILES.into_iter().zip(pairs) {
        let golden = golden(file);
        let asked = frame_of(|out| request.encode(out));
        let answered = frame_of(|out| response.encode(out));
        assert_eq!(golden["request"], asked, "{file}");
        assert_eq!(golden["reply"], answered, "{file}");
        assert_eq!(ConnectRequest::decode(payload(&asked)), Ok(request));
        assert_eq!(ConnectResponse::decode(payload(&answered)), Ok(response));
    }
}

#[test]
fn a_response_is_read_only_aware_exactly_if_the_request_was() {
    let length = |frame: &Bytes| payload(frame).len();
    for (read_only, asked, answered) in [(None, 44, 36), (Some(true), 45, 37)] {
        let request = request(read_only);
        assert_eq!(length(&frame_of(|out| request.encode(out))), asked);
        let refused = ConnectResponse::refused(&request);
        assert_eq!(length(&frame_of(|out| refused.encode(out))), answered);
    }
}

#[test]
fn a_refusal_is_one_for_every_kind_of_client() {
    let refused = ConnectResponse::refused(&again());
    assert!(refused.is_refused());
    assert_eq!(refused.session_id, 0);
    assert_eq!(refused.password, [0; PASSWORD_BYTES]);
    assert_eq!(refused.timeout_ms, 0);
    assert!(!response(None).is_refused());
}

#[test]
fn a_request_may_have_any_password_and_bytes_behind_it() {
    for password in [None, Some(Bytes::new()), Some(Bytes::from_static(b"short"))] {
        let request = ConnectRequest {
            password,
            ..request(Some(false))
        };
        let mut frame = BytesMut::from(payload(&frame_of(|out| request.encode(out))));
        frame.extend_from_slice(b"extension");
        assert_eq!(ConnectRequest::decode(frame.freeze()), Ok(request));
    }
}

#[test]
fn a_cut_request_names_the_field() {
    let frame = payload(&frame_of(|out| request(None).encode(out)));
    let cut = |len| ConnectRequest::decode(frame.slice(..len));
    let short = |field| Err(DecodeError::Short { field });
    assert_eq!(cut(0), short("protocolVersion"));
    assert_eq!(cut(11), short("lastZxidSeen"));
    assert_eq!(cut(27), short("passwd"));
    assert_eq!(cut(43), short("passwd"));
}

#[test]
fn a_response_needs_its_password_in_full_and_nothing_behind() {
    let frame = payload(&frame_of(|out| response(None).encode(out)));
    let mut short = BytesMut::from(&frame[..35]);
    short[19] = 15;
    let error = DecodeError::Length {
        field: "passwd",
        len: 15,
    };
    assert_eq!(ConnectResponse::decode(short.freeze()), Err(error));
    let mut long = BytesMut::from(frame);
    long.extend_from_slice(&[1, 2]);
    let error = DecodeError::Trailing { bytes: 1 };
    assert_eq!(ConnectResponse::decode(long.freeze()), Err(error));
}
