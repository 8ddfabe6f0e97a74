//! A client of an ensemble, or of this cluster's ZooKeeper ports: one session, kept across
//! connections to whichever server answers.
//!
//! The session holds nothing: when it is lost a new one is as good. It is kept because the server
//! then guards that no other server shows an older state.

use std::time::Duration;

use bytes::Bytes;
use holdfast_client::Effect;
use tokio::time::{Instant, sleep};
use zookeeper::proto::connect::{ConnectRequest, Password};
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::{AuthPacket, PathRequest, Request};
use zookeeper::proto::response::Reply;

use super::wire::Wire;
use crate::exit::{Exit, Failure};

/// Session timeout asked for: the longest a server grants by default.
const SESSION_TIMEOUT_MS: i32 = 40_000;
/// Silence after which a session is pinged.
const PING_AFTER: Duration = Duration::from_secs(10);
/// For an ensemble to answer for the first time: an address that is wrong is to be told soon.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// For an ensemble that does not answer any more: longer than an election takes anywhere.
const RECONNECT_WITHIN: Duration = Duration::from_secs(60);
/// Between two rounds through all servers.
const RECONNECT_PAUSE: Duration = Duration::from_millis(300);
/// Bytes of replies that are taken in one go.
const BYTES_AT_ONCE: usize = 8 << 20;

/// Where and who.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// What messages call it.
    pub(super) name: &'static str,
    /// `host:port` of each server.
    pub(super) servers: Vec<String>,
    /// Scheme and credentials.
    pub(super) auth: Vec<(String, String)>,
    /// Whether a server without a quorum will do.
    pub(super) read_only: bool,
}

/// The client.
#[derive(Debug)]
pub(super) struct Ensemble {
    access: Access,
    session: Option<(i64, Password)>,
    /// Greatest zxid seen.
    seen: i64,
    wire: Option<Wire>,
    /// The server that is connected, or is asked next.
    current: usize,
    patience: Duration,
    last_used: Instant,
}

/// A write that was not answered.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The connection was lost: nobody knows whether it happened.
    Unknown,
    /// No going on.
    Failed(Failure),
}

impl From<Failure> for WriteError {
    fn from(failure: Failure) -> WriteError {
        WriteError::Failed(failure)
    }
}

/// Why one server does not do.
enum Refused {
    /// Another may.
    Unreachable(String),
    /// None will.
    Credentials(String),
}

impl Ensemble {
    /// Connects, and has the server catch up with the ensemble.
    ///
    /// # Errors
    /// Nobody answers, or the credentials are refused.
    pub(super) async fn connect(access: Access) -> Result<Ensemble, Failure> {
        let mut ensemble = Ensemble {
            access,
            session: None,
            seen: 0,
            wire: None,
            current: 0,
            patience: CONNECT_WITHIN,
            last_used: Instant::now(),
        };
        ensemble.catch_up().await?;
        ensemble.patience = RECONNECT_WITHIN;
        Ok(ensemble)
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &'static str {
        self.access.name
    }

