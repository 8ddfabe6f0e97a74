//! Bytes of requests and batches: encoded once where a request enters the cluster, the same on the
//! wire, in the log and in apply.
//!
//! A request is a version byte and the postcard encoding of [`Request`]; where it names terms, the
//! version is another and their encoding follows. A batch is
//!
//! ```text
//! version u8 | log time u64 | wall time u64 | count u32 | count × (length u32 | request)
//! ```
//!
//! with little-endian numbers. The stamp has a fixed place at the front, so that a leader can
//! collect requests first and stamp last. Decoding takes any bytes without a panic and without
//! allocating more than they justify.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::command::{Request, Stamp};
use crate::format;
use crate::ids::{LogTime, WallTime};
use crate::limits;

/// Bytes of a batch before its first request.
const HEADER_BYTES: usize = 1 + 8 + 8 + 4;
/// Bytes before each request of a batch.
const LENGTH_BYTES: usize = 4;

/// Why a request cannot be encoded. It was not sent and has not happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Over [`limits::REQUEST_BYTES_MAX`].
    #[error("a request may have at most {limit} bytes, this one has {length}")]
    TooLarge {
        /// Bytes allowed.
        limit: usize,
        /// Bytes it would have.
        length: usize,
    },
}

/// Why bytes are not a request or a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("the bytes end in the middle")]
    Truncated,
    /// A version this build does not know.
    #[error("format version {found} is not known, this build knows {known}")]
    UnknownVersion {
        /// What stands there.
        found: u8,
        /// What would be understood.
        known: u8,
    },
    /// More bytes than the content has.
    #[error("{count} bytes follow the end")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// A length or count over its limit.
    #[error("{length} {what}, limit {limit}")]
    TooLarge {
        /// What is limited, with its unit.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What stands there.
        length: usize,
    },
    /// The content is malformed, or a name in it is not valid.
    #[error("malformed request: {0}")]
    Malformed(String),
}

/// Encodes a request.
///
/// # Errors
/// [`EncodeError::TooLarge`].
pub fn encode_request(request: &Request) -> Result<Bytes, EncodeError> {
    let bytes = encode(request);
    let (length, limit) = (bytes.len(), limits::REQUEST_BYTES_MAX);
    if length > limit {
        return Err(EncodeError::TooLarge { limit, length });
    }
    Ok(Bytes::from(bytes))
}

#[expect(
    clippy::expect_used,
    reason = "a Vec takes any bytes, and no type in a request has a fallible encoding"
)]
fn encode(request: &Request) -> Vec<u8> {
    let into_vec = "encoding into a Vec cannot fail";
    if request.terms.is_empty() {
        return postcard::to_extend(request, vec![format::REQUEST]).expect(into_vec);
    }
    let start = vec![format::REQUEST_WITH_TERMS];
    postcard::to_extend(&(request, &request.terms), start).expect(into_vec)
}

/// Decodes a request. Every name in it is valid afterwards, paths of znode operations excepted:
/// they are checked when applied.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_request(bytes: &[u8]) -> Result<Request, DecodeError> {
    check_length("bytes of a request", bytes.len(), limits::REQUEST_BYTES_MAX)?;
    let (version, content) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    let decoded = match *version {
        format::REQUEST_WITH_TERMS => postcard::take_from_bytes(content)
            .map(|((request, terms), rest)| (Request { terms, ..request }, rest)),
        version => {
            check_version(version, format::REQUEST)?;
            postcard::take_from_bytes::<Request>(content)
        }
    };
    match decoded {
        // Two encodings of one request would be two digests of one log.
        Ok((request, [])) if request.terms.is_empty() && *version != format::REQUEST => {
            Err(DecodeError::Malformed("it names no terms".to_owned()))
        }
        Ok((request, [])) => Ok(request),
        Ok((_, rest)) => Err(DecodeError::TrailingBytes { count: rest.len() }),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(DecodeError::Truncated),
        Err(error) => Err(DecodeError::Malformed(error.to_string())),
    }
}

/// Collects encoded requests into the payload of one log entry.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    bytes: BytesMut,
    count: u32,
}

