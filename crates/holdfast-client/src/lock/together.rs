//! Several locks, all or none.

use http_types::headers;
use http_types::v1::locks::{AcquireAllRequest, Claim, ClaimPart, Claims, Mode};
use reqwest::Method;
use tokio::time::Instant;

use super::{LockBuilder, tell_of_wait};
use crate::error::Error;
use crate::transport::{Call, Repeat};
use crate::turn::wait_for_turn;

impl LockBuilder {
    /// And this lock, alone: then all of them are taken, or none yet. The guard is one for all: releasing it
    /// releases them, and losing one of them is losing them.
    ///
    /// What is set besides (wait, ttl, reason, labels, id) is that of all; `reentrant` does not go with it.
    pub fn and(self, lock: impl Into<String>) -> LockBuilder {
        self.and_part(ClaimPart {
            lock: lock.into(),
            mode: Some(Mode::Exclusive),
            ..ClaimPart::default()
        })
    }

    /// And this lock, together with other shared claims of it; see [`and`](LockBuilder::and).
    pub fn and_shared(self, lock: impl Into<String>) -> LockBuilder {
        self.and_part(ClaimPart {
            lock: lock.into(),
            mode: Some(Mode::Shared),
            ..ClaimPart::default()
        })
    }

    /// And so many permits of this semaphore; `limit` as in [`limit`](LockBuilder::limit). See
    /// [`and`](LockBuilder::and).
    pub fn and_permits(
        self,
        lock: impl Into<String>,
        permits: u32,
        limit: Option<u32>,
    ) -> LockBuilder {
        self.and_part(ClaimPart {
            lock: lock.into(),
            mode: Some(Mode::Permits),
            permits: Some(permits),
            limit,
        })
    }

    /// And this lock, however the part says; see [`and`](LockBuilder::and).
    pub fn and_part(mut self, part: ClaimPart) -> LockBuilder {
        self.others.push(part);
        self
    }

    /// Repeats the same POST until the claim holds all of its locks. Gives the claim at the first that was
    /// named, which stands for all.
    pub(super) async fn run_together(
        mut self,
        session: Option<String>,
    ) -> Result<(Claim, Instant), Error> {
        if self.request.reentrant {
            let why = "a claim of several locks cannot be reentrant: claim them one by one";
            return Err(Error::Invalid(why.to_owned()));
        }
        let mut call = Call::new(Method::POST, "/v1/claims", Repeat::ById).json(&self.asked())?;
        if let Some(session) = session {
            call = call.header(headers::SESSION, session);
        }
        let patience = self.patience();
        let name = self.name;
        let (found, sent) = wait_for_turn(&self.client, &call, patience, |found: &Claims| {
            let own = found.claims.iter().find(|claim| claim.lock == name);
            own.is_none_or(|claim| tell_of_wait(&mut self.on_wait, claim))
        })
        .await?;
        let own = found.claims.into_iter().find(|claim| claim.lock == name);
        let claim = own.ok_or_else(|| Error::Protocol {
            what: format!("the answer to a claim of {name} does not show it"),
            outcome: http_types::problem::Effect::Unknown,
        })?;
        Ok((claim, sent))
    }

    fn asked(&self) -> AcquireAllRequest {
        let request = &self.request;
        let own = ClaimPart {
            lock: self.name.clone(),
            mode: request.mode,
            permits: request.permits,
            limit: request.limit,
        };
        AcquireAllRequest {
            id: Some(self.claim.clone()),
            all_of: std::iter::once(own)
                .chain(self.others.iter().cloned())
                .collect(),
            wait: request.wait,
            ttl: request.ttl,
            ack_within: request.ack_within,
            reason: request.reason.clone(),
            labels: request.labels.clone(),
        }
    }
}
