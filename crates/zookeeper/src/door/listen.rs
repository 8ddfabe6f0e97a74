//! Accepts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Door, handshake};

/// How long accepting rests when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts until `shutdown` fires, then waits for the connections, which it ends too.
pub(super) async fn serve(door: Arc<Door>, listener: TcpListener, shutdown: CancellationToken) {
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
    let now_ms = door.node.clock().wall_ms();
    let Some(place) = door.stats.register.enter(peer, limit, now_ms) else {
        door.stats.connections_refused.one();
        tracing::warn!(%peer, limit, "too many ZooKeeper connections from one address");
        return;
    };
    door.stats.connections_opened.one();
    // An error means that replies wait for more to be sent with them: slower, not wrong.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = shutdown.cancelled() => {}
        ended = handshake::run(&door, stream, &place.connection) => {
            if let Err(reason) = ended {
                door.stats.connections_dropped.one();
                tracing::debug!(%peer, %reason, "ZooKeeper connection closed");
            }
        }
    }
}
