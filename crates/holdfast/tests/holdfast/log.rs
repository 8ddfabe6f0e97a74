//! `holdfast log` on small directories made here: what it prints of each kind of entry, from where it
//! goes on when the log was purged, and what it says of damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use openraft::EntryPayload;
use openraft::storage::{IOFlushed, RaftLogStorage as _};
use openraft::type_config::TypeConfigExt as _;
use raft_core::acl::AclEntry;
use raft_core::codec::{BatchBuilder, encode_request};
use raft_core::command::{
    Acquire, ClaimSession, Command, Create, CreateKind, Expect, IdempotencyKey, LockMode,
    OpenSession, Owner, Request, RequestId, SessionRef, SetData, Stamp, Txn, TxnOp, ZnodeOp,
};
use raft_core::ids::{ClaimId, LockName, LogTime, SessionName, WallTime};
use raft_core::state::State;
use raft_types::snapshot::SnapshotMeta;
use raft_types::{
    ClusterId, Entry, EntryBytes, Membership, PeerAddress, StoredMembership, TypeConfig, Vote,
};
use serde_json::Value;
use storage::backend::{Durability, LogBackend as _, Op, Table};
use storage::record::{log_id, log_key};
use storage::{DataDirectory, Expectations, Missing, RocksBackend};
use tempfile::TempDir;

use super::{holdfast, repository};

const CLUSTER: ClusterId = ClusterId(0xc1);

fn request(sequence: u64, session: Option<&str>, command: Command) -> Request {
    Request {
        id: RequestId {
            origin: 1,
            incarnation: 0xabc,
            sequence,
        },
        identities: Vec::new(),
        session: session.map(|name| SessionRef::Name(SessionName::parse(name).unwrap())),
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    }
}

fn open_session(name: &str) -> Command {
    Command::OpenSession(OpenSession {
        name: Some(SessionName::parse(name).unwrap()),
        timeout_ms: 3000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    })
}

fn create(path: &str, data: &[u8]) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data)),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Persistent,
        sequential: false,
        parents: false,
    })
}

fn set(path: &str, data: &[u8], version: i32) -> ZnodeOp {
    ZnodeOp::SetData(SetData {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data)),
        content_type: None,
        expect: Expect::Version(version),
    })
}

fn acquire(claim: &str) -> Command {
    Command::Acquire(Acquire {
        lock: LockName::parse("jobs").unwrap(),
        claim: ClaimId::parse(claim).unwrap(),
        mode: LockMode::Exclusive,
        limit: None,
        session: ClaimSession::Acting,
        wait_ms: Some(5000),
        ttl_ms: None,
        ack_within_ms: None,
        reentrant: false,
        reason: None,
        labels: std::collections::BTreeMap::default(),
    })
}

fn release(claim: &str) -> Command {
    Command::ReleaseClaim {
        lock: LockName::parse("jobs").unwrap(),
        claim: ClaimId::parse(claim).unwrap(),
    }
}

fn membership() -> Membership {
    let address = PeerAddress {
        peer: "10.0.0.1:7500".to_owned(),
        api: "http://10.0.0.1:7400".to_owned(),
    };
    Membership::new(
        vec![[1].into()],
        std::collections::BTreeMap::from([(1, address)]),
    )
    .unwrap()
}

/// What the log below asks for, one entry for each list.
fn asked() -> Vec<Vec<Request>> {
    let once = IdempotencyKey {
        key: "k1".to_owned(),
        fingerprint: 7,
    };
    let repeated = |sequence| Request {
        idempotency: Some(once.clone()),
        ..request(sequence, None, Command::Znode(create("/once", b"1")))
    };
    let txn = Txn {
        guards: Vec::new(),
        then: vec![TxnOp::Znode(set("/a", b"in a txn", 1))],
        otherwise: None,
    };
    vec![
        vec![
            request(1, None, open_session("s1")),
            request(2, None, open_session("s2")),
        ],
        vec![
            request(3, None, Command::Znode(create("/a", b"text"))),
            request(4, None, Command::Znode(set("/a", b"refused", 7))),
            request(5, None, Command::Znode(set("/a", &[0xff, 0, 1], 0))),
        ],
        vec![
            request(6, Some("s1"), acquire("c1")),
            request(7, Some("s2"), acquire("c2")),
        ],
        vec![request(8, Some("s1"), release("c1"))],
        vec![repeated(9), repeated(10)],
        vec![request(11, None, Command::Txn(txn))],
        vec![request(
            12,
            None,
            Command::CloseSession(SessionRef::Name(SessionName::parse("s2").unwrap())),
        )],
        vec![request(
            13,
            None,
            Command::Znode(create("/long", &[b'x'; 20_000])),
        )],
    ]
}

