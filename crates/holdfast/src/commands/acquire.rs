//! `holdfast acquire`, `extend`, `release`: claims without a command under them.

use std::time::Duration;

use holdfast_client::http_types::v1::locks::{Claim, ClaimEnd, ClaimState};
use holdfast_client::{ErrorCode, LockBuilder};

use super::App;
use crate::args::{AcquireArgs, ClaimTarget, ExtendArgs, Wish};
use crate::exit::{Context as _, Exit, Failure};
use crate::output::Shown;

/// Puts what the user wished into a claim.
pub(super) fn wished(mut lock: LockBuilder, wish: &Wish) -> LockBuilder {
    if wish.shared {
        lock = lock.shared();
    }
    if let Some(permits) = wish.permits {
        lock = lock.permits(permits);
    }
    if let Some(limit) = wish.limit {
        lock = lock.limit(limit);
    }
    for part in &wish.all_of {
        lock = lock.and_part(part.clone());
    }
    if wish.nonblock {
        lock = lock.try_now();
    }
    if let Some(wait) = wish.wait {
        lock = lock.wait(wait);
    }
    if let Some(reason) = &wish.reason {
        lock = lock.reason(reason);
    }
    for (key, value) in &wish.annotate {
        lock = lock.label(key, value);
    }
    lock
}

/// The locks that are taken, for people.
pub(super) fn wanted(name: &str, wish: &Wish) -> String {
    let others = wish.all_of.iter().map(|part| part.lock.as_str());
    let all: Vec<&str> = std::iter::once(name).chain(others).collect();
    all.join(", ")
}

/// A busy lock ends with the code the user chose. The cluster says so in two ways: to the request
/// that waits when the wait ends, and to one that asks again after it.
pub(super) fn busy(failure: Failure, wish: &Wish) -> Failure {
    let code = wish.busy_exit;
    let Some(problem) = &failure.problem else {
        return failure;
    };
    let ended = problem.more.ended_claim.as_ref().map(|claim| claim.state);
    match (problem.code, ended) {
        (ErrorCode::LockHeld, _) => Failure { code, ..failure },
        (ErrorCode::ClaimEnded, Some(ClaimEnd::WaitElapsed)) => Failure {
            code,
            why: "the wait is over, and the lock is still held by another claim".to_owned(),
            remedy: None,
            ..failure
        },
        _ => failure,
    }
}

pub(super) async fn acquire(app: &App, args: AcquireArgs) -> Result<u8, Failure> {
    let mut lock = wished(app.client.lock(&args.name), &args.wish);
    if args.wish.wait.is_none() {
        // Nothing is there to withdraw a claim that waits for ever.
        lock = lock.try_now();
    }
    if let Some(claim) = &args.claim {
        lock = lock.claim_id(claim);
    }
    if let Some(ttl) = args.ttl {
        lock = lock.ttl(ttl);
    }
    let held = match &args.session {
        Some(session) => lock.acquire_for(session).await,
        None => lock.acquire_detached().await,
    };
    let claim = held
        .cannot(|| format!("take {}", wanted(&args.name, &args.wish)))
        .map_err(|failure| busy(failure, &args.wish))?;
    app.out.show(&shown(&claim)?)?;
    Ok(0)
}

pub(super) async fn extend(app: &App, args: ExtendArgs) -> Result<(), Failure> {
    let (lock, claim) = names(&args.claim)?;
    let session = args.claim.session.as_deref();
    let claim = app
        .client
        .extend_claim(&lock, &claim, Some(args.ttl), session)
        .await
        .cannot(|| format!("extend the claim on {lock}"))?;
    app.out.show(&shown(&claim)?)
}

pub(super) async fn release(app: &App, target: ClaimTarget) -> Result<(), Failure> {
    let (lock, claim) = names(&target)?;
    let ended = app
        .client
        .release_claim(&lock, &claim, target.session.as_deref())
        .await
        .cannot(|| format!("release {lock}"))?;
    let fields = vec![
        ("lock", ended.lock.clone()),
        ("claim", ended.claim.clone()),
        ("state", format!("{:?}", ended.state).to_lowercase()),
        ("fence", ended.fence.to_string()),
    ];
    app.out
        .show(&Shown::one(&ended, ended.claim.clone(), fields)?)
}

fn names(target: &ClaimTarget) -> Result<(String, String), Failure> {
    target.names().ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "find the claim",
            format!("{:?} names no claim", target.target),
        )
        .remedy("give the address that `acquire` printed, or the lock and the claim id")
    })
}

fn shown(claim: &Claim) -> Result<Shown, Failure> {
    let safe = claim.safe_ms.or(claim.expires_ms).unwrap_or(0);
    let state = match claim.state {
        ClaimState::Held => "held",
        ClaimState::Waiting => "waiting",
    };
    let fields = vec![
        ("lock", claim.lock.clone()),
        ("claim", claim.claim.clone()),
        ("state", state.to_owned()),
        ("fence", claim.fence.to_string()),
        ("safe", format!("{:.1?}", Duration::from_millis(safe))),
        ("release", claim.release.clone()),
    ];
    let env = vec![
        ("HOLDFAST_LOCK", claim.lock.clone()),
        ("HOLDFAST_CLAIM", claim.claim.clone()),
        ("HOLDFAST_FENCE", claim.fence.to_string()),
        ("HOLDFAST_SESSION", claim.session.clone()),
        ("HOLDFAST_SAFE_MS", safe.to_string()),
        ("HOLDFAST_RELEASE", claim.release.clone()),
    ];
    Ok(Shown::one(claim, claim.release.clone(), fields)?.env(env))
}
