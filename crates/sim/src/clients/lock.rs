//! Locks of all kinds: sessions, claims, holders that write, pause and let go.

use std::collections::BTreeMap;
use std::time::Duration;

use node::{AcquireOutcome, Draft, Node, ProposeError};
use raft_core::command::{
    Acquire, AcquireAll, ClaimPart, ClaimSession, Command, FenceGuard, LockMode, OpenSession,
    Owner, SessionRef,
};
use raft_core::ids::{ClaimId, Fence, LockName, SessionId, SessionName};
use raft_core::lock::{ClaimEnd, ClaimState, EndedClaim};
use raft_core::outcome::{ClaimReply, Outcome, Refusal, Reply};
use raft_core::query::session::SessionStatus;
use raft_core::state::State;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::door::{Client, NoAnswer, Written};
use super::drafts::{plain, put};
use crate::plan::Workload;

/// Locks of this workload.
const LOCKS: u64 = 3;
/// Permits of a semaphore.
const PERMITS: u32 = 3;
/// What the request waits for its turn, and what a client waits for its answer.
const DEADLINE: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_millis(4000);
/// Pause before a session that was not renewed is renewed again.
const RENEW_AGAIN: Duration = Duration::from_millis(20);

/// The client's session.
pub(super) struct Session {
    pub(super) name: String,
    id: SessionId,
    pub(super) ttl_ms: u64,
    renewed: Instant,
}

struct Claim {
    lock: String,
    id: String,
    session: String,
    mode: LockMode,
    wait_ms: u64,
    /// Named by half of the claims: the others are held as long as their session lives.
    ack_within_ms: Option<u64>,
    /// A lock that nobody else wants, by its name the last, that every fourth claim claims with it: what is seen
    /// of the lock is the same, and that no part stands alone is seen in the state (I-3).
    beside: Option<String>,
}

pub(super) async fn run(mut client: Client, workload: Workload) {
    let mut session: Option<Session> = None;
    let mut made = 0;
    while client.goes_on() {
        turn(&mut client, workload, &mut session, &mut made).await;
        client.think(60).await;
    }
    if let Some(session) = session {
        close(&mut client, session).await;
    }
}

pub(super) async fn last_words(mut client: Client, workload: Workload) {
    let (mut session, mut made) = (None, 0);
    for _ in 0..4 {
        turn(&mut client, workload, &mut session, &mut made).await;
    }
}

/// Gets a session, then a claim, and holds it for a while.
async fn turn(
    client: &mut Client,
    workload: Workload,
    session: &mut Option<Session>,
    made: &mut u64,
) {
    *made += 1;
    let Some(current) = session else {
        *session = open(client, *made).await;
        return;
    };
    let age = current.renewed.elapsed();
    if age > Duration::from_millis(current.ttl_ms / 3) && !keep_alive(client, current).await {
        *session = None;
        return;
    }
    let claim = new_claim(client, workload, current, *made);
    let Some(fence) = acquire(client, &claim, &current.name).await else {
        return;
    };
    hold(client, &claim, fence, current).await;
}

async fn hold(client: &mut Client, claim: &Claim, fence: Fence, session: &mut Session) {
    for _ in 0..client.rng.range(0, 3) {
        if claim.mode == LockMode::Exclusive {
            fenced_write(client, claim, fence).await;
        }
        client.think(200).await;
        keep_alive(client, session).await;
    }
    if client.rng.percent(10) {
        // Longer than its session lives, and then it writes all the same.
        let ms = client.rng.range(100, session.ttl_ms * 2);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        if claim.mode == LockMode::Exclusive {
            fenced_write(client, claim, fence).await;
        }
    }
    release(client, claim, &session.name).await;
}

