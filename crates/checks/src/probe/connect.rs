//! From an address or a name to a connection.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::Trouble;
use super::text::bare;
use crate::limits::ADDRESSES_MAX;

/// The addresses of `host`, at most [`ADDRESSES_MAX`]; `None`: not in time.
pub(super) async fn resolve(
    lookups: &Arc<Semaphore>,
    host: &str,
    port: u16,
    until: Instant,
) -> Result<Option<Vec<SocketAddr>>, Trouble> {
    let host = bare(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Some(vec![SocketAddr::new(address, port)]));
    }
    let Ok(permit) = timeout_at(until, Arc::clone(lookups).acquire_owned()).await else {
        // Others wait for name servers: nothing was asked about this one.
        return Err(Trouble::Here(
            "not probed: too many names are being looked up".to_owned(),
        ));
    };
    let host = host.to_owned();
    // The thread holds the permit: it cannot be stopped, and whoever waits for it may go away.
    let lookup = spawn_blocking(move || {
        let _permit = permit;
        let found = (host.as_str(), port).to_socket_addrs()?;
        Ok::<_, io::Error>(found.take(ADDRESSES_MAX).collect())
    });
    match timeout_at(until, lookup).await {
        Err(_) => Ok(None),
        Ok(Err(_)) => Err(Trouble::Here("not probed: the node is stopping".to_owned())),
        Ok(Ok(found)) => found.map(Some).map_err(|error| Trouble::of(&error)),
    }
}

/// A connection to the first of `addresses` that takes one; `None`: none in time.
///
/// Each is given its part of the time that is left, so that a first one that is silent (IPv6 behind a firewall) does not
/// keep the others from being tried.
pub(super) async fn first(
    addresses: &[SocketAddr],
    until: Instant,
) -> Result<Option<TcpStream>, Trouble> {
    let mut refused = None;
    for (tried, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let now = Instant::now();
        let part = until.saturating_duration_since(now) / left;
        match timeout_at(now + part, TcpStream::connect(address)).await {
            Ok(Ok(stream)) if is_to_itself(&stream) => refused = Some(nobody_there()),
            Ok(Ok(stream)) => return Ok(Some(stream)),
            Ok(Err(error)) => refused = Some(Trouble::of(&error)),
            Err(_) => {}
        }
    }
    match refused {
        Some(trouble) => Err(trouble),
        None if addresses.is_empty() => Err(Trouble::target("the name has no address")),
        None => Ok(None),
    }
}

/// Whether nobody took the connection: one to a port of this machine where nobody listens may by chance be given that very
/// port to come from, and then TCP connects it to itself.
fn is_to_itself(stream: &TcpStream) -> bool {
    stream.local_addr().ok() == stream.peer_addr().ok()
}

fn nobody_there() -> Trouble {
    Trouble::Target(io::ErrorKind::ConnectionRefused.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn addresses_are_tried_in_turn_until_one_takes_the_connection() {
        let (closed, nobody) = listen().await;
        drop(closed);
        let (_open, somebody) = listen().await;
        let until = Instant::now() + Duration::from_secs(60);
        let stream = first(&[nobody, somebody], until).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), somebody);
        let refused = first(&[nobody], until).await.unwrap_err().to_string();
        assert_eq!(refused, "connection refused");
        let none = first(&[], until).await.unwrap_err().to_string();
        assert_eq!(none, "the name has no address");
    }

    #[tokio::test]
    async fn a_connection_to_itself_is_told_from_one_that_was_taken() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        assert!(is_to_itself(&socket.connect(own).await.unwrap()));
        let (_listener, address) = listen().await;
        let taken = TcpStream::connect(address).await;
        assert!(!is_to_itself(&taken.unwrap()));
    }
}
