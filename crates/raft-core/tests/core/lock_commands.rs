//! Script words of sessions and locks. Commands:
//!
//! ```text
//! open NAME|- [timeout=MS] [delay=MS] [service=T] [host=T] [reason=T] [label=K:V,…]
//! close SESSION                        expire NUMBER [activity=N]
//! acquire LOCK CLAIM [shared|permits=N [limit=N]] [wait=MS] [ttl=MS] [ack=MS] [reentrant]
//!         [implicit] [reason=T] [label=K:V,…]
//! ack LOCK CLAIM                       extend LOCK CLAIM [ttl=MS] [reason=T]
//! release LOCK CLAIM                   break LOCK FENCE [reason=T]
//! configure LOCK [mutex|rw|sem=N] [delay=MS] [max-hold=MS] [max-waiters=N] [label=…] [version=N]
//! ask LOCK [FENCE] within=MS reason=T    answer LOCK CLAIM needs=MS
//! due
//! ```
//!
//! `reason-bytes=N` and `labels=N` make long ones. Queries: `session SESSION`, `sessions [after=N]
//! [limit=N]`, `claim LOCK CLAIM`, `lock LOCK`, `locks [prefix=T] [after=LOCK] [limit=N]`,
//! `verify LOCK FENCE`, `history LOCK`.

mod show;

use std::collections::BTreeMap;

use raft_core::command::{
    Acquire, AcquireAll, ClaimPart, ClaimSession, Command, Expect, ExpireSession, LockKind,
    LockMode, LockSettings, OpenSession, Owner, RequestRelease,
};
use raft_core::ids::{ClaimId, Fence, LockName, SessionId, SessionName};
use raft_core::query::lock::ClaimStatus;
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

use crate::harness::{session_ref, shown_refusal};
use crate::words::{Words, joined};

use show::{
    shown_ended_claim, shown_ended_session, shown_history, shown_live_session, shown_lock,
    shown_view,
};
pub(crate) use show::{shown_event, shown_reply};

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    let verb = words.peek()?.to_owned();
    let known = [
        "open",
        "close",
        "expire",
        "acquire",
        "together",
        "ack",
        "extend",
        "release",
        "break",
        "configure",
        "ask",
        "answer",
        "due",
    ];
    if !known.contains(&&*verb) {
        return None;
    }
    words.next();
    Some(match &*verb {
        "open" => open(words),
        "close" => Command::CloseSession(session_ref(&words.expect("a session"))),
        "expire" => Command::ExpireSession(ExpireSession {
            session: SessionId(words.expect("a session number").parse().unwrap()),
            activity: words.number("activity").unwrap_or(0),
        }),
        "acquire" => acquire(words),
        "together" => together(words),
        "ack" => {
            let (lock, claim) = lock_and_claim(words);
            Command::AcknowledgeGrant { lock, claim }
        }
        "extend" => {
            let (lock, claim) = lock_and_claim(words);
            Command::ExtendClaim {
                lock,
                claim,
                ttl_ms: words.number("ttl"),
                reason: reason(words),
            }
        }
        "release" => {
            let (lock, claim) = lock_and_claim(words);
            Command::ReleaseClaim { lock, claim }
        }
        "break" => {
            let lock = lock_name(words);
            let reason = reason(words).unwrap_or_default();
            Command::BreakClaim {
                lock,
                fence: fence(words),
                reason,
            }
        }
        "configure" => configure(words),
        "ask" => ask(words),
        "answer" => {
            let (lock, claim) = lock_and_claim(words);
            let needs_ms = words.number("needs").unwrap_or(0);
            Command::AnswerRelease {
                lock,
                claim,
                needs_ms,
            }
        }
        _ => Command::ExpireDue,
    })
}

fn ask(words: &mut Words) -> Command {
    let lock = lock_name(words);
    let within_ms = words.number("within").unwrap_or(0);
    let reason = reason(words).unwrap_or_default();
    let fence = words.peek().is_some().then(|| fence(words));
    Command::RequestRelease(RequestRelease {
        lock,
        fence,
        reason,
        within_ms,
    })
}

fn open(words: &mut Words) -> Command {
    let name = words.expect("a name");
    Command::OpenSession(OpenSession {
        name: (name != "-").then(|| SessionName::parse(&name).unwrap()),
        timeout_ms: words.number("timeout").unwrap_or(10_000),
        password: [7; 16],
        owner: Owner {
            service: words.value("service"),
            host: words.value("host"),
            reason: reason(words),
            labels: labels(words),
            ..Owner::default()
        },
        lock_delay_ms: words.number("delay").unwrap_or(0),
    })
}

fn acquire(words: &mut Words) -> Command {
    let (lock, claim) = lock_and_claim(words);
    let mode = match words.number("permits") {
        Some(permits) => LockMode::Permits(permits),
        None if words.flag("shared") => LockMode::Shared,
        None => LockMode::Exclusive,
    };
    let implicit = words.flag("implicit");
    Command::Acquire(Acquire {
        lock,
        claim,
        mode,
        limit: words.number("limit"),
        session: if implicit {
            ClaimSession::Implicit
        } else {
            ClaimSession::Acting
        },
        wait_ms: words.number("wait"),
        ttl_ms: words.number("ttl"),
        ack_within_ms: words.number("ack"),
        reentrant: words.flag("reentrant"),
        reason: reason(words),
        labels: labels(words),
    })
}

