//! Judges histories: what clients of a coordination service saw, against what it promised.
//!
//! Pure: histories in, [`Report`]s out; no clock beyond the time limits of a search, no I/O. It
//! imports nothing of Holdfast, on purpose: its models are written afresh from the promises in
//! `docs/guarantees.md`, or one misunderstanding could hide in both. The form of a history is the
//! contract in `jepsen/histories.md`.

pub mod availability;
mod calm;
pub mod cluster;
pub mod cycles;
pub mod edn;
pub mod facts;
pub mod faults;
pub mod generate;
pub mod history;
pub mod linearizable;
pub mod locks;
pub mod oracle;
mod positions;
pub mod queue;
pub mod register;
pub mod sessions;
pub mod set_full;
pub mod staleness;
pub mod unique_ids;
pub mod verdict;
pub mod versions;
pub mod watches;
pub mod wgl;

pub use facts::RunFacts;
pub use history::{Call, Event, History, Outcome, Process};
pub use verdict::{Checker, Finding, Limits, Report, Verdict};

/// The checkers that judge a workload, by the table of `jepsen/histories.md`; of an unknown workload
/// those that judge every one.
///
/// `availability` and `faults-observed` come with what they know by themselves; who knows the
/// schedule, and how much work there should be, puts their own in place.
#[must_use]
pub fn checkers_for(workload: &str) -> Vec<Box<dyn Checker>> {
    let mut checkers: Vec<Box<dyn Checker>> = match workload {
        "register" | "membership" => vec![
            Box::new(linearizable::Linearizable),
            Box::new(versions::Versions),
            Box::new(staleness::BoundedStaleness),
        ],
        "set" => vec![Box::new(set_full::SetFull)],
        "unique-ids" => vec![Box::new(unique_ids::UniqueIds)],
        "queue" => vec![Box::new(queue::Queue)],
        "append" => vec![Box::new(cycles::Cycles)],
        "lock" => vec![
            Box::new(locks::fences::Fences),
            Box::new(locks::fenced_writes::FencedWrites),
            Box::new(locks::no_early_end::NoEarlyEnd::default()),
            Box::new(locks::exclusion::Exclusion::default()),
            Box::new(locks::fifo::Fifo),
            Box::new(locks::ghosts::Ghosts::default()),
        ],
        "rwlock" => vec![
            Box::new(locks::fences::Fences),
            Box::new(locks::no_early_end::NoEarlyEnd::default()),
            Box::new(locks::exclusion::Exclusion::default()),
            Box::new(locks::fifo::Fifo),
            Box::new(locks::starvation::Starvation::default()),
        ],
        "semaphore" => vec![
            Box::new(locks::fences::Fences),
            Box::new(locks::no_early_end::NoEarlyEnd::default()),
            Box::new(locks::exclusion::Exclusion::default()),
            Box::new(locks::fifo::Fifo),
        ],
        "watch" => vec![
            Box::new(watches::order::WatchOrder),
            Box::new(watches::complete::WatchComplete::default()),
            Box::new(watches::before_reply::WatchBeforeReply::default()),
        ],
        "session" => vec![
            Box::new(locks::no_early_end::NoEarlyEnd::default()),
            Box::new(sessions::atomic_vanish::AtomicVanish),
            Box::new(sessions::no_resurrection::NoResurrection),
            Box::new(sessions::session_ids::SessionIds),
        ],
        _ => vec![],
    };
    checkers.push(Box::new(cluster::one_leader::OneLeader));
    checkers.push(Box::new(cluster::failover_time::FailoverTime::default()));
    checkers.push(Box::new(cluster::equal_digests::EqualDigests::default()));
    checkers.push(Box::new(availability::Availability::default()));
    checkers.push(Box::new(faults::FaultsObserved::default()));
    checkers
}
