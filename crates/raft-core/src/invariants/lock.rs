//! Invariants of sessions, locks and claims (I-3, I-6, and I-2 and I-11 where they concern claims).
//! Look-ups and deadlines are compared with a rebuild by the parent module.

use std::collections::BTreeMap;

use crate::command::LockMode;
use crate::ids::{Fence, LockName};
use crate::limits;
use crate::lock::{Claim, Lock};
use crate::recipe;
use crate::state::State;
use crate::znode::ZnodeKind;

/// Checks them all.
pub(super) fn check(state: &State) -> Result<(), String> {
    check_sessions(state)?;
    let mut queues: BTreeMap<&LockName, Vec<&Claim>> = BTreeMap::new();
    for ((lock, fence), claim) in state.claims.iter() {
        check_claim(state, claim, *fence)
            .map_err(|why| format!("{why}, at claim {} of {lock}", claim.id))?;
        queues.entry(lock).or_default().push(claim);
    }
    for name in queues.keys() {
        if !state.locks.contains_key(name) {
            return Err(format!("I-3: lock {name} has claims and no record"));
        }
    }
    for (name, lock) in state.locks.iter() {
        let queue = queues.get(name).map_or(&[][..], Vec::as_slice);
        check_lock(state, name, lock, queue).map_err(|why| format!("{why}, at lock {name}"))?;
    }
    check_ended_claims(state)
}

