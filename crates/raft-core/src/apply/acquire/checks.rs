//! What an acquire may ask for, and what a lock accepts.

use std::collections::BTreeMap;

use crate::command::{Acquire, ClaimSession, LockKind, LockMode};
use crate::ids::LockName;
use crate::limits;
use crate::outcome::Refusal;
use crate::state::State;

/// Bounds of a request that hold whatever the lock is like.
pub(super) fn bounds(acquire: &Acquire) -> Result<(), Refusal> {
    duration("wait", acquire.wait_ms)?;
    positive_duration("ttl", acquire.ttl_ms)?;
    positive_duration("ack_within", acquire.ack_within_ms)?;
    text("reason", acquire.reason.as_deref())?;
    labels(&acquire.labels)?;
    if acquire.session == ClaimSession::Implicit && acquire.wait_ms.is_none() {
        return Err(bad(
            "a claim without a session needs a time it may wait at most",
        ));
    }
    match (acquire.mode, acquire.limit) {
        (LockMode::Exclusive | LockMode::Shared, None) => Ok(()),
        (LockMode::Exclusive | LockMode::Shared, Some(_)) => {
            Err(bad("a limit goes with permits only"))
        }
        (LockMode::Permits(permits), limit) => {
            permit_count("permits", permits)?;
            limit.map_or(Ok(()), |limit| permit_count("limit", limit))
        }
    }
}

/// Whether `count` is between one and the most permits a semaphore may have.
pub(in crate::apply) fn permit_count(what: &str, count: u32) -> Result<(), Refusal> {
    if (1..=limits::PERMITS_MAX).contains(&count) {
        return Ok(());
    }
    Err(bad(&format!(
        "{what} must be between 1 and {}, not {count}",
        limits::PERMITS_MAX
    )))
}

/// Whether a duration of a lock is within its limit.
pub(in crate::apply) fn duration(what: &str, ms: Option<u64>) -> Result<(), Refusal> {
    if ms.is_some_and(|ms| ms > limits::LOCK_DURATION_MS_MAX) {
        return Err(Refusal::limit(
            &format!("milliseconds of {what}"),
            limits::LOCK_DURATION_MS_MAX,
        ));
    }
    Ok(())
}

/// As [`duration`], and not zero.
pub(in crate::apply) fn positive_duration(what: &str, ms: Option<u64>) -> Result<(), Refusal> {
    if ms == Some(0) {
        return Err(bad(&format!("{what} must be longer than 0")));
    }
    duration(what, ms)
}

/// Whether a text shown to people is within its limit.
pub(in crate::apply) fn text(what: &str, value: Option<&str>) -> Result<(), Refusal> {
    if value.is_some_and(|value| value.len() > limits::OWNER_FIELD_BYTES_MAX) {
        return Err(Refusal::limit(
            &format!("bytes of {what}"),
            limits::OWNER_FIELD_BYTES_MAX as u64,
        ));
    }
    Ok(())
}

/// Whether labels are within their limits.
pub(in crate::apply) fn labels(labels: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if labels.len() > limits::LABELS_MAX {
        return Err(Refusal::limit("labels", limits::LABELS_MAX as u64));
    }
    let longest = labels
        .iter()
        .map(|(key, value)| key.len().max(value.len()))
        .max();
    if longest.is_some_and(|bytes| bytes > limits::LABEL_BYTES_MAX) {
        return Err(Refusal::limit(
            "bytes of a label",
            limits::LABEL_BYTES_MAX as u64,
        ));
    }
    Ok(())
}

fn bad(why: &str) -> Refusal {
    Refusal::BadArguments(why.to_owned())
}

impl State {
    /// Whether the lock takes claims of this mode. `limit`: what the request says about permits in
    /// all; `None` for a ZooKeeper client's znode, which says nothing and need not. Gives the
    /// limit of an unconfigured semaphore that stands from now on.
    pub(in crate::apply) fn accepts(
        &self,
        name: &LockName,
        mode: LockMode,
        limit: Option<Option<u32>>,
    ) -> Result<Option<u32>, Refusal> {
        let mismatch = |why: String| Refusal::ModeMismatch {
            lock: name.clone(),
            why,
        };
        let record = self.locks.get(name);
        let settings = record.and_then(|record| record.settings.as_ref());
        match (settings.map(|settings| settings.kind), mode) {
            (Some(kind), _) => kind_accepts(kind, mode, limit.flatten()).map_err(mismatch),
            (None, LockMode::Exclusive | LockMode::Shared) => {
                if self.is_semaphore_now(name) {
                    return Err(mismatch("permits are out or waited for".to_owned()));
                }
                Ok(None)
            }
            (None, LockMode::Permits(permits)) => {
                if record.is_some_and(|r| r.claims() > 0) && !self.is_semaphore_now(name) {
                    let why = "exclusive or shared claims are there";
                    return Err(mismatch(why.to_owned()));
                }
                let agreed = record.and_then(|record| record.agreed_limit);
                let agreed = agreed.or_else(|| self.limit_of_znode(name));
                agree(agreed, permits, limit).map_err(mismatch)
            }
        }
    }

