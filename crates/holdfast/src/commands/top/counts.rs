//! What nodes count (`/metrics`), and how fast it grows between two looks.

use std::collections::BTreeMap;
use std::time::Duration;

/// HTTP requests that change something and wait for nobody: how long they take is how long a commit takes.
/// The others (claims, candidates, parties) may be in a queue, or change nothing.
const COMMITS: [&str; 8] = [
    "/v1/counters/{counter}/-/add",
    "/v1/counters/{counter}/-/block",
    "/v1/fences/{resource}/-/advance",
    "/v1/groups/{group}/-/members/{member}",
    "/v1/nodes/{path}",
    "/v1/nodes/{path}/-/acl",
    "/v1/sessions/{session}",
    "/v1/txn",
];
/// HTTP reads that this view and probes make all the time.
const PROBES: [&str; 5] = [
    "/v1/cluster",
    "/v1/deadlocks",
    "/v1/elections",
    "/v1/health",
    "/v1/hot",
];
/// The same, of sessions: the list, and what each of them holds.
const SESSIONS: &str = "/v1/sessions";
/// Operations of ZooKeeper clients that commit.
const ZOOKEEPER_COMMITS: [&str; 11] = [
    "create",
    "create2",
    "createContainer",
    "createTTL",
    "delete",
    "setACL",
    "setData",
    "multi",
    "createSession",
    "closeSession",
    "reconfig",
];
/// Those that read.
const ZOOKEEPER_READS: [&str; 8] = [
    "exists",
    "getACL",
    "getAllChildrenNumber",
    "getChildren",
    "getChildren2",
    "getData",
    "getEphemerals",
    "multiRead",
];

/// What a node has counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Commands it applied: what the whole cluster wrote.
    applied: u64,
    /// Reads it answered.
    reads: u64,
    /// Commits it answered, by the upper bound of the time they took.
    commits: BTreeMap<Duration, u64>,
}

/// What is done in a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// Commands applied, as the leader counts; `None` where it could not be asked twice.
    pub(super) writes: Option<f64>,
    /// Reads answered by all nodes that could be asked twice.
    pub(super) reads: f64,
    /// 99 of 100 commits were answered within this time; `None` where there were none.
    pub(super) p99: Option<Duration>,
    /// Nodes that could be asked twice.
    pub(super) nodes: usize,
}

/// One line of a `/metrics` page.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: &'a str,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Sample<'a>> {
        let (head, value) = line.rsplit_once(' ')?;
        let (name, labels) = match head.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}')?),
            None => (head, ""),
        };
        // Routes have braces in them, and nothing has quotes.
        let pairs = labels.split_terminator("\",").map(|pair| {
            let (key, value) = pair.split_once("=\"")?;
            Some((key, value.trim_end_matches('"')))
        });
        Some(Sample {
            name,
            labels: pairs.collect::<Option<_>>()?,
            value,
        })
    }

    fn label(&self, name: &str) -> &'a str {
        let found = self.labels.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    /// Which histogram of a family it is of.
    fn series(&self) -> (&'a str, &'a str, &'a str) {
        (self.label("op"), self.label("route"), self.label("method"))
    }

    fn is_read(&self) -> bool {
        let (op, route, method) = self.series();
        let probes = PROBES.contains(&route) || route.starts_with(SESSIONS);
        ZOOKEEPER_READS.contains(&op) || (method == "GET" && route.starts_with("/v1/") && !probes)
    }

    fn is_commit(&self) -> bool {
        let (op, route, method) = self.series();
        let changes = matches!(method, "PUT" | "POST" | "DELETE") && COMMITS.contains(&route);
        ZOOKEEPER_COMMITS.contains(&op) || changes
    }
}

