//! What the door counts. Labels are templates of routes, methods and statuses: never anything a
//! client can invent.

use std::time::Duration;

use node::{Metrics, Node};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::error::Problem;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    route: String,
    method: String,
    status: u32,
}

/// Gauges that are read off the node when somebody looks.
#[derive(Debug, Default)]
struct Sizes {
    znodes: Gauge,
    data_bytes: Gauge,
    sessions: Gauge,
    locks: Gauge,
    claims: Gauge,
    applied_index: Gauge,
    term: Gauge,
    leader: Gauge,
    ready: Gauge,
    proposals_in_flight: Gauge,
}

/// The families of the door.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<StatusLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    pub(crate) in_flight: Gauge,
    pub(crate) streams: Gauge,
    sizes: Sizes,
}

fn latency_histogram() -> Histogram {
    // 0.5 ms to 33 s; requests that were asked to wait are among them.
    Histogram::new(exponential_buckets(0.0005, 2.0, 17))
}

impl HttpMetrics {
    /// The families, registered with the node's own.
    pub(crate) fn registered(metrics: &Metrics) -> HttpMetrics {
        let http = HttpMetrics {
            requests: Family::default(),
            seconds: Family::new_with_constructor(latency_histogram),
            in_flight: Gauge::default(),
            streams: Gauge::default(),
            sizes: Sizes::default(),
        };
        metrics.with_registry(|registry| http.register(registry));
        http
    }

    fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from the head of a request to the head of its answer",
            self.seconds.clone(),
        );
        registry.register(
            "http_in_flight",
            "Requests being served",
            self.in_flight.clone(),
        );
        registry.register("http_streams", "Event streams open", self.streams.clone());
        let sizes = &self.sizes;
        for (name, help, gauge) in [
            ("znodes", "Znodes in the state", &sizes.znodes),
            (
                "data_bytes",
                "Bytes of data in all znodes",
                &sizes.data_bytes,
            ),
            ("sessions", "Live sessions", &sizes.sessions),
            ("locks", "Locks with claims or settings", &sizes.locks),
            ("claims", "Live claims, holders and waiters", &sizes.claims),
            (
                "applied_index",
                "Position of the last applied command",
                &sizes.applied_index,
            ),
            ("term", "Highest term known", &sizes.term),
            ("leader", "1 if this node leads", &sizes.leader),
            ("ready", "1 if clients should be sent here", &sizes.ready),
            (
                "proposals_in_flight",
                "Proposals without an outcome",
                &sizes.proposals_in_flight,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }

    /// One request was answered.
    pub(crate) fn answered(&self, route: &str, method: &str, status: u16, time: Duration) {
        let labels = RouteLabels {
            route: route.to_owned(),
            method: method.to_owned(),
        };
        self.seconds
            .get_or_create(&labels)
            .observe(time.as_secs_f64());
        let RouteLabels { route, method } = labels;
        let status = u32::from(status);
        self.requests
            .get_or_create(&StatusLabels {
                route,
                method,
                status,
            })
            .inc();
    }

    /// Everything there is, as OpenMetrics text.
    ///
    /// # Errors
    /// When it cannot be written, which is a bug.
    pub(crate) fn text(&self, node: &Node) -> Result<String, Problem> {
        self.sizes.read_off(node);
        let mut text = String::new();
        node.metrics()
            .encode(&mut text)
            .map_err(|_| Problem::internal("the metrics cannot be written"))?;
        Ok(text)
    }
}

impl Sizes {
    fn read_off(&self, node: &Node) {
        let counts = node.peek(raft_core::state::State::counts);
        let status = node.status();
        set(&self.znodes, counts.znodes);
        set(&self.data_bytes, counts.data_bytes);
        set(&self.sessions, counts.sessions);
        set(&self.locks, counts.locks);
        set(&self.claims, counts.claims);
        set(&self.applied_index, status.applied.0);
        set(&self.term, status.term);
        set(&self.leader, u8::from(status.leader == Some(status.id)));
        set(&self.ready, u8::from(status.is_ready()));
        set(&self.proposals_in_flight, status.proposals_in_flight);
    }
}

fn set<T: TryInto<i64>>(gauge: &Gauge, value: T) {
    gauge.set(value.try_into().unwrap_or(i64::MAX));
}
