//! All clients want one lock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::plan::Plan;
use crate::run::Shared;
use crate::target::{Client, Grant, Target, Trouble};

/// What the clients know together: it shows whether the lock does what it is for.
#[derive(Debug, Default)]
pub(crate) struct Lock {
    /// Whether a client holds it.
    held: AtomicBool,
    /// When the last release was sent, nanoseconds after the run began.
    released: AtomicU64,
    /// The greatest fence.
    fence: AtomicU64,
}

impl Lock {
    /// A client was told that it holds.
    fn taken(&self, grant: &Grant) -> Result<(), Trouble> {
        if self.held.swap(true, Ordering::SeqCst) {
            return Err(Trouble::refused("granted twice"));
        }
        if self.fence.swap(grant.fence, Ordering::SeqCst) >= grant.fence {
            return Err(Trouble::refused("fence went back"));
        }
        Ok(())
    }
}

/// A lock of this run's own: claims of a run that was cut short would be in the way.
fn name(plan: &Plan) -> String {
    format!("locks/{}/contended-{:08x}", plan.root, plan.run)
}

/// For those that keep locks below a znode.
pub(crate) async fn prepare<T: Target>(shared: &Shared<T>) -> Result<(), Trouble> {
    let mut client = shared.target.connect(0).await?;
    client.ensure(&name(&shared.plan)).await
}

/// Runs one client until the run is over.
pub(crate) async fn run<T: Target>(
    shared: &Shared<T>,
    number: usize,
    client: T::Client,
) -> Result<(), Trouble> {
    let name = name(&shared.plan);
    let mut client = client;
    client.open_session().await?;
    shared.is_ready();
    while !shared.stopped() {
        if let Err(trouble) = turn(shared, &mut client, &name).await {
            let connected = trouble.connected;
            let Some(again) = shared.recover(number, client, trouble).await else {
                break;
            };
            client = again;
            if !connected {
                client.open_session().await?;
            }
        }
    }
    Ok(())
}

async fn turn<T: Target>(
    shared: &Shared<T>,
    client: &mut T::Client,
    name: &str,
) -> Result<(), Trouble> {
    let queued = shared.begun.elapsed();
    let grant = client.acquire(name).await?;
    let now = shared.begun.elapsed();
    let lock = &shared.lock;
    let checked = lock.taken(&grant);
    let released = Duration::from_nanos(lock.released.load(Ordering::SeqCst));
    // Who queued only after the release waited for nobody: that is no hand-over.
    let handed_over = released > queued;
    let release_sent = nanos(Instant::now().duration_since(shared.begun));
    lock.released.store(release_sent, Ordering::SeqCst);
    lock.held.store(false, Ordering::SeqCst);
    client.release(name, grant).await?;
    checked?;
    if handed_over {
        shared.recorder.success(now.saturating_sub(released));
    }
    Ok(())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn grant(fence: u64) -> Grant {
        Grant {
            fence,
            key: Bytes::new(),
        }
    }

    #[test]
    fn a_lock_that_is_granted_twice_is_noticed() {
        let lock = Lock::default();
        assert_eq!(lock.taken(&grant(5)), Ok(()));
        assert_eq!(lock.taken(&grant(6)).unwrap_err().kind, "granted twice");
    }

    #[test]
    fn a_fence_that_goes_back_is_noticed() {
        let lock = Lock::default();
        assert_eq!(lock.taken(&grant(5)), Ok(()));
        lock.held.store(false, Ordering::SeqCst);
        assert_eq!(lock.taken(&grant(5)).unwrap_err().kind, "fence went back");
    }
}
