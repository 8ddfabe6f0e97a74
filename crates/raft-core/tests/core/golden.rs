//! Bytes that must not change: one encoding of every command, a batch, a snapshot
//! (`tests/golden/*.hex`). `UPDATE=1` writes what the code gives now; a file that is there already
//! may only change together with its version number in `format.rs`, and then the old file stays
//! under another name with a test that decodes it.

mod commands;
mod services;

use std::path::PathBuf;

use raft_core::acl::Identity;
use raft_core::codec::{BatchBuilder, decode_request, encode_request};
use raft_core::command::{
    Command, FenceGuard, Guard, IdempotencyKey, Request, RequestId, ServiceOp, SessionRef, Stamp,
    Txn, ZnodeOp,
};
use raft_core::ids::{Fence, LogTime, SessionName, WallTime};
use raft_core::snapshot::RestoreError;
use raft_core::state::State;

use self::commands::{
    acquire_all, add_to_counter, advance_fence, attach_session, barrier_commands,
    commands_about_holders, election_commands, group_commands, key_commands, lock, lock_commands,
    part_of_a_restore, queue_commands, resource, session_commands, term_guard, tree_commands,
};
use crate::harness::{Harness, snapshot_bytes};

/// Something in every table that a script can fill.
pub(crate) const SNAPSHOT_SCRIPT: &str = "
    time 1000
    open s
    open t
    close t
    session=s create /e ephemeral data=x type=text/plain
    key=k fp=1 create /a acl=rwcda:world:anyone,r:ip:10.0.0.0/8
    key=l fp=2 multi create /b ; delete /none
    create /c container
    create /t ttl=5000 null
    session=s acquire orders/42 c1 ttl=60000 reason=nightly label=team:billing
    session=s acquire orders/42 c2 wait=5000
    session=s acquire other c1
    session=s release other c1
    ask orders/42 within=5000 reason=deploy
    session=s answer orders/42 c1 needs=700
    configure rates sem=3 delay=10 label=team:billing
    members 1 2 3
    announce 1 10.0.0.1:2181
    announce 3 10.0.0.3:2181
    members 1 2 4:observer
    session=s campaign app one value=10.0.0.1 weight=3
    open u
    session=u campaign app two
    transfer app two within=5000 reason=upgrade
    session=s campaign other one
    session=s resign other one
    advance reports/2026 18231
    advance reports/2026 18232
    advance disk 7
    session=s serve api web-1 10.0.0.1:8080 weight=3 zone=a tags=v1,v2 meta=build:881 check=/livez
    serve api web-2 10.0.0.2:8080 ttl=30000
    checked api web-1 46 failing refused
    checked api web-1 46 passing
    load api web-2 12 64
    called api web-2 failed
    pick api round_robin n=2 reserve=9000
    pick api least_load reserve=5000
    session=s together m1 fx:shared acct/1
    session=u together m2 acct/1 acct/2 wait=9000
    publish-key 1 11
    publish-key 1 12
    publish-key 2 21
    revoke-key 21
    replace-keys 1
    publish-key 4 41
";

/// What the script leads to.
pub(crate) fn snapshot_state() -> State {
    let mut harness = Harness::new();
    harness.run(SNAPSHOT_SCRIPT);
    harness.state.clone()
}

/// One request for every kind of command, by the name of its file.
pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let mut all = session_commands();
    all.extend(tree_commands());
    all.extend(lock_commands());
    all.push(("attach_session", attach_session()));
    all.push(("restore", part_of_a_restore()));
    let address = Some("10.0.0.3:2181".to_owned());
    all.push((
        "announce_clients",
        Command::AnnounceClients { node: 3, address },
    ));
    all.push(("publish_members", Command::PublishMembers));
    all.extend(election_commands());
    all.push(("add_to_counter", add_to_counter()));
    all.push(("advance_fence", advance_fence()));
    let resource = resource();
    all.push(("forget_fence", Command::ForgetFence { resource }));
    all.extend(group_commands());
    all.extend(barrier_commands());
    all.extend(commands_about_holders());
    all.extend(services::commands());
    all.push(("acquire_all", acquire_all()));
    all.extend(key_commands());
    all.extend(queue_commands());
    let numbered = all.into_iter().zip(1..);
    numbered
        .map(|((name, command), sequence)| (name, request(sequence, command)))
        .collect()
}

