//! How a node becomes part of a cluster, once in the life of its data directory.
//!
//! The danger here is a node that lost its disk and comes back under its old number: it has
//! forgotten votes and entries that it acknowledged, and a cluster that counts on it can lose
//! writes. Nothing on the node itself can tell that this happened, so before an empty directory is
//! used the other nodes are asked whether they have heard of this number before.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http_types::v1::cluster::{Cluster, MemberRequest, Role, node_name};
use node::Node;
use raft_types::{ClusterId, NodeId, PeerAddress};
use storage::error::OpenError;
use tokio::time::{Instant, sleep};

use crate::config::{Config, Start};

/// What may lie in a directory nobody has used: what an opening leaves that was cut short at its
/// very beginning, and what a file system brings along.
const HARMLESS: [&str; 2] = ["lock", "lost+found"];
/// For one question to another node, and one answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// For the cluster to take a new node in.
const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
/// Between two attempts to join.
const JOIN_RETRY: Duration = Duration::from_millis(500);

/// What is to be done to be part of which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The directory is in use and says which cluster this is. If an earlier start was cut short
    /// before it got in, `unfinished` is done again; otherwise it is found to be done.
    Resume { unfinished: Start },
    /// Found a new cluster.
    Found { cluster: ClusterId, members: BTreeMap<NodeId, PeerAddress> },
    /// Be taken in.
    Join { cluster: ClusterId, through: Vec<String> },
}

impl Entry {
    /// The cluster, where the directory does not know it yet.
    pub(crate) fn cluster_id(&self) -> Option<ClusterId> {
        match self {
            Entry::Resume { .. } => None,
            Entry::Found { cluster, .. } | Entry::Join { cluster, .. } => Some(*cluster),
        }
    }
}

/// The node must not, or cannot, become part of a cluster as it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    /// Nobody said what to do.
    #[error(
        "data directory {0} is empty, and neither bootstrap nor join is set; to found a new cluster \
         give initial-cluster and bootstrap on each of its nodes, to enter an existing cluster give \
         join; if this node had data before, restore it or let the node join under a new node-id"
    )]
    Nothing(String),
    /// This number was in use.
    #[error(
        "node {node} is known to the cluster and has stored data before ({witness} has heard from \
         it), but data directory {directory} is empty; a node that lost its data has forgotten what \
         it promised and must not come back under its number: remove node {node} from the cluster \
         and let this one join under a new node-id"
    )]
    LostItsData { node: NodeId, witness: String, directory: String },
    /// No node of the cluster could be asked.
    #[error("no node of the cluster answered at {asked}: {cause}")]
    NobodyThere { asked: String, cause: String },
    /// The nodes named belong to a cluster that is not the one wanted.
    #[error("{witness} belongs to cluster {found}, and cluster-id says {wanted}")]
    OtherCluster { witness: String, found: String, wanted: ClusterId },
    /// The cluster said no.
    #[error("the cluster does not take this node in: {0}")]
    Refused(String),
    /// The directory was opened and never used.
    #[error("data directory {0} says nothing of a cluster; if nothing else is in it, remove it")]
    NoCluster(String),
    /// The directory is somebody else's.
    #[error(transparent)]
    Directory(OpenError),
    /// Founding failed.
    #[error("found the cluster: {0}")]
    Found(String),
}

/// Decides what to do. This comes before the directory is opened, or else a second start would
/// find it in use; and before the peer port is open, or else a leader that knows this number would
/// begin to fill the empty log.
///
/// # Errors
/// See [`EntryError`].
pub(crate) async fn decide(config: &Config) -> Result<Entry, EntryError> {
    if !is_unused(&config.data_dir) {
        return Ok(Entry::Resume { unfinished: config.start.clone() });
    }
    match &config.start {
        Start::Resume => Err(EntryError::Nothing(config.data_dir.display().to_string())),
        Start::Found(list) => {
            let others = list.members().iter().filter(|(id, _)| **id != config.node_id);
            for (_, other) in others {
                // One that does not answer is being founded, too, or down.
                if let Ok(cluster) = ask(&other.api).await {
                    must_be_unknown(config, &other.api, &cluster)?;
                }
            }
            let cluster = config.cluster_id.unwrap_or_else(|| list.cluster_id(&config.token));
            Ok(Entry::Found { cluster, members: list.members().clone() })
        }
        Start::Join(urls) => {
            let (witness, answer) = ask_any(urls).await?;
            must_be_unknown(config, &witness, &answer)?;
            let cluster = answer.cluster_id.parse().map_err(|_| {
                let cause = format!("{:?} is not a cluster id", answer.cluster_id);
                EntryError::NobodyThere { asked: witness.clone(), cause }
            })?;
            match config.cluster_id {
                Some(wanted) if wanted != cluster => {
                    Err(EntryError::OtherCluster { witness, found: answer.cluster_id, wanted })
                }
                Some(_) | None => Ok(Entry::Join { cluster, through: urls.clone() }),
            }
        }
    }
}

