//! What ZooKeeper clients are told of the members: kept up to date.
//!
//! Every node tells the cluster where its own ZooKeeper clients reach it, once and again when that
//! changes. The leader has the text of `/zookeeper/config` written anew when the membership is no
//! longer the one it shows; so it is also written after a change that a new leader completed, and
//! after one that came in by HTTP. Both only when something differs: a restart takes no zxid.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use raft_core::command::Command;
use raft_core::state::State;
use raft_types::LogId;
use tokio::time::{Instant, sleep, timeout};

use crate::proposal::Draft;
use crate::runtime::Runtime;

/// How often a node looks whether it is a member by now, and has something to say.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Tells the cluster where this node's ZooKeeper clients reach it. Runs until the node stops.
pub(crate) async fn announce(runtime: Arc<Runtime>) {
    let mut applied = runtime.replica.watch_applied();
    loop {
        if runtime.must_announce() {
            announce_once(&runtime).await;
        }
        // Once it is said, only somebody else could say otherwise.
        let is_said = runtime.is_announced();
        let look = if is_said {
            runtime.settings.audit_interval
        } else {
            LOOK_INTERVAL
        };
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = sleep(look) => {}
            changed = applied.changed(), if !is_said => if changed.is_err() {
                return;
            },
        }
    }
}

async fn announce_once(runtime: &Runtime) {
    let until = Instant::now() + runtime.settings.peer_call_timeout;
    // A node that starts applies its log from the beginning, and does not see yet what it said then.
    let is_current = runtime.barrier.pass(until).await.is_ok();
    if !is_current || !runtime.must_announce() {
        return;
    }
    let command = Command::AnnounceClients {
        node: runtime.id,
        address: runtime.clients.clone(),
    };
    let within = runtime.settings.peer_call_timeout;
    match runtime.propose(Draft::internal(command), within).await {
        Ok(outcome) => {
            if let Err(refusal) = outcome.result {
                tracing::info!(%refusal, "the cluster does not take this node's ZooKeeper address");
            }
        }
        Err(error) => {
            tracing::debug!(%error, "the cluster is not told this node's ZooKeeper address yet");
            sleep(runtime.settings.retry_interval).await;
        }
    }
}

/// On the leader: has the text written when the membership has changed. Runs until the node stops.
pub(crate) async fn publish(runtime: Arc<Runtime>) {
    let mut applied = runtime.replica.watch_applied();
    let mut shown: Option<(u64, Option<LogId>)> = None;
    loop {
        let term = runtime.leading_term();
        let now = term.map(|term| (term, runtime.replica.membership_log_id()));
        let is_held_back = runtime.reconfiguring.load(Ordering::SeqCst);
        if let Some(term) = term
            && now != shown
            && !is_held_back
        {
            if publish_if_behind(&runtime, term).await {
                shown = now;
            } else {
                sleep(runtime.settings.retry_interval).await;
                continue;
            }
        }
        // Leadership and the end of a reconfiguration change nothing that is applied.
        let again = timeout(runtime.settings.audit_interval, applied.changed());
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = runtime.reconfigured.notified() => {}
            changed = again => if matches!(changed, Ok(Err(_))) {
                return;
            },
        }
    }
}

/// Says whether the state shows the membership.
async fn publish_if_behind(runtime: &Runtime, term: u64) -> bool {
    if !runtime.replica.read(State::is_publication_due) {
        return true;
    }
    let draft = Draft::internal(Command::PublishMembers);
    let outcome = runtime.propose_in_term(term, draft).await;
    matches!(outcome.map(|outcome| outcome.result), Ok(Ok(_)))
}

impl Runtime {
    /// Whether the cluster knows what this node has to say; also when it has nothing to say.
    pub(crate) fn is_announced(&self) -> bool {
        self.replica.read(|state| {
            let known = state.member(self.id);
            known.map_or(self.clients.is_none(), |known| {
                known.clients == self.clients
            })
        })
    }

    fn must_announce(&self) -> bool {
        self.replica.read(|state| {
            let known = state.member(self.id);
            known.is_some_and(|known| known.clients != self.clients)
        })
    }
}
