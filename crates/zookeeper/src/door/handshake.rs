//! The first frame of a connection: a four-letter word, or a session.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use node::Draft;
use raft_core::acl::Identity;
use raft_core::command::{Command, OpenSession, Owner};
use raft_core::ids::SessionId;
use raft_core::outcome::{Refusal, Reply};
use raft_core::session::Session;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::{Attachment, Connection};
use super::local_session::{self, is_local};
use super::serving::Mode;
use super::stats::{Answered, ConnectionStats};
use super::{Door, convert, words};
use crate::proto::connect::{ConnectRequest, ConnectResponse, PASSWORD_BYTES};
use crate::proto::frame::{First, LENGTH_BYTES, first_frame};
use crate::proto::op::OpCode;

/// How long a client that has seen more than this node is given before it is sent away: a moment
/// helps where this node is only just behind.
const CATCH_UP: Duration = Duration::from_millis(200);
/// How long a session may take to be opened or taken up; clients try another node meanwhile.
const ATTACH_WITHIN: Duration = Duration::from_secs(4);

/// Serves one connection to its end, over whatever the listener made of it: nothing from here on knows
/// whether that is a plain socket.
///
/// # Errors
/// Why it was closed.
pub(crate) async fn run(
    door: &Arc<Door>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    counted: &ConnectionStats,
) -> io::Result<()> {
    let peer = counted.peer();
    let mut buffer = BytesMut::with_capacity(256);
    let first = timeout(
        door.settings.handshake_timeout,
        read_first(door, &mut stream, &mut buffer),
    );
    let first = first
        .await
        .inspect_err(|_| door.stats.handshakes_expired.one());
    let frame = match first?? {
        First::Frame(frame) => frame,
        First::Word(word) => {
            door.stats.received(counted, LENGTH_BYTES);
            let answer = words::answer(door, word).await;
            // Who asks and does not read the answer must not keep it in memory.
            let written = stream.write_all(answer.as_bytes());
            timeout(door.settings.handshake_timeout, written).await??;
            return stream.shutdown().await;
        }
        First::Incomplete | First::TelnetInterrupt => return Ok(()),
    };
    door.stats.received(counted, frame.len());
    let arrived = Instant::now();
    let request = ConnectRequest::decode(frame).map_err(io::Error::other)?;
    must_not_be_ahead(door, &request).await?;
    let granted = door.settings.granted(request.timeout_ms);
    let attached = enter(door, &request, granted, peer).await?;
    let mut out = BytesMut::new();
    answer(&request, attached.as_ref(), &mut out)?;
    door.stats.sent(counted, out.len());
    let Some(Entered { attachment, .. }) = attached else {
        stream.write_all(&out).await?;
        return stream.shutdown().await;
    };
    door.stats.answered(
        counted,
        Answered {
            op: Some(OpCode::CreateSession),
            cxid: 0,
            zxid: convert::zxid(attachment.attached),
            took: arrived.elapsed(),
            at_ms: door.uptime_ms(),
        },
    );
    let identity = Identity {
        scheme: "ip".to_owned(),
        id: peer.ip().to_canonical().to_string(),
    };
    let connection = Connection::new(door, attachment, identity, counted);
    if is_local(attachment.session) && door.mode() != Mode::ReadOnly {
        // It has changed since, and who entered meanwhile was not told to close.
        return Ok(());
    }
    connection.run(stream, buffer, out).await
}

/// A session this connection has.
struct Entered {
    attachment: Attachment,
    password: [u8; PASSWORD_BYTES],
}

/// A session, by what this node can do now. `None`: there is no such session.
async fn enter(
    door: &Door,
    request: &ConnectRequest,
    granted: Duration,
    peer: SocketAddr,
) -> io::Result<Option<Entered>> {
    let attached = tokio::select! {
        biased;
        () = door.has_become_read_only() => return enter_read_only(door, request, granted),
        attached = attach(door, request, granted, peer) => attached?,
    };
    Ok(attached.map(|session| Entered {
        attachment: Attachment {
            session: session.id,
            attached: session.attached,
            timeout: Duration::from_millis(session.timeout_ms),
        },
        password: session.password,
    }))
}

