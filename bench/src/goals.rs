//! Ratios of Holdfast to its peers, held against what issue 5 says must be reached.

mod singles;

use crate::contender::Contender::{self, Etcd, HoldfastHttp, HoldfastZookeeper, Redis, Zookeeper};
use crate::results::{Results, Sample};

pub(crate) use self::singles::singles;

/// What of a cell is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    /// More is better.
    PerSecond,
    /// Less is better.
    P99,
    /// Less is better.
    Cpu,
}

impl Figure {
    fn of(self, sample: &Sample) -> f64 {
        match self {
            Figure::PerSecond => sample.per_second,
            Figure::P99 => sample.p99_us,
            Figure::Cpu => sample.cpu_s_per_1000,
        }
    }

    const fn more_is_better(self) -> bool {
        matches!(self, Figure::PerSecond)
    }
}

/// Holdfast against the best of some peers in one workload.
struct Goal {
    what: &'static str,
    workload: &'static str,
    figure: Figure,
    ours: Contender,
    peers: &'static [Contender],
    /// Clients, and the ratio that must be reached with so many.
    must: &'static [(usize, f64)],
    must_text: &'static str,
    aim_text: &'static str,
}

/// One ratio.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Clients.
    pub(crate) clients: usize,
    /// Holdfast's figure over the peer's.
    pub(crate) ratio: f64,
    /// The peer: the best one.
    pub(crate) peer: Contender,
    /// Whether it is what it must be, if anything is demanded there.
    pub(crate) reached: Option<bool>,
}

/// The ratios of one goal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) ratios: Vec<Ratio>,
    pub(crate) must: &'static str,
    pub(crate) aim: &'static str,
}

const GOALS: &[Goal] = &[
    Goal {
        what: "writes/s: ZooKeeper port over ZooKeeper",
        workload: "write",
        figure: Figure::PerSecond,
        ours: HoldfastZookeeper,
        peers: &[Zookeeper],
        must: &[(1, 1.2), (64, 3.0), (256, 3.0)],
        must_text: "1.2 at 1; 3 at 64 and 256",
        aim_text: "1.4; 6",
    },
    Goal {
        what: "CPU for 1,000 writes: ZooKeeper port over ZooKeeper",
        workload: "write",
        figure: Figure::Cpu,
        ours: HoldfastZookeeper,
        peers: &[Zookeeper],
        must: &[(64, 1.0 / 3.0)],
        must_text: "0.33 at 64",
        aim_text: "0.17",
    },
    Goal {
        what: "writes/s: HTTP over etcd",
        workload: "write",
        figure: Figure::PerSecond,
        ours: HoldfastHttp,
        peers: &[Etcd],
        must: &[(64, 3.0)],
        must_text: "3 at 64",
        aim_text: "6",
    },
    Goal {
        what: "reads/s: ZooKeeper port over ZooKeeper",
        workload: "read",
        figure: Figure::PerSecond,
        ours: HoldfastZookeeper,
        peers: &[Zookeeper],
        must: &[(64, 3.0)],
        must_text: "3 at 64",
        aim_text: "5",
    },
    Goal {
        what: "linearizable reads/s: HTTP over etcd",
        workload: "read",
        figure: Figure::PerSecond,
        ours: HoldfastHttp,
        peers: &[Etcd],
        must: &[(64, 4.0)],
        must_text: "4 at 64",
        aim_text: "8",
    },
    Goal {
        what: "lock cycles/s: HTTP over the better of ZooKeeper and etcd",
        workload: "lock",
        figure: Figure::PerSecond,
        ours: HoldfastHttp,
        peers: &[Zookeeper, Etcd],
        must: &[(64, 3.0)],
        must_text: "3 at 64",
        aim_text: "6",
    },
    Goal {
        what: "lock cycles/s: HTTP over one unreplicated Redis",
        workload: "lock",
        figure: Figure::PerSecond,
        ours: HoldfastHttp,
        peers: &[Redis],
        must: &[],
        must_text: "",
        aim_text: "0.5 at 64",
    },
    Goal {
        what: "hand-offs/s of one lock: HTTP over the better of ZooKeeper and etcd",
        workload: "contend",
        figure: Figure::PerSecond,
        ours: HoldfastHttp,
        peers: &[Zookeeper, Etcd],
        must: &[(64, 2.0)],
        must_text: "2 at 64",
        aim_text: "3",
    },
    Goal {
        what: "p99 of 1,000 watchers being told: ZooKeeper port over ZooKeeper",
        workload: "watch",
        figure: Figure::P99,
        ours: HoldfastZookeeper,
        peers: &[Zookeeper],
        must: &[(1_001, 0.5)],
        must_text: "0.5",
        aim_text: "0.25",
    },
    Goal {
        what: "p99 of 1,000 watchers being told: HTTP over ZooKeeper",
        workload: "watch",
        figure: Figure::P99,
        ours: HoldfastHttp,
        peers: &[Zookeeper],
        must: &[(1_001, 0.5)],
        must_text: "0.5",
        aim_text: "0.25",
    },
];

