//! Bytes that are no message, or no message any more.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{bytes_of, request};
use crate::peer::wire::codec::DecodeError;
use crate::peer::wire::frame::{self, FrameError, FrameKind};
use crate::peer::wire::hello::{self, Hello, Welcome};
use crate::peer::wire::message::{self, SnapshotBegin, SnapshotEnd};

#[test]
fn entries_must_follow_one_another() {
    let mut request = request();
    request.entries.remove(0);
    let bytes = bytes_of(|out| message::put_append(out, &request));
    let error = message::append(bytes).map(|_| ()).unwrap_err();
    assert_eq!(error, DecodeError::Invalid("entry index"));
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
