//! What all endpoints share.

use bytes::Bytes;
use http_types::v1::cluster::node_name;
use node::Node;

use crate::admission::Admission;
use crate::endpoint::Endpoint;
use crate::endpoints;
use crate::metrics::HttpMetrics;
use crate::openapi;
use crate::settings::ApiSettings;

/// The door: a node, its limits, and the table of endpoints.
pub(crate) struct Api {
    pub(crate) node: Node,
    pub(crate) settings: ApiSettings,
    pub(crate) admission: Admission,
    pub(crate) metrics: HttpMetrics,
    pub(crate) endpoints: Vec<Endpoint>,
    /// The OpenAPI document, made once.
    pub(crate) openapi: Bytes,
    /// `n2`.
    pub(crate) name: String,
}

impl Api {
    pub(crate) fn new(node: Node, settings: ApiSettings) -> Api {
        Api {
            admission: Admission::new(&settings),
            metrics: HttpMetrics::registered(node.metrics()),
            endpoints: endpoints::all(),
            openapi: Bytes::from(openapi::document_text()),
            name: node_name(node.id()),
            node,
            settings,
        }
    }

    /// A new id for what the server names itself: a prefix and 64 random bits.
    pub(crate) fn random_id(&self, prefix: &str) -> String {
        format!("{prefix}_{:016x}", self.node.entropy().next_u64())
    }

    /// Milliseconds since 1970 by this node's wall clock, for what is shown to people.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.node.clock().wall_ms()
    }
}

