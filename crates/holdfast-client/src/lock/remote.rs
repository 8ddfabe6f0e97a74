//! Locks and claims looked at or changed from outside.

use std::time::Duration;

use http_types::duration::TextDuration;
use http_types::v1::deadlocks::{Deadlocks, OrderConflicts};
use http_types::v1::locks::{
    BreakRequest, Claim, EndedClaim, Explanation, ExtendRequest, HotLocks, Lock, LockHistory,
    LockList, LockSettingsRequest, LockState, LocksQuery, Queue, Verified, VerifyRequest,
};
use http_types::{headers, paths};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

/// A release; repeating it answers how the claim ended.
pub(super) fn release_call(lock: &str, claim: &str, session: Option<&str>) -> Call {
    let call = Call::new(Method::DELETE, paths::claim(lock, claim), Repeat::ById);
    for_session(call, session)
}

/// An extension; repeating it gives the same time again.
pub(super) fn extend_call(
    lock: &str,
    claim: &str,
    ttl: Option<Duration>,
    reason: Option<String>,
    session: Option<&str>,
) -> Result<Call, Error> {
    let body = ExtendRequest {
        ttl: ttl.map(TextDuration::from),
        reason,
    };
    let call = Call::new(Method::PATCH, paths::claim(lock, claim), Repeat::ById).json(&body)?;
    Ok(for_session(call, session))
}

fn for_session(call: Call, session: Option<&str>) -> Call {
    match session {
        Some(session) => call.header(headers::SESSION, session),
        None => call,
    }
}

