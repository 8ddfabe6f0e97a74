//! Elections: standing, and the leadership that says how long it is certain.

mod leadership;
mod remote;

use std::time::Duration;

use http_types::headers;
use http_types::paths;
use http_types::v1::elections::{CampaignRequest, Candidate, CandidateState};
use reqwest::Method;

pub use leadership::{Handover, Leadership};
use remote::resign_call;

use crate::client::Client;
use crate::error::Error;
use crate::loss::Loss;
use crate::session::Session;
use crate::transport::{Call, Repeat, random_id};
use crate::turn::{POLL, POLL_MIN, Patience, wait_for_turn};
use crate::withdrawal::Withdrawal;

type OnStandby = Box<dyn FnMut(&Candidate) + Send>;

/// How to stand for election; see [`Client::election`].
#[must_use = "a candidate stands by campaign"]
pub struct ElectionBuilder {
    client: Client,
    name: String,
    candidate: String,
    request: CampaignRequest,
    poll: Duration,
    on_standby: Option<OnStandby>,
}

impl std::fmt::Debug for ElectionBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ElectionBuilder")
            .field("name", &self.name)
            .field("candidate", &self.candidate)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins to describe a candidate of an election. Its id is chosen here, so everything below may be
    /// repeated.
    pub fn election(&self, name: impl Into<String>) -> ElectionBuilder {
        ElectionBuilder {
            client: self.clone(),
            name: name.into(),
            candidate: random_id("c"),
            request: CampaignRequest::default(),
            poll: POLL,
            on_standby: None,
        }
    }
}

impl ElectionBuilder {
    /// What others find at the leader, such as its address.
    pub fn value(mut self, value: impl Into<String>) -> ElectionBuilder {
        self.request.value = Some(value.into());
        self
    }

    /// Of the candidates the one with the greatest weight leads next (0 unless said). It unseats nobody.
    pub fn weight(mut self, weight: u32) -> ElectionBuilder {
        self.request.weight = weight;
        self
    }

    /// Another id than the random one, by which transfers name this candidate. Never use an id for
    /// two candidacies of one session: once it resigned, it cannot stand again.
    pub fn candidate_id(mut self, id: impl Into<String>) -> ElectionBuilder {
        self.candidate = id.into();
        self
    }

    /// Called with how the candidate stands, about every `every`, while somebody else leads.
    pub fn on_standby(
        mut self,
        every: Duration,
        call: impl FnMut(&Candidate) + Send + 'static,
    ) -> ElectionBuilder {
        self.poll = every.clamp(POLL_MIN, POLL);
        self.on_standby = Some(Box::new(call));
        self
    }

    /// Stands until it leads.
    ///
    /// # Errors
    /// [`ErrorCode::StandsAlready`](crate::ErrorCode::StandsAlready) when the session has a candidate
    /// in this election, [`ErrorCode::CandidateEnded`](crate::ErrorCode::CandidateEnded) when somebody
    /// deleted the candidate; [`Error::SessionLost`]; as every write.
    ///
    /// Cancel safety: dropping the future withdraws the candidate in the background.
    pub async fn campaign(mut self, session: &Session) -> Result<Leadership, Error> {
        if let Some(loss) = session.loss() {
            return Err(Error::SessionLost(loss));
        }
        let path = paths::candidate(&self.name, &self.candidate);
        let call = Call::new(Method::PUT, path, Repeat::ById)
            .json(&self.request)?
            .header(headers::SESSION, session.id());
        let resign = resign_call(&self.name, &self.candidate, session.id());
        let pending = Withdrawal::by(session.client(), resign);
        let patience = Patience {
            poll: self.poll,
            end: None,
        };
        let client = self.client.clone();
        let turn = wait_for_turn(&client, &call, patience, |candidate: &Candidate| {
            let leads = candidate.state == CandidateState::Leader;
            if let (false, Some(on_standby)) = (leads, &mut self.on_standby) {
                on_standby(candidate);
            }
            leads
        });
        let (candidate, _) = tokio::select! {
            biased;
            () = session.lost() => {
                return Err(Error::SessionLost(session.loss().unwrap_or(Loss::Unconfirmed)));
            }
            leads = turn => leads.inspect_err(|error| pending.settle(error))?,
        };
        pending.done();
        Ok(Leadership::new(session.clone(), candidate))
    }
}
