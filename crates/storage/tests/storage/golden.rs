//! The bytes of every persisted record. `UPDATE=1` rewrites the files; a difference in an existing
//! one means that directories written before can no longer be read: give the layout a new version.

use std::fmt::Write as _;
use std::path::PathBuf;

use openraft::EntryPayload;
use raft_types::snapshot::SnapshotMeta;
use raft_types::{Entry, StoredMembership};
use storage::record::{self, Identity, KEY_COMMITTED, KEY_PURGED, log_id};
use tempfile::TempDir;

use crate::fixture::{self, CLUSTER, NODE, entry, membership, vote};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Compares text with a golden file.
#[track_caller]
fn check_text(name: &str, text: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text,
        expected,
        "{} differs; see the top of this file",
        path.display()
    );
}

/// Compares bytes with a golden file of hex, 16 to a line.
#[track_caller]
fn check(name: &str, bytes: &[u8]) {
    let mut text = String::new();
    for line in bytes.chunks(16) {
        for byte in line {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    check_text(name, &text);
}

#[test]
fn entries() {
    let blank = Entry {
        log_id: log_id(7, 0x0102),
        payload: EntryPayload::Blank,
    };
    let members = Entry {
        log_id: log_id(7, 9),
        payload: EntryPayload::Membership(membership()),
    };
    for (name, entry) in [
        ("entry_blank.hex", blank),
        (
            "entry_normal.hex",
            entry(7, 0x0a0b_0c0d, b"a batch of commands"),
        ),
        ("entry_membership.hex", members),
    ] {
        let bytes = record::encode_entry(&entry).unwrap();
        check(name, &bytes);
        assert_eq!(
            record::decode_entry(entry.log_id.index, &bytes).unwrap(),
            entry
        );
    }
}

#[test]
fn votes() {
    for (name, vote) in [
        ("vote.hex", vote(0x0102, 3, false)),
        ("vote_committed.hex", vote(0x0102, 3, true)),
    ] {
        let bytes = record::encode_vote(&vote);
        check(name, &bytes);
        assert_eq!(record::decode_vote(&bytes).unwrap(), vote);
    }
}

#[test]
fn positions() {
    for (name, key) in [
        ("last_purged.hex", KEY_PURGED),
        ("committed.hex", KEY_COMMITTED),
    ] {
        let id = log_id(7, 0x0102_0304);
        let bytes = record::encode_log_id(key, &id);
        check(name, &bytes);
        assert_eq!(record::decode_log_id(key, &bytes).unwrap(), id);
    }
}

#[test]
fn identities() {
    for (name, cluster_id) in [
        ("identity.hex", Some(CLUSTER)),
        ("identity_joining.hex", None),
    ] {
        let identity = Identity {
            format_version: 1,
            node_id: NODE,
            cluster_id,
        };
        let bytes = record::encode_identity(&identity);
        check(name, &bytes);
        assert_eq!(record::decode_identity(&bytes).unwrap(), identity);
    }
}

#[test]
fn memberships() {
    let bytes = record::encode_membership(&membership()).unwrap();
    check("membership.hex", &bytes);
    assert_eq!(record::decode_membership(&bytes).unwrap(), membership());
    let none = record::encode_membership(&Default::default()).unwrap();
    check("membership_none.hex", &none);
    assert_eq!(
        record::decode_membership(&none).unwrap(),
        Default::default()
    );
}

#[test]
fn marker_and_snapshot_files() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    let directory = fixture::open(&data);
    check_text(
        "marker.txt",
        &std::fs::read_to_string(data.join("holdfast.node")).unwrap(),
    );

    let meta = SnapshotMeta {
        last_log_id: Some(log_id(7, 20)),
        last_membership: StoredMembership::new(Some(log_id(7, 9)), membership()),
    };
    let mut sink = directory.snapshot_store().create(meta).unwrap();
    sink.write(b"the state").unwrap();
    sink.finish().unwrap();
    let file = data.join("snapshots/00000000000000000007-00000000000000000020.snap");
    check("snapshot.hex", &std::fs::read(file).unwrap());
}

#[test]
fn a_record_under_another_key_is_damaged() {
    let bytes = record::encode_entry(&entry(1, 5, b"x")).unwrap();
    assert!(record::decode_entry(6, &bytes).is_err());
    let bytes = record::encode_log_id(KEY_PURGED, &log_id(1, 5));
    assert!(record::decode_log_id(KEY_COMMITTED, &bytes).is_err());
}

#[test]
fn every_flipped_bit_of_an_entry_is_noticed() {
    let bytes = record::encode_entry(&entry(1, 5, b"payload")).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(record::decode_entry(5, &bytes).is_err(), "bit {bit}");
    }
}