fn new_claim(client: &mut Client, workload: Workload, session: &Session, made: u64) -> Claim {
    let mode = match workload {
        Workload::RwLock if client.rng.percent(70) => LockMode::Shared,
        Workload::Semaphore => {
            LockMode::Permits(u32::try_from(client.rng.range(1, 2)).unwrap_or(1))
        }
        _ => LockMode::Exclusive,
    };
    let wait_ms = client.rng.pick(&[0, 300, 3000]).unwrap_or(0);
    let ack_within_ms = client.rng.percent(50).then(|| client.rng.range(100, 2000));
    Claim {
        lock: format!("{}-{}", workload.name(), client.rng.below(LOCKS)),
        id: format!("c{}-{made}", client.process()),
        session: session.name.clone(),
        mode,
        wait_ms,
        ack_within_ms,
        beside: (made % 4 == 3).then(|| format!("zz-{}-{made}", client.process())),
    }
}

impl Claim {
    /// Takes it, and the lock beside it where there is one.
    fn command(&self) -> Option<Command> {
        let (lock, claim) = self.names()?;
        let (session, wait_ms) = (ClaimSession::Acting, Some(self.wait_ms));
        let limit = matches!(self.mode, LockMode::Permits(_)).then_some(PERMITS);
        let Some(beside) = &self.beside else {
            return Some(Command::Acquire(Acquire {
                lock,
                claim,
                mode: self.mode,
                limit,
                session,
                wait_ms,
                ttl_ms: None,
                ack_within_ms: self.ack_within_ms,
                reentrant: false,
                reason: None,
                labels: BTreeMap::new(),
            }));
        };
        let part = |lock, mode, limit| ClaimPart { lock, mode, limit };
        let beside = LockName::parse(beside).ok()?;
        Some(Command::AcquireAll(AcquireAll {
            claim,
            all_of: vec![
                part(beside, LockMode::Exclusive, None),
                part(lock, self.mode, limit),
            ],
            session,
            wait_ms,
            ttl_ms: None,
            ack_within_ms: self.ack_within_ms,
            reason: None,
            labels: BTreeMap::new(),
        }))
    }

    fn asked(&self) -> Value {
        let (mode, permits) = match self.mode {
            LockMode::Exclusive => ("exclusive", None),
            LockMode::Shared => ("shared", None),
            LockMode::Permits(permits) => ("permits", Some(permits)),
        };
        json!({
            "claim": self.id, "session": self.session, "mode": mode, "permits": permits,
            "limit": permits.map(|_| PERMITS), "ttl_ms": null, "wait_ms": self.wait_ms,
            "ack_within_ms": self.ack_within_ms,
        })
    }

    fn standing(&self, reply: &ClaimReply) -> Value {
        let mut value = self.asked();
        let claim = &reply.claim;
        let (state, granted) = match &claim.state {
            ClaimState::Waiting { .. } => ("waiting", None),
            ClaimState::Held { granted, .. } => ("held", Some(granted.zxid.0)),
        };
        if let Some(fields) = value.as_object_mut() {
            fields.insert("state".to_owned(), json!(state));
            fields.insert("fence".to_owned(), json!(claim.fence.0));
            fields.insert("safe_ms".to_owned(), Value::Null);
            fields.insert("queued".to_owned(), json!(claim.queued.zxid.0));
            fields.insert("granted".to_owned(), json!(granted));
        }
        value
    }

    fn names(&self) -> Option<(LockName, ClaimId)> {
        Some((
            LockName::parse(&self.lock).ok()?,
            ClaimId::parse(&self.id).ok()?,
        ))
    }
}

fn ended(ended: &EndedClaim) -> Value {
    let how = match ended.end {
        ClaimEnd::Released => "released",
        ClaimEnd::Left => "left",
        ClaimEnd::WaitElapsed => "wait_elapsed",
        ClaimEnd::Expired => "expired",
        ClaimEnd::Abandoned => "abandoned",
        ClaimEnd::Broken => "broken",
        ClaimEnd::SessionClosed => "session_closed",
        ClaimEnd::SessionExpired => "session_expired",
        ClaimEnd::ZnodeDeleted => "node_deleted",
    };
    json!({
        "claim": ended.id.as_str(), "state": "ended", "how": how, "held": ended.held,
        "fence": ended.fence.0, "ended": ended.ended.zxid.0,
    })
}

