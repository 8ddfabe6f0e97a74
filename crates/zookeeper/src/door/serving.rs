//! In which mode this node serves ZooKeeper clients: it asks a quorum, again and again, whether it is
//! up to date.
//!
//! Knowing a leader is not enough. A leader that lost its followers goes on thinking that it leads,
//! and followers on its side of a partition go on thinking that it does.

use std::sync::Arc;
use std::time::Duration;

use node::ReadOptions;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Door;

/// Pause between two questions that were answered.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

/// Pause after a question that was not: the question itself has taken `leaderless_max`.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everything.
    ReadWrite,
    /// Reads of a state that may be old, to clients that said they take that.
    ReadOnly,
    /// Nothing at the moment.
    Nothing,
}

/// What a quorum said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    /// It was not asked yet.
    NotAsked,
    /// It answered.
    Heard,
    /// It did not for `leaderless_max`.
    Lost,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Serving {
    quorum: watch::Sender<Quorum>,
}

impl Default for Serving {
    fn default() -> Self {
        Serving {
            quorum: watch::Sender::new(Quorum::NotAsked),
        }
    }
}

impl Serving {
    /// Resolves when the quorum is lost; at once if it is. Cancel safe.
    async fn lost(&self) {
        let mut quorum = self.quorum.subscribe();
        if quorum.wait_for(|q| *q == Quorum::Lost).await.is_err() {
            // The sender lives as long as the door.
            std::future::pending::<()>().await;
        }
    }
}

impl Door {
    /// In which mode this node serves now.
    pub(crate) fn mode(&self) -> Mode {
        let quorum = *self.serving.quorum.borrow();
        match quorum {
            Quorum::NotAsked | Quorum::Heard if self.node.knows_a_leader() => Mode::ReadWrite,
            Quorum::Lost if self.settings.read_only => Mode::ReadOnly,
            Quorum::NotAsked | Quorum::Heard | Quorum::Lost => Mode::Nothing,
        }
    }

    /// Resolves when this node has begun to serve reads only; at once if it does. Cancel safe.
    pub(crate) async fn has_become_read_only(&self) {
        if self.settings.read_only {
            self.serving.lost().await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}

/// Asks, and closes the connections that cannot go on in the mode of now: their clients find another
/// node, or come back. Runs until shutdown.
pub(crate) async fn run(door: Arc<Door>, shutdown: CancellationToken) {
    loop {
        let asked = door
            .node
            .query(ReadOptions::default(), door.settings.leaderless_max, |_| ());
        let is_heard = tokio::select! {
            () = shutdown.cancelled() => return,
            asked = asked => asked.is_ok(),
        };
        let now = if is_heard {
            Quorum::Heard
        } else {
            Quorum::Lost
        };
        let before = door.serving.quorum.send_replace(now);
        if before != now && (before == Quorum::Lost || now == Quorum::Lost) {
            tracing::info!(mode = ?door.mode(), "serving ZooKeeper clients");
        }
        let pause = if is_heard {
            door.watches.close_local();
            ASK_INTERVAL
        } else {
            door.watches.close_attached();
            ASK_AGAIN
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}