/// A new session that only this node knows, for a client that takes it. A session of the cluster is
/// sent away: nobody here can say how it is.
fn enter_read_only(
    door: &Door,
    request: &ConnectRequest,
    granted: Duration,
) -> io::Result<Option<Entered>> {
    if request.read_only != Some(true) {
        return Err(io::Error::other("this node serves reads only"));
    }
    if request.session_id != 0 {
        return match claimed(request) {
            Some((session, _)) if !is_local(session) => Err(io::Error::other(
                "this node serves reads only and takes up no session",
            )),
            Some(_) | None => Ok(None),
        };
    }
    Ok(Some(Entered {
        attachment: Attachment {
            session: local_session::fresh(door),
            attached: door.node.applied(),
            timeout: granted,
        },
        password: fresh_password(door),
    }))
}

async fn read_first(
    door: &Door,
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> io::Result<First> {
    loop {
        let first = first_frame(buffer, door.settings.frame_bytes_max)
            .map_err(|error| door.bad_frame(error))?;
        if first != First::Incomplete {
            return Ok(first);
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A client never goes back in time: what it has seen elsewhere, it must find here.
async fn must_not_be_ahead(door: &Door, request: &ConnectRequest) -> io::Result<()> {
    let seen = u64::try_from(request.last_zxid_seen).unwrap_or(0);
    let seen = raft_core::ids::Zxid(seen);
    if door.node.applied() >= seen {
        return Ok(());
    }
    let caught_up = door.node.await_applied(seen, CATCH_UP).await;
    caught_up.map_err(|error| io::Error::other(format!("the client has seen more: {error}")))
}

/// Opens a session, or takes up the one the client has. `None`: there is no such session, or the
/// password is wrong.
async fn attach(
    door: &Door,
    request: &ConnectRequest,
    granted: Duration,
    peer: SocketAddr,
) -> io::Result<Option<Session>> {
    let timeout_ms = u64::try_from(granted.as_millis()).unwrap_or(u64::MAX);
    let command = if request.session_id == 0 {
        Command::OpenSession(OpenSession {
            name: None,
            timeout_ms,
            password: fresh_password(door),
            owner: Owner {
                host: Some(peer.to_string()),
                ..Owner::default()
            },
            lock_delay_ms: 0,
        })
    } else {
        let Some((session, password)) = claimed(request) else {
            return Ok(None);
        };
        if is_local(session) {
            return Ok(None);
        }
        Command::AttachSession {
            session,
            password,
            timeout_ms,
            host: Some(peer.to_string()),
        }
    };
    let draft = Draft {
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    };
    let outcome = door
        .node
        .propose(draft, ATTACH_WITHIN)
        .await
        .map_err(io::Error::other)?;
    match outcome.result {
        Ok(Reply::SessionOpened { session, .. }) => {
            let stats = &door.stats;
            match request.session_id {
                0 => stats.sessions_opened.one(),
                _ => stats.sessions_taken_up.one(),
            }
            door.node.touch(session.id);
            Ok(Some(session))
        }
        Err(Refusal::NoSession { .. } | Refusal::SessionEnded(_)) => Ok(None),
        Ok(_) => Err(io::Error::other("a session was answered by something else")),
        Err(refusal) => Err(io::Error::other(refusal)),
    }
}

fn claimed(request: &ConnectRequest) -> Option<(SessionId, [u8; PASSWORD_BYTES])> {
    let id = u64::try_from(request.session_id).ok()?;
    let password = request.password.as_deref()?;
    Some((SessionId(id), password.try_into().ok()?))
}

fn fresh_password(door: &Door) -> [u8; PASSWORD_BYTES] {
    let entropy = door.node.entropy();
    // Zeros mean "none" on the wire.
    let (one, two) = (entropy.next_u64() | 1, entropy.next_u64());
    let mut password = [0; PASSWORD_BYTES];
    let bytes = one.to_be_bytes().into_iter().chain(two.to_be_bytes());
    for (to, from) in password.iter_mut().zip(bytes) {
        *to = from;
    }
    password
}

fn answer(
    request: &ConnectRequest,
    entered: Option<&Entered>,
    out: &mut BytesMut,
) -> io::Result<()> {
    let response = match entered {
        Some(Entered {
            attachment,
            password,
        }) => ConnectResponse {
            protocol_version: 0,
            timeout_ms: i32::try_from(attachment.timeout.as_millis()).unwrap_or(i32::MAX),
            session_id: convert::zxid(raft_core::ids::Zxid(attachment.session.0)),
            password: *password,
            read_only: request.read_only.map(|_| is_local(attachment.session)),
        },
        None => ConnectResponse::refused(request),
    };
    response.encode(out).map_err(io::Error::other)
}