/// Membership at 0, a new leader's blank entry at 1, then [`asked`] from 2 on.
fn log() -> Vec<Entry> {
    let batch = |(number, requests): (usize, Vec<Request>)| {
        let at = 1000 + 10 * u64::try_from(number).unwrap();
        let mut batch = BatchBuilder::new(Stamp {
            log_time: LogTime(at),
            wall: WallTime(at),
        });
        for request in requests {
            assert!(batch.push(&encode_request(&request).unwrap()));
        }
        EntryPayload::Normal(EntryBytes(batch.finish()))
    };
    let payloads = [EntryPayload::Membership(membership()), EntryPayload::Blank];
    let payloads = payloads
        .into_iter()
        .chain(asked().into_iter().enumerate().map(batch));
    let entry = |(index, payload)| Entry {
        log_id: log_id(u64::from(index > 0), index),
        payload,
    };
    (0..).zip(payloads).map(entry).collect()
}

async fn append(directory: &DataDirectory, entries: Vec<Entry>) {
    let (done, flushed) = TypeConfig::oneshot::<std::io::Result<()>>();
    let mut log = directory.log_store();
    log.append(entries, IOFlushed::signal(done)).await.unwrap();
    flushed.await.unwrap().unwrap();
}

/// A directory with that log, committed up to its last entry but one.
fn directory() -> (TempDir, PathBuf) {
    let temp = TempDir::new().unwrap();
    let data = temp.path().join("data");
    let expectations = Expectations {
        cluster_id: Some(CLUSTER),
        node_id: 1,
    };
    TypeConfig::run(async {
        let directory = DataDirectory::open(&data, expectations).unwrap();
        let mut log_store = directory.log_store();
        log_store
            .save_vote(&Vote::new_committed(1, 1))
            .await
            .unwrap();
        let entries = log();
        let last = entries.len() as u64 - 1;
        log_store
            .save_committed(Some(log_id(1, last - 1)))
            .await
            .unwrap();
        append(&directory, entries).await;
        directory.close().await.unwrap();
    });
    (temp, data)
}

/// The state after entry `index`, by the core alone.
fn state_at(index: usize) -> State {
    let mut state = State::new();
    let member = raft_core::members::Member {
        voter: true,
        peer: "10.0.0.1:7500".to_owned(),
        api: "http://10.0.0.1:7400".to_owned(),
    };
    state.note_members(&std::collections::BTreeMap::from([(1, member)]));
    for (number, requests) in asked().into_iter().enumerate().take(index - 1) {
        let at = 1000 + 10 * u64::try_from(number).unwrap();
        for request in requests {
            let stamp = Stamp {
                log_time: LogTime(at),
                wall: WallTime(at),
            };
            let _ = state.apply(stamp, &request);
        }
    }
    state
}

/// Takes a snapshot of `state` as that after entry `index`, and purges up to `purged`.
fn snapshot_and_purge(data: &Path, index: u64, state: &State, purged: u64) {
    let expectations = Expectations {
        cluster_id: Some(CLUSTER),
        node_id: 1,
    };
    TypeConfig::run(async {
        let directory = DataDirectory::open(data, expectations).unwrap();
        let meta = SnapshotMeta {
            last_log_id: Some(log_id(1, index)),
            last_membership: StoredMembership::new(Some(log_id(0, 0)), membership()),
        };
        let store: Arc<_> = directory.snapshot_store();
        let mut sink = store.create(meta).unwrap();
        state
            .encode_snapshot(&mut |bytes| sink.write(bytes))
            .unwrap();
        sink.finish().unwrap();
        directory
            .log_store()
            .purge(log_id(1, purged))
            .await
            .unwrap();
        directory.close().await.unwrap();
    });
}

/// The lines printed, and the exit code.
fn lines(data: &Path, more: &[&str]) -> (Vec<Value>, Option<i32>) {
    let data = data.display().to_string();
    let output = holdfast(&[&["log", &data, "-o", "ndjson"], more].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let parse = |line| serde_json::from_str(line).unwrap();
    (text.lines().map(parse).collect(), output.status.code())
}

/// Digests of entries by index, where they are known.
fn digests(lines: &[Value]) -> Vec<(u64, String)> {
    let entries = lines.iter().filter(|line| line["line"] == "entry");
    let digest =
        |line: &Value| Some((line["index"].as_u64()?, line["digest"].as_str()?.to_owned()));
    entries.filter_map(digest).collect()
}

#[test]
fn every_kind_of_entry_is_printed_as_agreed() {
    let (_temp, data) = directory();
    let output = holdfast(&["log", &data.display().to_string(), "-o", "ndjson"]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let golden = repository("crates/holdfast/tests/data/log.ndjson");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&golden, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&golden).unwrap());
    for line in text.lines().filter(|line| line.contains("\"entry\"")) {
        let line: Value = serde_json::from_str(line).unwrap();
        let index = usize::try_from(line["index"].as_u64().unwrap()).unwrap();
        if index > 0 {
            let expected = format!("{:032x}", state_at(index).digest());
            assert_eq!(line["digest"], expected, "entry {index}");
        }
        assert_eq!(line["committed"], index < 9, "entry {index}");
    }
}

