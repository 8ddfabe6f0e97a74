//! What stands before every request and reply once a connection has its session.

use bytes::BytesMut;

use super::error::ErrorCode;
use super::jute::{DecodeError, Jute, Reader, record};

/// Number a client gives a request, and the reply carries back whatever it is.
///
/// Clients count up from 1; some wrap at 2³¹−1, old ones overflow. Negative ones are special.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Xid(pub i32);

impl Xid {
    /// A watch event, sent by the server unasked.
    pub const NOTIFICATION: Xid = Xid(-1);
    /// A ping and its reply.
    pub const PING: Xid = Xid(-2);
    /// An `auth` and its reply, which may overtake replies to earlier requests.
    pub const AUTH: Xid = Xid(-4);
    /// `setWatches` as the C client sends it. The Java client uses an ordinary number.
    pub const SET_WATCHES: Xid = Xid(-8);
}

impl Jute for Xid {
    const BYTES_MIN: usize = i32::BYTES_MIN;

    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        i32::decode(from).map(Xid)
    }
}

record! {
    /// `RequestHeader`: 8 bytes before the fields of a request.
    pub struct RequestHeader {
        /// Number of the request.
        pub xid: Xid,
        /// Code of the operation (jute's `type`), known or not.
        pub op: i32,
    }
}

record! {
    /// `ReplyHeader`: 16 bytes before the body of a reply.
    pub struct ReplyHeader {
        /// Number of the request this answers, or [`Xid::NOTIFICATION`].
        pub xid: Xid,
        /// Last zxid the server had applied when the request was finished; for a write its own.
        /// 0 for `auth` and `sasl`; −1 for an event that belongs to no transaction. Clients
        /// remember the greatest they saw and show it when they connect again.
        pub zxid: i64,
        /// How it went.
        pub err: ErrorCode,
    }
}