/// `together CLAIM LOCK LOCK:shared LOCK:PERMITS/LIMIT … [settings of an acquire]`.
fn together(words: &mut Words) -> Command {
    let claim = ClaimId::parse(&words.expect("a claim")).unwrap();
    let implicit = words.flag("implicit");
    let mut ask = AcquireAll {
        claim,
        all_of: Vec::new(),
        session: if implicit {
            ClaimSession::Implicit
        } else {
            ClaimSession::Acting
        },
        wait_ms: words.number("wait"),
        ttl_ms: words.number("ttl"),
        ack_within_ms: words.number("ack"),
        reason: reason(words),
        labels: labels(words),
    };
    while let Some(word) = words.next() {
        ask.all_of.push(part(&word));
    }
    Command::AcquireAll(ask)
}

fn part(word: &str) -> ClaimPart {
    let (lock, how) = word.split_once(':').unwrap_or((word, "exclusive"));
    let (mode, limit) = match how {
        "exclusive" => (LockMode::Exclusive, None),
        "shared" => (LockMode::Shared, None),
        permits => {
            let (permits, limit) = permits.split_once('/').expect("PERMITS/LIMIT");
            let limit = limit.parse().expect("a limit");
            (
                LockMode::Permits(permits.parse().expect("permits")),
                Some(limit),
            )
        }
    };
    let lock = LockName::parse(lock).unwrap();
    ClaimPart { lock, mode, limit }
}

fn configure(words: &mut Words) -> Command {
    let lock = lock_name(words);
    let kind = match words.number("sem") {
        Some(limit) => LockKind::Semaphore { limit },
        None if words.flag("mutex") => LockKind::Mutex,
        None => {
            words.flag("rw");
            LockKind::ReadWrite
        }
    };
    let settings = LockSettings {
        kind,
        lock_delay_ms: words.number("delay").unwrap_or(0),
        max_hold_ms: words.number("max-hold"),
        max_waiters: words.number("max-waiters"),
        labels: labels(words),
    };
    let expect = words.number("version").map_or(Expect::Any, Expect::Version);
    Command::ConfigureLock {
        lock,
        settings,
        expect,
    }
}

fn reason(words: &mut Words) -> Option<String> {
    let long = words.number("reason-bytes").map(|bytes| "r".repeat(bytes));
    long.or_else(|| words.value("reason"))
}

fn labels(words: &mut Words) -> BTreeMap<String, String> {
    let count: u32 = words.number("labels").unwrap_or(0);
    let mut labels: BTreeMap<String, String> = (0..count)
        .map(|n| (format!("k{n}"), String::new()))
        .collect();
    for label in words.value("label").iter().flat_map(|text| text.split(',')) {
        let (key, value) = label.split_once(':').expect("key:value");
        labels.insert(key.to_owned(), value.to_owned());
    }
    labels
}

fn lock_name(words: &mut Words) -> LockName {
    LockName::parse(&words.expect("a lock")).unwrap()
}

fn lock_and_claim(words: &mut Words) -> (LockName, ClaimId) {
    (
        lock_name(words),
        ClaimId::parse(&words.expect("a claim")).unwrap(),
    )
}

fn fence(words: &mut Words) -> Fence {
    Fence(
        words
            .expect("a fence")
            .parse()
            .expect("a fence is a number"),
    )
}

/// Runs a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    let verb = words.peek()?.to_owned();
    if !matches!(
        &*verb,
        "session" | "sessions" | "claim" | "lock" | "locks" | "verify" | "history"
    ) {
        return None;
    }
    words.next();
    Some(match &*verb {
        "session" => match state.session(&session_ref(&words.expect("a session"))) {
            SessionStatus::Live(session) => shown_live_session(state, session),
            SessionStatus::Ended(ended) => shown_ended_session(ended),
            SessionStatus::Unknown => "not known".to_owned(),
        },
        "sessions" => {
            let after = words.number("after").map(SessionId);
            let found = state.sessions(after, words.number("limit").unwrap_or(usize::MAX));
            joined(found.iter().map(|session| session.id.to_string()))
        }
        "claim" => {
            let (lock, claim) = lock_and_claim(words);
            match state.claim(&lock, &claim) {
                ClaimStatus::Live(view) => shown_view(&view),
                ClaimStatus::Ended(ended) => shown_ended_claim(ended),
                ClaimStatus::Unknown => "not known".to_owned(),
            }
        }
        "lock" => shown_lock(state, &lock_name(words)),
        "history" => shown_history(state, &lock_name(words)),
        "locks" => {
            let prefix = words.value("prefix").unwrap_or_default();
            let after = words
                .value("after")
                .map(|name| LockName::parse(&name).unwrap());
            let limit = words.number("limit").unwrap_or(usize::MAX);
            let found = state.locks(&prefix, after.as_ref(), limit);
            joined(found.iter().map(|(name, _)| name.to_string()))
        }
        _ => {
            let lock = lock_name(words);
            match state.verify(&lock, fence(words)) {
                Ok(claim) => format!("held by {}", claim.id),
                Err(refusal) => shown_refusal(&refusal),
            }
        }
    })
}
