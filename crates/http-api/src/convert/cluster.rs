//! Membership.

use std::collections::BTreeSet;

use http_types::v1::cluster as v1;
use node::{ClusterStatus, MemberChangeReport, MemberStatus, Quorum, Subtree, Subtrees};
use raft_core::ids::ZnodePath;
use raft_types::{ClusterId, NodeId};

/// A node in a path or body: `n2` or `2`.
pub(crate) fn node_in(text: &str) -> Option<NodeId> {
    v1::parse_node(text)
}

/// The cluster as its leader sees it.
pub(crate) fn cluster(status: &ClusterStatus, answering: NodeId) -> v1::Cluster {
    v1::Cluster {
        cluster_id: ClusterId(status.cluster_id).to_string(),
        term: status.term,
        leader: Some(v1::node_name(status.leader)),
        node: v1::node_name(answering),
        members: status.members.iter().map(member).collect(),
        quorum: small(status.quorum),
        failure_tolerance: small(status.failure_tolerance),
        digest: agreed_digest(status),
    }
}

/// The digest that all members which answered show at one position, if they are at one.
fn agreed_digest(status: &ClusterStatus) -> Option<v1::Digest> {
    let mut shown = status
        .members
        .iter()
        .filter_map(|m| Some((m.applied?, m.digest?)));
    let first = shown.next()?;
    shown
        .all(|other| other == first)
        .then(|| digest(first.0.0, first.1))
}

/// A digest as text.
pub(crate) fn digest(index: u64, digest: u128) -> v1::Digest {
    v1::Digest {
        index,
        digest: hex(digest),
    }
}

/// The subtrees that the caller may read: those whose top it may read, as everything above it.
pub(crate) fn subtrees(
    found: Subtrees,
    may_read: impl Fn(&ZnodePath) -> bool,
) -> Vec<v1::SubtreeDigest> {
    let mut readable = BTreeSet::new();
    let mut shown = Vec::new();
    for (at, subtree) in found.listed.into_iter().enumerate() {
        let Subtree {
            path,
            znodes,
            digest,
        } = subtree;
        let is_reached = at == 0
            || path
                .parent()
                .is_some_and(|parent| readable.contains(&parent));
        if is_reached && may_read(&path) {
            shown.push(v1::SubtreeDigest {
                path: path.to_string(),
                znodes,
                digest: hex(digest),
            });
            readable.insert(path);
        }
    }
    shown
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

fn member(member: &MemberStatus) -> v1::Member {
    v1::Member {
        id: v1::node_name(member.id),
        role: if member.voter {
            v1::Role::Voter
        } else {
            v1::Role::Learner
        },
        leader: member.leader,
        peer: member.peer.clone(),
        api: member.api.clone(),
        applied_index: member.applied.map(|zxid| zxid.0),
        lag_entries: member.lag_entries,
        last_contact_ms: member.ack_age_ms,
        reachable: member.applied.is_some(),
        version: member.version.clone(),
    }
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn arithmetic(quorum: &Quorum) -> v1::Arithmetic {
    v1::Arithmetic {
        voters: quorum.voters.iter().map(|id| v1::node_name(*id)).collect(),
        quorum: small(quorum.quorum),
        failure_tolerance: small(quorum.tolerates),
    }
}

/// What a change did or would do.
pub(crate) fn change(report: &MemberChangeReport, dry_run: bool) -> v1::MemberChange {
    let mut warnings = report.warnings.clone();
    warnings.extend(report.refusals.iter().map(|why| format!("refused: {why}")));
    v1::MemberChange {
        applied: report.done,
        dry_run,
        before: arithmetic(&report.before),
        after: arithmetic(&report.after),
        summary: summary(report),
        warnings,
    }
}

fn summary(report: &MemberChangeReport) -> String {
    let (before, after) = (&report.before, &report.after);
    format!(
        "voters {} → {}, quorum {} → {}, can lose {} → {}",
        before.voters.len(),
        after.voters.len(),
        before.quorum,
        after.quorum,
        before.tolerates,
        after.tolerates
    )
}

/// Why a change is refused, with the numbers.
pub(crate) fn arithmetic_lines(report: &MemberChangeReport) -> Vec<String> {
    let mut lines = report.refusals.clone();
    lines.push(summary(report));
    let reachable: Vec<String> = report
        .before
        .reachable
        .iter()
        .map(|id| v1::node_name(*id))
        .collect();
    lines.push(format!(
        "voters the leader hears of: {}",
        reachable.join(", ")
    ));
    if report.can_be_forced {
        lines.push("force=1 overrides this".to_owned());
    }
    lines
}