    /// Has the server catch up with what the ensemble has committed. A server without a quorum
    /// cannot, and was asked for as it is.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) async fn catch_up(&mut self) -> Result<(), Failure> {
        let sync = if self.access.read_only {
            Request::Ping
        } else {
            Request::Sync(PathRequest {
                path: "/".to_owned(),
            })
        };
        self.read(&[sync]).await.map(|_| ())
    }

    /// Keeps the session while the other side is busy.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) async fn keep_alive(&mut self) -> Result<(), Failure> {
        if self.last_used.elapsed() > PING_AFTER {
            self.read(&[Request::Ping]).await?;
        }
        Ok(())
    }

    /// Asks what can be asked twice. Returns the replies to a beginning of the requests, at least to
    /// one: to all of them unless they are very long.
    ///
    /// # Errors
    /// Nobody answers any more.
    pub(super) async fn read(&mut self, requests: &[Request]) -> Result<Vec<Reply>, Failure> {
        let deadline = Instant::now() + self.patience;
        loop {
            self.connected(deadline).await?;
            match self.exchange(requests).await {
                Ok(replies) => return Ok(replies),
                Err(why) if Instant::now() > deadline => return Err(self.unreachable(&why)),
                Err(_) => self.next_server(),
            }
        }
    }

    /// Sends what changes something, once. All of it is answered.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub(super) async fn write(&mut self, requests: &[Request]) -> Result<Vec<Reply>, WriteError> {
        self.connected(Instant::now() + self.patience).await?;
        let mut replies = Vec::with_capacity(requests.len());
        while let Some(rest) = requests.get(replies.len()..)
            && !rest.is_empty()
        {
            match self.exchange(rest).await {
                Ok(more) => replies.extend(more),
                Err(_) => {
                    self.next_server();
                    return Err(WriteError::Unknown);
                }
            }
        }
        Ok(replies)
    }

    /// Ends the session. Without an answer it ends by itself, at its timeout.
    pub(super) async fn close(&mut self) {
        if self.wire.is_some() {
            let _ = self.exchange(&[Request::CloseSession]).await;
        }
    }

    async fn exchange(&mut self, requests: &[Request]) -> Result<Vec<Reply>, String> {
        let Some(wire) = &mut self.wire else {
            return Err("not connected".to_owned());
        };
        let replies = wire.exchange(requests, BYTES_AT_ONCE).await;
        let replies = replies.map_err(|error| error.to_string())?;
        self.last_used = Instant::now();
        for reply in &replies {
            self.seen = self.seen.max(reply.zxid);
            if let Err(error) = reply.result
                && ends_the_session(error)
            {
                self.session = None;
                return Err(error.name().to_owned());
            }
        }
        Ok(replies)
    }

    fn next_server(&mut self) {
        self.wire = None;
        self.current = (self.current + 1) % self.access.servers.len().max(1);
    }

    async fn connected(&mut self, deadline: Instant) -> Result<(), Failure> {
        let mut round = 0;
        while self.wire.is_none() {
            match self.attach().await {
                Ok(wire) => self.wire = Some(wire),
                Err(Refused::Credentials(why)) => {
                    let what = format!("authenticate at {}", self.place());
                    return Err(Failure::new(Exit::Permission, what, why).remedy(
                        "look at the credentials; the schemes digest and ip need no SASL",
                    ));
                }
                Err(Refused::Unreachable(why)) if Instant::now() > deadline => {
                    return Err(self.unreachable(&why));
                }
                Err(Refused::Unreachable(why)) => {
                    tracing::debug!(server = self.server(), why, "not connected");
                    self.next_server();
                    round += 1;
                    if round % self.access.servers.len().max(1) == 0 {
                        sleep(RECONNECT_PAUSE).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn attach(&mut self) -> Result<Wire, Refused> {
        let unreachable = |error: std::io::Error| Refused::Unreachable(error.to_string());
        let (id, password) = self.session.unwrap_or_default();
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: self.seen,
            timeout_ms: SESSION_TIMEOUT_MS,
            session_id: id,
            password: Some(Bytes::copy_from_slice(&password)),
            read_only: Some(self.access.read_only),
        };
        let opened = Wire::open(self.server(), &request).await;
        let (mut wire, session) = opened.map_err(unreachable)?;
        if session.is_refused() {
            self.session = None;
            return Err(Refused::Unreachable("the session has expired".to_owned()));
        }
        self.session = Some((session.session_id, session.password));
        for (scheme, credentials) in &self.access.auth {
            let auth = Request::Auth(AuthPacket {
                auth_type: 0,
                scheme: scheme.clone(),
                auth: Some(Bytes::copy_from_slice(credentials.as_bytes())),
            });
            let replies = wire.exchange(&[auth], BYTES_AT_ONCE).await;
            let replies = replies.map_err(unreachable)?;
            if let Some(Err(error)) = replies.first().map(|reply| &reply.result) {
                let why = format!("{scheme} was answered {}", error.name());
                return Err(Refused::Credentials(why));
            }
        }
        Ok(wire)
    }

    fn server(&self) -> &str {
        let server = self.access.servers.get(self.current);
        server.map_or("", String::as_str)
    }

    fn place(&self) -> String {
        format!("{} ({})", self.access.name, self.access.servers.join(", "))
    }

    fn unreachable(&self, why: &str) -> Failure {
        let seconds = self.patience.as_secs();
        let (what, server) = (format!("talk to {}", self.place()), self.server());
        let why = format!("no server answers for {seconds} s; the last, {server}: {why}");
        if self.patience == CONNECT_WITHIN {
            return Failure::new(Exit::Unavailable, what, why)
                .remedy("look at the address and the port; nothing was written");
        }
        Failure {
            outcome: Some(Effect::Unknown),
            ..Failure::new(Exit::Unknown, what, why)
        }
        .remedy("when it is back, run the same command again: it goes on where it was")
    }
}

fn ends_the_session(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::SessionExpired | ErrorCode::SessionMoved | ErrorCode::ConnectionLoss
    )
}
