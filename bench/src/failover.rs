//! What clients of the servers that stay see when the leader goes.
//!
//! Only those: how soon a client turns from a dead server to another is a matter of client libraries.

use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use load::{Gaps, Pace, Plan, Workload};
use rustix::process::{Pid, Signal, kill_process};

use crate::contender::{Cluster, Contender, Ground};
use crate::one::{self, Errand};
use crate::results::Harmed;
use crate::{say, suite};

/// Writes a second.
const RATE: f64 = 500.0;
/// Clients that share them.
const CLIENTS: usize = 4;
/// After so long a client gives up and asks the next server: a request that waits at a leader that is gone must
/// not stand for all others. It is also how finely a longer gap is told.
const PATIENCE: Duration = Duration::from_millis(100);
/// Acknowledged writes before any harm is done.
const BEFORE: u64 = 500;
/// How long is looked on.
const TIME: Duration = Duration::from_secs(6);
/// The same where the longest time-out is ZooKeeper's ten seconds.
const TIME_ZOOKEEPER_STOPPED: Duration = Duration::from_secs(18);
/// How long a server that is started again may take until it answers.
const BACK: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What is done to a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// `kill -9`: its connections are reset.
    Kill,
    /// `SIGSTOP`: it is silent, and its connections stay.
    Stop,
    /// `SIGTERM`: it may hand over.
    Term,
}

impl Harm {
    /// All.
    pub const ALL: [Harm; 3] = [Harm::Kill, Harm::Stop, Harm::Term];

    const fn signal(self) -> Signal {
        match self {
            Harm::Kill => Signal::KILL,
            Harm::Stop => Signal::STOP,
            Harm::Term => Signal::TERM,
        }
    }

    /// Whether it is done to a contender: a planned end of a peer is not compared.
    fn is_for(self, contender: Contender) -> bool {
        self != Harm::Term || contender.is_holdfast()
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Harm::Kill => "kill",
            Harm::Stop => "stop",
            Harm::Term => "term",
        })
    }
}

/// Harms the leader of everybody so many times in each way.
///
/// # Errors
/// Somebody does not start, has no leader, or does not come back.
pub fn run(ground: &Ground, contenders: &[Contender], rounds: usize) -> Result<Vec<Harmed>> {
    let mut all = Vec::new();
    for &contender in contenders {
        if contender == Contender::Redis {
            continue;
        }
        let cluster = ground.start(contender)?;
        for harm in Harm::ALL.into_iter().filter(|harm| harm.is_for(contender)) {
            let mut gaps_ms = Vec::new();
            for round in 1..=rounds {
                cluster.go_on()?;
                let gap = once(&cluster, harm)?;
                say(format_args!(
                    "{round}/{rounds} {contender} {harm}: {gap:.0} ms without a write"
                ));
                gaps_ms.push(gap);
            }
            all.push(Harmed {
                contender,
                harm: harm.to_string(),
                gaps_ms,
            });
        }
        cluster.stop()?;
    }
    Ok(all)
}

/// One round: the longest time without an acknowledged write after the harm, in milliseconds.
fn once(cluster: &Cluster, harm: Harm) -> Result<f64> {
    let contender = cluster.contender();
    let leader = cluster.leader()?;
    let mut servers = cluster.endpoints()?;
    if leader < servers.len() {
        servers.remove(leader);
    }
    let pids = cluster.pids()?;
    let pid = *pids.get(leader).context("the leader has no process")?;
    let begun = Instant::now();
    let running = contender.run(servers, trickle(contender, harm));
    while running.count().done < BEFORE {
        if running.is_finished() {
            let report = running.wait().context("write a trickle before any harm")?;
            bail!(
                "{contender}: only {} writes were acknowledged before any harm was done: {:?}",
                report.operations,
                report.errors
            );
        }
        sleep(LOOK);
    }
    let harmed_at = begun.elapsed();
    signal(pid, harm.signal())?;
    let report = running.wait().context("write a trickle")?;
    if harm == Harm::Stop {
        signal(pid, Signal::KILL)?;
    }
    cluster.restart(leader)?;
    until_back(cluster, leader)?;
    let gaps = report.gaps.context("the run has measured no gaps")?;
    Ok(longest_after(&gaps, harmed_at))
}

fn trickle(contender: Contender, harm: Harm) -> Plan {
    let time = match (contender, harm) {
        (Contender::Zookeeper, Harm::Stop) => TIME_ZOOKEEPER_STOPPED,
        _ => TIME,
    };
    Plan {
        pace: Pace::Open { rate: RATE },
        answer_within: PATIENCE,
        keys: 100,
        ..suite::plan(Workload::Failover, CLIENTS, time)
    }
}

/// The longest gap that had not ended when the harm was done; 0 when nobody noticed.
fn longest_after(gaps: &Gaps, harmed_at: Duration) -> f64 {
    let harmed_ms = harmed_at.as_secs_f64() * 1e3;
    let after = gaps
        .gaps
        .iter()
        .filter(|gap| gap.at_ms + gap.ms > harmed_ms);
    after.map(|gap| gap.ms).fold(0.0, f64::max)
}

/// Waits until a server that was started again answers, and somebody leads.
pub(crate) fn until_back(cluster: &Cluster, index: usize) -> Result<()> {
    let endpoints = cluster.endpoints()?;
    let endpoint = endpoints.get(index).context("no such server")?;
    let begun = Instant::now();
    loop {
        cluster.go_on()?;
        let answers = one::run(cluster.contender(), endpoint, Errand::Ensure);
        let Err(error) = answers.and_then(|_| cluster.leader()) else {
            return Ok(());
        };
        if begun.elapsed() > BACK {
            return Err(error).context("wait for a server that was started again");
        }
        sleep(LOOK);
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.context("no process")?, signal).context("signal a server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gaps_that_the_harm_can_have_made_count() {
        let gaps: Gaps = serde_json::from_str(
            r#"{"longest_ms": 900.0, "gaps": [{"at_ms": 0.0, "ms": 900.0},
                {"at_ms": 1990.0, "ms": 120.0}, {"at_ms": 3000.0, "ms": 30.0}]}"#,
        )
        .unwrap();
        assert_eq!(longest_after(&gaps, Duration::from_secs(2)), 120.0);
        assert_eq!(longest_after(&gaps, Duration::from_secs(9)), 0.0);
    }

    #[test]
    fn only_holdfast_is_asked_to_hand_over() {
        assert!(Harm::Term.is_for(Contender::HoldfastHttp));
        assert!(!Harm::Term.is_for(Contender::Etcd));
        assert!(Harm::Stop.is_for(Contender::Zookeeper));
    }
}
