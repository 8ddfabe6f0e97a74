//! What the nodes say of the cluster and of their state.

use serde_json::{Value, json};

use super::{Cluster, PROBE_TIMEOUT};
use crate::wait::{eventually, until};

impl Cluster {
    /// What `GET /v1/cluster` of a node says; nothing when it does not answer in time.
    #[must_use]
    pub fn status(&self, id: u64) -> Option<Value> {
        let answer = self
            .http(id)
            .timeout(PROBE_TIMEOUT)
            .get("/v1/cluster")
            .ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    /// The leader, once a majority of the running nodes names the same running one.
    #[must_use]
    pub fn leader(&self) -> u64 {
        let running = self.running();
        eventually("a leader", || {
            let named: Vec<u64> = running
                .iter()
                .filter_map(|&id| self.leader_seen_by(id))
                .collect();
            let leader = *named.iter().find(|leader| running.contains(leader))?;
            let agreed = named.iter().filter(|named| **named == leader).count();
            (agreed * 2 > self.nodes.len()).then_some(leader)
        })
    }

    /// The leader as one node knows it.
    #[must_use]
    pub fn leader_seen_by(&self, id: u64) -> Option<u64> {
        let status = self.status(id)?;
        status["leader"].as_str()?.strip_prefix('n')?.parse().ok()
    }

    /// A running node that does not lead.
    #[must_use]
    pub fn follower(&self) -> u64 {
        let leader = self.leader();
        self.running()
            .into_iter()
            .find(|id| *id != leader)
            .expect("a running follower")
    }

    /// Waits until every running node has the same state: the same digest at the same index.
    pub fn wait_digests_agree(&self) {
        until(
            "all nodes to show the same digest at the same index",
            || {
                let digest = |&id: &u64| {
                    let answer = self
                        .http(id)
                        .timeout(PROBE_TIMEOUT)
                        .get("/v1/cluster/digest")
                        .ok()?;
                    (answer.status == 200).then(|| answer.json())
                };
                let digests: Vec<Option<Value>> = self.running().iter().map(digest).collect();
                match digests.first() {
                    Some(Some(first)) => digests.iter().all(|digest| {
                        let place = |of: &Value| (of["index"].clone(), of["digest"].clone());
                        digest.as_ref().map(place) == Some(place(first))
                    }),
                    Some(None) | None => false,
                }
            },
        );
    }

    /// Opens a session that outlives any test, on any node.
    #[track_caller]
    pub fn open_session(&self, name: &str) {
        let body = json!({"ttl": "10m"}).to_string();
        let put = |id: &u64| {
            self.http(*id)
                .put(&format!("/v1/sessions/{name}"), &body)
                .ok()
        };
        let opened = self
            .running()
            .iter()
            .find_map(put)
            .expect("an answer from some node");
        assert!(matches!(opened.status, 200 | 201), "{}", opened.text());
    }
}