pub(super) fn of_session(name: &str, command: Command) -> Draft {
    Draft {
        session: SessionName::parse(name).ok().map(SessionRef::Name),
        ..plain(command)
    }
}

pub(super) async fn open(client: &mut Client, made: u64) -> Option<Session> {
    let name = format!("s{}-{made}", client.process());
    let ttl_ms = client.rng.range(1000, 3000);
    let asked = json!({"session": name, "ttl_ms": ttl_ms});
    let begun = client.begin("session", None, asked.clone(), Vec::new());
    let command = Command::OpenSession(OpenSession {
        name: SessionName::parse(&name).ok(),
        timeout_ms: ttl_ms,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    });
    match client.write(plain(command)).await {
        Written::Done {
            reply: Reply::SessionOpened { session, created },
            zxid,
        } => {
            let safe = created.then_some(ttl_ms);
            let done = json!({"session": name, "ttl_ms": ttl_ms, "safe_ms": safe});
            client.ok(begun, done, vec![("zxid", json!(zxid))]);
            let renewed = Instant::now();
            Some(Session {
                name,
                id: session.id,
                ttl_ms,
                renewed,
            })
        }
        Written::Refused { refusal } => {
            client.fail(begun, &refusal.to_string(), asked);
            None
        }
        Written::NotDone(why) => {
            client.fail(begun, &why, asked);
            None
        }
        Written::Done { .. } => None,
        Written::Unknown(why) => {
            client.info(begun, &why, asked);
            None
        }
    }
}

/// As the doors do it: a session that is not renewed has ended, or is about to, or not. `None`: it has
/// ended.
async fn renew(node: Node, id: SessionId) -> Result<Option<u64>, String> {
    let until = Instant::now() + DEADLINE;
    loop {
        let renewed = node.keep_alive(vec![id], DEADLINE).await;
        let renewed = renewed.map_err(|error| error.to_string())?;
        if let Some(renewed) = renewed.first().filter(|renewed| renewed.alive) {
            return Ok(Some(renewed.safe_ms));
        }
        let is_live =
            |state: &State| matches!(state.session(&SessionRef::Id(id)), SessionStatus::Live(_));
        if !node.peek(is_live) {
            return Ok(None);
        }
        if Instant::now() >= until {
            return Err("neither renewed nor ended in time".to_owned());
        }
        tokio::time::sleep(RENEW_AGAIN).await;
    }
}

/// Whether the session still lives, as far as anybody knows.
pub(super) async fn keep_alive(client: &mut Client, session: &mut Session) -> bool {
    let asked = json!({"session": session.name});
    let begun = client.begin("keepalive", None, asked.clone(), Vec::new());
    let (id, sent) = (session.id, Instant::now());
    let answer = client.inside(PATIENCE, move |node| renew(node, id)).await;
    match answer {
        Ok(Ok(Some(safe_ms))) => {
            session.renewed = sent;
            let done = json!({"session": session.name, "safe_ms": safe_ms});
            client.ok(begun, done, Vec::new());
            true
        }
        Ok(Ok(None)) => {
            client.fail(begun, "session_expired", asked);
            false
        }
        Ok(Err(why)) => {
            client.fail(begun, &why, asked);
            true
        }
        Err(NoAnswer::Refused) => {
            client.fail(begun, "refused", asked);
            true
        }
        Err(_) => {
            client.info(begun, "no answer", asked);
            true
        }
    }
}

