//! Holdfast's HTTP API, over connections that are kept.
//!
//! Requests are written as bytes and answers read with `httparse`: a whole HTTP client costs more CPU per request
//! than the servers.

mod connection;

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use self::connection::{Answer, Connection};
use crate::plan::Reading;
use crate::target::{Client, Grant, Target, Trouble};

/// Each request renews its session; what a run leaves over ends by itself.
const SESSION_TTL: &str = "1m";
/// How long one request waits for a grant, in seconds; it is repeated.
const WAIT: &str = "prefer: wait=55\r\n";

/// Nodes that speak HTTP.
#[derive(Clone, Debug)]
pub struct Http {
    servers: Arc<[String]>,
    /// Tells the sessions and claims of this run from those of others.
    run: Arc<str>,
}

impl Http {
    /// At these addresses, `host:port`.
    #[must_use]
    pub fn new(servers: Vec<String>) -> Http {
        Http {
            servers: servers.into(),
            run: format!("{:08x}", rand::random::<u32>()).into(),
        }
    }
}

impl Target for Http {
    type Client = HttpClient;

    fn name(&self) -> &'static str {
        "http"
    }

    async fn connect(&self, number: usize) -> Result<HttpClient, Trouble> {
        let index = number.checked_rem(self.servers.len()).unwrap_or_default();
        let Some(address) = self.servers.get(index) else {
            return Err(Trouble::unreachable("no address"));
        };
        let client = HttpClient {
            connection: Connection::open(address).await?,
            session: String::new(),
            id: format!("b{}-{number}-{:06x}", self.run, rand::random::<u32>() >> 8),
            claims: 0,
            seen: 0,
            head: String::new(),
        };
        Ok(client)
    }
}

/// A connection, and a session once it is asked for.
#[derive(Debug)]
pub struct HttpClient {
    connection: Connection,
    /// The header that names the session, or nothing.
    session: String,
    id: String,
    claims: u64,
    /// Index of the last write seen.
    seen: u64,
    head: String,
}

/// Of an answer to a claim, what is looked at.
#[derive(Deserialize)]
struct Claim {
    state: String,
    fence: Option<u64>,
}

/// Of a problem document, what is looked at.
#[derive(Deserialize)]
struct Problem {
    code: String,
    outcome: String,
}

impl HttpClient {
    async fn ask(
        &mut self,
        method: &str,
        path: &[&str],
        headers: &str,
        body: &[u8],
    ) -> Result<Answer, Trouble> {
        self.head.clear();
        self.head.push_str(method);
        self.head.push(' ');
        for piece in path {
            self.head.push_str(piece);
        }
        let _ = write!(
            self.head,
            " HTTP/1.1\r\nhost: h\r\n{}{headers}content-length: {}\r\n\r\n",
            self.session,
            body.len()
        );
        self.connection.exchange(&self.head, body).await
    }
}

/// A success, or what the problem document says.
fn success(answer: Answer) -> Result<Answer, Trouble> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let mut trouble = match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) if problem.outcome == "unknown" => Trouble::unknown(problem.code),
        Ok(problem) => Trouble::refused(problem.code),
        Err(_) => Trouble::unknown(format_args!("status {}", answer.status)),
    };
    trouble.connected = !answer.closes;
    Err(trouble)
}

impl Client for HttpClient {
    async fn ensure(&mut self, path: &str) -> Result<(), Trouble> {
        let headers = "prefer: return=minimal\r\nif-none-match: *\r\n";
        let answer = self
            .ask("PUT", &["/v1/nodes/", path, "?parents=true"], headers, b"")
            .await?;
        match success(answer) {
            Err(trouble) if trouble.kind != "node_exists" && trouble.kind != "version_mismatch" => {
                Err(trouble)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn create(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        let headers = "prefer: return=minimal\r\nif-none-match: *\r\n";
        let path = ["/v1/nodes/", path];
        success(self.ask("PUT", &path, headers, value).await?).map(drop)
    }

    async fn write(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        let path = ["/v1/nodes/", path];
        let headers = "prefer: return=minimal\r\n";
        let answer = success(self.ask("PUT", &path, headers, value).await?)?;
        self.seen = answer.index.max(self.seen);
        Ok(())
    }

    async fn read(&mut self, path: &str, reading: Reading) -> Result<(), Trouble> {
        let at_least;
        let headers = match reading {
            Reading::Linearizable => "",
            Reading::Session => {
                at_least = format!(
                    "holdfast-consistency: stale\r\nholdfast-min-index: {}\r\n",
                    self.seen
                );
                &at_least
            }
        };
        let path = ["/v1/nodes/", path];
        let answer = success(self.ask("GET", &path, headers, b"").await?)?;
        self.seen = answer.index.max(self.seen);
        Ok(())
    }

    async fn open_session(&mut self) -> Result<(), Trouble> {
        let body = format!("{{\"ttl\":\"{SESSION_TTL}\"}}");
        let id = self.id.clone();
        let answer = self
            .ask("PUT", &["/v1/sessions/", &id], "", body.as_bytes())
            .await?;
        success(answer)?;
        self.session = format!("holdfast-session: {}\r\n", self.id);
        Ok(())
    }

    async fn keep_alive(&mut self) -> Result<(), Trouble> {
        let id = self.id.clone();
        let path = ["/v1/sessions/", &id, "/keepalive"];
        let answer = self.ask("POST", &path, "", b"").await?;
        success(answer).map(drop)
    }

    async fn acquire(&mut self, name: &str) -> Result<Grant, Trouble> {
        self.claims += 1;
        let key = format!("{}-{}", self.id, self.claims);
        loop {
            let path = ["/v1/locks/", name, "/-/claims/", &key];
            let answer = success(self.ask("PUT", &path, WAIT, b"").await?)?;
            let claim: Claim = serde_json::from_slice(&answer.body)
                .map_err(|error| Trouble::cut(format_args!("not a claim: {error}")))?;
            if claim.state == "held" {
                return Ok(Grant {
                    fence: claim.fence.unwrap_or_default(),
                    key: Bytes::from(key),
                });
            }
        }
    }

    async fn release(&mut self, name: &str, grant: Grant) -> Result<(), Trouble> {
        let claim = String::from_utf8_lossy(&grant.key).into_owned();
        let path = ["/v1/locks/", name, "/-/claims/", &claim];
        let headers = "prefer: return=minimal\r\n";
        success(self.ask("DELETE", &path, headers, b"").await?).map(drop)
    }

    async fn watch(&mut self, path: &str) -> Result<(), Trouble> {
        let path = ["/v1/nodes/", path, "/-/events?include=value"];
        let answer = self
            .ask("GET", &path, "accept: text/event-stream\r\n", b"")
            .await?;
        success(answer).map(drop)
    }

    async fn changed(&mut self, _path: &str) -> Result<u64, Trouble> {
        let event = self.connection.event().await?;
        Ok(event)
    }
}
