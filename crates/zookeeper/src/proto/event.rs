//! What a server tells unasked (`WatcherEvent`).

use bytes::{Bytes, BytesMut};

use super::error::ErrorCode;
use super::frame::{FrameTooLong, put_frame};
use super::header::{ReplyHeader, Xid};
use super::jute::{DecodeError, Jute, Reader};

/// Keeper state in every event a server sends: `SyncConnected`. Clients make the others.
const SYNC_CONNECTED: i32 = 3;

/// What happened to a watched znode (`Watcher.Event.EventType`), as far as it travels. The types
/// for removed watches and for the session itself (−1, 5, 6, 7) are made by clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// It was created.
    NodeCreated,
    /// It was deleted.
    NodeDeleted,
    /// Its data changed.
    NodeDataChanged,
    /// Its list of children changed.
    NodeChildrenChanged,
}

impl EventType {
    /// Every type.
    pub const ALL: &[EventType] = &[
        EventType::NodeCreated,
        EventType::NodeDeleted,
        EventType::NodeDataChanged,
        EventType::NodeChildrenChanged,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            EventType::NodeCreated => 1,
            EventType::NodeDeleted => 2,
            EventType::NodeDataChanged => 3,
            EventType::NodeChildrenChanged => 4,
        }
    }

    /// The type a number on the wire stands for.
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(EventType::NodeCreated),
            2 => Some(EventType::NodeDeleted),
            3 => Some(EventType::NodeDataChanged),
            4 => Some(EventType::NodeChildrenChanged),
            _ => None,
        }
    }
}

impl Jute for EventType {
    const BYTES_MIN: usize = i32::BYTES_MIN;

    fn encode(&self, out: &mut BytesMut) {
        self.code().encode(out);
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        let code = i32::decode(from)?;
        EventType::from_code(code).ok_or_else(|| from.unknown(code))
    }
}

/// A watch fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherEvent {
    /// Transaction that fired it; −1 when none did (the catch-up of `setWatches`, and every event
    /// of servers before 3.9). Never above what the client has been shown: it takes the number
    /// along as the last it saw.
    pub zxid: i64,
    /// What happened.
    pub kind: EventType,
    /// To which znode. For a recursive watch the changed znode, not the watched one.
    pub path: String,
}

impl WatcherEvent {
    /// Appends the event as a frame. The same bytes do for every connection.
    ///
    /// # Errors
    /// The path is near [`i32::MAX`] bytes long; nothing is appended.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameTooLong> {
        let header = ReplyHeader {
            xid: Xid::NOTIFICATION,
            zxid: self.zxid,
            err: ErrorCode::Ok,
        };
        put_frame(out, |out| {
            header.encode(out);
            self.kind.encode(out);
            SYNC_CONNECTED.encode(out);
            self.path.encode(out);
        })
    }

    /// Reads what follows a header with [`Xid::NOTIFICATION`]. The keeper state is not looked at.
    pub(super) fn decode(header: &ReplyHeader, body: Bytes) -> Result<Self, DecodeError> {
        let mut from = Reader::new(body);
        let kind = from.read("event type")?;
        let _state: i32 = from.read("event state")?;
        let path = from.read("event path")?;
        from.finish()?;
        Ok(WatcherEvent {
            zxid: header.zxid,
            kind,
            path,
        })
    }
}