/// The request of [`requests`] with this name.
pub(crate) fn named(name: &str) -> Request {
    requests()
        .into_iter()
        .find(|(other, _)| *other == name)
        .unwrap()
        .1
}

fn request(sequence: u64, command: Command) -> Request {
    Request {
        id: RequestId {
            origin: 3,
            incarnation: 0x0123_4567_89ab_cdef,
            sequence,
        },
        identities: vec![Identity {
            scheme: "ip".to_owned(),
            id: "10.1.2.3".to_owned(),
        }],
        session: Some(SessionRef::Name(SessionName::parse("worker-7").unwrap())),
        fences: vec![FenceGuard {
            lock: lock(),
            fence: Fence(300),
        }],
        terms: Vec::new(),
        idempotency: Some(IdempotencyKey {
            key: "key".to_owned(),
            fingerprint: 77,
        }),
        command,
    }
}

/// Which file a command has; a new variant must be given one here and in [`requests`].
fn file_of(command: &Command) -> &'static str {
    match command {
        Command::OpenSession(_) => "open_session",
        Command::CloseSession(_) => "close_session",
        Command::ExpireSession(_) => "expire_session",
        Command::Znode(op) => match op {
            ZnodeOp::Create(_) => "create",
            ZnodeOp::Delete { .. } => "delete",
            ZnodeOp::SetData(_) => "set_data",
            ZnodeOp::Put { .. } => "put",
            ZnodeOp::SetAcl { .. } => "set_acl",
            ZnodeOp::Check { .. } => "check",
        },
        Command::Multi(_) => "multi",
        Command::Txn(_) => "txn",
        Command::DeleteSubtree { .. } => "delete_subtree",
        Command::ConfigureLock { .. } => "configure_lock",
        Command::Acquire(_) => "acquire",
        Command::AcquireAll(_) => "acquire_all",
        Command::AcknowledgeGrant { .. } => "acknowledge_grant",
        Command::ExtendClaim { .. } => "extend_claim",
        Command::ReleaseClaim { .. } => "release_claim",
        Command::BreakClaim { .. } => "break_claim",
        Command::ExpireDue => "expire_due",
        Command::AttachSession { .. } => "attach_session",
        Command::Restore(_) => "restore",
        Command::AnnounceClients { .. } => "announce_clients",
        Command::PublishMembers => "publish_members",
        Command::Campaign(_) => "campaign",
        Command::Resign { .. } => "resign",
        Command::TransferLeadership(_) => "transfer_leadership",
        Command::AddToCounter { .. } => "add_to_counter",
        Command::AdvanceFence { .. } => "advance_fence",
        Command::ForgetFence { .. } => "forget_fence",
        Command::JoinGroup(_) => "join_group",
        Command::LeaveGroup { .. } => "leave_group",
        Command::EnterBarrier(_) => "enter_barrier",
        Command::LeaveBarrier { .. } => "leave_barrier",
        Command::RequestRelease(_) => "request_release",
        Command::AnswerRelease { .. } => "answer_release",
        Command::Service(command) => match command.op {
            ServiceOp::Register(_) => "register_instance",
            ServiceOp::Deregister { .. } => "deregister_instance",
            ServiceOp::Renew { .. } => "renew_instance",
            ServiceOp::SetState { .. } => "set_instance_state",
            ServiceOp::ReportLoad { .. } => "report_load",
            ServiceOp::ReportCall { .. } => "report_call",
            ServiceOp::ReportCheck { .. } => "report_check",
            ServiceOp::Pick(_) => "pick",
            ServiceOp::Release { .. } => "release_reservation",
        },
        Command::PublishSigningKey { .. } => "publish_signing_key",
        Command::ReplaceSigningKeys { .. } => "replace_signing_keys",
        Command::RevokeSigningKey { .. } => "revoke_signing_key",
        Command::PutItem(_) => "put_item",
        Command::TakeItems { .. } => "take_items",
        Command::AckItem(_) => "ack_item",
        Command::GiveBackItem(_) => "give_back_item",
        Command::ConfigureQueue { .. } => "configure_queue",
        Command::Redrive { .. } => "redrive",
    }
}

