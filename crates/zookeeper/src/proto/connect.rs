//! The handshake: one frame each way, without headers (`ConnectRequest`, `ConnectResponse`).

use bytes::{Bytes, BytesMut};

use super::frame::{FrameTooLong, put_frame};
use super::jute::{DecodeError, Jute, Reader};

/// Bytes of a session's password. The C client reads a connect response as a block of fixed size.
pub const PASSWORD_BYTES: usize = 16;

/// What proves that a client owns a session it wants to attach to again.
pub type Password = [u8; PASSWORD_BYTES];

/// First frame of a client: payload of 44 bytes, or 45 with [`read_only`](Self::read_only).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// 0. The ClickHouse client has extensions of its own above 9.
    pub protocol_version: i32,
    /// Greatest zxid the client has seen; 0 when new. A server behind it must not serve the client.
    pub last_zxid_seen: i64,
    /// Session timeout asked for, in milliseconds.
    pub timeout_ms: i32,
    /// Session to attach to again; 0 for a new one. Some clients send −1 for none.
    pub session_id: i64,
    /// Password of that session, zeros for a new one: [`PASSWORD_BYTES`] long from a sane client.
    pub password: Option<Bytes>,
    /// Whether a read-only server would do. `None` when the byte is missing, as in old clients: the
    /// response must then do without it too.
    pub read_only: Option<bool>,
}

impl ConnectRequest {
    /// Reads the payload of the first frame. Bytes after it are ignored.
    ///
    /// # Errors
    /// It is not a connect request; the connection is closed without an answer.
    pub fn decode(frame: Bytes) -> Result<Self, DecodeError> {
        let mut from = Reader::new(frame);
        Ok(ConnectRequest {
            protocol_version: from.read("protocolVersion")?,
            last_zxid_seen: from.read("lastZxidSeen")?,
            timeout_ms: from.read("timeOut")?,
            session_id: from.read("sessionId")?,
            password: from.read("passwd")?,
            read_only: optional_bool(&mut from)?,
        })
    }

    /// Appends the request as a frame.
    ///
    /// # Errors
    /// The password is near [`i32::MAX`] bytes long; nothing is appended.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameTooLong> {
        put_frame(out, |out| {
            self.protocol_version.encode(out);
            self.last_zxid_seen.encode(out);
            self.timeout_ms.encode(out);
            self.session_id.encode(out);
            self.password.encode(out);
            if let Some(read_only) = self.read_only {
                read_only.encode(out);
            }
        })
    }
}

/// Answer of a server: payload of 36 bytes, or 37 with [`read_only`](Self::read_only).
///
/// Java and kazoo see a refused session by its timeout, the C client by an id that is not the one
/// it sent: [`ConnectResponse::refused`] serves both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// 0.
    pub protocol_version: i32,
    /// Session timeout granted, in milliseconds; 0 when refused.
    pub timeout_ms: i32,
    /// The session; 0 when refused.
    pub session_id: i64,
    /// Its password; zeros when refused.
    pub password: Password,
    /// Whether this server is read-only. To be present exactly if the request had it.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// The session asked for does not exist, or the password is wrong: all zeros, in the form
    /// that `request` has. The connection is closed after it.
    #[must_use]
    pub fn refused(request: &ConnectRequest) -> Self {
        ConnectResponse {
            protocol_version: 0,
            timeout_ms: 0,
            session_id: 0,
            password: [0; PASSWORD_BYTES],
            read_only: request.read_only.map(|_| false),
        }
    }

    /// Whether the session was refused, as Java and kazoo see it.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.timeout_ms <= 0
    }

    /// Reads the payload of a server's first frame.
    ///
    /// # Errors
    /// It is not a connect response, its password is not [`PASSWORD_BYTES`] long, or bytes follow.
    pub fn decode(frame: Bytes) -> Result<Self, DecodeError> {
        let mut from = Reader::new(frame);
        let response = ConnectResponse {
            protocol_version: from.read("protocolVersion")?,
            timeout_ms: from.read("timeOut")?,
            session_id: from.read("sessionId")?,
            password: password(&mut from)?,
            read_only: optional_bool(&mut from)?,
        };
        from.finish()?;
        Ok(response)
    }

    /// Appends the response as a frame.
    ///
    /// # Errors
    /// None in practice: its size is fixed.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameTooLong> {
        put_frame(out, |out| {
            self.protocol_version.encode(out);
            self.timeout_ms.encode(out);
            self.session_id.encode(out);
            Some(Bytes::copy_from_slice(&self.password)).encode(out);
            if let Some(read_only) = self.read_only {
                read_only.encode(out);
            }
        })
    }
}

fn optional_bool(from: &mut Reader) -> Result<Option<bool>, DecodeError> {
    if from.remaining() == 0 {
        return Ok(None);
    }
    from.read("readOnly").map(Some)
}

fn password(from: &mut Reader) -> Result<Password, DecodeError> {
    let field = "passwd";
    let bytes: Option<Bytes> = from.read(field)?;
    let bytes = bytes.unwrap_or_default();
    let len = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    Password::try_from(bytes.as_ref()).map_err(|_| DecodeError::Length { field, len })
}
