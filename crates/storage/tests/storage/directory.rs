//! Opening data directories: what is refused, with which words, and that nothing is deleted.

use openraft::storage::RaftLogStorage;
use openraft::type_config::TypeConfigExt;
use raft_types::snapshot::SnapshotMeta;
use raft_types::{ClusterId, TypeConfig};
use storage::record::log_id;
use storage::{DataDirectory, Expectations, check_directory};
use tempfile::TempDir;

use crate::fixture::{
    self, CLUSTER, NODE, assert_refused, assert_refused_by_content, assert_says, content_of,
    entries, expected, flip_bit, read_all, read_vote, refusal, used, vote,
};

#[test]
fn a_directory_keeps_its_data_over_a_restart() {
    let (_temp, data) = used();
    TypeConfig::run(async {
        let directory = fixture::open(&data);
        assert_eq!(
            (directory.node_id(), directory.cluster_id()),
            (NODE, Some(CLUSTER))
        );
        let mut log = directory.log_store();
        assert_eq!(read_all(&mut log).await.unwrap(), entries(1, 0..10));
        assert_eq!(read_vote(&mut log).await, Some(vote(2, 1, true)));
        let snapshot = directory.snapshot_store().current().unwrap().unwrap();
        assert_eq!(snapshot.meta().last_log_id, Some(log_id(1, 5)));
    });
}

#[test]
fn directories_above_are_made_as_needed() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("a/b/c");
    drop(fixture::open(&data));
    assert!(data.join("holdfast.node").exists());
}

#[test]
fn another_cluster_is_refused() {
    let (_temp, data) = used();
    let other = ClusterId(0xff);
    let expectations = Expectations {
        cluster_id: Some(other),
        ..expected()
    };
    let (found, wanted) = (CLUSTER.to_string(), other.to_string());
    assert_refused(
        &data,
        expectations,
        &["holdfast.node", &found, &wanted, "correct"],
    );
}

#[test]
fn another_node_is_refused() {
    let (_temp, data) = used();
    let expectations = Expectations {
        node_id: 4,
        ..expected()
    };
    assert_refused(
        &data,
        expectations,
        &["holdfast.node", "node 3", "node 4", "correct"],
    );
}

#[test]
fn a_newer_format_is_refused() {
    let (_temp, data) = used();
    let marker = data.join("holdfast.node");
    let text = std::fs::read_to_string(&marker).unwrap();
    let body = text.replace("format 1", "format 2");
    let body = &body[..body.rfind("crc32").unwrap()];
    let crc = crc32fast::hash(body.as_bytes());
    std::fs::write(&marker, format!("{body}crc32 {crc:08x}\n")).unwrap();
    assert_refused(
        &data,
        expected(),
        &["holdfast.node", "format 2", "up to 1", "newer"],
    );
}

#[test]
fn a_damaged_marker_is_refused() {
    let (_temp, data) = used();
    flip_bit(&data.join("holdfast.node"), 40, 0);
    assert_refused(
        &data,
        expected(),
        &["holdfast.node", "damaged", "crc32", "new node id"],
    );
}

#[test]
fn a_directory_in_use_is_refused() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    let held = fixture::open(&data);
    assert_says(
        &refusal(&data, expected()),
        &["in use", "lock", "stop that process"],
    );
    assert_says(
        &check_directory(&data).to_string(),
        &["in use", "not sound"],
    );
    drop(held);
    drop(fixture::open(&data));
}

#[test]
fn a_directory_with_other_things_in_it_is_refused() {
    let temp = TempDir::new().unwrap();
    std::fs::write(temp.path().join("letter.txt"), "dear").unwrap();
    assert_refused(
        temp.path(),
        expected(),
        &["not a Holdfast", "letter.txt", "empty or new"],
    );
    assert!(
        !temp.path().join("lock").exists(),
        "something was put into a foreign directory"
    );
    let file = temp.path().join("letter.txt");
    assert_says(&refusal(&file, expected()), &["letter.txt"]);
}

#[test]
fn a_missing_database_or_snapshot_directory_is_refused() {
    for missing in ["db", "snapshots"] {
        let (_temp, data) = used();
        std::fs::rename(data.join(missing), data.with_extension("aside")).unwrap();
        assert_refused(&data, expected(), &[missing, "is missing", "new node id"]);
        assert!(!check_directory(&data).is_sound());
        assert!(
            !data.join(missing).exists(),
            "something was made in its place"
        );
    }
}

#[test]
fn a_database_of_another_directory_is_refused() {
    let (_temp, data) = used();
    let other = data.with_extension("other");
    drop(
        DataDirectory::open(
            &other,
            Expectations {
                node_id: 8,
                ..expected()
            },
        )
        .unwrap(),
    );
    std::fs::rename(data.join("db"), data.with_extension("aside")).unwrap();
    std::fs::rename(other.join("db"), data.join("db")).unwrap();
    assert_refused_by_content(&data, &["do not belong together", "node 3", "node 8"]);
}

