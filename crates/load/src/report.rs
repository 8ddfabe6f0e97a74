//! What a run found.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::gaps::Gaps;
use crate::plan::{Pace, Plan};
use crate::record::Recorder;
use crate::target::Outcome;

/// A run and its figures, as `--output json` prints them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What the clients did.
    pub workload: String,
    /// The protocol they spoke.
    pub door: String,
    /// How many there were.
    pub clients: usize,
    /// How long was measured, in seconds.
    pub seconds: f64,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Operations a second asked for, if the loop was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Operations acknowledged.
    pub operations: u64,
    /// The same, a second.
    pub per_second: f64,
    /// Their latencies.
    pub latency_us: Latency,
    /// Operations not acknowledged, by kind.
    pub errors: Vec<ErrorCount>,
    /// Times without an acknowledged operation; only of the workload `failover`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gaps: Option<Gaps>,
}

/// Latencies, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Mean.
    pub mean: f64,
    /// Half are not longer.
    pub p50: u64,
    /// Nine of ten are not longer.
    pub p90: u64,
    /// 99 of 100 are not longer.
    pub p99: u64,
    /// 999 of 1,000 are not longer.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// How often operations failed in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// The service's own word, or what the socket said.
    pub kind: String,
    /// `not-done` or `unknown`.
    pub outcome: String,
    /// How often.
    pub count: u64,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Latency {
        Latency {
            mean: histogram.mean(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

impl Report {
    pub(crate) fn new(
        plan: &Plan,
        door: &str,
        time: Duration,
        recorder: &Recorder,
        gaps: Option<Gaps>,
    ) -> Report {
        let (latencies, troubles) = recorder.take();
        let errors = troubles
            .into_iter()
            .map(|((kind, outcome), count)| ErrorCount {
                kind,
                outcome: match outcome {
                    Outcome::NotDone => "not-done".to_owned(),
                    Outcome::Unknown => "unknown".to_owned(),
                },
                count,
            })
            .collect();
        let seconds = time.as_secs_f64();
        let operations = latencies.len();
        Report {
            workload: plan.workload.name().to_owned(),
            door: door.to_owned(),
            clients: plan.clients,
            seconds,
            value_bytes: plan.value_bytes,
            rate: match plan.pace {
                Pace::Closed => None,
                Pace::Open { rate } => Some(rate),
            },
            operations,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate is shown with four digits"
            )]
            per_second: operations as f64 / seconds.max(f64::EPSILON),
            latency_us: Latency::of(&latencies),
            errors,
            gaps,
        }
    }
}
