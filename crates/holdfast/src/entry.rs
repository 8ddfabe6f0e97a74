//! How a node becomes part of a cluster, once in the life of its data directory.
//!
//! The danger here is a node that lost its disk and comes back under its old number: it has
//! forgotten votes and entries that it acknowledged, and a cluster that counts on it can lose
//! writes. Nothing on the node itself can tell that this happened, so before an empty directory is
//! used the other nodes are asked whether they have heard of this number before.

mod ask;
mod join;

use std::collections::BTreeMap;
use std::path::Path;

use node::Node;
use raft_types::{ClusterId, NodeId, PeerAddress};
use storage::error::OpenError;

use crate::config::{Config, Start};

/// What may lie in a directory nobody has used: what an opening leaves that was cut short at its
/// very beginning, and what a file system brings along.
const HARMLESS: [&str; 2] = ["lock", "lost+found"];

/// What is to be done to be part of which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The directory is in use and says which cluster this is. If an earlier start was cut short
    /// before it got in, `unfinished` is done again; otherwise it is found to be done.
    Resume { unfinished: Start },
    /// Found a new cluster.
    Found {
        cluster: ClusterId,
        members: BTreeMap<NodeId, PeerAddress>,
    },
    /// Be taken in.
    Join {
        cluster: ClusterId,
        through: Vec<String>,
    },
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
    LostItsData {
        node: NodeId,
        witness: String,
        directory: String,
    },
    /// The cluster exists, and nobody in it can say.
    #[error(
        "{witness} has data of this cluster but no leader, so nobody can say whether node {node} had \
         data before; its directory is empty, and if it lost its data it must not come back under its \
         number: bring the majority of the cluster back first"
    )]
    NobodyKnows { node: NodeId, witness: String },
    /// No node of the cluster could be asked.
    #[error("no node of the cluster answered at {asked}: {cause}")]
    NobodyThere { asked: String, cause: String },
    /// The nodes named belong to a cluster that is not the one wanted.
    #[error("{witness} belongs to cluster {found}, and cluster-id says {wanted}")]
    OtherCluster {
        witness: String,
        found: String,
        wanted: ClusterId,
    },
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
        return Ok(Entry::Resume {
            unfinished: config.start.clone(),
        });
    }
    match &config.start {
        Start::Resume => Err(EntryError::Nothing(config.data_dir.display().to_string())),
        Start::Found(list) => {
            ask::must_be_founding(config, list).await?;
            let cluster = config
                .cluster_id
                .unwrap_or_else(|| list.cluster_id(&config.token));
            Ok(Entry::Found {
                cluster,
                members: list.members().clone(),
            })
        }
        Start::Join(urls) => {
            let (witness, answer) = ask::any(urls).await?;
            ask::must_be_unknown(config, &witness, &answer)?;
            let cluster = answer.cluster_id.parse().map_err(|_| {
                let cause = format!("{:?} is not a cluster id", answer.cluster_id);
                EntryError::NobodyThere {
                    asked: witness.clone(),
                    cause,
                }
            })?;
            match config.cluster_id {
                Some(wanted) if wanted != cluster => Err(EntryError::OtherCluster {
                    witness,
                    found: answer.cluster_id,
                    wanted,
                }),
                Some(_) | None => Ok(Entry::Join {
                    cluster,
                    through: urls.clone(),
                }),
            }
        }
    }
}

/// Whether nothing is there. Storage decides what a directory with other things in it is.
fn is_unused(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return true;
    };
    entries
        .flatten()
        .all(|entry| HARMLESS.iter().any(|name| entry.file_name() == *name))
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
        Entry::Join { through, .. } => join::join(config, &through).await,
        Entry::Resume {
            unfinished: Start::Found(list),
        } if !is_member => found(node, list.members().clone()).await,
        Entry::Resume {
            unfinished: Start::Join(urls),
        } if !is_member => join::join(config, &urls).await,
        Entry::Resume { .. } => Ok(()),
    }
}

async fn found(node: &Node, members: BTreeMap<NodeId, PeerAddress>) -> Result<(), EntryError> {
    let founded = node
        .found(members)
        .await
        .map_err(|e| EntryError::Found(e.to_string()))?;
    tracing::info!(?founded, "founding");
    Ok(())
}
