//! Barriers: coming in with others, and leaving together.

use std::time::Duration;

use http_types::problem::ErrorCode;
use http_types::v1::barriers::{Barrier, BarrierState, EnterRequest, Party, PartyLeft};
use http_types::{headers, paths};
use reqwest::Method;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::error::Error;
use crate::loss::Loss;
use crate::session::Session;
use crate::transport::{Call, Repeat, random_id};
use crate::turn::{POLL, POLL_MIN, Patience, wait_for_turn};
use crate::withdrawal::{Withdrawal, send_in_background};

type OnWaiting = Box<dyn FnMut(&Party) + Send>;

/// How to enter a barrier; see [`Client::barrier`].
#[must_use = "a party comes in by enter"]
pub struct BarrierBuilder {
    client: Client,
    name: String,
    member: String,
    request: EnterRequest,
    poll: Duration,
    on_waiting: Option<OnWaiting>,
}

impl std::fmt::Debug for BarrierBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BarrierBuilder")
            .field("name", &self.name)
            .field("member", &self.member)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins to describe a party of a barrier for so many parties. Its id is chosen here, so everything
    /// below may be repeated.
    pub fn barrier(&self, name: impl Into<String>, parties: u32) -> BarrierBuilder {
        BarrierBuilder {
            client: self.clone(),
            name: name.into(),
            member: random_id("p"),
            request: EnterRequest { parties },
            poll: POLL,
            on_waiting: None,
        }
    }

    /// A barrier: who is in it, and whether it is open.
    ///
    /// # Errors
    /// As every read.
    pub async fn barrier_info(&self, name: &str) -> Result<Barrier, Error> {
        self.read(Call::get(paths::barrier(name))).await?.json()
    }
}

impl BarrierBuilder {
    /// Another id than the random one. `ready` is none.
    pub fn member_id(mut self, id: impl Into<String>) -> BarrierBuilder {
        self.member = id.into();
        self
    }

    /// Called with how the barrier stands, about every `every`, while others are missing.
    pub fn on_waiting(
        mut self,
        every: Duration,
        call: impl FnMut(&Party) + Send + 'static,
    ) -> BarrierBuilder {
        self.poll = every.clamp(POLL_MIN, POLL);
        self.on_waiting = Some(Box::new(call));
        self
    }

    /// Comes in and waits until the barrier is open. While parties of the round before have not all left, it
    /// waits for that first.
    ///
    /// # Errors
    /// [`ErrorCode::PartiesDiffer`] when others in it named another number, [`ErrorCode::MemberTaken`],
    /// [`ErrorCode::NoParty`] when somebody took the party out; [`Error::SessionLost`]; as every write.
    ///
    /// Cancel safety: dropping the future takes the party out in the background.
    pub async fn enter(mut self, session: &Session) -> Result<Passage, Error> {
        if let Some(loss) = session.loss() {
            return Err(Error::SessionLost(loss));
        }
        let path = paths::barrier_member(&self.name, &self.member);
        let call = Call::new(Method::PUT, path, Repeat::ById)
            .json(&self.request)?
            .header(headers::SESSION, session.id());
        let leave = leave_call(&self.name, &self.member, session.id());
        let pending = Withdrawal::by(session.client(), leave.clone());
        let party = tokio::select! {
            biased;
            () = session.lost() => {
                return Err(Error::SessionLost(session.loss().unwrap_or(Loss::Unconfirmed)));
            }
            open = self.wait_to_open(&call, &leave) => open.inspect_err(|error| pending.settle(error))?,
        };
        pending.done();
        Ok(Passage {
            session: session.clone(),
            party,
            left: false,
        })
    }

    async fn wait_to_open(&mut self, call: &Call, leave: &Call) -> Result<Party, Error> {
        let client = self.client.clone();
        loop {
            let patience = Patience {
                poll: self.poll,
                end: None,
            };
            let opened = wait_for_turn(&client, call, patience, |party: &Party| {
                let is_open = party.state == BarrierState::Open;
                if let (false, Some(on_waiting)) = (is_open, &mut self.on_waiting) {
                    on_waiting(party);
                }
                is_open
            });
            match opened.await {
                Ok((party, _)) => return Ok(party),
                Err(error) if error.code() == Some(ErrorCode::BarrierOpen) => {
                    // To leave without being in is to wait for the others to have left.
                    let patience = Patience {
                        poll: POLL,
                        end: None,
                    };
                    let is_free = |left: &PartyLeft| left.state != BarrierState::Open;
                    let _ = wait_for_turn(&client, leave, patience, is_free).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A passage through an open barrier: all parties have met. Dropping it leaves in the background;
/// [`leave`](Passage::leave) waits for the others.
#[derive(Debug)]
#[must_use = "dropping the passage leaves the barrier"]
pub struct Passage {
    session: Session,
    party: Party,
    left: bool,
}

impl Passage {
    /// The party as it was when the barrier was found open.
    #[must_use]
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// The session it lives with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Fires when the session is lost, and with it the party: the others may leave without it.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.session.lost_token()
    }

    /// Waits until the session is lost. Cancel safe.
    pub async fn lost(&self) {
        self.session.lost().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.session.loss()
    }

    /// Leaves, and waits until all have left.
    ///
    /// # Errors
    /// [`Error::SessionLost`]; as every write. When the outcome is unknown, the end of the session leaves.
    ///
    /// Cancel safety: once polled the party is on its way out; what is lost is only the wait.
    pub async fn leave(mut self) -> Result<PartyLeft, Error> {
        self.left = true;
        let call = leave_call(&self.party.barrier, &self.party.member, self.session.id());
        let patience = Patience {
            poll: POLL,
            end: None,
        };
        let client = self.session.client();
        let all_left = wait_for_turn(client, &call, patience, |left: &PartyLeft| {
            left.state != BarrierState::Open
        });
        tokio::select! {
            biased;
            () = self.session.lost() => {
                Err(Error::SessionLost(self.session.loss().unwrap_or(Loss::Unconfirmed)))
            }
            left = all_left => left.map(|(left, _)| left),
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        // A session that is lost takes its parties with it.
        if !self.left && self.session.loss().is_none() {
            let call = leave_call(&self.party.barrier, &self.party.member, self.session.id());
            send_in_background(self.session.client(), call);
        }
    }
}

/// Repeating it is answered alike.
fn leave_call(barrier: &str, member: &str, session: &str) -> Call {
    let path = paths::barrier_member(barrier, member);
    Call::new(Method::DELETE, path, Repeat::ById).header(headers::SESSION, session)
}
