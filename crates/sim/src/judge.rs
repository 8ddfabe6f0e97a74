//! The verdict of the history checkers.

use checker::cluster::one_leader::OneLeader;
use checker::cycles::Cycles;
use checker::linearizable::Linearizable;
use checker::locks::exclusion::Exclusion;
use checker::locks::fenced_writes::FencedWrites;
use checker::locks::fences::Fences;
use checker::locks::fifo::Fifo;
use checker::locks::no_early_end::NoEarlyEnd;
use checker::locks::starvation::Starvation;
use checker::queue::Queue;
use checker::sessions::atomic_vanish::AtomicVanish;
use checker::sessions::no_resurrection::NoResurrection;
use checker::sessions::session_ids::SessionIds;
use checker::set_full::SetFull;
use checker::staleness::BoundedStaleness;
use checker::unique_ids::UniqueIds;
use checker::versions::Versions;
use checker::watches::complete::WatchComplete;
use checker::watches::order::WatchOrder;
use checker::{Checker, History, Limits, RunFacts, Verdict};

use crate::plan::Workload;
use crate::summary::Summary;
use crate::world::Stop;

/// Rates of clocks are bent by at most so much, in parts of a million.
const CLOCK_ERROR_PPM: u64 = 10_000;

fn facts() -> RunFacts {
    RunFacts {
        clock_error_ppm: CLOCK_ERROR_PPM,
        ..RunFacts::default()
    }
}

fn checkers(workload: Workload) -> Vec<Box<dyn Checker>> {
    let mut checkers: Vec<Box<dyn Checker>> = match workload {
        Workload::Register => vec![
            Box::new(Linearizable),
            Box::new(Versions),
            Box::new(BoundedStaleness),
        ],
        Workload::Set => vec![Box::new(SetFull)],
        Workload::Ids => vec![Box::new(UniqueIds)],
        Workload::Queue => vec![Box::new(Queue)],
        Workload::Append => vec![Box::new(Cycles)],
        Workload::Lock | Workload::RwLock | Workload::Semaphore => locks(workload),
        Workload::Watch => vec![
            Box::new(WatchOrder),
            Box::new(WatchComplete { facts: facts() }),
        ],
        Workload::Session => vec![
            Box::new(AtomicVanish),
            Box::new(NoResurrection),
            Box::new(SessionIds),
            Box::new(NoEarlyEnd { facts: facts() }),
        ],
    };
    checkers.push(Box::new(OneLeader));
    checkers
}

fn locks(workload: Workload) -> Vec<Box<dyn Checker>> {
    let mut checkers: Vec<Box<dyn Checker>> = vec![
        Box::new(Fences),
        Box::new(NoEarlyEnd { facts: facts() }),
        Box::new(Exclusion { facts: facts() }),
        Box::new(Fifo),
    ];
    match workload {
        Workload::Lock => checkers.push(Box::new(FencedWrites)),
        Workload::RwLock => checkers.push(Box::new(Starvation { facts: facts() })),
        _ => {}
    }
    checkers
}

/// Has the checkers of a workload judge what its clients saw.
///
/// # Errors
/// The first promise that was broken.
pub fn judge(workload: Workload, history: &History, summary: &mut Summary) -> Result<(), Stop> {
    for checker in checkers(workload) {
        let report = checker.check(history, &Limits::default());
        match report.verdict {
            Verdict::Valid => {
                *summary.valid.entry(report.checker).or_default() += 1;
            }
            Verdict::Unknown => {
                *summary.unknown.entry(report.checker).or_default() += 1;
            }
            Verdict::Invalid => {
                let what = report.findings.first().map(|finding| finding.what.clone());
                let what = format!("{}: {}", workload.name(), what.unwrap_or_default());
                return Err(Stop::broken(checker.name(), what));
            }
        }
    }
    Ok(())
}
