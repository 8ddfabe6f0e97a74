//! The accept loop: connections with limits, and an end that waits for those under way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::limits::{ACCEPT_PAUSE, HEAD_BYTES_MAX};
use crate::settings::ApiSettings;

/// Serves `router` on `listener` until `shutdown` fires; then accepts no more, lets requests under
/// way finish for at most [`ApiSettings::drain_timeout`], and returns.
///
/// Streams end by themselves when the node's own shutdown token fires, which should be before or
/// with this one. A connection whose client does not acknowledge data for
/// [`ApiSettings::peer_timeout`] is closed, so that a session stream to a machine that lost power
/// does not keep a session alive.
///
/// Cancel safe in the sense that dropping it stops accepting and breaks off what is under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &ApiSettings,
    shutdown: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(settings.connections_max));
    let connections = TaskTracker::new();
    let abandon = CancellationToken::new();
    let _abandon_on_drop = abandon.clone().drop_guard();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let (stream, peer, permit) = accepted;
        tune(&stream, settings.peer_timeout);
        let connection = Connection {
            router: router.clone(),
            peer,
            header_timeout: settings.header_timeout,
            stop: shutdown.clone(),
            _permit: permit,
        };
        let abandon = abandon.clone();
        connections.spawn(async move {
            tokio::select! {
                () = abandon.cancelled() => {}
                () = connection.run(stream) => {}
            }
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(settings.drain_timeout, connections.wait())
        .await
        .is_err()
    {
        tracing::info!(
            open = connections.len(),
            "closing connections that did not finish in time"
        );
    }
}

/// The next connection, once there is room for it: further ones wait in the listen queue.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            // The semaphore is never closed.
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                // Out of file descriptors, or a connection that was reset before it was accepted:
                // the listener itself goes on.
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers leave at once, and a peer that is gone is noticed also while nothing is sent.
fn tune(stream: &TcpStream, peer_timeout: Duration) {
    let socket = SockRef::from(stream);
    let probe = (peer_timeout / 3).max(Duration::from_secs(1));
    let keepalive = TcpKeepalive::new()
        .with_time(probe)
        .with_interval(probe)
        .with_retries(2);
    let tuned = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(peer_timeout)));
    if let Err(error) = tuned {
        tracing::debug!(%error, "set options of a connection");
    }
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    header_timeout: Duration,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        let Connection {
            router,
            peer,
            header_timeout,
            stop,
            _permit,
        } = self;
        let service = tower::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended");
        }
    }
}
