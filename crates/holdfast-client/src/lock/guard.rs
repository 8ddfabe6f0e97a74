//! A held lock.

use std::time::Duration;

use http_types::problem::ErrorCode;
use http_types::v1::locks::{Claim, EndedClaim, Verified};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::remote::{extend_call, release_call};
use crate::error::Error;
use crate::loss::Loss;
use crate::session::{Registration, Session};
use crate::withdrawal::send_in_background;

/// A held lock. Dropping it releases the lock in the background; [`release`](LockGuard::release)
/// says whether that worked.
///
/// Holding the guard does not prove holding the lock: a process can be stopped for longer than the
/// session lives. Race the work against [`lost`](LockGuard::lost), and let what the lock protects
/// compare [`fence`](LockGuard::fence)s.
#[derive(Debug)]
#[must_use = "dropping the guard releases the lock"]
pub struct LockGuard {
    session: Session,
    claim: Claim,
    registration: Registration,
    released: bool,
}

impl LockGuard {
    pub(super) fn new(session: Session, claim: Claim, registration: Registration) -> LockGuard {
        LockGuard {
            session,
            claim,
            registration,
            released: false,
        }
    }

    /// The fencing token: every later grant of this lock has a larger one.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.claim.fence
    }

    /// Name of the lock.
    #[must_use]
    pub fn lock(&self) -> &str {
        &self.claim.lock
    }

    /// The claim as it was when it was granted.
    #[must_use]
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The session it lives with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Until then the hold is certain, unless somebody breaks it on purpose.
    #[must_use]
    pub fn safe_until(&self) -> Instant {
        self.registration.safe_until()
    }

    /// Fires when the lock is lost: its session is, its time to hold is over, or it was broken.
    /// Also when no server can be reached to say so.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.registration.lost.clone()
    }

    /// Waits until the lock is lost. Cancel safe.
    pub async fn lost(&self) {
        self.registration.lost.cancelled().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.registration.loss()
    }

    /// Asks the cluster whether the fence still holds the lock.
    ///
    /// # Errors
    /// [`ErrorCode::FenceStale`] when it does not; the guard then reports loss too.
    pub async fn verify(&self) -> Result<Verified, Error> {
        let answer = self
            .session
            .client()
            .verify(self.lock(), self.fence())
            .await;
        if let Err(error) = &answer
            && error.code() == Some(ErrorCode::FenceStale)
        {
            self.registration.lose(Loss::ClaimEnded(error.to_string()));
        }
        answer
    }

    /// Gives the hold so much time from now.
    ///
    /// # Errors
    /// [`ErrorCode::ClaimEnded`] when it is too late; the guard then reports loss too.
    pub async fn extend(&mut self, ttl: Duration) -> Result<(), Error> {
        let call = extend_call(
            self.lock(),
            &self.claim.claim,
            Some(ttl),
            None,
            Some(self.session.id()),
        )?;
        match self.session.client().write(call).await {
            Ok(answer) => {
                self.claim = answer.json()?;
                let time = self.claim.expires_ms.map(Duration::from_millis);
                self.registration.extended(answer.sent, time);
                Ok(())
            }
            Err(error) => {
                if let Some(ErrorCode::ClaimEnded | ErrorCode::NoClaim) = error.code() {
                    self.registration.lose(Loss::ClaimEnded(error.to_string()));
                }
                Err(error)
            }
        }
    }

    /// Releases the lock; the next in line has it when this returns.
    ///
    /// # Errors
    /// [`ErrorCode::ClaimEnded`] when it had ended before, so that the caller knows it worked
    /// unprotected; as every write. When the outcome is unknown, the end of the session releases it.
    pub async fn release(mut self) -> Result<EndedClaim, Error> {
        self.released = true;
        let call = release_call(self.lock(), &self.claim.claim, Some(self.session.id()));
        self.session.client().write(call).await?.json()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // A session that is lost takes its locks with it.
        if !self.released && self.session.loss().is_none() {
            let call = release_call(&self.claim.lock, &self.claim.claim, Some(self.session.id()));
            send_in_background(self.session.client(), call);
        }
    }
}