#[test]
fn a_person_is_told_what_was_asked_and_what_came_of_it() {
    let (_temp, data) = directory();
    let output = holdfast(&["log", &data.display().to_string(), "--from", "3"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "3 term 1 commands\n    zxid 3 create /a applied\n    zxid 4 set /a refused version_mismatch",
        "zxid 6 acquire jobs c1 applied",
        "zxid 8 release jobs c1 applied",
        "9 term 1 commands (committed? not known here)",
        "committed 8",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains("2 term"), "{text}");
}

/// Purged up to 3, snapshot of 5: entries 4 and 5 are shown as they were asked, the rest with what
/// came of it, and with the digests the whole log gives.
#[test]
fn a_purged_log_is_gone_on_with_from_its_snapshot() {
    let (_temp, data) = directory();
    let (whole, _) = lines(&data, &[]);
    snapshot_and_purge(&data, 5, &state_at(5), 3);
    let (after, code) = lines(&data, &[]);
    assert_eq!(code, Some(0), "{:?}", after.last());
    assert_eq!(after[0]["purged"], 3);
    assert_eq!(after[0]["from_snapshot"], 5);
    assert_eq!(after[0]["snapshots"][0]["digest"], digests(&whole)[5].1);
    assert_eq!(after[0]["snapshots"][0]["zxid"], 8);
    let indexes: Vec<&Value> = after[1..after.len() - 1]
        .iter()
        .map(|l| &l["index"])
        .collect();
    assert_eq!(indexes, [4, 5, 6, 7, 8, 9]);
    assert_eq!(digests(&after), digests(&whole)[6..]);
    assert_eq!(after[1]["commands"][0]["command"], "acquire");
    assert_eq!(after[1]["commands"][0].get("outcome"), None);
    assert_eq!(lines(&data, &["--from", "8"]).0[1], after[5]);
}

#[test]
fn a_snapshot_that_differs_from_the_log_is_told() {
    let (_temp, data) = directory();
    snapshot_and_purge(&data, 5, &state_at(6), 0);
    // Purged up to 0 alone: applying would have to begin at a snapshot, and this one is false.
    snapshot_and_purge(&data, 8, &state_at(8), 0);
    let (found, code) = lines(&data, &[]);
    assert_eq!(code, Some(84));
    let problem = found.last().unwrap()["problem"].as_str().unwrap();
    assert!(
        problem.contains("the snapshot of entry 8 has digest"),
        "{problem}"
    );
}

#[test]
fn damage_is_told_after_what_stands_before_it() {
    let (_temp, data) = directory();
    let rocks = RocksBackend::open(&data.join("db"), Missing::Refuse).unwrap();
    let mut value = rocks.get(Table::Log, &log_key(6)).unwrap().unwrap();
    let at = value.len() / 2;
    value[at] ^= 0x10;
    let put = Op::Put {
        table: Table::Log,
        key: log_key(6).to_vec(),
        value,
    };
    rocks.write(&[put], Durability::Synced).unwrap();
    drop(rocks);
    let (found, code) = lines(&data, &[]);
    assert_eq!(code, Some(84));
    assert_eq!(found[found.len() - 2]["index"], 5);
    let end = found.last().unwrap();
    assert_eq!(end["last"]["index"], 5);
    let problem = end["problem"].as_str().unwrap();
    assert!(problem.contains("record 6 of table log"), "{problem}");
}

#[test]
fn what_is_no_data_directory_and_what_is_in_use_are_refused() {
    let temp = TempDir::new().unwrap();
    let output = holdfast(&["log", &temp.path().display().to_string()]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(65));
    assert!(error.contains("not a Holdfast data directory"), "{error}");
    let (_temp, data) = directory();
    let expectations = Expectations {
        cluster_id: Some(CLUSTER),
        node_id: 1,
    };
    let node = DataDirectory::open(&data, expectations).unwrap();
    let output = holdfast(&["log", &data.display().to_string()]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(65));
    assert!(error.contains("in use by another process"), "{error}");
    assert!(output.stdout.is_empty());
    drop(node);
}
