//! What is there before a soak begins: znodes, and the threads with all clients.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::Request;

use super::dice::Dice;
use super::ledger::Ledger;
use super::link::Link;
use super::plan::{CHILDREN, Settings};
use super::reader::Reader;
use super::shared::Shared;
use super::tree::{LIVE, ROOT, Spot};
use super::worker::{Actor, Worker};
use super::writer::{Owned, Pace, Writer};
use crate::cluster::Cluster;
use crate::zookeeper::create;

/// Threads that look after the clients.
pub(super) const THREADS: usize = 2;
/// Between two changes of the znode that everybody watches.
const HOT_EVERY: Duration = Duration::from_secs(5);

/// Makes the groups, and a ledger for them.
pub(super) fn plant(cluster: &Cluster, settings: &Settings) -> Ledger {
    let mut client = cluster.zookeeper(cluster.leader());
    client.make(ROOT);
    client.make(LIVE);
    let groups = 0..u32::try_from(settings.groups()).expect("not so many groups");
    let created: Vec<i64> = groups
        .map(|group| {
            let path = Spot::Group(group).to_string();
            let reply = client.ask(&Request::Create(create(&path, "", CreateMode::Persistent)));
            assert!(reply.result.is_ok(), "{reply:?}");
            reply.zxid
        })
        .collect();
    let _ = client.done(&Request::CloseSession);
    Ledger::new(&created)
}

/// Starts the threads with all clients, writers first.
pub(super) fn employ(settings: &Settings, shared: &Arc<Shared>) -> (Vec<JoinHandle<()>>, usize) {
    let now = Instant::now();
    let writers = settings.writers();
    let all = writers + settings.connections;
    let mut teams: Vec<Vec<Actor>> = (0..THREADS).map(|_| Vec::new()).collect();
    for name in 0..all {
        let timeout = settings.session_timeout;
        let mut dice = Dice::of(settings.seed, name as u64);
        teams[name % THREADS].push(if name < writers {
            let link = Link::new(name, timeout, now);
            let (owned, pace) = (owned(settings, name), pace_of(settings, name));
            Actor::Writer(Box::new(Writer::new(link, owned, dice, pace)))
        } else {
            let wants = settings.wants(&mut dice);
            let plan = (now, settings.disturb_every);
            Actor::Reader(Box::new(Reader::new(
                Link::new(name, timeout, now),
                &wants,
                dice,
                plan,
            )))
        });
    }
    let start = |(thread, actors)| {
        let shared = Arc::clone(shared);
        let worker = Worker {
            thread,
            threads: THREADS,
            shared,
            actors,
        };
        std::thread::spawn(move || worker.run())
    };
    (teams.into_iter().enumerate().map(start).collect(), all)
}

fn owned(settings: &Settings, writer: usize) -> Vec<Owned> {
    let owned = |group: u32| Owned {
        group,
        // The first group has the one child that everybody watches.
        present: vec![false; if group == 0 { 1 } else { CHILDREN as usize }],
    };
    settings.groups_of(writer).into_iter().map(owned).collect()
}

/// The first writer wakes everybody with each change, and takes its time.
fn pace_of(settings: &Settings, writer: usize) -> Pace {
    let others = settings.writers().saturating_sub(1).max(1) as u64;
    let micros = 1_000_000 * others / settings.writes_per_second.max(1);
    let write = match writer {
        0 => HOT_EVERY,
        _ => Duration::from_micros(micros),
    };
    Pace {
        write,
        disturb: settings.disturb_every,
    }
}

/// File descriptors for all connections, as many as the system allows this process.
pub(super) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it is not allowed, connections are turned away, which shows.
    let _ = setrlimit(Resource::Nofile, raised);
}
