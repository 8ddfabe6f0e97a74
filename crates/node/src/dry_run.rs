//! Dry runs: what a command would do, found out on a copy of this node's state.
//!
//! A dry run is a read. It waits until this node is as current as asked for, copies the state
//! (O(1)) and applies the command to the copy, with the very code that would apply it. No log, no
//! position, no event.

use std::io;
use std::sync::Arc;

use raft_core::command::Stamp;
use raft_core::dry_run::DryRun;
use raft_core::ids::WallTime;
use raft_types::seam::offload;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout_at};

use crate::error::{NotApplied, ReadError};
use crate::proposal::Draft;
use crate::read::{Answer, ReadOptions};
use crate::runtime::Runtime;

/// What [`NotApplied::Overloaded`] calls them.
const DRY_RUNS: &str = "dry runs";

/// Dry runs computed at a time on one node; others wait for their turn. Each may take a processor
/// for as long as the largest recursive delete does, and hold what it changed.
const AT_ONCE: usize = 2;

/// Why there is no dry run. Nothing happened, as with every dry run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DryRunError {
    /// This node did not get to it in time, or is stopping.
    #[error(transparent)]
    NotTried(#[from] NotApplied),
    /// The state is not known to be as current as asked for.
    #[error(transparent)]
    NotCurrent(#[from] ReadError),
}

/// The places of dry runs under way.
#[derive(Debug)]
pub(crate) struct DryRuns(Arc<Semaphore>);

impl Default for DryRuns {
    fn default() -> DryRuns {
        DryRuns(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl DryRuns {
    async fn place(&self, until: Instant) -> Result<OwnedSemaphorePermit, NotApplied> {
        match timeout_at(until, Arc::clone(&self.0).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(NotApplied::ShuttingDown),
            Err(_) => Err(too_many()),
        }
    }
}

fn too_many() -> NotApplied {
    NotApplied::Overloaded {
        what: DRY_RUNS,
        limit: AT_ONCE,
    }
}

impl Runtime {
    /// See [`Node::dry_run`](crate::Node::dry_run).
    pub(crate) async fn dry_run<T: Send + 'static>(
        &self,
        draft: Draft,
        options: ReadOptions,
        until: Instant,
        tell: impl FnOnce(&DryRun) -> T + Send + 'static,
    ) -> Result<Answer<T>, DryRunError> {
        let place = self.dry_runs.place(until).await?;
        let age = self.ready_to_read(options, until).await?;
        let state = self.replica.state();
        let zxid = state.last_zxid();
        // Log time stands where the last command left it: only the leader knows more, and all nodes
        // shall tell the same of the same state.
        let stamp = Stamp {
            log_time: state.log_time(),
            wall: WallTime(self.clock.wall_ms()),
        };
        let request = draft.numbered(self.request_id(0));
        let work = move || {
            // To its end, also when nobody waits for it any more.
            let _place = place;
            tell(&state.dry_run(stamp, request))
        };
        match timeout_at(until, offload(work)).await {
            Ok(Ok(value)) => Ok(Answer { value, zxid, age }),
            Ok(Err(error)) => Err(stopped(error).into()),
            Err(_) => Err(too_many().into()),
        }
    }
}

/// Passes a panic on: a broken invariant is not the caller's bad luck.
fn stopped(error: io::Error) -> NotApplied {
    match error.downcast::<JoinError>() {
        Ok(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Ok(_) | Err(_) => NotApplied::ShuttingDown,
    }
}
