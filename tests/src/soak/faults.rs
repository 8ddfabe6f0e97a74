//! What nodes suffer: killed and started again, or stopped for a while. Never two at a time.

use std::time::{Duration, Instant};

use super::dice::Dice;
use super::shared::{Shared, lock};
use crate::cluster::Cluster;

/// This node is never killed, so that one process lives through the whole soak and its memory
/// tells something.
pub(super) const SPARED: u64 = 1;
/// For the question whether a node is ready.
const PROBE: Duration = Duration::from_millis(500);
/// How long a killed node stays away.
const AWAY_MS: (u64, u64) = (500, 4_000);

#[derive(Clone, Copy, Debug)]
enum Now {
    Calm { until: Instant },
    Away { node: u64, until: Instant },
    Starting { node: u64 },
    Stopped { node: u64, until: Instant },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Faults {
    now: Now,
    every: Duration,
    stopped_max: Duration,
    dice: Dice,
    pub(super) kills: usize,
    pub(super) stops: usize,
}

impl Faults {
    /// Pauses stay below half of the session timeout: nobody may lose a session by one.
    pub(super) fn new(every: Duration, session_timeout: Duration, dice: Dice) -> Faults {
        Faults {
            now: Now::Calm {
                until: Instant::now() + every,
            },
            every,
            stopped_max: session_timeout * 2 / 5,
            dice,
            kills: 0,
            stops: 0,
        }
    }

    /// Goes on with it. With `calm`, nothing new begins.
    pub(super) fn step(&mut self, cluster: &mut Cluster, shared: &Shared, calm: bool) {
        let now = Instant::now();
        match self.now {
            Now::Calm { until } if now >= until && !calm => self.begin(cluster, shared),
            Now::Away { node, until } if now >= until => {
                cluster.start_node(node);
                self.now = Now::Starting { node };
            }
            Now::Starting { node } => {
                let answer = cluster.http(node).timeout(PROBE).get("/readyz");
                if answer.is_ok_and(|answer| answer.status == 200) {
                    self.rest();
                }
            }
            Now::Stopped { node, until } if now >= until => {
                cluster.resume(node);
                self.rest();
            }
            Now::Calm { .. } | Now::Away { .. } | Now::Stopped { .. } => {}
        }
    }

    fn rest(&mut self) {
        let until = Instant::now() + self.every;
        self.now = Now::Calm { until };
    }

    fn begin(&mut self, cluster: &mut Cluster, shared: &Shared) {
        let ids = cluster.ids();
        let node = ids[self.dice.index(ids.len())];
        let now = Instant::now();
        if node != SPARED && self.dice.roll(4) != 0 {
            let away = AWAY_MS.0 + self.dice.roll(AWAY_MS.1 - AWAY_MS.0);
            cluster.kill(node);
            self.kills += 1;
            let index = usize::try_from(node - 1).unwrap_or(0);
            lock(&shared.kills).push((index, now));
            let until = now + Duration::from_millis(away);
            self.now = Now::Away { node, until };
        } else {
            let longest = u64::try_from(self.stopped_max.as_millis()).unwrap_or(0);
            let stopped = Duration::from_millis(longest / 4 + self.dice.roll(longest * 3 / 4));
            cluster.pause(node);
            self.stops += 1;
            let until = now + stopped;
            self.now = Now::Stopped { node, until };
        }
    }

    /// Whether nothing is wrong with any node.
    pub(super) fn is_calm(&self) -> bool {
        matches!(self.now, Now::Calm { .. })
    }

    /// What is going on, for the line of progress.
    pub(super) fn describe(&self) -> String {
        match self.now {
            Now::Calm { .. } => "all up".to_owned(),
            Now::Away { node, .. } => format!("node {node} killed"),
            Now::Starting { node } => format!("node {node} starting"),
            Now::Stopped { node, .. } => format!("node {node} stopped"),
        }
    }
}
