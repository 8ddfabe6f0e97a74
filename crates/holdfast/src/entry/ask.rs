//! What the other nodes know of this one, asked before it opens anything.

use std::time::Duration;

use http_types::v1::cluster::{Cluster, node_name};
use http_types::v1::health::Health;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::EntryError;
use crate::config::Config;
use crate::config::cluster::InitialCluster;

/// For one question to another node, and one answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// For a cluster that exists to have a leader who knows whether this node's number was in use.
const UNDECIDED_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two rounds of questions.
const ASK_PAUSE: Duration = Duration::from_millis(500);

/// What another founder knows.
enum View {
    /// It does not answer, or is being founded itself.
    Nothing,
    /// It has data, and nobody to ask who was heard of.
    LeaderlessWithData,
    /// The cluster, as its leader sees it.
    Cluster(Box<Cluster>),
}

/// Refuses to found where a cluster exists that knows this node's number from a process with data.
/// A founder that merely comes late is let in: the cluster has never heard of it.
pub(super) async fn must_be_founding(
    config: &Config,
    list: &InitialCluster,
) -> Result<(), EntryError> {
    let deadline = Instant::now() + UNDECIDED_TIMEOUT;
    loop {
        let mut asked = JoinSet::new();
        for (_, other) in list
            .members()
            .iter()
            .filter(|(id, _)| **id != config.node_id)
        {
            let url = other.api.clone();
            asked.spawn(async move { (view_of(&url).await, url) });
        }
        let mut undecided = None;
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok((View::Cluster(cluster), url)) => {
                    return must_be_unknown(config, &url, &cluster);
                }
                Ok((View::LeaderlessWithData, url)) => undecided = Some(url),
                Ok((View::Nothing, _)) | Err(_) => {}
            }
        }
        match undecided {
            None => return Ok(()),
            Some(witness) if Instant::now() > deadline => {
                return Err(EntryError::NobodyKnows {
                    node: config.node_id,
                    witness,
                });
            }
            Some(witness) => tracing::info!(witness, "waiting for the cluster to have a leader"),
        }
        sleep(ASK_PAUSE).await;
    }
}

async fn view_of(url: &str) -> View {
    let Ok(health) = get::<Health>(url, "/v1/health").await else {
        return View::Nothing;
    };
    let leaderless = if health.applied_index > 0 {
        View::LeaderlessWithData
    } else {
        View::Nothing
    };
    if health.leader.is_none() {
        return leaderless;
    }
    match get::<Cluster>(url, "/v1/cluster").await {
        Ok(cluster) => View::Cluster(Box::new(cluster)),
        Err(_) => leaderless,
    }
}

/// Refuses when the cluster has heard of this node's number from a process with data.
pub(super) fn must_be_unknown(
    config: &Config,
    witness: &str,
    cluster: &Cluster,
) -> Result<(), EntryError> {
    let name = node_name(config.node_id);
    let known = cluster.members.iter().find(|member| member.id == name);
    if known.is_some_and(|m| m.last_contact_ms.is_some() || m.applied_index.is_some()) {
        let directory = config.data_dir.display().to_string();
        let witness = witness.to_owned();
        return Err(EntryError::LostItsData {
            node: config.node_id,
            witness,
            directory,
        });
    }
    Ok(())
}

/// The cluster as the first of these nodes sees it that answers.
pub(super) async fn any(urls: &[String]) -> Result<(String, Cluster), EntryError> {
    let mut cause = "no URL is given".to_owned();
    for url in urls {
        match get(url, "/v1/cluster").await {
            Ok(cluster) => return Ok((url.clone(), cluster)),
            Err(error) => cause = format!("{error:#}"),
        }
    }
    Err(EntryError::NobodyThere {
        asked: urls.join(", "),
        cause,
    })
}

/// A client that goes straight to the node, whatever proxies the environment names.
pub(super) fn client(timeout: Duration) -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .timeout(timeout)
        .no_proxy()
        .build()?)
}

async fn get<T: DeserializeOwned>(url: &str, path: &str) -> anyhow::Result<T> {
    // A node that is not well says so with an error status and the same body.
    let answer = client(ASK_TIMEOUT)?
        .get(format!("{url}{path}"))
        .send()
        .await?;
    Ok(answer.json().await?)
}
