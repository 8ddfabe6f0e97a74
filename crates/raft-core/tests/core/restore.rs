//! A snapshot restored into a running cluster.

use bytes::Bytes;
use raft_core::command::{Command, RestoreStep};
use raft_core::data::Data;
use raft_core::ids::{ZnodePath, Zxid};
use raft_core::limits;
use raft_core::outcome::{Outcome, Refusal, Reply, RestoreRefusal, Restored};

use crate::golden::snapshot_state;
use crate::harness::{Harness, snapshot_bytes};
use crate::words::Words;

fn step(cluster: &mut Harness, step: RestoreStep) -> Outcome {
    let request = cluster.request(Words::parse(""), Command::Restore(step));
    cluster.apply(&request)
}

fn refused(outcome: Outcome) -> RestoreRefusal {
    match outcome.result {
        Err(Refusal::Restore(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn begun(cluster: &mut Harness, replace: bool) -> Zxid {
    let outcome = step(cluster, RestoreStep::Begin { replace });
    match outcome.result {
        Ok(Reply::RestoreStaged {
            upload,
            received: 0,
        }) => upload,
        other => panic!("{other:?}"),
    }
}

/// Sends everything in parts of `size` bytes.
fn sent(cluster: &mut Harness, upload: Zxid, bytes: &[u8], size: usize) {
    let mut offset = 0;
    for part in bytes.chunks(size) {
        let part = RestoreStep::Part {
            upload,
            offset,
            bytes: Bytes::copy_from_slice(part),
        };
        offset += size.min(bytes.len() - usize::try_from(offset).unwrap()) as u64;
        let outcome = step(cluster, part);
        let Ok(Reply::RestoreStaged { received, .. }) = outcome.result else {
            panic!("{outcome:?}");
        };
        assert_eq!(received, offset);
    }
}

pub(crate) fn restored(cluster: &mut Harness, bytes: &[u8], replace: bool) -> Restored {
    let upload = begun(cluster, replace);
    sent(cluster, upload, bytes, 100);
    let outcome = step(cluster, RestoreStep::Finish { upload });
    assert!(outcome.events.is_empty(), "{:?}", outcome.events);
    match outcome.result {
        Ok(Reply::Restored(restored)) => restored,
        other => panic!("{other:?}"),
    }
}

fn exists(cluster: &Harness, path: &str) -> bool {
    let path = ZnodePath::parse(path).unwrap();
    cluster.state.znode(&path).is_some()
}

fn config_of(cluster: &Harness) -> Option<Data> {
    let path = ZnodePath::parse("/zookeeper/config").unwrap();
    cluster.state.znode(&path).unwrap().data.clone()
}

fn backup() -> Vec<u8> {
    snapshot_bytes(&snapshot_state())
}

#[test]
fn the_tree_comes_back_and_no_session_survives() {
    let mut cluster = Harness::new();
    cluster.run("time 50\n open mine");
    cluster.run("members 11 12 13\n announce 11 10.0.0.11:2181");
    let config = config_of(&cluster);
    let summary = restored(&mut cluster, &backup(), false);
    assert_eq!(summary.taken_at, snapshot_state().last_zxid());
    assert_eq!(summary.sessions_ended, 1);
    assert!(exists(&cluster, "/a") && exists(&cluster, "/t") && exists(&cluster, "/c"));
    assert!(!exists(&cluster, "/e"), "an ephemeral without its session");
    let said = cluster.run("open mine");
    assert!(said.contains("REFUSED SessionEnded"), "{said}");
    assert_eq!(cluster.state.counts().claims, 0);
    assert_eq!(cluster.state.counts().sessions, 0);
    assert!(
        !cluster.state.is_retired_member(11),
        "members are this cluster's own"
    );
    assert!(
        !cluster.state.is_retired_member(3),
        "and not those of the backup"
    );
    assert_eq!(config_of(&cluster), config, "nor is what they are told");
    assert!(!cluster.state.config_is_behind());
}

#[test]
fn the_past_of_locks_is_this_clusters_own() {
    let mut cluster = Harness::new();
    cluster.run("open mine\n session=mine acquire here c1\n time 70");
    // The hold ends with its session, by the restore.
    restored(&mut cluster, &backup(), true);
    let said = cluster.run("history here\n history other\n next-due");
    assert!(said.contains("held 70 SessionExpired"), "{said}");
    assert!(said.contains("nothing is remembered"), "{said}");
    let forget_at = 70 + limits::HISTORY_MS + limits::HISTORY_STEP_MS;
    cluster.run(&format!("time {forget_at}\n due"));
    let said = cluster.run("history here");
    assert!(said.contains("nothing is remembered"), "{said}");
}

#[test]
fn the_zxid_goes_far_beyond_both() {
    let mut cluster = Harness::new();
    let summary = restored(&mut cluster, &backup(), false);
    assert_eq!(summary.zxid, Zxid(2 * limits::RESTORE_ZXID_STEP));
    assert_eq!(cluster.state.last_zxid(), summary.zxid);
    let again = restored(&mut cluster, &backup(), true);
    assert_eq!(again.zxid, Zxid(4 * limits::RESTORE_ZXID_STEP));
    let said = cluster.run("open s\n session=s acquire orders/42 c1");
    let fence = again.zxid.0 + 2;
    assert!(said.contains(&fence.to_string()), "{said}");
}

#[test]
fn the_clock_of_this_cluster_goes_on_and_deadlines_stay_as_far_away() {
    // The backup's /t was written at 1000 and lives for 5000.
    let mut cluster = Harness::new();
    cluster.run("time 900000");
    restored(&mut cluster, &backup(), false);
    assert_eq!(cluster.state.log_time().0, 900_000);
    cluster.run("time 4999\n due");
    assert!(exists(&cluster, "/t"), "not yet");
    cluster.run("time 1\n due");
    assert!(!exists(&cluster, "/t"));
}

#[test]
fn a_cluster_with_data_is_replaced_only_when_told_so() {
    let mut cluster = Harness::new();
    cluster.run("create /mine data=x");
    let refusal = refused(step(&mut cluster, RestoreStep::Begin { replace: false }));
    assert_eq!(refusal, RestoreRefusal::NotEmpty { znodes: 1 });
    restored(&mut cluster, &backup(), true);
    assert!(!exists(&cluster, "/mine") && exists(&cluster, "/a"));
}

/// Fences shown before are refused again as they were when the backup was made, and those of claims
/// made after are beyond all of them.
#[test]
fn fence_registers_come_from_the_backup_and_new_fences_are_beyond_them() {
    let mut other = Harness::new();
    other.run("advance disk 5\n advance old 4");
    let mut cluster = Harness::new();
    cluster.run("advance disk 9\n advance new 3");
    let refusal = refused(step(&mut cluster, RestoreStep::Begin { replace: false }));
    assert_eq!(
        refusal,
        RestoreRefusal::NotEmpty { znodes: 2 },
        "registers are data"
    );
    let summary = restored(&mut cluster, &snapshot_bytes(&other.state), true);
    let said = cluster.run("registers");
    assert_eq!(said, "[disk:5 old:4]\n");
    let said = cluster.run("advance disk 4\n open s\n session=s acquire disk c1");
    assert!(said.contains("REFUSED FenceRegisterStale"), "{said}");
    let fence = summary.zxid.0 + 3;
    assert!(said.contains(&format!("c1:f{fence}")), "{said}");
    let said = cluster.run(&format!("advance disk {fence}\n advance disk 9"));
    assert!(said.contains("REFUSED FenceRegisterStale"), "{said}");
}

#[test]
fn data_that_came_during_the_upload_is_not_lost_unasked() {
    let mut cluster = Harness::new();
    let upload = begun(&mut cluster, false);
    sent(&mut cluster, upload, &backup(), 64);
    cluster.run("create /mine data=x");
    let refusal = refused(step(&mut cluster, RestoreStep::Finish { upload }));
    assert_eq!(refusal, RestoreRefusal::NotEmpty { znodes: 1 });
}

#[test]
fn one_upload_at_a_time_and_one_that_stands_still_is_dropped() {
    let mut cluster = Harness::new();
    let first = begun(&mut cluster, false);
    let refusal = refused(step(&mut cluster, RestoreStep::Begin { replace: true }));
    assert_eq!(refusal, RestoreRefusal::InProgress { upload: first });
    sent(&mut cluster, first, b"some", 2);
    cluster.run(&format!("time {}\n due", limits::RESTORE_IDLE_MS));
    let second = begun(&mut cluster, false);
    let refusal = refused(step(&mut cluster, RestoreStep::Finish { upload: first }));
    assert_eq!(refusal, RestoreRefusal::UnknownUpload { upload: first });
    assert!(
        step(&mut cluster, RestoreStep::Abandon { upload: second })
            .result
            .is_ok()
    );
    begun(&mut cluster, false);
}

#[test]
fn a_part_that_is_repeated_or_skips_is_refused_with_the_place_to_go_on() {
    let mut cluster = Harness::new();
    let upload = begun(&mut cluster, false);
    sent(&mut cluster, upload, b"0123456789", 4);
    for offset in [0, 8, 11] {
        let part = RestoreStep::Part {
            upload,
            offset,
            bytes: Bytes::from_static(b"x"),
        };
        let refusal = refused(step(&mut cluster, part));
        assert_eq!(refusal, RestoreRefusal::WrongOffset { expected: 10 });
    }
}

#[test]
fn an_upload_survives_a_snapshot_in_between() {
    let mut cluster = Harness::new();
    let upload = begun(&mut cluster, false);
    let backup = backup();
    let (head, tail) = backup.split_at(backup.len() / 2);
    sent(&mut cluster, upload, head, head.len());
    cluster.run("snapshot");
    let part = RestoreStep::Part {
        upload,
        offset: head.len() as u64,
        bytes: Bytes::copy_from_slice(tail),
    };
    assert!(step(&mut cluster, part).result.is_ok());
    assert!(
        step(&mut cluster, RestoreStep::Finish { upload })
            .result
            .is_ok()
    );
}

#[test]
fn damaged_or_half_a_snapshot_changes_nothing() {
    let backup = backup();
    let mut flipped = backup.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bytes in [&backup[..backup.len() - 1], &flipped[..], b"not a snapshot"] {
        let mut cluster = Harness::new();
        let upload = begun(&mut cluster, false);
        sent(&mut cluster, upload, bytes, 1000);
        let refusal = refused(step(&mut cluster, RestoreStep::Finish { upload }));
        assert!(
            matches!(refusal, RestoreRefusal::Unreadable(_)),
            "{refusal:?}"
        );
        assert!(!exists(&cluster, "/a"));
    }
}

/// The sessions of the backup end, and the configuration is this cluster's: both count.
#[test]
fn quotas_come_back_and_count_what_is_there_now() {
    let mut other = Harness::new();
    other.run(
        "create /zookeeper/quota/zookeeper/zookeeper_limits parents data=count=-1,bytes=-1
        create /zookeeper/quota/zookeeper/zookeeper_stats
        create /zookeeper/quota/app/zookeeper_limits parents data=countHardLimit=2
        create /zookeeper/quota/app/zookeeper_stats
        create /app
        open s
        session=s create /app/e ephemeral data=gone",
    );
    let mut cluster = Harness::new();
    cluster.run(
        "members 1
        announce 1 10.0.0.1:2181",
    );
    let config = ZnodePath::parse("/zookeeper/config").unwrap();
    let config = cluster.state.stat(&config).unwrap().data_length;
    restored(&mut cluster, &snapshot_bytes(&other.state), true);
    let shown = |cluster: &mut Harness, of: &str| {
        cluster.run(&format!("data /zookeeper/quota/{of}/zookeeper_stats"))
    };
    assert!(shown(&mut cluster, "app").contains("count=1,bytes=0"));
    let expected = format!("count=9,bytes={}", 33 + config);
    assert!(shown(&mut cluster, "zookeeper").contains(&expected));
    let said = cluster.run("create /app/a");
    assert!(said.contains("created /app/a"), "{said}");
    let said = cluster.run("create /app/b");
    assert!(said.contains("REFUSED QuotaExceeded"), "{said}");
}

/// Whoever serves registers again: of the backup nobody is there, and of this cluster nobody is asked for.
#[test]
fn no_instance_survives_a_restore() {
    let mut other = Harness::new();
    other.run("serve api web-1 h:1 ttl=30000\npick api round_robin reserve=1000");
    let mut cluster = Harness::new();
    cluster.run("open s\nsession=s serve api web-2 h:1\nserve api web-3 h:1 ttl=30000");
    restored(&mut cluster, &snapshot_bytes(&other.state), true);
    assert_eq!(cluster.run("services"), "[]\n");
    let said = cluster.run("serve api web-3 h:1 ttl=30000\npick api round_robin");
    assert!(said.contains("picked [web-3]"), "{said}");
}

/// Items that were taken can be taken again, and that counts as no try, neither here nor there.
#[test]
fn items_of_work_queues_come_back_untried() {
    let mut cluster = Harness::new();
    cluster.run("open s\nput-item mail value=one\nsession=s take mail");
    let bytes = snapshot_bytes(&cluster.state);
    let _ = restored(&mut cluster, &bytes, true);
    let items = cluster.run("items mail");
    assert_eq!(items, "[entry-100-0000000000 \"one\" tries=0]\n");
    let taken = cluster.run("open t\nsession=t take mail");
    assert!(taken.contains("took entry-100-0000000000"), "{taken}");
}
