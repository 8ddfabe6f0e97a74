//! Bytes that are not what they should be: refused, without a panic and without a state.

use bytes::Bytes;
use proptest::prelude::*;
use raft_core::codec::{Batch, BatchBuilder, DecodeError, decode_request, encode_request};
use raft_core::command::{Request, Stamp};
use raft_core::ids::{LogTime, WallTime};
use raft_core::snapshot::RestoreError;
use raft_core::state::State;
use raft_core::{format, limits};

use crate::golden;
use crate::harness::{Harness, snapshot_bytes};

fn encoded() -> Vec<Bytes> {
    let requests = golden::requests();
    requests
        .iter()
        .map(|(_, request)| encode_request(request).unwrap())
        .collect()
}

fn decoded(bytes: &[u8]) -> Result<Request, DecodeError> {
    decode_request(bytes)
}

#[test]
fn a_request_cut_short_or_made_longer_is_refused() {
    for bytes in encoded() {
        for end in 0..bytes.len() {
            assert!(decoded(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(
            decoded(&longer),
            Err(DecodeError::TrailingBytes { count: 1 })
        );
        longer[0] = format::REQUEST_WITH_TERMS + 1;
        assert!(matches!(
            decoded(&longer),
            Err(DecodeError::UnknownVersion { .. })
        ));
    }
}

#[test]
fn an_oversized_request_is_refused_on_both_sides() {
    let bytes = vec![format::REQUEST; limits::REQUEST_BYTES_MAX + 1];
    assert!(matches!(decoded(&bytes), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn a_name_that_is_not_valid_is_refused_when_decoded() {
    let bytes = encode_request(&golden::named("release_claim")).unwrap();
    let at = bytes
        .windows(9)
        .position(|part| part == b"orders/42")
        .unwrap();
    let mut broken = bytes.to_vec();
    broken[at + 6] = b'!';
    assert!(matches!(decoded(&broken), Err(DecodeError::Malformed(_))));
}

#[test]
fn a_batch_holds_its_requests_and_the_stamp_put_last() {
    let all = encoded();
    let mut builder = BatchBuilder::new(Stamp::default());
    for bytes in &all {
        assert!(builder.push(bytes));
    }
    let stamp = Stamp {
        log_time: LogTime(5),
        wall: WallTime(u64::MAX),
    };
    builder.set_stamp(stamp);
    let payload = builder.finish();
    let batch = Batch::parse(&payload).unwrap();
    assert_eq!(batch.stamp, stamp);
    assert_eq!(batch.len(), all.len());
    assert!(batch.requests().eq(all.iter().map(|bytes| &bytes[..])));
    for end in 0..payload.len() {
        assert!(Batch::parse(&payload.slice(..end)).is_err(), "cut at {end}");
    }
}

#[test]
fn a_batch_is_bounded_in_count_and_bytes() {
    let mut builder = BatchBuilder::new(Stamp::default());
    let mut count = 0;
    while builder.push(b"") {
        count += 1;
    }
    assert_eq!(count, limits::REQUESTS_PER_BATCH_MAX);

    let mut builder = BatchBuilder::new(Stamp::default());
    assert!(
        builder.push(&vec![0; limits::REQUEST_BYTES_MAX]),
        "an empty batch takes any request"
    );
    assert!(!builder.push(b"x"));
    assert_eq!(builder.len(), 1);
    assert!(Batch::parse(&builder.finish()).is_ok());
}

#[test]
fn a_snapshot_with_any_byte_changed_or_missing_is_refused() {
    let whole = snapshot_bytes(&golden::snapshot_state());
    assert!(State::restore(&mut &whole[..]).is_ok());
    for at in 0..whole.len() {
        assert!(State::restore(&mut &whole[..at]).is_err(), "cut at {at}");
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        assert!(
            State::restore(&mut &changed[..]).is_err(),
            "byte {at} changed"
        );
    }
    let mut longer = whole;
    longer.push(0);
    assert!(matches!(
        State::restore(&mut &longer[..]),
        Err(RestoreError::TrailingBytes)
    ));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let with_version: Vec<u8> = [format::REQUEST].into_iter().chain(bytes.clone()).collect();
        let _ = decoded(&bytes);
        let _ = decoded(&with_version);
        let _ = Batch::parse(&Bytes::from(bytes.clone()));
        let _ = Batch::parse(&Bytes::from(with_version));
        prop_assert!(State::restore(&mut &bytes[..]).is_err());
        let mut snapshot = format::SNAPSHOT_MAGIC.to_vec();
        snapshot.extend(format::SNAPSHOT.to_le_bytes());
        snapshot.extend(bytes);
        prop_assert!(State::restore(&mut &snapshot[..]).is_err());
    }

    /// What a damaged request decodes to is still safe to apply.
    #[test]
    fn a_damaged_request_never_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let all = encoded();
        let mut bytes = which.get(&all).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(request) = decoded(&bytes) {
            let mut harness = Harness::new();
            harness.run(golden::SNAPSHOT_SCRIPT);
            harness.apply(&request);
        }
    }
}
