//! Elections looked at or changed from outside.

use http_types::v1::elections::{
    Candidate, Election, ElectionList, ElectionsQuery, EndedCandidate, HandoverRequest,
};
use http_types::{headers, paths};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

/// A resignation; repeating it answers how the candidate ended.
pub(super) fn resign_call(election: &str, candidate: &str, session: &str) -> Call {
    let path = paths::candidate(election, candidate);
    Call::new(Method::DELETE, path, Repeat::ById).header(headers::SESSION, session)
}

impl Client {
    /// One page of the elections that have candidates.
    ///
    /// # Errors
    /// As every read.
    pub async fn elections(&self, query: &ElectionsQuery) -> Result<ElectionList, Error> {
        let path = paths::with_query(
            "/v1/elections",
            &[
                ("prefix", query.prefix.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// An election: who leads and who stands by.
    ///
    /// # Errors
    /// [`ErrorCode::NoElection`](crate::ErrorCode::NoElection) while nobody stands.
    pub async fn election_info(&self, name: &str) -> Result<Election, Error> {
        self.read(Call::get(paths::election(name))).await?.json()
    }

    /// How a candidate stands.
    ///
    /// # Errors
    /// [`ErrorCode::CandidateEnded`](crate::ErrorCode::CandidateEnded),
    /// [`ErrorCode::NoCandidate`](crate::ErrorCode::NoCandidate).
    pub async fn candidate(&self, election: &str, candidate: &str) -> Result<Candidate, Error> {
        let path = paths::candidate(election, candidate);
        self.read(Call::get(path)).await?.json()
    }

    /// Ends a candidacy that has no [`Leadership`](crate::Leadership).
    ///
    /// # Errors
    /// [`ErrorCode::CandidateTaken`](crate::ErrorCode::CandidateTaken) when it is another session's.
    pub async fn resign(
        &self,
        election: &str,
        candidate: &str,
        session: &str,
    ) -> Result<EndedCandidate, Error> {
        let call = resign_call(election, candidate, session);
        self.write(call).await?.json()
    }

    /// Hands a leadership over to another candidate: when the leader resigns, at the latest after
    /// the deadline of the request, without one at once.
    ///
    /// # Errors
    /// [`ErrorCode::NoCandidate`](crate::ErrorCode::NoCandidate),
    /// [`ErrorCode::TermStale`](crate::ErrorCode::TermStale); as every write.
    pub async fn hand_over(
        &self,
        election: &str,
        request: &HandoverRequest,
    ) -> Result<Election, Error> {
        let path = paths::election_view(election, "transfer");
        self.write(Call::keyed_post(path).json(request)?)
            .await?
            .json()
    }
}
