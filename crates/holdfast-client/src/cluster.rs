//! The cluster itself: who is in, who leads, is it well.

use std::time::Duration;

use http_types::paths;
use http_types::problem::Effect;
use http_types::v1::cluster::{
    Cluster, Digest, MemberChange, MemberRequest, ReplaceRequest, Role, Transfer, TransferRequest,
};
use http_types::v1::health::Health;
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

/// Time for a membership change or a transfer, on top of the ordinary: a new member may have to
/// receive a snapshot first.
const CHANGE_PATIENCE: Duration = Duration::from_secs(60);

/// How a membership change is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeMode {
    /// Say what would happen, change nothing.
    pub dry_run: bool,
    /// Do what the arithmetic calls unsafe.
    pub force: bool,
}

impl ChangeMode {
    fn query(self) -> String {
        format!(
            "?dry_run={}&force={}",
            u8::from(self.dry_run),
            u8::from(self.force)
        )
    }

    /// A question can be repeated, a change cannot: between two of ours somebody may have made
    /// another.
    fn repeat(self) -> Repeat {
        if self.dry_run {
            Repeat::Harmless
        } else {
            Repeat::Once
        }
    }
}

impl Client {
    /// Members, leader, quorum.
    ///
    /// # Errors
    /// As every read.
    pub async fn cluster(&self) -> Result<Cluster, Error> {
        self.read(Call::get("/v1/cluster")).await?.json()
    }

    /// Digest of one node's state; `endpoint` is one of [`endpoints`](Client::endpoints) or the API
    /// address of any member.
    ///
    /// # Errors
    /// When that node does not answer.
    pub async fn digest_at(&self, endpoint: &str) -> Result<Digest, Error> {
        self.at(endpoint, "/v1/cluster/digest").await
    }

    /// Health of one node. A node that is not ready answers too.
    ///
    /// # Errors
    /// When that node does not answer.
    pub async fn health_at(&self, endpoint: &str) -> Result<Health, Error> {
        self.at(endpoint, "/v1/health").await
    }

    /// What one node has counted, as OpenMetrics text.
    ///
    /// # Errors
    /// When that node does not answer.
    pub async fn metrics_at(&self, endpoint: &str) -> Result<String, Error> {
        let failed = |what: String| Error::Protocol {
            what,
            outcome: Effect::NotApplied,
        };
        let call = Call::get("/metrics");
        let asked = self.transport.fetch(&call, endpoint).await;
        let (status, body) = asked.map_err(failed)?;
        if !status.is_success() {
            return Err(failed(format!("{endpoint}/metrics: status {status}")));
        }
        String::from_utf8(body.into())
            .map_err(|_| failed(format!("{endpoint}/metrics: it is not text")))
    }

    /// A read of one certain node.
    async fn at<T: serde::de::DeserializeOwned>(
        &self,
        endpoint: &str,
        path: &str,
    ) -> Result<T, Error> {
        let failed = |what: String| Error::Protocol {
            what,
            outcome: Effect::NotApplied,
        };
        let (status, body) = self
            .transport
            .fetch(&Call::get(path), endpoint)
            .await
            .map_err(failed)?;
        // An unhealthy node answers 503 with the same document.
        serde_json::from_slice(&body).map_err(|error| match serde_json::from_slice(&body) {
            Ok(problem) => Error::Refused(Box::new(problem)),
            Err(_) => failed(format!("{endpoint}{path}: status {status}: {error}")),
        })
    }

    /// Adds a learner.
    ///
    /// # Errors
    /// [`ErrorCode::UnsafeChange`](crate::ErrorCode::UnsafeChange) and as every write.
    pub async fn add_member(
        &self,
        id: &str,
        peer: &str,
        api: &str,
        mode: ChangeMode,
    ) -> Result<MemberChange, Error> {
        let body = MemberRequest {
            peer: peer.to_owned(),
            api: api.to_owned(),
            role: Role::Learner,
        };
        let path = format!("{}{}", paths::member(id), mode.query());
        self.change(Call::new(Method::PUT, path, mode.repeat()).json(&body)?)
            .await
    }

    /// Makes a learner a voter.
    ///
    /// # Errors
    /// As [`add_member`](Client::add_member).
    pub async fn promote_member(&self, id: &str, mode: ChangeMode) -> Result<MemberChange, Error> {
        let path = format!("{}/promote{}", paths::member(id), mode.query());
        self.change(Call::new(Method::POST, path, mode.repeat()))
            .await
    }

    /// Removes a member for good: its id is never used again.
    ///
    /// # Errors
    /// As [`add_member`](Client::add_member).
    pub async fn remove_member(&self, id: &str, mode: ChangeMode) -> Result<MemberChange, Error> {
        let path = format!("{}{}", paths::member(id), mode.query());
        self.change(Call::new(Method::DELETE, path, mode.repeat()))
            .await
    }

    /// Puts a new node in the place of a lost one.
    ///
    /// # Errors
    /// As [`add_member`](Client::add_member).
    pub async fn replace_member(
        &self,
        request: &ReplaceRequest,
        mode: ChangeMode,
    ) -> Result<MemberChange, Error> {
        let path = format!("{}{}", paths::member_replace(), mode.query());
        self.change(Call::new(Method::POST, path, mode.repeat()).json(request)?)
            .await
    }

    /// Hands leadership over, to this member or to whoever is most up to date.
    ///
    /// # Errors
    /// As every write.
    pub async fn transfer_leadership(&self, to: Option<&str>) -> Result<Transfer, Error> {
        let body = TransferRequest {
            to: to.map(str::to_owned),
        };
        let mut call = Call::new(Method::POST, "/v1/cluster/leader", Repeat::Once).json(&body)?;
        call.patience = CHANGE_PATIENCE;
        self.write(call).await?.json()
    }

    async fn change(&self, mut call: Call) -> Result<MemberChange, Error> {
        call.patience = CHANGE_PATIENCE;
        self.write(call).await?.json()
    }
}