/// Whether nothing is there. Storage decides what a directory with other things in it is.
fn is_unused(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return true };
    entries.flatten().all(|entry| HARMLESS.iter().any(|name| entry.file_name() == *name))
}

/// Does what was decided. The peer port is open by now.
///
/// # Errors
/// See [`EntryError`].
pub(crate) async fn carry_out(
    entry: Entry,
    config: &Config,
    node: &Node,
) -> Result<(), EntryError> {
    let is_member = !node.status().apis.is_empty();
    match entry {
        Entry::Found { members, .. } => found(node, members).await,
        Entry::Join { through, .. } => join(config, &through).await,
        Entry::Resume { unfinished: Start::Found(list) } if !is_member => {
            found(node, list.members().clone()).await
        }
        Entry::Resume { unfinished: Start::Join(urls) } if !is_member => {
            join(config, &urls).await
        }
        Entry::Resume { .. } => Ok(()),
    }
}

async fn found(node: &Node, members: BTreeMap<NodeId, PeerAddress>) -> Result<(), EntryError> {
    let founded = node.found(members).await.map_err(|e| EntryError::Found(e.to_string()))?;
    tracing::info!(?founded, "founding");
    Ok(())
}

/// Asks to be added as a learner, again and again while the answer is not definite.
async fn join(config: &Config, urls: &[String]) -> Result<(), EntryError> {
    let request = MemberRequest {
        peer: config.listen.peer_advertise.clone(),
        api: config.listen.api_advertise.clone(),
        role: Role::Learner,
    };
    let deadline = Instant::now() + JOIN_TIMEOUT;
    loop {
        for url in urls {
            let path = http_types::paths::member(&node_name(config.node_id));
            match put(&format!("{url}{path}"), &request).await {
                Ok(()) => {
                    tracing::info!(through = url, "the cluster has taken this node in as a learner");
                    return Ok(());
                }
                Err(Put::Refused(why)) => return Err(EntryError::Refused(why)),
                Err(Put::NotNow(cause)) if Instant::now() > deadline => {
                    return Err(EntryError::NobodyThere { asked: url.clone(), cause });
                }
                Err(Put::NotNow(cause)) => tracing::info!(through = url, cause, "not taken in yet"),
            }
        }
        sleep(JOIN_RETRY).await;
    }
}

/// Refuses when the cluster has heard of this node's number from a process with data.
fn must_be_unknown(config: &Config, witness: &str, cluster: &Cluster) -> Result<(), EntryError> {
    let name = node_name(config.node_id);
    let known = cluster.members.iter().find(|member| member.id == name);
    let heard = known.is_some_and(|m| m.last_contact_ms.is_some() || m.applied_index.is_some());
    if heard {
        let directory = config.data_dir.display().to_string();
        let witness = witness.to_owned();
        return Err(EntryError::LostItsData { node: config.node_id, witness, directory });
    }
    Ok(())
}

async fn ask_any(urls: &[String]) -> Result<(String, Cluster), EntryError> {
    let mut cause = "no URL is given".to_owned();
    for url in urls {
        match ask(url).await {
            Ok(cluster) => return Ok((url.clone(), cluster)),
            Err(error) => cause = format!("{error:#}"),
        }
    }
    Err(EntryError::NobodyThere { asked: urls.join(", "), cause })
}

fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().timeout(ASK_TIMEOUT).no_proxy().build()?)
}

async fn ask(url: &str) -> anyhow::Result<Cluster> {
    let answer = client()?.get(format!("{url}/v1/cluster")).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

/// Why a request to be taken in was not done.
enum Put {
    /// For a reason that stays.
    Refused(String),
    /// For a reason that may pass.
    NotNow(String),
}

async fn put(url: &str, request: &MemberRequest) -> Result<(), Put> {
    let not_now = |error: anyhow::Error| Put::NotNow(format!("{error:#}"));
    let client = client().map_err(not_now)?;
    let sent = client.put(url).timeout(JOIN_TIMEOUT).json(request).send().await;
    let answer = sent.map_err(|error| not_now(error.into()))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    match status.as_u16() {
        200..=299 => Ok(()),
        // A change under way, no leader: whatever the cluster calls worth repeating.
        409 if text.contains("\"retryable\":true") => Err(Put::NotNow(text)),
        400..=499 => Err(Put::Refused(text)),
        _ => Err(Put::NotNow(format!("{status} {text}"))),
    }
}
