//! Words for what tests do with locks.

use std::io;
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::http::{Answer, Http};

/// Address of a claim.
#[must_use]
pub fn claim_path(lock: &str, claim: &str) -> String {
    format!("/v1/locks/{lock}/-/claims/{claim}")
}

/// Takes or queues for a lock on behalf of a session, without waiting for an answer longer than it
/// takes to queue.
///
/// # Errors
/// What the socket says.
pub fn acquire(http: &Http, session: &str, lock: &str, claim: &str) -> io::Result<Answer> {
    http.session(session).put(&claim_path(lock, claim), "{}")
}

/// As [`acquire`], for a test that wants the lock or a place in the queue at once.
///
/// # Panics
/// When the answer is neither.
#[track_caller]
pub fn stand_in_queue(http: &Http, session: &str, lock: &str, claim: &str) -> Value {
    let answer = acquire(http, session, lock, claim).expect("an answer");
    assert!(matches!(answer.status, 200..=202), "{}", answer.text());
    answer.json()
}

/// Waits for a lock in a thread, up to 30 s, as a client would that blocks on it.
#[must_use]
pub fn wait_for_lock(
    http: &Http,
    session: &str,
    lock: &str,
    claim: &str,
) -> JoinHandle<io::Result<Answer>> {
    let http = http.session(session).header("Prefer", "wait=30");
    let http = http.timeout(std::time::Duration::from_secs(40));
    let path = claim_path(lock, claim);
    std::thread::spawn(move || http.put(&path, json!({"wait": "2m"}).to_string()))
}

/// Releases a claim, or leaves the queue.
///
/// # Errors
/// What the socket says.
pub fn release(http: &Http, session: &str, lock: &str, claim: &str) -> io::Result<Answer> {
    http.session(session).delete(&claim_path(lock, claim))
}

/// Claims that wait, in order, as a node shows them.
#[must_use]
pub fn waiting(http: &Http, lock: &str) -> Vec<String> {
    let Ok(answer) = http.get(&format!("/v1/locks/{lock}/-/queue")) else {
        return Vec::new();
    };
    if answer.status != 200 {
        return Vec::new();
    }
    names(&answer.json()["waiters"])
}

/// Claims that hold, as a node shows them.
#[must_use]
pub fn holding(http: &Http, lock: &str) -> Vec<String> {
    let Ok(answer) = http.get(&format!("/v1/locks/{lock}/-/holders")) else {
        return Vec::new();
    };
    if answer.status != 200 {
        return Vec::new();
    }
    names(&answer.json()["holders"])
}

fn names(claims: &Value) -> Vec<String> {
    let claims = claims.as_array().into_iter().flatten();
    claims
        .filter_map(|claim| claim["claim"].as_str().map(str::to_owned))
        .collect()
}