#[test]
fn encodings_of_requests_stay() {
    for (name, request) in requests() {
        assert_eq!(name, file_of(&request.command));
        golden_of(name, &request);
    }
}

#[test]
fn the_encoding_of_a_batch_stays() {
    let stamp = Stamp {
        log_time: LogTime(1_000),
        wall: WallTime(1_700_000_000_000),
    };
    let mut builder = BatchBuilder::new(stamp);
    for name in ["expire_due", "release_claim"] {
        assert!(builder.push(&encode_request(&named(name)).unwrap()));
    }
    golden("batch", &builder.finish());
}

#[test]
fn the_encoding_of_a_snapshot_stays() {
    let state = snapshot_state();
    let golden = golden("snapshot", &snapshot_bytes(&state));
    let restored = State::restore(&mut &golden[..]).unwrap();
    assert_eq!(restored.digest(), state.digest());
    assert!(restored.is_retired_member(3));
    assert!(!restored.is_retired_member(4));
    restored.check_invariants().unwrap();
}

/// A request that names terms has a version of its own, and one that names none never has it.
#[test]
fn the_encoding_of_a_request_with_terms_stays() {
    let request = Request {
        terms: vec![term_guard()],
        ..named("create")
    };
    let golden = golden_of("create_in_term", &request);

    let guards = vec![Guard::Term(term_guard())];
    let txn = Txn {
        guards,
        then: Vec::new(),
        otherwise: None,
    };
    let request = Request {
        command: Command::Txn(txn),
        ..named("txn")
    };
    golden_of("txn_in_term", &request);

    let mut none = encode_request(&named("create")).unwrap().to_vec();
    none[0] = golden[0];
    none.push(0);
    let error = decode_request(&none).unwrap_err();
    assert!(error.to_string().contains("names no terms"), "{error}");
}

/// Versions 1 to 4 were never released: they are told as what they are, not as damage.
#[test]
fn a_snapshot_of_a_version_before_is_refused_by_its_number() {
    let texts = [
        include_str!("../golden/snapshot-1.hex"),
        include_str!("../golden/snapshot-2.hex"),
        include_str!("../golden/snapshot-3.hex"),
        include_str!("../golden/snapshot-4.hex"),
    ];
    for (text, version) in texts.into_iter().zip(1..) {
        let error = State::restore(&mut &from_hex(text)[..]).unwrap_err();
        let RestoreError::UnknownVersion { found, known: 5 } = error else {
            panic!("{error}");
        };
        assert_eq!(found, version);
    }
}

/// Compares the bytes of a request with the file, and that they are decoded to it.
fn golden_of(name: &str, request: &Request) -> Vec<u8> {
    let golden = golden(name, &encode_request(request).unwrap());
    assert_eq!(decode_request(&golden).unwrap(), *request, "{name}");
    golden
}

/// Compares `bytes` with the file, and gives the file's bytes back.
fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/golden", name]
        .iter()
        .collect();
    let path = path.with_extension("hex");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, to_hex(bytes)).unwrap();
    }
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", path.display()));
    assert_eq!(to_hex(bytes), text, "the encoding of {name} has changed");
    from_hex(&text)
}

/// Sixteen bytes a line, so that a difference shows where it is.
fn to_hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| {
        let bytes: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}\n", bytes.join(" "))
    };
    bytes.chunks(16).map(line).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}
