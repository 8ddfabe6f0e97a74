//! Looks at every node all the time: who leads which term, how far it has applied; and at the end
//! whether all have the same state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use checker::{Event, Outcome};
use serde_json::{Value, json};

use crate::nemesis::{event, view};
use crate::world::{World, wait_for};

/// Between two looks at a node.
const PERIOD: Duration = Duration::from_millis(150);
/// For all nodes to show the same position, once nobody writes any more.
const SETTLED: Duration = Duration::from_secs(20);

/// The threads that look, one per node: one that stands still must not hide the others.
#[derive(Debug)]
pub struct Observer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Begins to look; events (`leader`, and `node-end` for a node that ended by itself) go to
    /// `events`, their time in nanoseconds of `CLOCK_MONOTONIC`, their index 0.
    #[must_use]
    pub fn start(world: Arc<World>, events: SyncSender<Event>) -> Observer {
        let stop = Arc::new(AtomicBool::new(false));
        let stop_inside = Arc::clone(&stop);
        let thread = std::thread::spawn(move || watch_all(&world, &events, &stop_inside));
        Observer {
            stop,
            thread: Some(thread),
        }
    }

    /// Stops looking, and waits until all threads have ended.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.end();
    }
}

fn watch_all(world: &Arc<World>, events: &SyncSender<Event>, stop: &AtomicBool) {
    std::thread::scope(|scope| {
        let mut known = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            for id in world.nodes() {
                if !known.contains(&id) {
                    known.push(id);
                    scope.spawn(move || watch(world, id, events, stop));
                }
            }
            tell_ends(world, events);
            std::thread::sleep(PERIOD);
        }
    });
    tell_ends(world, events);
}

fn tell_ends(world: &World, events: &SyncSender<Event>) {
    for end in world.take_ends() {
        let value = json!({
            "node": end.node, "pid": end.pid, "how": end.how, "expected": end.expected,
        });
        let mut told = event("observer", Outcome::Info, "node-end", value);
        told.time = end.time;
        // Nobody listens any more: the run is over.
        let _ = events.send(told);
    }
}

fn watch(world: &World, id: u64, events: &SyncSender<Event>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) && !world.is_retired(id) {
        if events.send(look(world, id)).is_err() {
            return;
        }
        std::thread::sleep(PERIOD);
    }
}

fn look(world: &World, id: u64) -> Event {
    match view(world, id) {
        Some(view) => {
            let state = if view.leader == Some(id) {
                "leader"
            } else {
                "follower"
            };
            let value = json!({
                "node": id, "term": view.term, "leader": view.leader, "state": state,
                "applied": view.applied,
            });
            event("observer", Outcome::Ok, "leader", value)
        }
        None => event("observer", Outcome::Fail, "leader", json!({"node": id})),
    }
}

/// Digests of all nodes, at the same position once nothing is written any more; what they show at
/// last when they do not get there. One that does not answer is a `fail`.
#[must_use]
pub fn digests(world: &World) -> Vec<Event> {
    let mut last = BTreeMap::new();
    // Not getting there is seen in what they show.
    let _ = wait_for(SETTLED, || {
        last = world
            .nodes()
            .into_iter()
            .filter(|&id| !world.is_retired(id))
            .map(|id| (id, digest(world, id)))
            .collect();
        let first = last.values().next()?.as_ref()?.clone();
        let same = |shown: &Option<Value>| {
            shown
                .as_ref()
                .is_some_and(|shown| shown.get("index") == first.get("index"))
        };
        last.values().all(same).then_some(())
    });
    let tell = |(id, shown): (u64, Option<Value>)| match shown {
        Some(shown) => {
            let value =
                json!({"node": id, "zxid": shown.get("index"), "digest": shown.get("digest")});
            event("observer", Outcome::Ok, "digest", value)
        }
        None => event("observer", Outcome::Fail, "digest", json!({"node": id})),
    };
    last.into_iter().map(tell).collect()
}

fn digest(world: &World, id: u64) -> Option<Value> {
    let answer = world.http(id).ok()?.get("/v1/cluster/digest").ok()?;
    (answer.status == 200).then(|| answer.json())
}
