//! Cutting a stream into frames, and telling four-letter words from them.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use zookeeper::proto::four_letter::FourLetterWord;
use zookeeper::proto::frame::{
    First, FrameError, PAYLOAD_BYTES_MAX_DEFAULT, first_frame, next_frame, put_frame,
};

const MAX: usize = PAYLOAD_BYTES_MAX_DEFAULT;

fn buffer(bytes: &[u8]) -> BytesMut {
    BytesMut::from(bytes)
}

fn framed(payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| out.put_slice(payload)).unwrap();
    out
}

#[test]
fn a_frame_is_its_length_and_its_payload() {
    assert_eq!(framed(b"xyz").as_ref(), b"\0\0\0\x03xyz");
    let mut stream = framed(b"xyz");
    stream.unsplit(framed(b""));
    stream.put_slice(b"\0\0");
    let xyz = Some(Bytes::from_static(b"xyz"));
    assert_eq!(next_frame(&mut stream, MAX), Ok(xyz));
    assert_eq!(next_frame(&mut stream, MAX), Ok(Some(Bytes::new())));
    assert_eq!(next_frame(&mut stream, MAX), Ok(None));
    assert_eq!(stream.as_ref(), b"\0\0");
}

#[test]
fn an_impossible_length_is_told_before_its_payload_arrives() {
    let negative = FrameError::Negative { len: -1 };
    assert_eq!(next_frame(&mut buffer(&[0xff; 4]), MAX), Err(negative));
    let long = FrameError::TooLong { len: 4, max: 3 };
    assert_eq!(next_frame(&mut buffer(b"\0\0\0\x04"), 3), Err(long));
    let fits = next_frame(&mut framed(b"abc"), 3);
    assert_eq!(fits, Ok(Some(Bytes::from_static(b"abc"))));
}

#[test]
fn a_promised_length_allocates_nothing() {
    let mut stream = buffer(b"\0\x0f\xff\xff");
    let capacity = stream.capacity();
    assert_eq!(next_frame(&mut stream, MAX), Ok(None));
    assert_eq!(stream.capacity(), capacity);
}

#[test]
fn every_word_is_told_from_a_frame_and_only_its_letters_are_taken() {
    assert_eq!(FourLetterWord::ALL.len(), 18);
    for word in FourLetterWord::ALL {
        let mut stream = buffer(word.name().as_bytes());
        stream.put_slice(b"\n");
        assert_eq!(first_frame(&mut stream, MAX), Ok(First::Word(*word)));
        assert_eq!(stream.as_ref(), b"\n");
    }
}

#[test]
fn no_word_could_be_the_length_of_an_acceptable_frame() {
    for word in FourLetterWord::ALL {
        let length = i32::from_be_bytes(word.name().as_bytes().try_into().unwrap());
        assert!(length > 1_600_000_000, "{}", word.name());
    }
}

#[test]
fn a_word_is_one_only_at_the_start_of_a_connection() {
    let len = usize::try_from(i32::from_be_bytes(*b"ruok")).unwrap();
    let long = FrameError::TooLong { len, max: MAX };
    assert_eq!(next_frame(&mut buffer(b"ruok"), MAX), Err(long));
}

#[test]
fn an_interrupted_telnet_is_told_from_a_frame() {
    let mut stream = buffer(&[0xff, 0xf4, 0xff, 0xfd, 6]);
    assert_eq!(first_frame(&mut stream, MAX), Ok(First::TelnetInterrupt));
}

#[test]
fn a_first_frame_waits_for_all_of_it() {
    for part in 0..4 {
        let mut stream = buffer(&b"ruok"[..part]);
        assert_eq!(first_frame(&mut stream, MAX), Ok(First::Incomplete));
    }
    let whole = framed(b"abc");
    for part in 0..whole.len() {
        let mut stream = buffer(&whole[..part]);
        assert_eq!(first_frame(&mut stream, MAX), Ok(First::Incomplete));
    }
    let abc = First::Frame(Bytes::from_static(b"abc"));
    assert_eq!(first_frame(&mut whole.clone(), MAX), Ok(abc));
    let garbage = first_frame(&mut buffer(b"GET / HTTP/1.1"), MAX);
    assert!(matches!(garbage, Err(FrameError::TooLong { .. })));
}

proptest! {
    #[test]
    fn frames_survive_any_cut_of_the_stream(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10),
        pieces in proptest::collection::vec(1_usize..30, 1..20),
    ) {
        let mut stream = BytesMut::new();
        for payload in &payloads {
            put_frame(&mut stream, |out| out.put_slice(payload)).unwrap();
        }
        let mut pieces = pieces.into_iter().cycle();
        let (mut arrived, mut frames) = (BytesMut::new(), Vec::new());
        while !stream.is_empty() {
            let piece = pieces.next().unwrap().min(stream.len());
            arrived.put_slice(&stream.split_to(piece));
            while let Some(frame) = next_frame(&mut arrived, MAX).unwrap() {
                frames.push(frame.to_vec());
            }
        }
        prop_assert_eq!(frames, payloads);
        prop_assert!(arrived.is_empty());
    }
}
