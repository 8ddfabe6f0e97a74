//! Snapshot files: whole or not there, verified, two kept.

use std::io::Read;
use std::path::{Path, PathBuf};

use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotStore};
use raft_types::{ClusterId, StoredMembership};
use storage::limits::SNAPSHOT_BLOCK_BYTES;
use storage::record::log_id;
use storage::{DataDirectory, Expectations, MemorySnapshotStore, check_directory};
use tempfile::TempDir;

use crate::fixture::{self, NODE, assert_says, flip_bit, membership};

fn meta(term: u64, index: u64) -> SnapshotMeta {
    SnapshotMeta {
        last_log_id: Some(log_id(term, index)),
        last_membership: StoredMembership::new(Some(log_id(term, 1)), membership()),
    }
}

fn write(store: &dyn SnapshotStore, meta: SnapshotMeta, content: &[u8]) -> Snapshot {
    let mut sink = store.create(meta).unwrap();
    for part in content.chunks(100_000) {
        sink.write(part).unwrap();
    }
    sink.finish().unwrap()
}

fn read(snapshot: &Snapshot) -> Vec<u8> {
    let mut content = Vec::new();
    snapshot.open().unwrap().read_to_end(&mut content).unwrap();
    content
}

fn files(data: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(data.join("snapshots"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn name(term: u64, index: u64) -> String {
    format!("{term:020}-{index:020}.snap")
}

fn path_of(data: &Path, term: u64, index: u64) -> PathBuf {
    data.join("snapshots").join(name(term, index))
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
}

/// An open data directory; the temporary directory goes last.
fn directory() -> (DataDirectory, PathBuf, TempDir) {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    (fixture::open(&data), data, temp)
}

#[test]
fn content_of_any_length_reads_back_now_and_after_a_restart() {
    for len in [
        0,
        1,
        SNAPSHOT_BLOCK_BYTES - 1,
        SNAPSHOT_BLOCK_BYTES,
        3 * SNAPSHOT_BLOCK_BYTES + 7,
    ] {
        let (directory, data, _temp) = directory();
        let content = noise(len);
        let written = write(&*directory.snapshot_store(), meta(2, 9), &content);
        assert_eq!(written.content_len(), len as u64);
        assert_eq!(read(&written), content);
        drop(directory);
        let current = fixture::open(&data)
            .snapshot_store()
            .current()
            .unwrap()
            .unwrap();
        assert_eq!(current.meta(), &meta(2, 9));
        assert_eq!(current.content_len(), len as u64);
        assert_eq!(read(&current), content);
        assert_eq!(read(&current), content, "a second reading");
    }
}

#[test]
fn an_empty_store_has_no_snapshot_and_one_of_nothing_can_be_made() {
    let (directory, data, _temp) = directory();
    let store = directory.snapshot_store();
    assert!(store.current().unwrap().is_none());
    write(&*store, SnapshotMeta::default(), b"nothing");
    assert_eq!(files(&data), ["empty.snap"]);
    write(&*store, meta(0, 0), b"something");
    assert_eq!(read(&store.current().unwrap().unwrap()), b"something");
}

#[test]
fn the_newest_two_are_kept_and_an_older_one_stays_readable_while_held() {
    let (directory, data, _temp) = directory();
    let store = directory.snapshot_store();
    let first = write(&*store, meta(1, 10), b"ten");
    write(&*store, meta(1, 20), b"twenty");
    assert_eq!(files(&data), [name(1, 10), name(1, 20)]);
    write(&*store, meta(2, 15), b"of a later term");
    assert_eq!(files(&data), [name(1, 20), name(2, 15)]);
    assert_eq!(read(&store.current().unwrap().unwrap()), b"of a later term");
    assert_eq!(read(&first), b"ten", "a transfer under way must not break");
}

#[test]
fn all_that_are_kept_are_told_newest_first_also_after_a_restart() {
    let (directory, data, _temp) = directory();
    let store = directory.snapshot_store();
    assert!(store.kept().unwrap().is_empty());
    for (index, content) in [(10, "ten"), (20, "twenty"), (30, "thirty")] {
        write(&*store, meta(1, index), content.as_bytes());
    }
    let told = |store: &dyn SnapshotStore| -> Vec<Vec<u8>> {
        store.kept().unwrap().iter().map(read).collect()
    };
    let expected = [b"thirty".to_vec(), b"twenty".to_vec()];
    assert_eq!(told(&*store), expected);
    drop((store, directory));
    let directory = fixture::open(&data);
    let store = directory.snapshot_store();
    assert_eq!(told(&*store), expected);
    for snapshot in store.kept().unwrap() {
        let at = snapshot.meta().last_log_id.unwrap();
        let file = path_of(&data, 1, at.index);
        let modified = std::fs::metadata(file).unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(
            snapshot.created_ms().map(u128::from),
            Some(since.as_millis())
        );
    }

    // Damage of the newest is refused, that of another one is its own.
    flip_bit(&path_of(&data, 1, 20), 0, 0);
    assert_eq!(told(&*store), expected[..1]);
    drop((store, directory));
    flip_bit(&path_of(&data, 1, 30), 0, 0);
    assert!(fixture::open(&data).snapshot_store().kept().is_err());
}

#[test]
fn an_older_snapshot_finished_late_does_not_become_current() {
    let (directory, data, _temp) = directory();
    let store = directory.snapshot_store();
    let late = store.create(meta(1, 10)).unwrap();
    write(&*store, meta(1, 20), b"installed meanwhile");
    late.finish().unwrap();
    assert_eq!(
        read(&store.current().unwrap().unwrap()),
        b"installed meanwhile"
    );
    assert_eq!(files(&data), [name(1, 10), name(1, 20)]);
}

#[test]
fn an_unfinished_snapshot_leaves_nothing() {
    let (directory, data, _temp) = directory();
    let store = directory.snapshot_store();
    write(&*store, meta(1, 10), b"ten");
    let mut sink = store.create(meta(1, 20)).unwrap();
    sink.write(&noise(1_000_000)).unwrap();
    assert_eq!(files(&data).len(), 2, "it is written aside");
    drop(sink);
    assert_eq!(files(&data), [name(1, 10)]);
    assert_eq!(read(&store.current().unwrap().unwrap()), b"ten");
}

#[test]
fn what_a_crash_left_half_written_is_removed_and_nothing_else() {
    let (directory, data, _temp) = directory();
    write(&*directory.snapshot_store(), meta(1, 10), b"ten");
    drop(directory);
    let inside = |name: &str| data.join("snapshots").join(name);
    std::fs::write(inside(&format!("{}.0.tmp", name(1, 20))), "half").unwrap();
    std::fs::write(inside("notes.tmp"), "somebody's").unwrap();
    std::fs::write(inside("notes.snap"), "somebody's").unwrap();
    let directory = fixture::open(&data);
    assert_eq!(
        files(&data),
        [name(1, 10), "notes.snap".to_owned(), "notes.tmp".to_owned()]
    );
    assert_eq!(
        read(&directory.snapshot_store().current().unwrap().unwrap()),
        b"ten"
    );
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_the_older_snapshot_is_not_used_instead() {
    let (directory, data, _temp) = directory();
    let store = directory.snapshot_store();
    write(&*store, meta(1, 10), b"ten");
    write(&*store, meta(1, 20), b"twenty");
    drop((store, directory));
    let path = path_of(&data, 1, 20);
    let len = std::fs::metadata(&path).unwrap().len() as usize;
    let store = fixture::open(&data).snapshot_store();
    for byte in 0..len {
        flip_bit(&path, byte, (byte % 8) as u8);
        let Err(error) = store.current() else {
            panic!("byte {byte} was not noticed")
        };
        assert_says(&error.to_string(), &[&name(1, 20)]);
        flip_bit(&path, byte, (byte % 8) as u8);
    }
    assert_eq!(read(&store.current().unwrap().unwrap()), b"twenty");
    assert_eq!(files(&data).len(), 2);
}

#[test]
fn a_file_cut_short_or_continued_is_refused() {
    let (directory, data, _temp) = directory();
    write(
        &*directory.snapshot_store(),
        meta(1, 20),
        &noise(SNAPSHOT_BLOCK_BYTES + 100),
    );
    drop(directory);
    let path = path_of(&data, 1, 20);
    let whole = std::fs::read(&path).unwrap();
    let store = fixture::open(&data).snapshot_store();
    for len in [0, 7, 20, 200, SNAPSHOT_BLOCK_BYTES, whole.len() - 1] {
        std::fs::write(&path, &whole[..len]).unwrap();
        let Err(error) = store.current() else {
            panic!("{len} bytes were accepted")
        };
        assert_says(
            &error.to_string(),
            &[&name(1, 20), "damaged", "not skipped"],
        );
    }
    // Its last block missing as a whole: every checksum that is left is right.
    let footer_at = whole.len() - 32;
    let shorter = [&whole[..footer_at - 108], &whole[footer_at..]].concat();
    std::fs::write(&path, shorter).unwrap();
    let Err(error) = store.current() else {
        panic!("a missing block was not noticed")
    };
    assert_says(
        &error.to_string(),
        &[&name(1, 20), "not what its footer says"],
    );
    std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
    assert!(store.current().is_err());
    let report = check_directory(&data);
    assert!(
        !report.is_sound() && report.findings.iter().any(|f| f.file == path),
        "{report}"
    );
}

#[test]
fn a_snapshot_of_another_cluster_or_under_a_wrong_name_is_refused() {
    let (directory, data, temp) = directory();
    let store = directory.snapshot_store();
    write(&*store, meta(1, 20), b"twenty");
    drop((store, directory));
    std::fs::rename(path_of(&data, 1, 20), path_of(&data, 1, 30)).unwrap();
    let store = fixture::open(&data).snapshot_store();
    let Err(error) = store.current() else {
        panic!("accepted under a wrong name")
    };
    assert_says(&error.to_string(), &[&name(1, 30), "another log position"]);

    let other = temp.path().join("other");
    let expectations = Expectations {
        cluster_id: Some(ClusterId(7)),
        node_id: NODE,
    };
    let other_directory = DataDirectory::open(&other, expectations).unwrap();
    std::fs::rename(path_of(&data, 1, 30), path_of(&other, 1, 20)).unwrap();
    let Err(error) = other_directory.snapshot_store().current() else {
        panic!("accepted")
    };
    let parts = [
        "belongs to cluster",
        &fixture::CLUSTER.to_string(),
        &ClusterId(7).to_string(),
    ];
    assert_says(&error.to_string(), &parts);
}

#[test]
fn the_simulated_store_keeps_finished_snapshots_only() {
    let store = MemorySnapshotStore::default();
    write(&store, meta(1, 20), b"twenty");
    let mut unfinished = store.create(meta(1, 30)).unwrap();
    unfinished.write(b"half").unwrap();
    drop(unfinished);
    write(&store, meta(1, 10), b"ten, late");
    assert_eq!(read(&store.clone().current().unwrap().unwrap()), b"twenty");
    let kept = |store: &MemorySnapshotStore| -> Vec<Vec<u8>> {
        store.kept().unwrap().iter().map(read).collect()
    };
    assert_eq!(kept(&store), [b"twenty".to_vec(), b"ten, late".to_vec()]);
    write(&store, meta(1, 30), b"thirty");
    assert_eq!(kept(&store), [b"thirty".to_vec(), b"twenty".to_vec()]);
}