fn ensure(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

fn check_sessions(state: &State) -> Result<(), String> {
    for (id, session) in state.sessions.iter() {
        ensure(
            session.id == *id,
            &format!("I-6: session {id} is filed wrongly"),
        )?;
        ensure(
            session.opened.zxid.0 == id.0,
            &format!("I-6: session {id} opened elsewhere"),
        )?;
        ensure(
            id.0 <= state.clock.zxid.0,
            &format!("I-6: session {id} is of the future"),
        )?;
        ensure(
            !state.ended_sessions.contains_key(id),
            &format!("I-6: session {id} is live and ended"),
        )?;
        if let Some(name) = &session.name {
            ensure(
                state.index.session_names.get(name) == Some(id),
                &format!("I-6: name {name} is that of two sessions"),
            )?;
        }
    }
    for (id, ended) in state.ended_sessions.iter() {
        ensure(
            ended.id == *id,
            &format!("I-6: ended session {id} is filed wrongly"),
        )?;
        ensure(
            ended.released.len() <= limits::RELEASED_PER_ENDED_SESSION_MAX,
            &format!("I-11: ended session {id} lists too many holds"),
        )?;
    }
    Ok(())
}

fn check_claim(state: &State, claim: &Claim, fence: Fence) -> Result<(), String> {
    ensure(claim.fence == fence, "I-3: it is filed under another fence")?;
    ensure(
        state.sessions.contains_key(&claim.session),
        "I-2: its session is not live",
    )?;
    let path = claim
        .lock
        .znode()
        .child(&claim.znode_name)
        .map_err(|e| e.to_string())?;
    let Some(znode) = state.znodes.get(&path) else {
        return Err(format!("I-3: its znode {path} is missing"));
    };
    let reads_on = claim.mode == LockMode::Shared
        && claim.is_foreign()
        && recipe::downgrade_of(&claim.znode_name).is_some()
        && znode.czxid.0 > fence.0;
    ensure(
        znode.czxid.0 == fence.0 || reads_on,
        "I-3: its fence is not its znode's czxid",
    )?;
    check_downgrade(state, claim)?;
    check_together_with(state, claim)?;
    ensure(
        znode.kind() == ZnodeKind::Ephemeral(claim.session),
        "I-2: its znode is another's",
    )?;
    ensure(
        claim.release_request.is_none() || claim.is_held(),
        "I-3: a waiter is asked to release",
    )?;
    ensure(
        !claim.reentries.contains(&claim.id),
        "I-3: it re-entered itself",
    )?;
    ensure(
        !claim.first_released || !claim.reentries.is_empty(),
        "I-3: all its ids are released",
    )?;
    ensure(
        claim.reentries.is_empty() || (claim.is_held() && claim.mode == LockMode::Exclusive),
        "I-3: re-entries of what is no exclusive hold",
    )?;
    ensure(
        claim.reentries.len() <= limits::REENTRIES_PER_CLAIM_MAX,
        "I-11: too many re-entries",
    )
}

/// Claims of several locks stand, hold and end together.
fn check_together_with(state: &State, claim: &Claim) -> Result<(), String> {
    ensure(
        claim.all_of.is_empty() || claim.all_of.contains(&claim.lock),
        "I-3: it is claimed together with others and not among them",
    )?;
    ensure(
        claim.all_of.len() <= limits::LOCKS_PER_CLAIM_MAX,
        "I-11: it is of too many locks",
    )?;
    for other in claim.others() {
        let found = state.claims.get(&(other.clone(), claim.fence));
        let is_same = found.is_some_and(|found| {
            found.id == claim.id
                && found.session == claim.session
                && found.all_of == claim.all_of
                && found.state == claim.state
                && found.ttl_ms == claim.ttl_ms
        });
        ensure(
            is_same,
            "I-3: of what is claimed together a part stands alone",
        )?;
    }
    Ok(())
}

/// A second znode is only of an exclusive hold of a ZooKeeper client, and the client's too.
fn check_downgrade(state: &State, claim: &Claim) -> Result<(), String> {
    let Some(name) = &claim.downgrade else {
        return Ok(());
    };
    ensure(
        claim.is_held() && claim.mode == LockMode::Exclusive && claim.is_foreign(),
        "I-3: it goes on reading and is no hold that writes",
    )?;
    let path = claim.lock.znode().child(name).map_err(|e| e.to_string())?;
    let kind = state.znodes.get(&path).map(|znode| znode.kind());
    ensure(
        kind == Some(ZnodeKind::Ephemeral(claim.session)),
        "I-2: the znode it goes on reading by is missing or another's",
    )
}

fn check_lock(state: &State, name: &LockName, lock: &Lock, queue: &[&Claim]) -> Result<(), String> {
    ensure(!lock.is_vacant(), "I-11: it has a record for nothing")?;
    ensure(
        lock.claims() <= limits::CLAIMS_PER_LOCK_MAX,
        "I-11: too many claims",
    )?;
    ensure(
        queue
            .iter()
            .all(|claim| claim.is_held() == (claim.fence <= lock.granted_up_to)),
        "I-3: the holders are not the head of the queue",
    )?;
    let holders: Vec<&Claim> = queue
        .iter()
        .copied()
        .filter(|claim| claim.is_held())
        .collect();
    ensure(
        lock.holders as usize == holders.len(),
        "I-4: count of holders",
    )?;
    ensure(
        lock.waiters as usize == queue.len() - holders.len(),
        "I-4: count of waiters",
    )?;
    let permits: u32 = holders.iter().map(|claim| claim.permits()).sum();
    ensure(lock.permits_held == permits, "I-4: count of permits")?;
    check_together(lock, &holders)?;
    ensure(
        lock.agreed_limit.is_none() || (!queue.is_empty() && lock.settings.is_none()),
        "I-3: a limit is agreed by nobody",
    )?;
    if lock.settings.is_some() {
        let kind = state.znodes.get(&name.znode()).map(|znode| znode.kind());
        ensure(
            kind == Some(ZnodeKind::Persistent),
            "I-3: its settings have no znode",
        )?;
    }
    // Decision 8: a wake-up that was lost would leave the queue waiting for ever.
    ensure(
        state.grantable(name).is_none(),
        "I-3: a lost wake-up, the first waiter could have the lock",
    )
}

/// Mutual exclusion: who may hold together.
fn check_together(lock: &Lock, holders: &[&Claim]) -> Result<(), String> {
    let exclusive = holders
        .iter()
        .filter(|claim| claim.mode == LockMode::Exclusive)
        .count();
    let shared = holders
        .iter()
        .filter(|claim| claim.mode == LockMode::Shared)
        .count();
    let permits = holders.len() - exclusive - shared;
    ensure(exclusive <= 1, "I-3: two exclusive holders")?;
    ensure(
        [exclusive, shared, permits]
            .iter()
            .filter(|count| **count > 0)
            .count()
            <= 1,
        "I-3: holders of different kinds together",
    )?;
    // A limit that was lowered while permits were out is exceeded until they are back, so the sum
    // is compared with the lock's own limit only where permits are granted.
    ensure(
        lock.permits_held <= limits::PERMITS_MAX,
        "I-11: too many permits",
    )
}

fn check_ended_claims(state: &State) -> Result<(), String> {
    for ((lock, id), ended) in state.ended_claims.iter() {
        let key = (&ended.lock, &ended.id);
        ensure(
            key == (lock, id),
            &format!("I-3: ended claim {id} of {lock} is filed wrongly"),
        )?;
        ensure(
            state.live_claim(lock, id).is_none(),
            &format!("I-3: claim {id} of {lock} is live and ended"),
        )?;
    }
    Ok(())
}
