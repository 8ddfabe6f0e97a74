//! Frames: `int length`, then that many bytes of payload, in both directions.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::four_letter::FourLetterWord;

/// Bytes of the length field before every payload.
pub const LENGTH_BYTES: usize = 4;

/// ZooKeeper's default for the largest payload a side accepts, in bytes (`jute.maxbuffer`).
pub const PAYLOAD_BYTES_MAX_DEFAULT: usize = 0xf_ffff;

/// What telnet sends when its user interrupts it.
const TELNET_INTERRUPT: [u8; 4] = [0xff, 0xf4, 0xff, 0xfd];

/// Why a stream of frames cannot go on. The connection is closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is negative.
    #[error("frame has the impossible length {len}")]
    Negative {
        /// What the frame says.
        len: i32,
    },
    /// The length exceeds what is accepted here.
    #[error("frame of {len} bytes exceeds the {max} bytes allowed here")]
    TooLong {
        /// Length of the payload in bytes.
        len: usize,
        /// The limit it was held against, in bytes.
        max: usize,
    },
}

/// A payload too long for a length field. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message of {bytes} bytes does not fit a frame")]
pub struct FrameTooLong {
    /// Length of the payload in bytes.
    pub bytes: usize,
}

/// What a fresh connection began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// Too little has arrived to tell.
    Incomplete,
    /// A four-letter word instead of the protocol. Its four bytes are consumed; what a word takes
    /// as argument, and a newline, may follow or still be under way.
    Word(FourLetterWord),
    /// Somebody interrupted telnet. The connection is closed without an answer, and not as an error
    /// of a client: read as a frame, it would be one.
    TelnetInterrupt,
    /// The payload of the first frame, which has to be a connect request.
    Frame(Bytes),
}

/// Takes the payload of one whole frame off the front of `buffer`; `None` when bytes are missing.
///
/// `max` is the largest payload accepted, in bytes. The payload shares the buffer's memory. A
/// length in the buffer does not make this function allocate.
///
/// # Errors
/// The length is negative or above `max`. It is told as soon as the length is there.
pub fn next_frame(buffer: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(field) = buffer.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let len = i32::from_be_bytes(*field);
    let len = usize::try_from(len).map_err(|_| FrameError::Negative { len })?;
    if len > max {
        return Err(FrameError::TooLong { len, max });
    }
    if buffer.len() < len.saturating_add(LENGTH_BYTES) {
        return Ok(None);
    }
    buffer.advance(LENGTH_BYTES);
    Ok(Some(buffer.split_to(len).freeze()))
}

/// [`next_frame`] for the first bytes of a connection, which may be a four-letter word.
///
/// Read as a length, a word means more than 1.6 GB: with a limit below that no frame is mistaken for
/// one.
///
/// # Errors
/// Those of [`next_frame`].
pub fn first_frame(buffer: &mut BytesMut, max: usize) -> Result<First, FrameError> {
    let start: Option<[u8; LENGTH_BYTES]> = buffer.first_chunk().copied();
    if start == Some(TELNET_INTERRUPT) {
        return Ok(First::TelnetInterrupt);
    }
    if let Some(word) = start.and_then(FourLetterWord::from_bytes) {
        buffer.advance(LENGTH_BYTES);
        return Ok(First::Word(word));
    }
    Ok(next_frame(buffer, max)?.map_or(First::Incomplete, First::Frame))
}

/// Appends a frame around the payload that `put` appends.
///
/// # Errors
/// The payload is longer than [`i32::MAX`]; `out` is then as it was before.
pub fn put_frame(out: &mut BytesMut, put: impl FnOnce(&mut BytesMut)) -> Result<(), FrameTooLong> {
    let start = out.len();
    let payload = start.saturating_add(LENGTH_BYTES);
    out.put_i32(0);
    put(out);
    let bytes = out.len().saturating_sub(payload);
    let Ok(len) = i32::try_from(bytes) else {
        out.truncate(start);
        return Err(FrameTooLong { bytes });
    };
    if let Some(field) = out.get_mut(start..payload) {
        field.copy_from_slice(&len.to_be_bytes());
    }
    Ok(())
}