pub(super) async fn close(client: &mut Client, session: Session) {
    let asked = json!({"session": session.name});
    let begun = client.begin("close", None, asked.clone(), Vec::new());
    let Ok(name) = SessionName::parse(&session.name) else {
        return;
    };
    let draft = plain(Command::CloseSession(SessionRef::Name(name)));
    match client.write(draft).await {
        Written::Done { zxid, .. } => client.ok(begun, asked, vec![("zxid", json!(zxid))]),
        Written::Refused { refusal } => client.fail(begun, &code(&refusal), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}

/// The word a client reads in the answer.
pub(super) fn code(refusal: &Refusal) -> String {
    match refusal {
        Refusal::SessionEnded(_) | Refusal::NoSession { .. } => "session_expired".to_owned(),
        Refusal::FenceStale { .. } => "fence_stale".to_owned(),
        Refusal::ClaimEnded(_) => "claim_ended".to_owned(),
        other => other.to_string(),
    }
}

async fn acquire(client: &mut Client, claim: &Claim, session: &str) -> Option<Fence> {
    let asked = claim.asked();
    let begun = client.begin("acquire", Some(&claim.lock), asked.clone(), Vec::new());
    let draft = of_session(session, claim.command()?);
    let patience = Duration::from_millis(client.rng.range(50, 1500));
    let answer = client
        .inside(PATIENCE, move |node| async move {
            node.acquire(draft, patience, DEADLINE).await
        })
        .await;
    let (reply, zxid) = match answer {
        Ok(Ok(AcquireOutcome::Decided(Outcome {
            result: Ok(Reply::Claim(reply)),
            moment,
            ..
        }))) => (reply, moment.zxid),
        Ok(Ok(AcquireOutcome::Waiting(reply, zxid) | AcquireOutcome::Granted(reply, zxid))) => {
            (reply, zxid)
        }
        Ok(Ok(AcquireOutcome::Ended(..))) => {
            // It stood in the queue, and is no more: what it was, nobody asks.
            client.info(begun, "claim_ended", asked);
            return None;
        }
        Ok(Ok(AcquireOutcome::Decided(Outcome {
            result: Err(Refusal::LockHeld { .. }),
            ..
        }))) => {
            client.fail(begun, "lock_held", asked);
            return None;
        }
        Ok(Ok(AcquireOutcome::Decided(Outcome {
            result: Err(refusal),
            ..
        }))) => {
            client.fail(begun, &code(&refusal), asked);
            return None;
        }
        Ok(Err(ProposeError::NotApplied(why))) => {
            client.fail(begun, &why.to_string(), asked);
            return None;
        }
        Err(NoAnswer::Refused) => {
            client.fail(begun, "refused", asked);
            return None;
        }
        Ok(_) | Err(_) => {
            client.info(begun, "no answer", asked);
            return None;
        }
    };
    client.ok(begun, claim.standing(&reply), vec![("zxid", json!(zxid.0))]);
    reply.claim.is_held().then_some(reply.claim.fence)
}

async fn release(client: &mut Client, claim: &Claim, session: &str) {
    let asked = json!({"claim": claim.id});
    let begun = client.begin("release", Some(&claim.lock), asked.clone(), Vec::new());
    let Some((lock, id)) = claim.names() else {
        return;
    };
    let draft = of_session(session, Command::ReleaseClaim { lock, claim: id });
    match client.write(draft).await {
        Written::Done {
            reply: Reply::ClaimEnded(claim),
            zxid,
        } => {
            client.ok(begun, ended(&claim), vec![("zxid", json!(zxid))]);
        }
        Written::Refused {
            refusal: Refusal::ClaimEnded(claim),
        } => {
            client.fail(begun, "claim_ended", ended(&claim));
        }
        Written::Refused { refusal } => client.fail(begun, &code(&refusal), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Done { .. } => client.info(begun, "another reply", asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}

async fn fenced_write(client: &mut Client, claim: &Claim, fence: Fence) {
    let value = client.rng.below(1_000_000_000);
    let asked = json!({"claim": claim.id, "fence": fence.0, "value": value});
    let begun = client.begin("fenced-write", Some(&claim.lock), asked.clone(), Vec::new());
    let Some((lock, _)) = claim.names() else {
        return;
    };
    let mut draft = put(&format!("/resource/{}", claim.lock), value.to_string());
    draft.fences.push(FenceGuard { lock, fence });
    match client.write(draft).await {
        Written::Done { zxid, .. } => client.ok(begun, asked, vec![("zxid", json!(zxid))]),
        Written::Refused { refusal } => client.fail(begun, &code(&refusal), asked),
        Written::NotDone(why) => client.fail(begun, &why, asked),
        Written::Unknown(why) => client.info(begun, &why, asked),
    }
}
