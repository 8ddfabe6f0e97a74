//! A command of the log as JSON: who asked for what, and what came of it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_api::code_of;
use node::Replayed;
use raft_core::command::{
    ClaimPart, Command, Create, CreateKind, Expect, FenceGuard, Guard, LockMode, Request,
    RestoreStep, SessionRef, SetData, TxnOp, ZnodeOp,
};
use raft_core::lock::{Claim, ClaimState};
use raft_core::outcome::{ClaimReply, Outcome, Reply, TxnReply, ZnodeReply};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::{change, election, meeting, queue, service, signing};

/// Bytes of a value that are shown; of a longer one the beginning, with its length and a hash.
const DATA_SHOWN_BYTES_MAX: usize = 16 * 1024;
/// Changes of one command that are shown; `events` counts all of them.
const CHANGES_SHOWN_MAX: usize = 1000;

type Fields = Map<String, Value>;

/// One command.
pub(super) fn line(request: &Request, replayed: Option<&Replayed>) -> Fields {
    let id = request.id;
    let mut line = fields(json!({
        "request": format!("{}-{:016x}-{}", id.origin, id.incarnation, id.sequence),
    }));
    if let Some(session) = &request.session {
        line.insert("session".to_owned(), session_ref(session));
    }
    if !request.fences.is_empty() {
        let fences: Vec<Value> = request.fences.iter().map(fence).collect();
        line.insert("fences".to_owned(), fences.into());
    }
    if !request.terms.is_empty() {
        let terms: Vec<Value> = request.terms.iter().map(election::term).collect();
        line.insert("terms".to_owned(), terms.into());
    }
    if let Some(key) = &request.idempotency {
        line.insert("idempotency".to_owned(), key.key.clone().into());
    }
    line.extend(asked(&request.command));
    if let Some(replayed) = replayed {
        line.insert("zxid".to_owned(), replayed.zxid.0.into());
        line.extend(outcome(&replayed.outcome));
    }
    line
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Fields::new()
        }
    }
}

/// A number for a number, a text for a name.
fn session_ref(session: &SessionRef) -> Value {
    match session {
        SessionRef::Id(id) | SessionRef::Attached(id, _) => id.0.into(),
        SessionRef::Name(name) => name.to_string().into(),
    }
}

fn fence(guard: &FenceGuard) -> Value {
    json!({"lock": guard.lock.to_string(), "fence": guard.fence.0})
}

fn expect(expect: Expect) -> Value {
    match expect {
        Expect::Any => Value::Null,
        Expect::Version(version) => version.into(),
    }
}

/// A value: as text where it is one.
pub(super) fn data(data: Option<&[u8]>) -> Value {
    let Some(data) = data else {
        return Value::Null;
    };
    let shown = data.get(..DATA_SHOWN_BYTES_MAX).unwrap_or(data);
    let mut value = match std::str::from_utf8(shown) {
        Ok(text) => json!({"text": text}),
        Err(_) => json!({"base64": BASE64_STANDARD.encode(shown)}),
    };
    if shown.len() < data.len()
        && let Some(fields) = value.as_object_mut()
    {
        fields.insert("cut".to_owned(), true.into());
        fields.insert("length".to_owned(), data.len().into());
        fields.insert("hash".to_owned(), format!("{:032x}", xxh3_128(data)).into());
    }
    value
}

fn claim_part(part: &ClaimPart) -> Value {
    json!({"lock": part.lock.to_string(), "mode": mode(part.mode), "limit": part.limit})
}

pub(super) fn mode(mode: LockMode) -> Value {
    match mode {
        LockMode::Exclusive => "exclusive".into(),
        LockMode::Shared => "shared".into(),
        LockMode::Permits(permits) => json!({"permits": permits}),
    }
}

