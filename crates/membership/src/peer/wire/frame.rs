//! Frames: `u32 len | u8 kind | u64 correlation | payload | u32 crc32`.
//!
//! `len` counts everything after itself. The checksum covers kind, correlation and payload: TCP's
//! own is 16 bits and is known to let corruption through on long transfers.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a frame besides its payload and its length field.
const OVERHEAD: usize = 1 + 8 + 4;
/// How much is read from the socket at once. Also the most that an unproven length field can make
/// this process allocate before the bytes really arrive.
const READ_CHUNK: usize = 64 << 10;
/// Room there must be for the next read.
const READ_BYTES_MIN: usize = 4 << 10;
/// Longest frame that is copied out of the buffer.
const COPIED_BYTES_MAX: usize = 32 << 10;

macro_rules! frame_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a frame holds. Codes are part of the protocol and never change meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum FrameKind { $($(#[$doc])* $name,)* }

        impl FrameKind {
            pub(crate) const fn code(self) -> u8 {
                match self { $(FrameKind::$name => $code,)* }
            }

            pub(crate) const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(FrameKind::$name),)* _ => None }
            }
        }
    };
}

frame_kinds! {
    /// First frame of the dialling side.
    Hello = 1,
    /// The accepting side agrees.
    Welcome = 2,
    /// The accepting side does not agree; the payload says why.
    Refused = 3,
    /// Sent when nothing else was sent for a heartbeat interval, in both directions.
    KeepAlive = 4,
    /// The request of this correlation could not be served; the payload says why.
    Failure = 5,
    /// AppendEntries; the correlation names the stream it belongs to.
    Append = 10,
    /// Answer to one `Append`, in order within a stream.
    AppendReply = 11,
    /// RequestVote.
    Vote = 20,
    /// Would you vote for me?
    PreVote = 21,
    /// Answer to either.
    VoteReply = 22,
    /// The leader names its successor.
    Transfer = 23,
    /// Answer to it.
    TransferReply = 24,
    /// Start of a snapshot transfer: vote, meta, length.
    SnapshotBegin = 30,
    /// Content.
    SnapshotChunk = 31,
    /// End of content: length and checksum of the whole.
    SnapshotEnd = 32,
    /// The receiver's vote; may come before the end when the snapshot is not needed.
    SnapshotReply = 33,
    /// A call of the application.
    Call = 40,
    /// Its answer.
    CallReply = 41,
}

/// One frame, its checksum verified.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) correlation: u64,
    pub(crate) payload: Bytes,
}

/// Why no frame could be read. All of them end the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("read from peer")]
    Io(#[from] io::Error),
    #[error("frame of {len} bytes exceeds the {max} bytes allowed here")]
    TooLong { len: usize, max: usize },
    #[error("frame of {len} bytes is shorter than a frame can be")]
    TooShort { len: usize },
    #[error("frame checksum mismatch")]
    Checksum,
    #[error("unknown frame kind {0}")]
    UnknownKind(u8),
}

/// The payload does not fit the lane; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("message of {len} bytes exceeds the {max} bytes of a frame on this lane")]
pub(crate) struct FrameTooLong {
    len: usize,
    max: usize,
}

/// Builds one frame in a buffer of its own. `hint` is the expected payload size.
pub(crate) fn build(
    kind: FrameKind,
    correlation: u64,
    max: usize,
    hint: usize,
    payload: impl FnOnce(&mut BytesMut),
) -> Result<Bytes, FrameTooLong> {
    let mut buffer = BytesMut::with_capacity(hint.min(max).saturating_add(4 + OVERHEAD));
    buffer.put_u32_le(0);
    buffer.put_u8(kind.code());
    buffer.put_u64_le(correlation);
    payload(&mut buffer);
    let body_len = buffer.len().saturating_sub(4);
    let len = body_len.saturating_add(4);
    let Ok(len_field) = u32::try_from(len) else {
        return Err(FrameTooLong { len, max });
    };
    if len > max {
        return Err(FrameTooLong { len, max });
    }
    let checksum = crc32fast::hash(buffer.get(4..).unwrap_or_default());
    buffer.put_u32_le(checksum);
    if let Some(field) = buffer.get_mut(..4) {
        field.copy_from_slice(&len_field.to_le_bytes());
    }
    Ok(buffer.freeze())
}

/// A frame without payload always fits.
pub(crate) fn keep_alive() -> Bytes {
    build(FrameKind::KeepAlive, 0, usize::MAX, 0, |_| {}).unwrap_or_default()
}

/// Takes one whole frame from the front of `buffer`; `None` when more bytes are needed.
pub(crate) fn split(buffer: &mut BytesMut, max: usize) -> Result<Option<Frame>, FrameError> {
    let Some(field) = buffer.first_chunk::<4>() else {
        return Ok(None);
    };
    let len = u32::from_le_bytes(*field) as usize;
    if len > max {
        return Err(FrameError::TooLong { len, max });
    }
    if len < OVERHEAD {
        return Err(FrameError::TooShort { len });
    }
    if buffer.len() < len.saturating_add(4) {
        return Ok(None);
    }
    buffer.advance(4);
    let mut body = take(buffer, len);
    let mut tail = body.split_off(len - 4);
    if crc32fast::hash(&body) != tail.get_u32_le() {
        return Err(FrameError::Checksum);
    }
    let code = body.get_u8();
    let correlation = body.get_u64_le();
    let kind = FrameKind::from_code(code).ok_or(FrameError::UnknownKind(code))?;
    Ok(Some(Frame {
        kind,
        correlation,
        payload: body,
    }))
}

/// The next `len` bytes of `buffer`.
///
/// Short ones are copied: log entries are kept for long as parts of the frame they came in, and would keep a whole
/// read buffer with them; and a buffer nobody shares is used again for the next read.
fn take(buffer: &mut BytesMut, len: usize) -> Bytes {
    if len > COPIED_BYTES_MAX {
        return buffer.split_to(len).freeze();
    }
    let copy = Bytes::copy_from_slice(buffer.get(..len).unwrap_or_default());
    buffer.advance(len);
    copy
}

/// Reads frames from one side of a connection.
pub(crate) struct FrameReader<R> {
    io: R,
    buffer: BytesMut,
    frame_bytes_max: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(io: R, frame_bytes_max: usize) -> Self {
        FrameReader {
            io,
            buffer: BytesMut::with_capacity(READ_CHUNK),
            frame_bytes_max,
        }
    }

    /// After the hello the lane's own limit holds.
    pub(crate) fn set_frame_bytes_max(&mut self, max: usize) {
        self.frame_bytes_max = max;
    }

    /// The next frame; `None` when the peer closed between frames. Cancel safe: bytes already read
    /// stay in the buffer.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            if let Some(frame) = split(&mut self.buffer, self.frame_bytes_max)? {
                return Ok(Some(frame));
            }
            // Bytes that were taken are at the front: what remains is moved there, not to a new buffer.
            self.buffer.reserve(READ_BYTES_MIN);
            if self.io.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}
