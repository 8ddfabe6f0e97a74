//! A client that watches a znode for ever, and counts the bytes it is told.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{AddWatchRequest, Request};
use zookeeper::proto::response::FromServer;
use zookeeper::proto::watch::AddWatchMode;

use crate::Told;

/// Opens a session that lives so long in silence, and watches `path`.
pub(crate) async fn watch(door: SocketAddr, timeout_ms: i32, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(door).await?;
    let connect = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: 0,
        timeout_ms,
        session_id: 0,
        password: None,
        read_only: Some(false),
    };
    let mut out = BytesMut::new();
    connect.encode(&mut out).map_err(io::Error::other)?;
    stream.write_all(&out).await?;
    let connected = ConnectResponse::decode(frame(&mut stream).await?).map_err(io::Error::other)?;
    assert!(!connected.is_refused(), "{connected:?}");

    let request = Request::AddWatch(AddWatchRequest {
        path: path.to_owned(),
        mode: AddWatchMode::Persistent.code(),
    });
    out.clear();
    request.encode(Xid(1), &mut out).map_err(io::Error::other)?;
    stream.write_all(&out).await?;
    let reply = FromServer::decode(frame(&mut stream).await?).map_err(io::Error::other)?;
    let FromServer::Reply(reply) = reply else {
        return Err(io::Error::other("an event before the reply"));
    };
    let reply = reply.read(OpCode::AddWatch).map_err(io::Error::other)?;
    assert!(reply.result.is_ok(), "{reply:?}");
    Ok(stream)
}

async fn frame(stream: &mut TcpStream) -> io::Result<Bytes> {
    let length = stream.read_u32().await?;
    let mut payload = BytesMut::zeroed(usize::try_from(length).map_err(io::Error::other)?);
    stream.read_exact(&mut payload).await?;
    Ok(payload.freeze())
}

/// Counts what is told until the door closes the connection.
pub(crate) async fn count(mut stream: TcpStream, told: Arc<Told>) {
    let mut buffer = [0; 1024];
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        told.add(bytes);
    }
}

/// Bytes of one event that `path` has changed.
pub(crate) fn event_bytes(path: &str) -> usize {
    let event = WatcherEvent {
        zxid: 0,
        kind: EventType::NodeDataChanged,
        path: path.to_owned(),
    };
    let mut out = BytesMut::new();
    event.encode(&mut out).map_or(0, |()| out.len())
}