/// What was asked, `command` first.
#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each command"
)]
fn asked(command: &Command) -> Fields {
    fields(match command {
        Command::OpenSession(open) => json!({
            "command": "open-session", "name": open.name.as_ref().map(ToString::to_string),
            "timeout_ms": open.timeout_ms, "lock_delay_ms": open.lock_delay_ms,
        }),
        Command::CloseSession(session) => {
            json!({"command": "close-session", "closes": session_ref(session)})
        }
        Command::ExpireSession(expire) => json!({
            "command": "expire-session", "expires": expire.session.0, "activity": expire.activity,
        }),
        Command::Znode(op) => znode(op),
        Command::Multi(ops) => {
            json!({"command": "multi", "ops": ops.iter().map(znode).collect::<Vec<_>>()})
        }
        Command::Txn(txn) => json!({
            "command": "txn",
            "guards": txn.guards.iter().map(guard).collect::<Vec<_>>(),
            "then": steps(&txn.then),
            "otherwise": txn.otherwise.as_deref().map(steps),
        }),
        Command::DeleteSubtree { path, max } => {
            json!({"command": "delete-subtree", "path": path.as_str(), "max": max})
        }
        Command::ConfigureLock {
            lock,
            expect: version,
            ..
        } => json!({
            "command": "configure-lock", "lock": lock.to_string(), "expect": expect(*version),
        }),
        Command::Acquire(acquire) => json!({
            "command": "acquire", "lock": acquire.lock.to_string(),
            "claim": acquire.claim.to_string(), "mode": mode(acquire.mode),
            "limit": acquire.limit, "wait_ms": acquire.wait_ms, "ttl_ms": acquire.ttl_ms,
            "ack_within_ms": acquire.ack_within_ms, "reentrant": acquire.reentrant,
        }),
        Command::AcquireAll(ask) => json!({
            "command": "acquire-all", "claim": ask.claim.to_string(),
            "all_of": ask.all_of.iter().map(claim_part).collect::<Vec<Value>>(),
            "wait_ms": ask.wait_ms, "ttl_ms": ask.ttl_ms, "ack_within_ms": ask.ack_within_ms,
        }),
        Command::AcknowledgeGrant { lock, claim } => json!({
            "command": "acknowledge-grant", "lock": lock.to_string(), "claim": claim.to_string(),
        }),
        Command::ExtendClaim {
            lock,
            claim,
            ttl_ms,
            ..
        } => json!({
            "command": "extend", "lock": lock.to_string(), "claim": claim.to_string(),
            "ttl_ms": ttl_ms,
        }),
        Command::ReleaseClaim { lock, claim } => json!({
            "command": "release", "lock": lock.to_string(), "claim": claim.to_string(),
        }),
        Command::BreakClaim { lock, fence, .. } => json!({
            "command": "break", "lock": lock.to_string(), "fence": fence.0,
        }),
        Command::ExpireDue => json!({"command": "expire-due"}),
        Command::AttachSession {
            session,
            timeout_ms,
            ..
        } => json!({
            "command": "attach-session", "attaches": session.0, "timeout_ms": timeout_ms,
        }),
        Command::Restore(step) => restore(step),
        Command::AnnounceClients { node, address } => {
            json!({"command": "announce-clients", "node": node, "address": address})
        }
        Command::PublishMembers => json!({"command": "publish-members"}),
        Command::Campaign(campaign) => election::campaign(campaign),
        Command::Resign {
            election,
            candidate,
        } => election::resign(election, candidate),
        Command::TransferLeadership(ask) => election::transfer(ask),
        Command::AddToCounter { counter, delta } => json!({
            "command": "add-to-counter", "counter": counter.to_string(), "delta": delta,
        }),
        Command::AdvanceFence { resource, fence } => json!({
            "command": "advance-fence", "resource": resource.to_string(), "fence": fence.0,
        }),
        Command::ForgetFence { resource } => {
            json!({"command": "forget-fence", "resource": resource.to_string()})
        }
        Command::PublishSigningKey {
            node,
            key,
            lifetime_ms,
        } => signing::publish(*node, key, *lifetime_ms),
        Command::ReplaceSigningKeys { node } => signing::replace(*node),
        Command::RevokeSigningKey { key } => signing::revoke(key),
        Command::JoinGroup(_)
        | Command::LeaveGroup { .. }
        | Command::EnterBarrier(_)
        | Command::LeaveBarrier { .. } => meeting::command(command),
        Command::PutItem(_)
        | Command::TakeItems { .. }
        | Command::AckItem(_)
        | Command::GiveBackItem(_)
        | Command::ConfigureQueue { .. }
        | Command::Redrive { .. } => queue::command(command),
        Command::RequestRelease(ask) => json!({
            "command": "request-release", "lock": ask.lock.to_string(),
            "fence": ask.fence.map(|fence| fence.0), "within_ms": ask.within_ms,
        }),
        Command::AnswerRelease {
            lock,
            claim,
            needs_ms,
        } => json!({
            "command": "answer-release", "lock": lock.to_string(), "claim": claim.to_string(),
            "needs_ms": needs_ms,
        }),
        Command::Service(command) => service::command(command),
    })
}

