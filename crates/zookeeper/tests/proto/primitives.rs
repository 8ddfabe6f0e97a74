//! Jute's own types, where they bite.

use bytes::{BufMut, Bytes, BytesMut};
use zookeeper::proto::acl::{Acl, Id};
use zookeeper::proto::jute::{DecodeError, Jute, Reader};
use zookeeper::proto::stat::Stat;

fn encoded<T: Jute>(value: &T) -> Bytes {
    let mut out = BytesMut::new();
    value.encode(&mut out);
    out.freeze()
}

fn read<T: Jute>(bytes: &[u8]) -> Result<T, DecodeError> {
    Reader::new(Bytes::copy_from_slice(bytes)).read("it")
}

#[test]
fn numbers_are_big_endian_and_signed() {
    assert_eq!(encoded(&-2_i32).as_ref(), [0xff, 0xff, 0xff, 0xfe]);
    assert_eq!(encoded(&0x0102_i64).as_ref(), [0, 0, 0, 0, 0, 0, 1, 2]);
    assert_eq!(read::<i64>(&[0xff; 8]), Ok(-1));
    assert_eq!(
        read::<i32>(&[1; 3]),
        Err(DecodeError::Short { field: "it" })
    );
}

#[test]
fn any_byte_but_zero_is_true() {
    assert_eq!(encoded(&true).as_ref(), [1]);
    assert_eq!(read::<bool>(&[0]), Ok(false));
    assert_eq!(read::<bool>(&[0x80]), Ok(true));
}

#[test]
fn null_and_empty_buffers_are_different() {
    assert_eq!(encoded(&None::<Bytes>).as_ref(), [0xff; 4]);
    assert_eq!(encoded(&Some(Bytes::new())).as_ref(), [0; 4]);
    assert_eq!(read::<Option<Bytes>>(&[0xff; 4]), Ok(None));
    assert_eq!(read::<Option<Bytes>>(&[0; 4]), Ok(Some(Bytes::new())));
}

#[test]
fn null_text_is_kept_apart_only_where_it_means_something() {
    assert_eq!(read::<Option<String>>(&[0xff; 4]), Ok(None));
    assert_eq!(read::<Option<String>>(&[0; 4]), Ok(Some(String::new())));
    assert_eq!(read::<String>(&[0xff; 4]), Ok(String::new()));
    assert_eq!(encoded(&String::new()).as_ref(), [0; 4]);
    assert_eq!(read::<Vec<String>>(&[0xff; 4]), Ok(Vec::new()));
}

#[test]
fn the_null_id_that_kazoo_sends_for_the_scheme_auth_is_empty() {
    let bytes = b"\0\0\0\x1f\0\0\0\x04auth\xff\xff\xff\xff";
    let acl: Acl = read(bytes).unwrap();
    let (scheme, id) = ("auth".to_owned(), String::new());
    assert_eq!(acl.id, Id { scheme, id });
}

#[test]
fn text_that_is_not_utf8_is_read_with_replacement_characters() {
    // What Java sends for U+1F600, and a byte that is never UTF-8.
    let surrogates = b"\0\0\0\x08/\xed\xa0\xbd\xed\xb8\x80!";
    for bytes in [surrogates.as_slice(), b"\0\0\0\x02/\xff"] {
        let text: String = read(bytes).unwrap();
        assert!(
            text.starts_with('/') && text.contains('\u{fffd}'),
            "{text:?}"
        );
    }
    let text: String = read(b"\0\0\0\x06/\xc3\xa4\xe2\x82\xac").unwrap();
    assert_eq!(text, "/ä€");
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let below_null = (-2_i32).to_be_bytes();
    let error = Err(DecodeError::Length {
        field: "it",
        len: -2,
    });
    assert_eq!(read::<Option<Bytes>>(&below_null).map(drop), error);
    assert_eq!(read::<String>(&below_null).map(drop), error);
}

#[test]
fn a_vector_of_fewer_than_no_items_is_empty() {
    for count in [i32::MIN, -2, -1, 0] {
        assert_eq!(read::<Vec<String>>(&count.to_be_bytes()), Ok(Vec::new()));
    }
}

#[test]
fn lengths_and_counts_beyond_the_frame_are_refused() {
    let short = Err(DecodeError::Short { field: "it" });
    for len in [i32::MAX, 3] {
        let mut bytes = BytesMut::new();
        bytes.put_i32(len);
        bytes.put_slice(b"ab");
        assert_eq!(read::<Option<Bytes>>(&bytes).map(drop), short);
        assert_eq!(read::<String>(&bytes).map(drop), short);
        assert_eq!(read::<Vec<String>>(&bytes).map(drop), short);
    }
}

/// Twelve bytes an entry: a count is held against that, not against the bytes left.
#[test]
fn a_count_is_held_against_the_least_its_items_take() {
    assert_eq!(Acl::BYTES_MIN, 12);
    let one_and_a_half = [[0, 0, 0, 2].as_slice(), &[0; 18]].concat();
    let short = Err(DecodeError::Short { field: "it" });
    assert_eq!(read::<Vec<Acl>>(&one_and_a_half), short);
    let two = [[0, 0, 0, 2].as_slice(), &[0; 24]].concat();
    assert_eq!(read::<Vec<Acl>>(&two).unwrap().capacity(), 2);
}

#[test]
fn buffers_are_slices_of_the_frame() {
    let frame = Bytes::from_static(b"\0\0\0\x02ab");
    let data: Option<Bytes> = Reader::new(frame.clone()).read("it").unwrap();
    assert_eq!(data.unwrap().as_ptr(), frame[4..].as_ptr());
}

#[test]
fn a_stat_is_68_bytes() {
    assert_eq!(Stat::BYTES_MIN, 68);
    assert_eq!(encoded(&Stat::default()).len(), 68);
}
