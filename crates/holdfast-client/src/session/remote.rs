//! Sessions looked at or ended from outside.

use http_types::paths;
use http_types::v1::sessions::{
    EndedSession, Keepalive, SessionDetail, SessionList, SessionsQuery,
};
use reqwest::Method;

use super::close_call;
use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

impl Client {
    /// One page of the sessions.
    ///
    /// # Errors
    /// As every read.
    pub async fn sessions(&self, query: &SessionsQuery) -> Result<SessionList, Error> {
        let path = paths::with_query(
            "/v1/sessions",
            &[
                ("owner.host", query.owner_host.clone()),
                ("owner.service", query.owner_service.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// A session and everything it owns.
    ///
    /// # Errors
    /// [`ErrorCode::NoSession`](crate::ErrorCode::NoSession),
    /// [`ErrorCode::SessionExpired`](crate::ErrorCode::SessionExpired), and as every read.
    pub async fn session(&self, id: &str) -> Result<SessionDetail, Error> {
        self.read(Call::get(paths::session(id))).await?.json()
    }

    /// One keep-alive for a session that is not kept alive by a [`Session`](crate::Session).
    ///
    /// # Errors
    /// As [`session`](Client::session).
    pub async fn keep_alive(&self, id: &str) -> Result<Keepalive, Error> {
        let path = paths::session_action(id, "keepalive");
        self.write(Call::new(Method::POST, path, Repeat::Harmless))
            .await?
            .json()
    }

    /// Ends a session, whoever opened it.
    ///
    /// # Errors
    /// As every write; ending an ended session is none.
    pub async fn end_session(&self, id: &str) -> Result<EndedSession, Error> {
        self.write(close_call(id)).await?.json()
    }
}
