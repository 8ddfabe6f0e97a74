//! What all endpoints share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_types::headers as names;
use http_types::v1::cluster::node_name;
use mutant::Mutant;
use node::Node;
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::admission::Admission;
use crate::commands::AdminCommands;
use crate::convert::fence;
use crate::endpoint::Endpoint;
use crate::endpoints;
use crate::error::Problem;
use crate::metrics::HttpMetrics;
use crate::openapi;
use crate::rotation::{LocalCursors, Rings};
use crate::routes;
use crate::settings::ApiSettings;
use crate::snapshot::SnapshotFacts;
use crate::turns::Turns;

/// The door: a node, its limits, and the table of endpoints.
pub(crate) struct Api {
    pub(crate) node: Node,
    pub(crate) settings: ApiSettings,
    pub(crate) admission: Admission,
    pub(crate) metrics: HttpMetrics,
    pub(crate) snapshot_facts: SnapshotFacts,
    /// Whose turn it is in each service, by this node's count.
    pub(crate) cursors: LocalCursors,
    pub(crate) rings: Rings,
    pub(crate) endpoints: Vec<Endpoint>,
    /// Of the door for ZooKeeper clients, if the node has one.
    pub(crate) commands: Option<Arc<dyn AdminCommands>>,
    /// The OpenAPI document, made when it is first asked for: that takes tens of megabytes for a moment, and
    /// most nodes are never asked.
    openapi: OnceCell<Bytes>,
    /// Whose turn it is among those who wait for an item.
    pub(crate) turns: Turns,
    /// `n2`.
    pub(crate) name: String,
    /// The leader as last looked up.
    leader: Mutex<Option<(Instant, Option<String>)>>,
}

impl Api {
    /// The OpenAPI document. Made aside, since it takes longer than a serving thread may be kept.
    ///
    /// # Errors
    /// That it could not be made.
    pub(crate) async fn openapi(&self) -> Result<Bytes, Problem> {
        let has_commands = self.commands.is_some();
        let make = async || {
            let made = tokio::task::spawn_blocking(move || openapi::text_for(has_commands)).await;
            let made = made.map(Bytes::from);
            made.map_err(|error| Problem::internal(&format!("the OpenAPI document: {error}")))
        };
        self.openapi.get_or_try_init(make).await.cloned()
    }

    pub(crate) fn new(
        node: Node,
        settings: ApiSettings,
        commands: Option<Arc<dyn AdminCommands>>,
    ) -> Api {
        if mutant::is(Mutant::FenceFromLocalCounter) {
            fence::count_from(node.applied());
        }
        let mut endpoints = endpoints::all();
        if commands.is_none() {
            endpoints.retain(|endpoint| !routes::commands::is_command(&endpoint.template));
        }
        Api {
            admission: Admission::new(&settings),
            metrics: HttpMetrics::registered(node.metrics()),
            snapshot_facts: SnapshotFacts::default(),
            cursors: LocalCursors::default(),
            rings: Rings::default(),
            endpoints,
            commands,
            openapi: OnceCell::new(),
            turns: Turns::default(),
            name: node_name(node.id()),
            leader: Mutex::new(None),
            node,
            settings,
        }
    }

    /// A new id for what the server names itself: a prefix and 64 random bits.
    pub(crate) fn random_id(&self, prefix: &str) -> String {
        format!("{prefix}_{:016x}", self.node.entropy().next_u64())
    }

    /// Who leads, as a header says it; looked up at most once in `kept`.
    pub(crate) fn leader_header(&self, now: Instant, kept: Duration) -> Option<String> {
        let mut leader = self.leader.lock();
        if let Some((at, header)) = leader.as_ref()
            && now.saturating_duration_since(*at) < kept
        {
            return header.clone();
        }
        let status = self.node.status();
        let url = status.leader_api.as_deref().filter(|url| !url.is_empty());
        let header = status.leader.map(|id| names::leader(&node_name(id), url));
        // A node that has just heard of a leader may not know its address yet.
        *leader = url.is_some().then(|| (now, header.clone()));
        header
    }

    /// Milliseconds since 1970 by this node's wall clock, for what is shown to people.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.node.clock().wall_ms()
    }
}
