//! Accepts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use node::Node;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::serving::Serving;
use super::stats::Stats;
use super::watches::Watches;
use super::{Door, DoorSettings, handshake};

/// How long accepting rests when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves ZooKeeper clients on `listener` until `shutdown` fires; then closes every connection, so
/// that clients look for another node, and returns.
///
/// Cancel safe in the sense that dropping it stops accepting; connections end with `shutdown`.
pub async fn serve(
    listener: TcpListener,
    node: Node,
    settings: DoorSettings,
    shutdown: CancellationToken,
) {
    let watches = Watches::new(&node, settings.events_waiting_max);
    let door = Arc::new(Door {
        node,
        settings,
        watches,
        stats: Stats::default(),
        serving: Serving::default(),
    });
    let tasks = TaskTracker::new();
    tasks.spawn(super::watches::run(Arc::clone(&door), shutdown.clone()));
    tasks.spawn(super::serving::run(Arc::clone(&door), shutdown.clone()));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                tasks.spawn(one(Arc::clone(&door), stream, peer, shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept a ZooKeeper client");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn one(door: Arc<Door>, stream: TcpStream, peer: SocketAddr, shutdown: CancellationToken) {
    let limit = door.settings.connections_per_address_max;
    if !door.stats.enter(peer.ip(), limit) {
        tracing::warn!(%peer, limit, "too many ZooKeeper connections from one address");
        return;
    }
    // An error means that replies wait for more to be sent with them: slower, not wrong.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = handshake::run(&door, stream, peer) => {
            if let Err(reason) = ended {
                tracing::debug!(%peer, %reason, "ZooKeeper connection closed");
            }
        }
    }
    door.stats.leave(peer.ip());
}