/// The ratios of the matrix. What was not measured is left out.
pub(crate) fn rows(results: &Results) -> Vec<Row> {
    let row = |goal: &Goal| Row {
        what: goal.what,
        ratios: ratios(results, goal),
        must: goal.must_text,
        aim: goal.aim_text,
    };
    let rows = GOALS.iter().map(row);
    rows.filter(|row| !row.ratios.is_empty()).collect()
}

fn ratios(results: &Results, goal: &Goal) -> Vec<Ratio> {
    let cells = results.matrix.iter().flat_map(|matrix| &matrix.cells);
    let ours = cells.filter(|cell| cell.contender == goal.ours && cell.workload == goal.workload);
    let mut ratios: Vec<Ratio> = ours
        .filter_map(|cell| {
            let clients = cell.clients;
            let (peer, theirs) = best(results, goal, clients)?;
            let ratio = goal.figure.of(&cell.median) / theirs;
            let must = goal.must.iter().find(|(at, _)| *at == clients);
            let reached = must.map(|(_, must)| {
                if goal.figure.more_is_better() {
                    ratio >= *must
                } else {
                    ratio <= *must
                }
            });
            Some(Ratio {
                clients,
                ratio,
                peer,
                reached,
            })
        })
        .collect();
    ratios.sort_by_key(|ratio| ratio.clients);
    ratios
}

/// The best of the peers, and its figure.
fn best(results: &Results, goal: &Goal, clients: usize) -> Option<(Contender, f64)> {
    let figures = goal.peers.iter().filter_map(|peer| {
        let figure = goal.figure.of(results.cell(*peer, goal.workload, clients)?);
        (figure > 0.0).then_some((*peer, figure))
    });
    if goal.figure.more_is_better() {
        figures.max_by(|a, b| a.1.total_cmp(&b.1))
    } else {
        figures.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Cell, Matrix};

    fn results(cells: &[(Contender, &str, usize, f64)]) -> Results {
        let cell = |(contender, workload, clients, figure): &(Contender, &str, usize, f64)| Cell {
            contender: *contender,
            workload: (*workload).to_owned(),
            clients: *clients,
            median: Sample {
                per_second: *figure,
                p50_us: *figure,
                p99_us: *figure,
                ..Sample::default()
            },
            samples: Vec::new(),
        };
        Results {
            matrix: Some(Matrix {
                command: String::new(),
                repeats: 1,
                seconds: 1.0,
                cells: cells.iter().map(cell).collect(),
            }),
            ..Results::default()
        }
    }

    #[test]
    fn the_better_peer_counts_and_only_where_something_is_demanded() {
        let found = rows(&results(&[
            (HoldfastHttp, "lock", 16, 900.0),
            (HoldfastHttp, "lock", 64, 900.0),
            (Zookeeper, "lock", 16, 100.0),
            (Zookeeper, "lock", 64, 400.0),
            (Etcd, "lock", 64, 300.0),
        ]));
        assert_eq!(found.len(), 1);
        let ratio = |clients, ratio, reached| Ratio {
            clients,
            ratio,
            peer: Zookeeper,
            reached,
        };
        assert_eq!(
            found[0].ratios,
            [ratio(16, 9.0, None), ratio(64, 2.25, Some(false))]
        );
    }

    #[test]
    fn of_latencies_less_is_better() {
        let found = rows(&results(&[
            (HoldfastZookeeper, "watch", 1_001, 20.0),
            (Zookeeper, "watch", 1_001, 50.0),
        ]));
        assert_eq!(found[0].ratios[0].reached, Some(true));
    }
}
