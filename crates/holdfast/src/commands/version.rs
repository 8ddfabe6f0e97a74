//! `holdfast version`.

use serde::Serialize;

use super::App;
use crate::exit::Failure;
use crate::output::Shown;

#[derive(Serialize)]
struct Versions {
    client: &'static str,
    nodes: Vec<NodeVersion>,
    /// What a build for tests says of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    planted: Option<&'static str>,
}

#[derive(Serialize)]
struct NodeVersion {
    endpoint: String,
    version: Option<String>,
}

/// Nodes that do not answer are shown as such; that is no error.
pub(super) async fn run(app: &App) -> Result<(), Failure> {
    let mut nodes = Vec::new();
    for endpoint in app.client.endpoints() {
        let version = app
            .client
            .health_at(endpoint)
            .await
            .ok()
            .map(|health| health.version);
        nodes.push(NodeVersion {
            endpoint: endpoint.clone(),
            version,
        });
    }
    let mut text = format!("holdfast {}\n", env!("CARGO_PKG_VERSION"));
    let planted = mutant::marker();
    if let Some(planted) = planted {
        text.push_str(&format!("{planted}\n"));
    }
    for node in &nodes {
        let version = node.version.as_deref().unwrap_or("no answer");
        text.push_str(&format!("{}  {version}\n", node.endpoint));
    }
    let versions = Versions {
        client: env!("CARGO_PKG_VERSION"),
        nodes,
        planted,
    };
    app.out
        .show(&Shown::text(&versions, versions.client, text)?)
}