impl Counts {
    /// Reads a `/metrics` page. What it does not know, it leaves out.
    pub(super) fn read(page: &str) -> Counts {
        let mut counts = Counts::default();
        // Buckets count what the ones before them do, too.
        let mut before = (("", "", ""), 0);
        for sample in page.lines().filter_map(Sample::parse) {
            let Ok(value) = sample.value.parse::<u64>() else {
                continue;
            };
            match sample.name {
                "holdfast_commands_applied_total" => counts.applied = value,
                "holdfast_http_request_duration_seconds_count"
                | "holdfast_zookeeper_request_duration_seconds_count"
                    if sample.is_read() =>
                {
                    counts.reads += value;
                }
                "holdfast_http_request_duration_seconds_bucket"
                | "holdfast_zookeeper_request_duration_seconds_bucket"
                    if sample.is_commit() =>
                {
                    let less = if before.0 == sample.series() {
                        before.1
                    } else {
                        0
                    };
                    before = (sample.series(), value);
                    *counts.commits.entry(bound(sample.label("le"))).or_default() +=
                        value.saturating_sub(less);
                }
                _ => {}
            }
        }
        counts
    }

    /// What was counted since `before`; `None` when the node started anew in between.
    fn since(&self, before: &Counts) -> Option<Counts> {
        let mut commits = BTreeMap::new();
        for (bound, count) in &self.commits {
            let less = before.commits.get(bound).copied().unwrap_or_default();
            commits.insert(*bound, count.checked_sub(less)?);
        }
        Some(Counts {
            applied: self.applied.checked_sub(before.applied)?,
            reads: self.reads.checked_sub(before.reads)?,
            commits,
        })
    }
}

/// `+Inf` and what is no number are longer than anything.
fn bound(text: &str) -> Duration {
    let seconds = text.parse::<f64>().unwrap_or(f64::INFINITY);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Two looks at one node.
pub(super) struct Looks<'a> {
    pub(super) before: &'a Counts,
    pub(super) after: &'a Counts,
    pub(super) between: Duration,
    pub(super) leads: bool,
}

