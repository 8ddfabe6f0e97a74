//! The founding list of a cluster, and the id that follows from it.

use std::collections::BTreeMap;

use raft_types::{ClusterId, NodeId, PeerAddress};

/// Most nodes in a founding list.
const FOUNDERS_MAX: usize = 9;

/// The nodes that found a cluster together. Each of them is given the same list; from the same
/// list every one of them derives the same cluster id and the same first membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InitialCluster {
    members: BTreeMap<NodeId, PeerAddress>,
}

impl InitialCluster {
    /// Reads entries of the form `ID=HOST:PORT@URL`. The URL may be `host:port` alone.
    ///
    /// # Errors
    /// What is wrong with which entry.
    pub(crate) fn parse(entries: &[String]) -> Result<InitialCluster, String> {
        let mut members = BTreeMap::new();
        for entry in entries {
            let (id, address) = parse_entry(entry)?;
            let twice =
                |other: &PeerAddress| other.peer == address.peer || other.api == address.api;
            if members.values().any(twice) {
                return Err(format!("{entry:?} has the address of another entry"));
            }
            if members.insert(id, address).is_some() {
                return Err(format!("node {id} is named twice"));
            }
        }
        if members.len() > FOUNDERS_MAX {
            return Err(format!(
                "{} nodes are more than {FOUNDERS_MAX}",
                members.len()
            ));
        }
        Ok(InitialCluster { members })
    }

    /// Nodes in the list.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The entry of one node.
    pub(crate) fn member(&self, id: NodeId) -> Option<&PeerAddress> {
        self.members.get(&id)
    }

    /// All of them.
    pub(crate) fn members(&self) -> &BTreeMap<NodeId, PeerAddress> {
        &self.members
    }

    /// The id of the cluster these nodes found. The order of the entries does not matter; any other
    /// difference between the lists of two nodes gives two ids, and the nodes refuse each other
    /// instead of founding two clusters that overlap.
    pub(crate) fn cluster_id(&self, token: &str) -> ClusterId {
        let mut text = format!("holdfast cluster\n{token}\n");
        for (id, address) in &self.members {
            text.push_str(&format!("{id}={}@{}\n", address.peer, address.api));
        }
        ClusterId(xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }
}

fn parse_entry(entry: &str) -> Result<(NodeId, PeerAddress), String> {
    let form = || format!("{entry:?} is not of the form ID=HOST:PORT@URL");
    let (id, rest) = entry.split_once('=').ok_or_else(form)?;
    let (peer, api) = rest.split_once('@').ok_or_else(form)?;
    let id: NodeId = id.trim().parse().map_err(|_| form())?;
    if id == 0 {
        return Err(format!("{entry:?}: node ids start at 1"));
    }
    check_address(peer)?;
    let api = api.trim_end_matches('/');
    let api = if api.contains("://") {
        api.to_owned()
    } else {
        format!("http://{api}")
    };
    let host = api
        .strip_prefix("http://")
        .or_else(|| api.strip_prefix("https://"))
        .unwrap_or("");
    if host.is_empty() {
        return Err(format!("{entry:?}: {api:?} is not an http URL"));
    }
    Ok((
        id,
        PeerAddress {
            peer: peer.to_owned(),
            api,
        },
    ))
}

/// Checks that `text` is `host:port`. Whether the host exists is found out when it is used.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_address(text: &str) -> Result<(), String> {
    let form = || format!("{text:?} is not of the form HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(form)?;
    port.parse::<u16>().map_err(|_| form())?;
    let bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if host.is_empty() || bare_ipv6 || host.contains(char::is_whitespace) {
        return Err(form());
    }
    Ok(())
}