    /// Permits in all as the data of the lock's znode says it: kazoo's `Semaphore` writes them there.
    fn limit_of_znode(&self, name: &LockName) -> Option<u32> {
        let data = self.znodes.get(&name.znode())?.data.clone()?;
        let limit = std::str::from_utf8(&data).ok()?.parse().ok()?;
        (1..=limits::PERMITS_MAX).contains(&limit).then_some(limit)
    }

    /// Whether the live claims are for permits. All live claims of an unconfigured lock are, or
    /// none is.
    fn is_semaphore_now(&self, name: &LockName) -> bool {
        let first = self.claims_of_lock(name).next();
        first.is_some_and(|claim| matches!(claim.mode, LockMode::Permits(_)))
    }

    /// Whether one more claim may stand in the queue; `free`: it would have the lock at once.
    pub(in crate::apply) fn check_room_in_queue(
        &self,
        name: &LockName,
        free: bool,
    ) -> Result<(), Refusal> {
        let Some(record) = self.locks.get(name) else {
            return Ok(());
        };
        if record.claims() >= limits::CLAIMS_PER_LOCK_MAX {
            return Err(Refusal::limit(
                "claims per lock",
                u64::from(limits::CLAIMS_PER_LOCK_MAX),
            ));
        }
        let most = record
            .settings
            .as_ref()
            .and_then(|settings| settings.max_waiters);
        match most {
            Some(most) if !free && record.waiters >= most => Err(Refusal::limit(
                &format!("waiters of lock {name}"),
                u64::from(most),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// What a configured lock takes.
pub(in crate::apply) fn kind_accepts(
    kind: LockKind,
    mode: LockMode,
    named_limit: Option<u32>,
) -> Result<Option<u32>, String> {
    match (kind, mode) {
        (LockKind::Mutex | LockKind::ReadWrite, LockMode::Exclusive)
        | (LockKind::ReadWrite, LockMode::Shared) => Ok(None),
        (LockKind::Semaphore { limit }, LockMode::Permits(permits)) => {
            if let Some(named) = named_limit.filter(|named| *named != limit) {
                return Err(format!(
                    "it is a semaphore of {limit} permits, not of {named}"
                ));
            }
            if permits > limit {
                return Err(format!(
                    "{permits} permits are asked for and it has {limit}"
                ));
            }
            Ok(None)
        }
        (LockKind::Mutex, LockMode::Shared | LockMode::Permits(_)) => {
            Err("it is a mutex and takes exclusive claims only".to_owned())
        }
        (LockKind::ReadWrite, LockMode::Permits(_)) => {
            Err("it takes exclusive and shared claims only".to_owned())
        }
        (LockKind::Semaphore { .. }, LockMode::Exclusive | LockMode::Shared) => {
            Err("it is a semaphore and takes permits only".to_owned())
        }
    }
}

/// The limit of an unconfigured semaphore: the first claim that names one decides, or kazoo's
/// `Semaphore`.
fn agree(
    agreed: Option<u32>,
    permits: u32,
    named: Option<Option<u32>>,
) -> Result<Option<u32>, String> {
    let limit = match (agreed, named) {
        (Some(agreed), Some(Some(named))) if agreed != named => {
            return Err(format!(
                "it has {agreed} permits in all by agreement, not {named}"
            ));
        }
        (None, Some(None)) => {
            return Err(
                "it is not configured, so the claim must say how many permits \
                        there are in all"
                    .to_owned(),
            );
        }
        (agreed, named) => agreed.or(named.flatten()),
    };
    match limit {
        Some(limit) if permits > limit => Err(format!(
            "{permits} permits are asked for and it has {limit}"
        )),
        limit => Ok(limit),
    }
}
