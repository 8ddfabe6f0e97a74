//! The door in `/metrics`: families of its own, and those that dashboards made for ZooKeeper ask
//! for, under ZooKeeper's names. All are read off the counters when somebody looks; a request pays
//! for the counting and for nothing else.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use node::Metrics;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::Door;
use super::report::gauges::gauges;
use crate::proto::event::EventType;

/// Registers the door's metrics with those of its node.
pub(super) fn register(door: &Arc<Door>, metrics: &Metrics) {
    // Weak: the node owns the registry, and the door the node.
    let own = Own(Arc::downgrade(door));
    let foreign = Foreign(Arc::downgrade(door));
    metrics.with_registry(|registry| registry.register_collector(Box::new(own)));
    metrics.with_foreign_registry(|registry| registry.register_collector(Box::new(foreign)));
}

/// Families of the door, named by Holdfast.
struct Own(Weak<Door>);

/// Gauges under ZooKeeper's names.
struct Foreign(Weak<Door>);

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foreign")
    }
}

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(door) = self.0.upgrade() else {
            return Ok(());
        };
        for (name, help, value) in gauges_of(&door) {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            metric.encode_gauge(&value)?;
        }
        for (name, help, value) in counters_of(&door) {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            metric.encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
        }
        events(&door, &mut encoder)?;
        requests(&door, &mut encoder)
    }
}

fn gauges_of(door: &Door) -> [(&'static str, &'static str, u64); 3] {
    let whole = super::stats::whole;
    let stats = &door.stats;
    [
        (
            "zookeeper_connections",
            "Open connections of ZooKeeper clients.",
            whole(stats.register.len()),
        ),
        (
            "zookeeper_outstanding",
            "Requests of ZooKeeper clients without an answer yet.",
            whole(stats.outstanding()),
        ),
        (
            "zookeeper_watches",
            "Watches of ZooKeeper clients on this node.",
            whole(door.watches.counts().watches),
        ),
    ]
}

fn counters_of(door: &Door) -> [(&'static str, &'static str, u64); 13] {
    let stats = &door.stats;
    [
        (
            "zookeeper_connections_opened",
            "Connections of ZooKeeper clients accepted.",
            stats.connections_opened.get(),
        ),
        (
            "zookeeper_connections_refused",
            "Connections refused because their address has too many.",
            stats.connections_refused.get(),
        ),
        (
            "zookeeper_connections_dropped",
            "Connections of ZooKeeper clients that ended by an error.",
            stats.connections_dropped.get(),
        ),
        (
            "zookeeper_handshakes_expired",
            "Connections that did not say in time what they want.",
            stats.handshakes_expired.get(),
        ),
        (
            "zookeeper_frames_too_long",
            "Connections closed because of a request over zookeeper-jute-maxbuffer.",
            stats.frames_too_long.get(),
        ),
        (
            "zookeeper_outstanding_reached",
            "Times a connection had as many requests without an answer as it may.",
            stats.outstanding_reached.get(),
        ),
        (
            "zookeeper_replies_large",
            "Replies over zookeeper-jute-maxbuffer, which a client with that limit does not take.",
            stats.replies_large.get(),
        ),
        (
            "zookeeper_received_bytes",
            "Bytes of requests of ZooKeeper clients.",
            stats.bytes_received.get(),
        ),
        (
            "zookeeper_sent_bytes",
            "Bytes of replies and events to ZooKeeper clients.",
            stats.bytes_sent.get(),
        ),
        (
            "zookeeper_sessions_opened",
            "Sessions opened by ZooKeeper clients of this node.",
            stats.sessions_opened.get(),
        ),
        (
            "zookeeper_sessions_taken_up",
            "Sessions taken up by a further connection to this node.",
            stats.sessions_taken_up.get(),
        ),
        (
            "zookeeper_sessions_moved",
            "Connections closed because their session went on over another.",
            stats.sessions_moved.get(),
        ),
        (
            "zookeeper_sessions_expired",
            "Sessions of the cluster that expired, as this node saw it; those of other doors among them.",
            door.watches.told().sessions_expired,
        ),
    ]
}

fn events(door: &Door, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let told = door.watches.told();
    let help = "Watch events told to connections of this node.";
    let mut metric =
        encoder.encode_descriptor("zookeeper_events", help, None, MetricType::Counter)?;
    for (name, kind) in [
        ("created", EventType::NodeCreated),
        ("deleted", EventType::NodeDeleted),
        ("changed", EventType::NodeDataChanged),
        ("children", EventType::NodeChildrenChanged),
    ] {
        let labels = [("event", name)];
        let mut family = metric.encode_family(&labels)?;
        family.encode_counter::<NoLabelSet, u64, f64>(&told.of(kind).sum, None)?;
    }
    Ok(())
}

/// One histogram for each operation that was asked for; its count is the number of requests.
fn requests(door: &Door, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let name = "zookeeper_request_duration_seconds";
    let help =
        "Time from a request of a ZooKeeper client to its answer, waiting for its turn included.";
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (op, times) in door.stats.requests() {
        if times.count == 0 {
            continue;
        }
        let labels = [("op", op.name())];
        let sum = Duration::from_micros(times.sum_us).as_secs_f64();
        let mut family = metric.encode_family(&labels)?;
        family.encode_histogram::<NoLabelSet>(sum, times.count, &times.seconds(), None)?;
    }
    Ok(())
}

impl Collector for Foreign {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(door) = self.0.upgrade() else {
            return Ok(());
        };
        let syncs = door.installation.disk.syncs();
        let syncs = [
            ("fsynctime_count".to_owned(), syncs.count.into()),
            (
                "fsynctime_sum".to_owned(),
                super::report::gauges::millis(syncs.total).into(),
            ),
        ];
        for (name, value) in gauges(&door).into_iter().chain(syncs) {
            let Some(value) = value.as_f64() else {
                continue;
            };
            let help = format!("ZooKeeper's zk_{name}.");
            let mut metric = encoder.encode_descriptor(&name, &help, None, MetricType::Gauge)?;
            metric.encode_gauge(&value)?;
        }
        Ok(())
    }
}