#[test]
fn a_purged_log_without_its_snapshot_is_refused() {
    let (_temp, data) = used();
    TypeConfig::run(async {
        let directory = fixture::open(&data);
        directory.log_store().purge(log_id(1, 5)).await.unwrap();
        directory.close().await.unwrap();
    });
    drop(fixture::open(&data));
    for file in std::fs::read_dir(data.join("snapshots")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert_refused_by_content(
        &data,
        &["purged up to entry 5", "none", "snapshots", "restore"],
    );
    assert_says(
        &check_directory(&data).to_string(),
        &["no sound snapshot reaches that far"],
    );
}

#[test]
fn a_key_that_others_may_read_is_found_by_a_check() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_temp, data) = used();
    fixture::open(&data).secret_file().write(&[7; 32]).unwrap();
    let report = check_directory(&data);
    assert!(report.is_sound(), "{report}");
    let open_to_all = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(data.join("signing-key"), open_to_all).unwrap();
    assert_says(
        &check_directory(&data).to_string(),
        &["signing-key", "fence-keys revoke", "not sound"],
    );
}

#[test]
fn a_creation_cut_short_is_continued() {
    for stage in ["marker", "database"] {
        let (_temp, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let data = data.path().join("data");
        drop(fixture::open(&data));
        let marker = data.join("holdfast.node");
        let text = std::fs::read_to_string(&marker)
            .unwrap()
            .replace("ready", "creating");
        let body = &text[..text.rfind("crc32").unwrap()];
        let crc = crc32fast::hash(body.as_bytes());
        std::fs::write(&marker, format!("{body}crc32 {crc:08x}\n")).unwrap();
        if stage == "marker" {
            std::fs::remove_dir_all(data.join("db")).unwrap();
            std::fs::remove_dir_all(data.join("snapshots")).unwrap();
        }
        assert!(!check_directory(&data).is_sound());
        drop(fixture::open(&data));
        assert!(
            std::fs::read_to_string(&marker).unwrap().contains("ready"),
            "{stage}"
        );
    }
}

#[test]
fn the_cluster_id_is_set_once_and_stays() {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    let joining = Expectations {
        cluster_id: None,
        node_id: NODE,
    };
    let directory = DataDirectory::open(&data, joining).unwrap();
    assert_eq!(directory.cluster_id(), None);
    let meta = SnapshotMeta::default();
    assert!(
        directory.snapshot_store().create(meta).is_err(),
        "a snapshot of no cluster"
    );
    directory.set_cluster_id(CLUSTER).unwrap();
    directory.set_cluster_id(CLUSTER).unwrap();
    let error = directory.set_cluster_id(ClusterId(9)).unwrap_err();
    assert_says(
        &error.to_string(),
        &["belongs to cluster", &CLUSTER.to_string()],
    );
    drop(directory);
    let directory = DataDirectory::open(&data, joining).unwrap();
    assert_eq!(directory.cluster_id(), Some(CLUSTER));
}

/// The power goes between the two places a cluster id is written to.
#[test]
fn a_cluster_id_written_to_the_marker_only_is_completed() {
    let temp = TempDir::new().unwrap();
    let (data, twin) = (temp.path().join("data"), temp.path().join("twin"));
    let joining = Expectations {
        cluster_id: None,
        node_id: NODE,
    };
    drop(DataDirectory::open(&data, joining).unwrap());
    drop(fixture::open(&twin));
    std::fs::copy(twin.join("holdfast.node"), data.join("holdfast.node")).unwrap();
    assert_eq!(
        DataDirectory::open(&data, joining).unwrap().cluster_id(),
        Some(CLUSTER)
    );
    // Now the database knows it too, and a marker that forgot it does not fit any more.
    let bare = temp.path().join("bare");
    drop(DataDirectory::open(&bare, joining).unwrap());
    std::fs::copy(bare.join("holdfast.node"), data.join("holdfast.node")).unwrap();
    assert_says(
        &refusal(&data, joining),
        &["do not belong together", "none"],
    );
}

#[test]
fn a_check_of_a_sound_directory_finds_nothing_and_changes_nothing() {
    let (_temp, data) = used();
    let before = content_of(&data);
    let report = check_directory(&data);
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.records, 10);
    assert_eq!(report.log, Some((log_id(1, 0), log_id(1, 9))));
    assert_eq!(report.vote, Some(vote(2, 1, true)));
    assert_eq!(report.snapshots.len(), 1);
    assert_eq!(content_of(&data), before);
    assert_says(
        &check_directory(&data.join("db")).to_string(),
        &["no Holdfast data directory"],
    );
}
