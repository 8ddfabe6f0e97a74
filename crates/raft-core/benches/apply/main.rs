//! What applying one command costs: every node does it for every command, one after the other, so it
//! bounds the throughput of the cluster.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    reason = "a benchmark reads the clock, and stops at the first surprise"
)]

mod barrier;
mod election;
mod queue;
mod requests;
mod service;
mod work_queue;

use std::hint::black_box;
use std::time::{Duration, Instant};

use balance::round_robin::Cursor;
use criterion::{BatchSize, Criterion};
use raft_core::command::{Request, Stamp, Strategy};
use raft_core::outcome::Outcome;
use raft_core::state::State;

use barrier::Meeting;
use election::Standing;
use queue::Queue;
use requests::{Paths, create, delete, set_data, set_data_of_all};
use service::Fleet;
use work_queue::Backlog;

/// How many operations are timed in one go where something between them must not count.
const RUN: u64 = 256;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    znodes(&mut criterion);
    locks(&mut criterion);
    elections(&mut criterion);
    barriers(&mut criterion);
    services(&mut criterion);
    work_queues(&mut criterion);
    transactions(&mut criterion);
    criterion.final_summary();
}

/// A command that must be accepted.
fn apply(state: &mut State, request: &Request) -> Outcome {
    let outcome = state.apply(Stamp::default(), request);
    assert!(outcome.result.is_ok(), "{request:?}: {:?}", outcome.result);
    outcome
}

fn znodes(criterion: &mut Criterion) {
    for count in [1_000, 1_000_000] {
        let paths = Paths::of(count);
        let mut state = filled(&paths);
        let mut group = criterion.benchmark_group(format!("apply, with {count} znodes"));
        let mut turn = 0;
        group.bench_function("set the data of one of them", |bench| {
            bench.iter_batched(
                || set_data(&paths.scattered(&mut turn)),
                |request| apply(&mut state, &request),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("set data while a reader keeps the state before", |bench| {
            bench.iter_batched(
                || set_data(&paths.scattered(&mut turn)),
                |request| {
                    let before = state.clone();
                    (apply(&mut state, &request), before)
                },
                BatchSize::PerIteration,
            );
        });
        group.bench_function("create one more", |bench| {
            bench.iter_custom(|iterations| created(&mut state, iterations));
        });
        group.finish();
    }
}

/// A tree with data in every znode.
fn filled(paths: &Paths) -> State {
    let mut state = State::new();
    for parent in paths.parents() {
        apply(&mut state, &create(&parent));
    }
    for path in paths.all() {
        apply(&mut state, &create(&path));
    }
    state
}

/// Time of so many creates. They are deleted again, which is not counted, so that the tree stays as
/// large as it was.
fn created(state: &mut State, iterations: u64) -> Duration {
    let mut time = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let run = left.min(RUN);
        left -= run;
        let names: Vec<String> = (0..run).map(|n| format!("/more-{n}")).collect();
        let requests: Vec<Request> = names.iter().map(|name| create(name)).collect();
        let started = Instant::now();
        for request in &requests {
            black_box(apply(state, request));
        }
        time += started.elapsed();
        for name in &names {
            apply(state, &delete(name));
        }
    }
    time
}

fn locks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply, locks");
    let mut queue = Queue::new(0);
    group.bench_function("acquire and release a lock nobody else wants", |bench| {
        bench.iter_custom(|iterations| {
            let mut time = Duration::ZERO;
            for _ in 0..iterations {
                let (acquire, release) = queue.next_claim();
                let started = Instant::now();
                black_box(apply(&mut queue.state, &acquire));
                black_box(apply(&mut queue.state, &release));
                time += started.elapsed();
            }
            time
        });
    });
    for locks in [2, 16] {
        let mut queue = Queue::new(0);
        let name = format!("acquire and release {locks} locks at once");
        group.bench_function(name, |bench| {
            bench.iter_custom(|iterations| {
                let mut time = Duration::ZERO;
                for _ in 0..iterations {
                    let (acquire, release) = queue.next_claim_of(locks);
                    let started = Instant::now();
                    black_box(apply(&mut queue.state, &acquire));
                    black_box(apply(&mut queue.state, &release));
                    time += started.elapsed();
                }
                time
            });
        });
    }
    for waiters in [100, 10_000] {
        let mut queue = Queue::new(waiters);
        let name = format!("release a lock that {waiters} others wait for");
        group.bench_function(name, |bench| {
            bench.iter_custom(|iterations| (0..iterations).map(|_| queue.hand_over()).sum());
        });
    }
    group.finish();
}

fn elections(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply, elections");
    for candidates in [2, 100, 1_000] {
        let mut standing = Standing::new(candidates);
        let name = format!("the leader of {candidates} candidates resigns");
        group.bench_function(name, |bench| {
            bench.iter_custom(|iterations| {
                (0..iterations).map(|_| standing.change_of_leader()).sum()
            });
        });
    }
    group.finish();
}

fn barriers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply, barriers");
    for inside in [2, 100, 9_998] {
        let mut meeting = Meeting::new(inside);
        let name = format!("a party comes into a barrier with {inside} others and leaves");
        group.bench_function(name, |bench| {
            bench
                .iter_custom(|iterations| (0..iterations).map(|_| meeting.enter_and_leave()).sum());
        });
    }
    group.finish();
}

fn services(criterion: &mut Criterion) {
    let strategies = [
        ("round robin", Strategy::RoundRobin),
        ("least load", Strategy::LeastLoad),
        ("two choices", Strategy::TwoChoices),
        (
            "hash",
            Strategy::Hash {
                key: "user-42".to_owned(),
                bounded_percent: None,
            },
        ),
    ];
    for instances in [10, 100, 1_000] {
        let mut group = criterion.benchmark_group(format!("services, {instances} instances"));
        let mut fleet = Fleet::new(instances);
        for (name, strategy) in &strategies {
            group.bench_function(format!("pick and reserve, {name}"), |bench| {
                bench.iter_custom(|iterations| (0..iterations).map(|_| fleet.pick(strategy)).sum());
            });
            let mut cursor = Cursor::default();
            group.bench_function(format!("pick without a command, {name}"), |bench| {
                bench.iter(|| fleet.look(strategy, &mut cursor));
            });
        }
        group.finish();
    }
}

fn transactions(criterion: &mut Criterion) {
    let paths = Paths::of(1_000);
    let mut state = filled(&paths);
    let mut group = criterion.benchmark_group("apply, transactions");
    let ten: Vec<String> = paths.all().take(10).collect();
    let request = set_data_of_all(&ten);
    group.bench_function("set the data of ten znodes if all exist", |bench| {
        bench.iter(|| apply(&mut state, &request));
    });
    group.finish();
}

fn work_queues(criterion: &mut Criterion) {
    for items in [10, 100_000] {
        let mut backlog = Backlog::new(items);
        let mut group = criterion.benchmark_group(format!("apply, work queue with {items} items"));
        for (at, what) in ["put an item", "take the first", "acknowledge it"]
            .into_iter()
            .enumerate()
        {
            group.bench_function(what, |bench| {
                bench.iter_custom(|iterations| {
                    let times = (0..iterations).filter_map(|_| backlog.turn().get(at).copied());
                    times.sum()
                });
            });
        }
        group.bench_function("take the first and give it back", |bench| {
            bench.iter_custom(|iterations| {
                (0..iterations).map(|_| backlog.take_and_give_back()).sum()
            });
        });
        group.finish();
    }
}