impl BatchBuilder {
    /// An empty batch with this stamp.
    #[must_use]
    pub fn new(stamp: Stamp) -> BatchBuilder {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES);
        bytes.put_u8(format::BATCH);
        bytes.put_u64_le(stamp.log_time.0);
        bytes.put_u64_le(stamp.wall.0);
        bytes.put_u32_le(0);
        BatchBuilder { bytes, count: 0 }
    }

    /// Replaces the stamp.
    pub fn set_stamp(&mut self, stamp: Stamp) {
        let mut header = self.bytes.iter_mut().skip(1);
        let times = [stamp.log_time.0, stamp.wall.0];
        for new in times.iter().flat_map(|time| time.to_le_bytes()) {
            if let Some(old) = header.next() {
                *old = new;
            }
        }
    }

    /// Whether a request of `length` encoded bytes still fits. An empty batch takes every request
    /// that [`encode_request`] can give.
    #[must_use]
    pub fn fits(&self, length: usize) -> bool {
        let total = self
            .bytes
            .len()
            .saturating_add(LENGTH_BYTES)
            .saturating_add(length);
        if self.is_empty() {
            return length <= limits::REQUEST_BYTES_MAX;
        }
        self.len() < limits::REQUESTS_PER_BATCH_MAX && total <= limits::BATCH_BYTES_MAX
    }

    /// Appends an encoded request. `false`, and nothing appended, when it does not fit.
    #[must_use]
    pub fn push(&mut self, request: &[u8]) -> bool {
        let Ok(length) = u32::try_from(request.len()) else {
            return false;
        };
        if !self.fits(request.len()) {
            return false;
        }
        self.bytes
            .reserve(LENGTH_BYTES.saturating_add(request.len()));
        self.bytes.put_u32_le(length);
        self.bytes.put_slice(request);
        self.count = self.count.saturating_add(1);
        true
    }

    /// Requests so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes so far, header included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The payload.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        let count = self.count.to_le_bytes();
        for (old, new) in self
            .bytes
            .iter_mut()
            .skip(HEADER_BYTES - count.len())
            .zip(count)
        {
            *old = new;
        }
        self.bytes.freeze()
    }
}

/// A batch whose structure was checked: its requests can be taken without further errors, though
/// each must still be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The time the leader put there.
    pub stamp: Stamp,
    requests: Bytes,
    count: u32,
}

impl Batch {
    /// Checks the structure of a payload. Copies nothing.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn parse(payload: &Bytes) -> Result<Batch, DecodeError> {
        let mut rest = payload.clone();
        let version = *payload.first().ok_or(DecodeError::Truncated)?;
        check_version(version, format::BATCH)?;
        if payload.len() < HEADER_BYTES {
            return Err(DecodeError::Truncated);
        }
        rest.advance(1);
        let log_time = LogTime(rest.get_u64_le());
        let wall = WallTime(rest.get_u64_le());
        let count = rest.get_u32_le();
        check_length(
            "requests in a batch",
            count as usize,
            limits::REQUESTS_PER_BATCH_MAX,
        )?;
        let mut unchecked = &rest[..];
        for _ in 0..count {
            take_request(&mut unchecked)?;
        }
        if !unchecked.is_empty() {
            return Err(DecodeError::TrailingBytes {
                count: unchecked.len(),
            });
        }
        Ok(Batch {
            stamp: Stamp { log_time, wall },
            requests: rest,
            count,
        })
    }

    /// Number of requests.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The encoded requests in order.
    pub fn requests(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.requests[..];
        (0..self.count).map_while(move |_| take_request(&mut rest).ok())
    }
}

fn take_request<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let (length, after) = rest
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or(DecodeError::Truncated)?;
    let length = u32::from_le_bytes(*length) as usize;
    check_length("bytes of a request", length, limits::REQUEST_BYTES_MAX)?;
    let (request, after) = after
        .split_at_checked(length)
        .ok_or(DecodeError::Truncated)?;
    *rest = after;
    Ok(request)
}

fn check_version(found: u8, known: u8) -> Result<(), DecodeError> {
    if found == known {
        Ok(())
    } else {
        Err(DecodeError::UnknownVersion { found, known })
    }
}

fn check_length(what: &'static str, length: usize, limit: usize) -> Result<(), DecodeError> {
    if length <= limit {
        Ok(())
    } else {
        Err(DecodeError::TooLarge {
            what,
            limit,
            length,
        })
    }
}
