//! `mntr`: everything that is counted, under ZooKeeper's keys. What has no meaning here is left
//! out; a zero would say that it never happened.

use serde_json::{Value, json};

use super::gauges::{gauges, millis};
use super::{Rows, version};
use crate::door::Door;
use crate::door::mode::server_mode;
use crate::door::stats::{TimesReading, average, four_places};
use crate::door::watches::Fires;
use crate::proto::event::EventType;
use crate::proto::op::OpCode;

/// All rows, names without the prefix `zk_`.
pub(crate) fn rows(door: &Door) -> Rows {
    let mode = server_mode(door);
    let mut rows = vec![("version".to_owned(), json!(version()))];
    if let Some(mode) = mode {
        rows.push(("server_state".to_owned(), json!(mode.name())));
        rows.push(("peer_state".to_owned(), json!(mode.peer_state())));
    }
    rows.extend(gauges(door));
    rows.extend(counters(door));
    let requests = door.stats.requests();
    rows.extend(operations(&requests));
    for (name, reads) in [("readlatency", true), ("updatelatency", false)] {
        let of_kind = requests.iter().filter(|(op, _)| is_read(*op) == reads);
        let all = of_kind.fold(TimesReading::default(), |all, (_, times)| all.and(times));
        rows.extend(times(name, &all));
    }
    rows.extend(syncs(door));
    rows.extend(fires(door));
    rows
}

fn counters(door: &Door) -> Rows {
    let stats = &door.stats;
    let metrics = door.node.metrics();
    let diverged = door.node.status().divergence.is_some();
    let rows = [
        ("connection_request_count", stats.connections_opened.get()),
        ("connection_rejected", stats.connections_refused.get()),
        ("connection_drop_count", stats.connections_dropped.get()),
        ("connection_revalidate_count", stats.sessions_taken_up.get()),
        (
            "sessionless_connections_expired",
            stats.handshakes_expired.get(),
        ),
        (
            "stale_sessions_expired",
            door.watches.told().sessions_expired,
        ),
        ("large_requests_rejected", stats.frames_too_long.get()),
        ("bytes_received_count", stats.bytes_received.get()),
        ("response_bytes", stats.bytes_sent.get()),
        ("watch_bytes", stats.event_bytes.get()),
        ("proposal_count", metrics.entries_written()),
        ("commit_count", metrics.commands_applied()),
        ("digest_mismatches_count", u64::from(diverged)),
    ];
    named(rows)
}

fn named<const N: usize>(rows: [(&str, u64); N]) -> Rows {
    let row = |(name, value): (&str, u64)| (name.to_owned(), json!(value));
    rows.into_iter().map(row).collect()
}

/// `op_count_*`, operations that differ in their record only counted as one.
fn operations(requests: &[(OpCode, TimesReading)]) -> Rows {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    let mut total = 0;
    for (op, times) in requests {
        let Some(name) = counted_as(*op) else {
            continue;
        };
        total += times.count;
        match counts.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += times.count,
            None => counts.push((name, times.count)),
        }
    }
    let row = |(name, count): (&str, u64)| (format!("op_count_{name}"), json!(count));
    let mut rows = vec![row(("total", total))];
    rows.extend(counts.into_iter().map(row));
    rows
}

fn counted_as(op: OpCode) -> Option<&'static str> {
    Some(match op {
        OpCode::Create | OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => "create",
        OpCode::Delete => "delete",
        OpCode::Exists => "exists",
        OpCode::GetData => "get_data",
        OpCode::SetData => "set_data",
        OpCode::GetAcl => "get_acl",
        OpCode::SetAcl => "set_acl",
        OpCode::GetChildren | OpCode::GetChildren2 => "get_children",
        OpCode::Sync => "sync",
        OpCode::Ping => "ping",
        OpCode::Multi => "multi",
        OpCode::MultiRead => "multi_read",
        OpCode::Reconfig => "reconfig",
        OpCode::CheckWatches => "check_watches",
        OpCode::RemoveWatches => "remove_watches",
        OpCode::AddWatch => "add_watch",
        OpCode::SetWatches | OpCode::SetWatches2 => "set_watches",
        OpCode::GetEphemerals => "get_ephemerals",
        OpCode::GetAllChildrenNumber => "get_all_children_number",
        OpCode::WhoAmI => "who_am_i",
        OpCode::Auth => "auth",
        OpCode::Sasl => "sasl",
        OpCode::CreateSession => "create_session",
        OpCode::CloseSession => "close_session",
        OpCode::Notification | OpCode::Check | OpCode::DeleteContainer | OpCode::Error => {
            return None;
        }
    })
}