fn restore(step: &RestoreStep) -> Value {
    match step {
        RestoreStep::Begin { replace } => json!({"command": "restore-begin", "replace": replace}),
        RestoreStep::Part {
            upload,
            offset,
            bytes,
        } => json!({
            "command": "restore-part", "upload": upload.0, "offset": offset, "length": bytes.len(),
        }),
        RestoreStep::Finish { upload } => json!({"command": "restore-finish", "upload": upload.0}),
        RestoreStep::Abandon { upload } => {
            json!({"command": "restore-abandon", "upload": upload.0})
        }
    }
}

/// A znode operation; alone it is a command.
fn znode(op: &ZnodeOp) -> Value {
    match op {
        ZnodeOp::Create(create) => created(create),
        ZnodeOp::Delete {
            path,
            expect: version,
        } => {
            json!({"command": "delete", "path": path, "expect": expect(*version)})
        }
        ZnodeOp::SetData(set) => written("set", set),
        ZnodeOp::Put { set, .. } => written("put", set),
        ZnodeOp::SetAcl {
            path,
            expect: version,
            ..
        } => {
            json!({"command": "set-acl", "path": path, "expect": expect(*version)})
        }
        ZnodeOp::Check {
            path,
            expect: version,
        } => {
            json!({"command": "check", "path": path, "expect": expect(*version)})
        }
    }
}

fn created(create: &Create) -> Value {
    let kind = match create.kind {
        CreateKind::Persistent => "persistent",
        CreateKind::Ephemeral => "ephemeral",
        CreateKind::Container => "container",
        CreateKind::Ttl { .. } => "ttl",
    };
    json!({
        "command": "create", "path": create.path, "kind": kind, "sequential": create.sequential,
        "data": data(create.data.as_deref()),
    })
}

fn written(command: &str, set: &SetData) -> Value {
    json!({
        "command": command, "path": set.path, "expect": expect(set.expect),
        "data": data(set.data.as_deref()),
    })
}

fn guard(guard: &Guard) -> Value {
    match guard {
        Guard::Version { path, version } => {
            json!({"guard": "version", "path": path.as_str(), "version": version})
        }
        Guard::Exists { path, exists } => {
            json!({"guard": "exists", "path": path.as_str(), "exists": exists})
        }
        Guard::Value { path, value } => {
            json!({"guard": "value", "path": path.as_str(), "data": data(Some(value))})
        }
        Guard::Fence(guard) => fence(guard),
        Guard::Term(guard) => election::term(guard),
    }
}

fn steps(steps: &[TxnOp]) -> Vec<Value> {
    let step = |step: &TxnOp| match step {
        TxnOp::Znode(op) => znode(op),
        TxnOp::Get { path } => json!({"command": "get", "path": path.as_str()}),
        TxnOp::Release { lock, claim } => json!({
            "command": "release", "lock": lock.to_string(), "claim": claim.to_string(),
        }),
    };
    steps.iter().map(step).collect()
}

/// What came of it: `outcome`, and what changed.
fn outcome(outcome: &Outcome) -> Fields {
    let mut line = match &outcome.result {
        Ok(done) => {
            let mut line = fields(json!({"outcome": "applied"}));
            line.extend(reply(done));
            line
        }
        Err(refusal) => fields(json!({
            "outcome": "refused", "code": code_of(refusal), "detail": refusal.to_string(),
        })),
    };
    if outcome.replayed {
        // The remembered answer to an idempotency key: nothing was done now.
        line.insert("answered_before".to_owned(), outcome.moment.zxid.0.into());
    }
    line.insert("events".to_owned(), outcome.events.len().into());
    let shown = outcome.events.iter().take(CHANGES_SHOWN_MAX);
    let changes: Vec<Value> = shown.map(|event| change::event(&event.kind)).collect();
    if !changes.is_empty() {
        line.insert("changes".to_owned(), changes.into());
    }
    line
}

