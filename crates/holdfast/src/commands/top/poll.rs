//! Asking the cluster for everything that is shown, all of it at once. What fails says so and leaves the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use holdfast_client::http_types::v1::cluster::Cluster;
use holdfast_client::http_types::v1::deadlocks::Deadlock;
use holdfast_client::http_types::v1::elections::{ElectionList, ElectionsQuery};
use holdfast_client::http_types::v1::health::Health;
use holdfast_client::http_types::v1::locks::{Claim, Explanation, HotLock};
use holdfast_client::http_types::v1::sessions::{Session, SessionsQuery};
use holdfast_client::{Client, Error};
use serde::Serialize;

use super::counts::Counts;
use crate::args::globals::Globals;
use crate::commands::client_of;
use crate::exit::Failure;

/// For one question with all its retries. Who watches an incident wants to see soon what does not answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// Locks and elections that are asked for: as many as anybody scrolls through.
const ROWS: usize = 100;
/// Sessions that are asked for: the largest page.
const SESSIONS: usize = 1_000;
/// Sessions that are asked what they hold: the ones nearest to their end.
const SESSIONS_IN_DETAIL: usize = 20;

/// Something that was asked for, or why it is not known.
pub(super) type Read<T> = Result<T, String>;

/// Everything of one moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) cluster: Read<Cluster>,
    /// By name.
    pub(super) nodes: BTreeMap<String, NodeReading>,
    pub(super) hot: Read<Vec<HotLock>>,
    pub(super) sessions: Read<Sessions>,
    pub(super) elections: Read<ElectionList>,
    pub(super) deadlocks: Read<Vec<Deadlock>>,
}

/// What one node says of itself.
#[derive(Clone, Debug)]
pub(super) struct NodeReading {
    pub(super) health: Read<Health>,
    pub(super) counts: Read<Counts>,
}

/// Sessions, those nearest to their end first.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    pub(super) sessions: Vec<SessionReading>,
    /// Whether there are more, opened later than these.
    pub(super) more: bool,
}

/// A session and what it holds.
#[derive(Clone, Debug)]
pub(super) struct SessionReading {
    pub(super) session: Session,
    /// `None` where it was not asked for, or the session has ended meanwhile.
    pub(super) owns: Option<Owns>,
}

/// What a session owns.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Owns {
    pub(super) claims: Vec<Claim>,
    /// Other ephemeral znodes: candidates, members, those of ZooKeeper clients.
    pub(super) ephemerals: Vec<String>,
}

impl SessionReading {
    /// How long it may still be silent, where that is known: only the leader hears of all signs of life.
    pub(super) fn left_ms(&self) -> Option<u64> {
        let contact = self.session.last_contact_ms?;
        Some(self.session.ttl_ms.saturating_sub(contact))
    }
}

/// See the module.
pub(super) struct Poller {
    globals: Globals,
    /// It begins at the leader, where one is known.
    client: Client,
    leader: Option<String>,
    /// Name and address of each member; of each endpoint by its address while no members are known.
    members: Vec<(String, String)>,
}

impl Poller {
    pub(super) fn new(globals: &Globals) -> Result<Poller, Failure> {
        Ok(Poller {
            client: client(globals, globals.endpoints.clone())?,
            globals: globals.clone(),
            leader: None,
            members: Vec::new(),
        })
    }

    /// Asks for everything.
    pub(super) async fn read(&mut self) -> Reading {
        if self.members.is_empty() {
            match self.client.cluster().await {
                Ok(cluster) => self.learn(&cluster),
                // Without a leader nobody says who is in; each of these may say how it is.
                Err(_) => {
                    let endpoints = self.client.endpoints().iter();
                    self.members = endpoints.map(|url| (url.clone(), url.clone())).collect();
                }
            }
        }
        let elections = ElectionsQuery {
            limit: Some(ROWS),
            ..ElectionsQuery::default()
        };
        let client = &self.client;
        let (cluster, nodes, hot, sessions, elections, deadlocks) = tokio::join!(
            client.cluster(),
            join_all(self.members.iter().map(async |(id, api)| {
                let (health, page) = tokio::join!(client.health_at(api), client.metrics_at(api));
                let counts = page.map(|page| Counts::read(&page));
                let node = NodeReading {
                    health: said(health),
                    counts: said(counts),
                };
                (id.clone(), node)
            })),
            client.hot_locks("", Some(ROWS)),
            sessions(client),
            client.elections(&elections),
            client.deadlocks(),
        );
        if let Ok(cluster) = &cluster {
            self.learn(cluster);
        }
        Reading {
            cluster: said(cluster),
            nodes: nodes.into_iter().collect(),
            hot: said(hot).map(|hot| hot.locks),
            sessions: said(sessions),
            elections: said(elections),
            deadlocks: said(deadlocks).map(|found| found.deadlocks),
        }
    }

    /// Asks the leader from now on, and the members for what only they know.
    fn learn(&mut self, cluster: &Cluster) {
        self.members = cluster
            .members
            .iter()
            .map(|member| (member.id.clone(), member.api.clone()))
            .collect();
        let leader = cluster.members.iter().find(|member| member.leader);
        let leader = leader.map(|member| member.api.clone());
        if self.leader != leader {
            let endpoints = leader.iter().chain(&self.globals.endpoints).cloned();
            // An address that is no address leaves everything as it was.
            if let Ok(client) = client(&self.globals, endpoints.collect()) {
                self.client = client;
            }
            self.leader = leader;
        }
    }
}

fn client(globals: &Globals, endpoints: Vec<String>) -> Result<Client, Failure> {
    client_of(globals, endpoints, globals.timeout.min(ANSWER_TIME))
}

/// Why a lock is as it is.
pub(super) async fn explain(globals: Globals, lock: String) -> Read<Explanation> {
    let client = client(&globals, globals.endpoints.clone()).map_err(|failure| failure.why)?;
    said(client.explain(&lock).await)
}

fn said<T>(answer: Result<T, Error>) -> Read<T> {
    answer.map_err(|error| error.to_string())
}

async fn sessions(client: &Client) -> Result<Sessions, Error> {
    let query = SessionsQuery {
        limit: Some(SESSIONS),
        ..SessionsQuery::default()
    };
    let page = client.sessions(&query).await?;
    let mut read = Sessions {
        more: page.next.is_some(),
        sessions: Vec::new(),
    };
    read.sessions
        .extend(page.sessions.into_iter().map(|session| SessionReading {
            session,
            owns: None,
        }));
    // Where the answering node does not know, the oldest come first.
    read.sessions
        .sort_by_key(|session| session.left_ms().unwrap_or(u64::MAX));
    let asked = read.sessions.iter_mut().take(SESSIONS_IN_DETAIL);
    join_all(asked.map(async |read| {
        let detail = client.session(&read.session.id).await;
        read.owns = detail.ok().map(|detail| Owns {
            claims: detail.claims,
            ephemerals: detail.ephemerals,
        });
    }))
    .await;
    Ok(read)
}
