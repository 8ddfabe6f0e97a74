//! What clients do. Names, values and facts are those of `jepsen/histories.md`.

mod append;
mod claim;
mod held;
mod ids;
mod keys;
mod lock;
mod queue;
mod register;
mod sdk;
mod sessions;
mod set;
mod tail;
mod watch;
mod zookeeper;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::client::Client;
use crate::client::shared::Shared;

/// Longest time of the last reads.
const LAST_TIME_MAX: Duration = Duration::from_secs(30);

/// What one client does.
pub trait Workload: Send {
    /// One operation, or a short sequence; called when it is the client's turn.
    fn step(&mut self, client: &mut Client);

    /// The last reads, when the cluster is healed and the load is over.
    fn last(&mut self, client: &mut Client);
}

/// The workload of client number `place`.
///
/// # Errors
/// There is none of this name through this door.
pub fn make(shared: &Arc<Shared>, place: u64) -> anyhow::Result<Box<dyn Workload>> {
    let spec = &shared.spec;
    // Through both doors: every other client through each.
    let door = match spec.door.as_str() {
        "both" if (place / 2) % 2 == 1 => "zookeeper",
        "both" => "http",
        door => door,
    };
    Ok(match (spec.workload.as_str(), door) {
        ("register" | "election", "http") => Box::new(register::Register::new(shared, place)),
        ("lock", "http") => Box::new(lock::Lock::new(shared, lock::Kind::Lock)),
        ("rwlock", "http") => Box::new(lock::Lock::new(shared, lock::Kind::ReadWrite)),
        ("semaphore", "http") => Box::new(lock::Lock::new(shared, lock::Kind::Semaphore)),
        ("set", "http") => Box::new(set::Set::new(shared, place)),
        ("unique-ids", "http") => Box::new(ids::Ids::new(shared, place)),
        ("queue", "http") => Box::new(queue::Queue::new(shared, place)),
        ("append", "http") => Box::new(append::Append::new(shared, place)),
        ("watch", "http") if place % 2 == 1 => Box::new(watch::Watcher::new(place)),
        ("watch", "http") => Box::new(watch::Writer::new(shared, place)),
        // The last of a worker listens.
        ("session", "http") if place > 0 && place + 1 == spec.clients => {
            Box::new(sessions::Mourner::new())
        }
        ("session", "http") => Box::new(sessions::Sessions::new(shared)),
        ("register", "zookeeper") => Box::new(zookeeper::Register::new(shared, place)),
        ("lock", "zookeeper") => Box::new(zookeeper::Lock::new(shared)),
        ("watch", "zookeeper") if place % 2 == 1 => Box::new(zookeeper::Watcher::new(shared)),
        ("watch", "zookeeper") => Box::new(zookeeper::Writer::new(shared)),
        ("register", "sdk") => Box::new(sdk::Sdk::new(shared, place, sdk::Of::Register)?),
        ("set", "sdk") => Box::new(sdk::Sdk::new(shared, place, sdk::Of::Set)?),
        (workload, door) => bail!("there is no workload {workload} through the door {door}"),
    })
}

/// Does something until it succeeds, within the time of the last reads that began at `began`.
/// Whether it did.
fn until(client: &mut Client, began: Instant, mut act: impl FnMut(&mut Client) -> bool) -> bool {
    let deadline = began + LAST_TIME_MAX;
    loop {
        if act(client) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        client.shared.wait(Duration::from_millis(100));
    }
}