impl Client {
    /// One page of the locks.
    ///
    /// # Errors
    /// As every read.
    pub async fn locks(&self, query: &LocksQuery) -> Result<LockList, Error> {
        let state = query.state.map(|state| match state {
            LockState::Free => "free".to_owned(),
            LockState::Held => "held".to_owned(),
            LockState::Delayed => "delayed".to_owned(),
        });
        let path = paths::with_query(
            "/v1/locks",
            &[
                ("prefix", query.prefix.clone()),
                ("state", state),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// A lock: who has it, how many wait, its settings.
    ///
    /// # Errors
    /// [`ErrorCode::NoLock`](crate::ErrorCode::NoLock) when nobody holds, awaits or configured it.
    pub async fn lock_info(&self, name: &str) -> Result<Lock, Error> {
        self.read(Call::get(paths::lock(name))).await?.json()
    }

    /// Who has a lock and who waits for it.
    ///
    /// # Errors
    /// As [`lock_info`](Client::lock_info).
    pub async fn queue(&self, name: &str) -> Result<Queue, Error> {
        self.read(Call::get(paths::lock_view(name, "queue")))
            .await?
            .json()
    }

    /// Why a lock is as it is, in sentences.
    ///
    /// # Errors
    /// As [`lock_info`](Client::lock_info).
    pub async fn explain(&self, name: &str) -> Result<Explanation, Error> {
        self.read(Call::get(paths::lock_view(name, "explain")))
            .await?
            .json()
    }

    /// Waits that were refused because they would never have ended, as the node that answers has seen since
    /// it started: the last hundred, newest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn deadlocks(&self) -> Result<Deadlocks, Error> {
        self.read(Call::get("/v1/deadlocks")).await?.json()
    }

    /// Locks that sessions take in both orders, as the node that answers has seen since it started.
    ///
    /// # Errors
    /// As every read.
    pub async fn lock_order(&self) -> Result<OrderConflicts, Error> {
        self.read(Call::get("/v1/lock-order")).await?.json()
    }

    /// The last holds of a lock that ended, the last one first: at most `limit`, or all that are
    /// remembered.
    ///
    /// # Errors
    /// [`ErrorCode::NoLock`](crate::ErrorCode::NoLock) when there is no such lock and no hold of it is
    /// remembered.
    pub async fn lock_history(
        &self,
        name: &str,
        limit: Option<usize>,
    ) -> Result<LockHistory, Error> {
        let path = paths::lock_view(name, "history");
        let path = paths::with_query(&path, &[("limit", limit.map(|limit| limit.to_string()))]);
        self.read(Call::get(path)).await?.json()
    }

    /// The locks that were waited for longest, now and in the holds that are remembered: at most `limit`, 20
    /// without one, whose names begin with `prefix`.
    ///
    /// # Errors
    /// As every read.
    pub async fn hot_locks(&self, prefix: &str, limit: Option<usize>) -> Result<HotLocks, Error> {
        let path = paths::with_query(
            "/v1/hot",
            &[
                ("prefix", (!prefix.is_empty()).then(|| prefix.to_owned())),
                ("limit", limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// Whether a fence still holds a lock.
    ///
    /// # Errors
    /// [`ErrorCode::FenceStale`](crate::ErrorCode::FenceStale) when it does not.
    pub async fn verify(&self, name: &str, fence: u64) -> Result<Verified, Error> {
        let call = Call::new(
            Method::POST,
            paths::lock_view(name, "verify"),
            Repeat::Harmless,
        )
        .json(&VerifyRequest { fence })?;
        self.read(call).await?.json()
    }

    /// Takes a lock from the holder with this fence.
    ///
    /// # Errors
    /// [`ErrorCode::FenceStale`](crate::ErrorCode::FenceStale) when somebody else has it by now.
    pub async fn break_lock(
        &self,
        name: &str,
        fence: u64,
        reason: &str,
    ) -> Result<EndedClaim, Error> {
        let call = Call::keyed_post(paths::lock_view(name, "break"))
            .header("if-match", headers::fence_tag(fence))
            .json(&BreakRequest {
                reason: reason.to_owned(),
            })?;
        self.write(call).await?.json()
    }

    /// Sets how a lock behaves; with `version`, only if its settings still have that one.
    ///
    /// # Errors
    /// [`ErrorCode::VersionMismatch`](crate::ErrorCode::VersionMismatch), and as every write.
    pub async fn configure_lock(
        &self,
        name: &str,
        settings: &LockSettingsRequest,
        version: Option<i32>,
    ) -> Result<Lock, Error> {
        let mut call = Call::new(Method::PUT, paths::lock(name), Repeat::Once).json(settings)?;
        if let Some(version) = version {
            call = call.header("if-match", headers::version_tag(version));
        }
        self.write(call).await?.json()
    }

    /// How a claim stands.
    ///
    /// # Errors
    /// [`ErrorCode::ClaimEnded`](crate::ErrorCode::ClaimEnded),
    /// [`ErrorCode::NoClaim`](crate::ErrorCode::NoClaim).
    pub async fn claim(&self, lock: &str, claim: &str) -> Result<Claim, Error> {
        self.read(Call::get(paths::claim(lock, claim)))
            .await?
            .json()
    }

    /// Gives a claim that has no guard so much time from now.
    ///
    /// # Errors
    /// [`ErrorCode::ClaimEnded`](crate::ErrorCode::ClaimEnded) when it is too late.
    pub async fn extend_claim(
        &self,
        lock: &str,
        claim: &str,
        ttl: Option<Duration>,
        session: Option<&str>,
    ) -> Result<Claim, Error> {
        self.write(extend_call(lock, claim, ttl, None, session)?)
            .await?
            .json()
    }

    /// Releases a claim that has no guard, or leaves the queue.
    ///
    /// # Errors
    /// [`ErrorCode::ClaimEnded`](crate::ErrorCode::ClaimEnded) when it had ended before in another
    /// way, so that the caller knows it worked unprotected.
    pub async fn release_claim(
        &self,
        lock: &str,
        claim: &str,
        session: Option<&str>,
    ) -> Result<EndedClaim, Error> {
        self.write(release_call(lock, claim, session)).await?.json()
    }
}
