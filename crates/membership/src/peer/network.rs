//! The seam under the peer protocol: how to reach an address and how to be reached.

use std::io;
use std::net::SocketAddr;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that may wait to be accepted.
const LISTEN_BACKLOG: u32 = 1024;

/// A byte stream in both directions.
pub trait PeerStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> PeerStream for T {}

/// Any stream of any network.
pub type BoxStream = Box<dyn PeerStream>;

/// How one node reaches others. Real: [`TcpNetwork`]; simulated:
/// [`SimNetwork`](crate::peer::sim::SimNetwork).
pub trait PeerNetwork: Send + Sync + 'static {
    /// Connects to a peer address. May take for ever: callers set their own limit.
    ///
    /// # Errors
    /// Like TCP's. `ConnectionRefused` means that the host answered and nothing listens there; the
    /// shortcut for a dead leader relies on exactly that.
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxStream>>;

    /// Begins to accept connections.
    ///
    /// # Errors
    /// The address is not ours or is taken.
    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn PeerListener>>>;
}

/// An open port.
pub trait PeerListener: Send {
    /// The next connection and where it comes from. Cancel safe.
    ///
    /// # Errors
    /// Of one attempt or of the process (out of descriptors); the listener stays usable.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, String)>>;

    /// What it really listens on: shows the port when 0 was asked for.
    fn local_address(&self) -> String;
}

/// TCP with `TCP_NODELAY` and keep-alive.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpNetwork;

impl PeerNetwork for TcpNetwork {
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxStream>> {
        Box::pin(async move {
            let connect = TcpSocket::connect;
            prepare(try_each(address, TcpSocket::set_keepalive, connect).await?)
        })
    }

    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn PeerListener>>> {
        Box::pin(async move {
            let listen = |socket: TcpSocket, resolved| async move {
                socket.bind(resolved)?;
                socket.listen(LISTEN_BACKLOG)
            };
            // A restarted node must get its port back although old connections linger.
            let listener = try_each(address, TcpSocket::set_reuseaddr, listen).await?;
            Ok(Box::new(listener) as Box<dyn PeerListener>)
        })
    }
}

impl PeerListener for TcpListener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, String)>> {
        Box::pin(async move {
            let (stream, from) = TcpListener::accept(self).await?;
            Ok((prepare(stream)?, from.to_string()))
        })
    }

    fn local_address(&self) -> String {
        self.local_addr()
            .map(|address| address.to_string())
            .unwrap_or_default()
    }
}

/// Uses a socket, with `option` on, for the addresses a name resolves to, one after the other until
/// one works. The error is that of the last.
async fn try_each<T, F: Future<Output = io::Result<T>>>(
    address: &str,
    option: fn(&TcpSocket, bool) -> io::Result<()>,
    open: impl Fn(TcpSocket, SocketAddr) -> F,
) -> io::Result<T> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "address resolves to nothing");
    for resolved in tokio::net::lookup_host(address).await? {
        let socket = if resolved.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        option(&socket, true)?;
        match open(socket, resolved).await {
            Ok(opened) => return Ok(opened),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn prepare(stream: TcpStream) -> io::Result<BoxStream> {
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}
