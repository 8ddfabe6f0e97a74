//! Event streams, as a client follows them: from node to node, resumed after what came last.

use std::sync::Arc;
use std::time::Duration;

use node::{Commit, EventId, HistoryGone, Node};
use raft_core::ids::Zxid;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::door::Client;

/// Commits that may be on their way to a client.
const UNDER_WAY_MAX: usize = 256;
/// What a node may take to catch up with what a client has seen.
const CATCH_UP: Duration = Duration::from_millis(1500);

type Piece = Result<Arc<Commit>, HistoryGone>;

/// One connection.
pub(super) struct Connection {
    pieces: mpsc::Receiver<Piece>,
    until: Instant,
}

/// What a connection brings.
pub(super) enum Brought {
    /// The events of one command.
    Commit(Arc<Commit>),
    /// A part of the history is gone.
    Gap(u64),
    /// The connection is over.
    End,
}

/// Connects; `None`: nobody there, or not caught up.
pub(super) async fn connect(client: &mut Client, after: Option<EventId>) -> Option<Connection> {
    let (send, pieces) = mpsc::channel(UNDER_WAY_MAX);
    let opened = client
        .inside(CATCH_UP * 2, move |node| async move {
            open(node, after, send).await
        })
        .await;
    let lasts = Duration::from_millis(client.rng.range(50, 3000));
    let until = Instant::now() + lasts;
    matches!(opened, Ok(true)).then_some(Connection { pieces, until })
}

/// Inside the process of the node.
async fn open(node: Node, after: Option<EventId>, send: mpsc::Sender<Piece>) -> bool {
    let seen = after.map_or(Zxid(0), |id| id.zxid);
    if node.await_applied(seen, CATCH_UP).await.is_err() {
        return false;
    }
    let stream = match after {
        Some(after) => node.events_after(after),
        None => Ok(node.events_from_now()),
    };
    tokio::spawn(async move {
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(gone) => {
                // A client that hung up does not care.
                let _ = send.send(Err(gone)).await;
                return;
            }
        };
        loop {
            let piece = stream.next().await;
            let is_gone = piece.is_err();
            if send.send(piece).await.is_err() || is_gone {
                return;
            }
        }
    });
    true
}

impl Connection {
    pub(super) async fn next(&mut self) -> Brought {
        match tokio::time::timeout_at(self.until, self.pieces.recv()).await {
            Ok(Some(Ok(commit))) => Brought::Commit(commit),
            Ok(Some(Err(gone))) => Brought::Gap(gone.oldest.zxid.0),
            Ok(None) | Err(_) => Brought::End,
        }
    }
}