impl Rates {
    /// Of what is seen at all nodes together; `None` where nothing is.
    pub(super) fn of<'a>(nodes: impl IntoIterator<Item = Looks<'a>>) -> Option<Rates> {
        let mut rates = Rates::default();
        let mut commits: BTreeMap<Duration, u64> = BTreeMap::new();
        for looks in nodes {
            let seconds = looks.between.as_secs_f64();
            let Some(done) = looks.after.since(looks.before) else {
                continue;
            };
            if seconds <= 0.0 {
                continue;
            }
            rates.nodes += 1;
            rates.reads += per(done.reads, seconds);
            if looks.leads {
                rates.writes = Some(per(done.applied, seconds));
            }
            for (bound, count) in done.commits {
                *commits.entry(bound).or_default() += count;
            }
        }
        rates.p99 = p99(&commits);
        (rates.nodes > 0).then_some(rates)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates are shown with few digits"
)]
fn per(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn p99(commits: &BTreeMap<Duration, u64>) -> Option<Duration> {
    let all: u64 = commits.values().sum();
    let wanted = all.saturating_mul(99).div_ceil(100);
    let mut seen = 0;
    commits.iter().find_map(|(bound, count)| {
        seen += count;
        (wanted > 0 && seen >= wanted).then_some(*bound)
    })
}

#[cfg(test)]
mod tests {
    use zookeeper::proto::op::OpCode;

    use super::*;

    fn page(applied: u64, fast: u64, slow: u64, gets: u64) -> String {
        let all = fast + slow;
        format!(
            "# TYPE holdfast_commands_applied counter\n\
             holdfast_commands_applied_total {applied}\n\
             holdfast_http_request_duration_seconds_sum{{route=\"/v1/nodes/{{path}}\",method=\"PUT\"}} 0.5\n\
             holdfast_http_request_duration_seconds_count{{route=\"/v1/nodes/{{path}}\",method=\"PUT\"}} {all}\n\
             holdfast_http_request_duration_seconds_bucket{{le=\"0.002\",route=\"/v1/nodes/{{path}}\",method=\"PUT\"}} {fast}\n\
             holdfast_http_request_duration_seconds_bucket{{le=\"0.004\",route=\"/v1/nodes/{{path}}\",method=\"PUT\"}} {all}\n\
             holdfast_http_request_duration_seconds_bucket{{le=\"+Inf\",route=\"/v1/nodes/{{path}}\",method=\"PUT\"}} {all}\n\
             holdfast_http_request_duration_seconds_bucket{{le=\"33.0\",route=\"/v1/locks/{{lock}}/-/claims/{{claim}}\",method=\"PUT\"}} 9000\n\
             holdfast_http_request_duration_seconds_count{{route=\"/v1/locks/{{lock}}\",method=\"GET\"}} {gets}\n\
             holdfast_http_request_duration_seconds_count{{route=\"/v1/sessions/{{session}}\",method=\"GET\"}} 777\n\
             holdfast_zookeeper_request_duration_seconds_count{{op=\"getData\"}} {gets}\n\
             holdfast_zookeeper_request_duration_seconds_bucket{{le=\"0.001\",op=\"create\"}} {fast}\n\
             holdfast_zookeeper_request_duration_seconds_bucket{{le=\"+Inf\",op=\"create\"}} {fast}\n\
             # EOF\n"
        )
    }

    fn looks<'a>(before: &'a Counts, after: &'a Counts, leads: bool) -> Looks<'a> {
        Looks {
            before,
            after,
            between: Duration::from_secs(2),
            leads,
        }
    }

    #[test]
    fn rates_are_what_grew_between_two_looks() {
        let before = Counts::read(&page(100, 10, 10, 50));
        let after = Counts::read(&page(300, 60, 12, 150));
        let rates = Rates::of([looks(&before, &after, true), looks(&before, &after, false)]);
        let rates = rates.unwrap();
        assert_eq!(
            rates.writes,
            Some(100.0),
            "those of the leader, counted once"
        );
        assert_eq!(rates.reads, 200.0, "those of both doors, and of both nodes");
        assert_eq!(rates.p99, Some(Duration::from_millis(4)));
        assert_eq!(rates.nodes, 2);
    }

    #[test]
    fn what_waits_for_a_turn_is_no_slow_commit() {
        let before = Counts::default();
        let after = Counts::read(&page(1, 1000, 1, 0));
        let rates = Rates::of([looks(&before, &after, false)]).unwrap();
        assert_eq!(rates.p99, Some(Duration::from_millis(2)));
        assert_eq!(rates.writes, None, "the leader was not asked twice");
    }

    #[test]
    fn a_node_that_started_anew_has_no_rate_and_a_silent_one_no_p99() {
        let before = Counts::read(&page(100, 10, 10, 50));
        let after = Counts::read(&page(3, 10, 10, 50));
        assert_eq!(Rates::of([looks(&before, &after, true)]), None);
        assert_eq!(Rates::of([looks(&after, &after, true)]).unwrap().p99, None);
    }

    /// Otherwise what is counted would silently be nothing.
    #[test]
    fn what_is_counted_is_what_the_doors_serve() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/reference/openapi.json"
        );
        let page = std::fs::read_to_string(path).unwrap();
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        for route in COMMITS.iter().chain(&PROBES).chain([&SESSIONS]) {
            assert!(page["paths"][route].is_object(), "{route}");
        }
        let known = |name: &&str| OpCode::ALL.iter().any(|op| op.name() == *name);
        for name in ZOOKEEPER_COMMITS.iter().chain(&ZOOKEEPER_READS) {
            assert!(known(name), "{name}");
        }
    }

    #[test]
    fn a_page_of_somebody_else_counts_nothing() {
        for page in [
            "",
            "<html>\n",
            "holdfast_commands_applied_total",
            "a{b} 1\nc{d=\"e} x\n",
        ] {
            assert_eq!(Counts::read(page), Counts::default(), "{page}");
        }
    }
}
