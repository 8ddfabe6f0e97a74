//! Whether this node has caught up with the leader it knows: what a load balancer asks.
//!
//! A node that comes back has the entries it had, but learns only from a leader how many of them,
//! and of those it missed, are committed. Until it has applied these its stale reads are as old as
//! its log, and its other reads and its writes wait. So each time a leader becomes known one read round is
//! made for nobody: it names the leader's commit index, and ends when that is applied here. From
//! then on the node follows as closely as any.

use std::sync::Arc;
use std::time::Duration;

use membership::Leadership;
use parking_lot::Mutex;
use raft_types::NodeId;
use tokio::time::Instant;

use crate::runtime::Runtime;

/// How long one round is waited for before it is asked for anew; the rounds themselves go on.
const ROUND_TIME_MAX: Duration = Duration::from_secs(60);

/// A leader of a term.
type Led = (u64, NodeId);

/// The leader this node has caught up with.
#[derive(Debug, Default)]
pub(crate) struct CaughtUp(Mutex<Option<Led>>);

impl CaughtUp {
    /// Whether it has caught up with the leader known now.
    pub(crate) fn with(&self, leadership: &Leadership) -> bool {
        let known = led(leadership);
        known.is_some() && *self.0.lock() == known
    }
}

fn led(leadership: &Leadership) -> Option<Led> {
    leadership.leader.map(|leader| (leadership.term, leader))
}

/// Catches up with every leader that becomes known. Runs until the node stops.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let mut leadership = runtime.consensus().leadership();
    loop {
        let known = led(&leadership.borrow_and_update());
        let missing = known.is_some() && *runtime.caught_up.0.lock() != known;
        if known.is_none() {
            // The same one, known again, may be ahead meanwhile.
            *runtime.caught_up.0.lock() = None;
        }
        let round = async {
            if !missing {
                return std::future::pending().await;
            }
            let deadline = Instant::now() + ROUND_TIME_MAX;
            runtime.barrier.pass(deadline).await.is_ok()
        };
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            changed = leadership.changed() => if changed.is_err() { return },
            passed = round => if passed { *runtime.caught_up.0.lock() = known },
        }
    }
}
