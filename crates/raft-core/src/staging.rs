//! A snapshot on its way in, as [`RestoreStep`](crate::command::RestoreStep)s brought it so far.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};

use crate::ids::{LogTime, Zxid};
use crate::state::Due;

/// The upload that is under way. There is one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staging {
    /// Whether a cluster that holds data may be replaced.
    pub(crate) replace: bool,
    /// Bytes so far.
    pub(crate) received: u64,
    /// When it is dropped, unless more of it arrives.
    pub(crate) forget_at: LogTime,
}

/// Some of its bytes. The key is the number of bytes before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagedPart {
    pub(crate) bytes: Bytes,
}

impl Staging {
    /// Its entry in [`Index::due`](crate::state::Index).
    pub(crate) fn due(&self, upload: Zxid) -> (LogTime, Due) {
        (self.forget_at, Due::ForgetStaging(upload))
    }
}

/// Reads parts one after the other.
pub(crate) struct PartsReader<I> {
    parts: I,
    current: Bytes,
}

impl<'a, I: Iterator<Item = (&'a u64, &'a StagedPart)>> PartsReader<I> {
    pub(crate) fn new(parts: I) -> PartsReader<I> {
        PartsReader {
            parts,
            current: Bytes::new(),
        }
    }
}

impl<'a, I: Iterator<Item = (&'a u64, &'a StagedPart)>> Read for PartsReader<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.parts.next() {
                Some((_, part)) => self.current = part.bytes.clone(),
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.current.len());
        self.current
            .copy_to_slice(into.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