fn reply(reply: &Reply) -> Fields {
    fields(match reply {
        Reply::SessionOpened { session, created } => {
            json!({"opened": session.id.0, "created": created})
        }
        Reply::SessionEnded(ended) => json!({"ended": ended.id.0, "at_zxid": ended.ended.zxid.0}),
        Reply::Znode(znode) => json!({"result": znode_reply(znode)}),
        Reply::Multi(replies) => {
            json!({"results": replies.iter().map(znode_reply).collect::<Vec<_>>()})
        }
        Reply::Txn { then, results } => json!({
            "branch": if *then { "then" } else { "otherwise" },
            "results": results.iter().map(txn_reply).collect::<Vec<_>>(),
        }),
        Reply::SubtreeDeleted { count } => json!({"removed": count}),
        Reply::LockConfigured { .. } | Reply::RestoreStaged { .. } => json!({}),
        Reply::Claim(reply) => claim(reply),
        Reply::ClaimEnded(ended) => json!({
            "fence": ended.fence.0, "held": ended.held, "how": change::claim_end(ended.end),
            "at_zxid": ended.ended.zxid.0,
        }),
        Reply::ExpiredDue { count, .. } => json!({"handled": count}),
        Reply::Restored(restored) => json!({"restored_to": restored.zxid.0}),
        Reply::MembersPublished { version } => json!({"version": version.0}),
        Reply::Candidate(reply) => election::standing(reply),
        Reply::CandidateEnded(ended) => json!({
            "term": ended.term.map(|term| term.0), "how": election::end(ended.end),
            "at_zxid": ended.ended.zxid.0,
        }),
        Reply::LeadershipTransfer(leader) => election::leader(leader),
        Reply::CounterChanged {
            previous,
            value,
            version,
        } => json!({"previous": previous, "value": value, "version": version}),
        Reply::FenceAdvanced { register, moved } => {
            json!({"highest": register.highest.0, "moved": moved})
        }
        Reply::FenceForgotten(register) => json!({"highest": register.highest.0}),
        Reply::SigningKey(key) => signing::reply(key),
        Reply::SigningKeysDue { count } => json!({"count": count}),
        Reply::GroupJoined { .. }
        | Reply::GroupLeft { .. }
        | Reply::Barrier(_)
        | Reply::BarrierLeft { .. } => meeting::reply(reply),
        Reply::Service(reply) => service::reply(reply),
        Reply::ItemPut { .. }
        | Reply::ItemsTaken { .. }
        | Reply::ItemAcked
        | Reply::ItemGivenBack { .. }
        | Reply::QueueConfigured
        | Reply::Redriven { .. } => queue::reply(reply),
    })
}

fn claim(reply: &ClaimReply) -> Value {
    let Claim {
        fence,
        session,
        queued,
        state,
        ..
    } = &reply.claim;
    let (state, granted) = match state {
        ClaimState::Waiting { .. } => ("waiting", None),
        ClaimState::Held { granted, .. } => ("held", Some(granted.zxid.0)),
    };
    json!({
        "created": reply.created, "fence": fence.0, "owner": session.0, "state": state,
        "queued": queued.zxid.0, "granted": granted,
    })
}

fn znode_reply(reply: &ZnodeReply) -> Value {
    match reply {
        ZnodeReply::Created { path, stat } => {
            json!({"path": path.as_str(), "version": stat.version, "czxid": stat.czxid.0})
        }
        ZnodeReply::DataSet { stat } => json!({"version": stat.version, "mzxid": stat.mzxid.0}),
        ZnodeReply::AclSet { stat } => json!({"acl_version": stat.aversion}),
        ZnodeReply::Deleted | ZnodeReply::Checked => json!({}),
    }
}

fn txn_reply(reply: &TxnReply) -> Value {
    match reply {
        TxnReply::Znode(reply) => znode_reply(reply),
        TxnReply::Got(None) => Value::Null,
        TxnReply::Got(Some(read)) => {
            json!({"data": data(read.data.as_deref()), "version": read.stat.version})
        }
        TxnReply::Released(ended) => json!({"fence": ended.fence.0, "held": ended.held}),
    }
}