/// Answered from this node's own state, or only in its turn.
fn is_read(op: OpCode) -> bool {
    !matches!(
        op,
        OpCode::Create
            | OpCode::Create2
            | OpCode::CreateContainer
            | OpCode::CreateTtl
            | OpCode::Delete
            | OpCode::DeleteContainer
            | OpCode::SetData
            | OpCode::SetAcl
            | OpCode::Multi
            | OpCode::Reconfig
            | OpCode::CreateSession
            | OpCode::CloseSession
    )
}

/// A summary with percentiles, in milliseconds.
fn times(name: &str, times: &TimesReading) -> Rows {
    let avg = four_places(average(times.sum_us, times.count) / 1000.0);
    let mut rows = summary(
        name,
        json!(avg),
        [
            ("min", times.min_us / 1000),
            ("max", times.max_us / 1000),
            ("cnt", times.count),
            ("sum", times.sum_us / 1000),
        ],
    );
    for (part, per_mille) in [("p50", 500), ("p95", 950), ("p99", 990), ("p999", 999)] {
        let value = times.percentile_us(per_mille) / 1000;
        rows.push((format!("{part}_{name}"), json!(value)));
    }
    rows
}

fn syncs(door: &Door) -> Rows {
    let syncs = door.installation.disk.syncs();
    let total = u64::try_from(syncs.total.as_micros()).unwrap_or(u64::MAX);
    let avg = four_places(average(total, syncs.count) / 1000.0);
    summary(
        "fsynctime",
        json!(avg),
        [
            ("max", millis(syncs.max)),
            ("cnt", syncs.count),
            ("sum", millis(syncs.total)),
        ],
    )
}

/// How many connections events were told to.
fn fires(door: &Door) -> Rows {
    let told = door.watches.told();
    let of = |(name, kind): (&str, EventType)| {
        let Fires {
            count,
            sum,
            min,
            max,
        } = told.of(kind);
        let avg = json!(four_places(average(sum, count)));
        let parts = [("min", min), ("max", max), ("cnt", count), ("sum", sum)];
        summary(name, avg, parts)
    };
    let kinds = [
        ("node_created_watch_count", EventType::NodeCreated),
        ("node_deleted_watch_count", EventType::NodeDeleted),
        ("node_changed_watch_count", EventType::NodeDataChanged),
        ("node_children_watch_count", EventType::NodeChildrenChanged),
    ];
    kinds.into_iter().flat_map(of).collect()
}

fn summary<const N: usize>(name: &str, avg: Value, parts: [(&str, u64); N]) -> Rows {
    let mut rows = vec![(format!("avg_{name}"), avg)];
    let part = |(part, value): (&str, u64)| (format!("{part}_{name}"), json!(value));
    rows.extend(parts.into_iter().map(part));
    rows
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::door::stats::Times;

    #[test]
    fn a_summary_of_nothing_is_zeros_and_no_nan() {
        for (name, value) in times("readlatency", &TimesReading::default()) {
            assert_eq!(value.as_f64(), Some(0.0), "{name}");
        }
    }

    #[test]
    fn operations_of_one_kind_are_one_row() {
        let measured = Times::default();
        measured.record(Duration::from_millis(2));
        let read = measured.read();
        let rows = operations(&[
            (OpCode::Create, read.clone()),
            (OpCode::Create2, read.clone()),
            (OpCode::Error, read.clone()),
            (OpCode::GetData, read),
        ]);
        let expected: Rows = vec![
            ("op_count_total".to_owned(), json!(3)),
            ("op_count_create".to_owned(), json!(2)),
            ("op_count_get_data".to_owned(), json!(1)),
        ];
        assert_eq!(rows, expected);
    }
}
