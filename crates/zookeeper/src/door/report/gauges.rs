//! What is so now: the first part of `mntr`, and what stands under ZooKeeper's names in `/metrics`.

use serde_json::{Value, json};

use super::Rows;
use crate::door::Door;
use crate::door::mode::{ServerMode, server_mode};
use crate::door::stats::SizesReading;

/// Gauges of every node, and those of a leader on the leader.
pub(crate) fn gauges(door: &Door) -> Rows {
    let mut rows = of_every_node(door);
    rows.extend(of_the_process());
    if server_mode(door) == Some(ServerMode::Leader) {
        rows.extend(of_a_leader(door));
    }
    rows.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn of_every_node(door: &Door) -> Vec<(&'static str, Value)> {
    let stats = &door.stats;
    let since_reset = &stats.since_reset;
    let latency = stats.latency();
    let state = door.node.state();
    let counts = state.counts();
    let replies = since_reset.reply_sizes.read();
    let voters = door.node.members_known().iter().filter(|m| m.voter).count();
    vec![
        ("ephemerals_count", json!(state.ephemerals_count())),
        ("num_alive_connections", json!(stats.register.len())),
        ("avg_latency", json!(latency.avg_ms)),
        ("min_latency", json!(latency.min_ms)),
        ("max_latency", json!(latency.max_ms)),
        ("outstanding_requests", json!(stats.outstanding())),
        ("znode_count", json!(counts.znodes)),
        ("global_sessions", json!(counts.sessions)),
        ("local_sessions", json!(0)),
        ("non_mtls_remote_conn_count", json!(0)),
        ("non_mtls_local_conn_count", json!(0)),
        ("outstanding_tls_handshake", json!(0)),
        ("last_client_response_size", json!(replies.last)),
        ("min_client_response_size", json!(replies.min)),
        ("max_client_response_size", json!(replies.max)),
        ("packets_received", json!(since_reset.received.get())),
        ("packets_sent", json!(since_reset.sent.get())),
        ("connection_drop_probability", json!(0.0)),
        ("watch_count", json!(door.watches.counts().watches)),
        ("auth_failed_count", json!(stats.auth_failed.get())),
        ("approximate_data_size", json!(counts.data_bytes)),
        ("uptime", json!(millis(stats.uptime()))),
        ("quorum_size", json!(voters)),
    ]
}

/// Where the system tells.
fn of_the_process() -> Vec<(&'static str, Value)> {
    let mut rows = Vec::new();
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        rows.push(("open_file_descriptor_count", json!(open.count())));
    }
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    if let Some(soft) = soft.and_then(|soft| soft.parse::<u64>().ok()) {
        rows.push(("max_file_descriptor_count", json!(soft)));
    }
    rows
}

fn of_a_leader(door: &Door) -> Vec<(&'static str, Value)> {
    let others = Others::of(door);
    let sizes = proposal_sizes(door);
    let leading = door.node.leading_for().unwrap_or_default();
    vec![
        (
            "learners",
            json!(others.voters_in_step + others.observers_in_step),
        ),
        ("synced_followers", json!(others.voters_in_step)),
        ("followers", json!(others.voters)),
        ("synced_non_voting_followers", json!(0)),
        ("synced_observers", json!(others.observers_in_step)),
        ("pending_syncs", json!(door.stats.syncs_under_way())),
        ("leader_uptime", json!(millis(leading))),
        ("last_proposal_size", json!(sizes.last)),
        ("min_proposal_size", json!(sizes.min)),
        ("max_proposal_size", json!(sizes.max)),
    ]
}

/// The members beside the leader. In step is who acknowledges the leader and lacks no more than is
/// on its way: one that is down, cut off or still catching up does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Others {
    voters: usize,
    voters_in_step: usize,
    observers_in_step: usize,
}

impl Others {
    fn of(door: &Door) -> Others {
        let mut others = Others::default();
        for member in door.node.members_known() {
            if member.id == door.node.id() {
                continue;
            }
            let in_step = usize::from(member.in_step == Some(true));
            if member.voter {
                others.voters += 1;
                others.voters_in_step += in_step;
            } else {
                others.observers_in_step += in_step;
            }
        }
        others
    }
}

/// Sizes of the log entries this node wrote as leader; −1 before the first.
pub(crate) fn proposal_sizes(door: &Door) -> SizesReading {
    let sizes = door.node.metrics().entry_sizes();
    let or_none =
        |size: Option<u64>| size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX));
    SizesReading {
        last: or_none(sizes.last),
        min: or_none(sizes.min),
        max: or_none(sizes.max),
    }
}

pub(crate) fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
