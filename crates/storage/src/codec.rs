//! Bytes of the records this crate persists: little-endian fields, a version first, a checksum last.

use mutant::Mutant;

use crate::error::RecordError;

/// Builds a record.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Writer {
            bytes: Vec::with_capacity(capacity),
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u128(&mut self, value: u128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a count or length of at most `u32::MAX`.
    pub(crate) fn count(&mut self, count: usize) -> Result<(), RecordError> {
        self.u32(u32::try_from(count).map_err(|_| RecordError::TooLong { len: count })?);
        Ok(())
    }

    /// Appends bytes with their length in front.
    pub(crate) fn prefixed(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.count(bytes.len())?;
        self.raw(bytes);
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends the CRC-32 of `context` followed by everything written so far.
    ///
    /// The context is what the record must be found under (its key): a record that turns up under
    /// another key is damaged although each of its own bytes is right.
    pub(crate) fn seal(mut self, context: &[u8]) -> Vec<u8> {
        let crc = checksum(context, &self.bytes);
        self.u32(crc);
        self.bytes
    }
}

/// Takes a record apart; every step checks that the bytes are there.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// Starts on a sealed record after its checksum was found right.
    pub(crate) fn unseal(bytes: &'a [u8], context: &[u8]) -> Result<Self, RecordError> {
        let (body, stored) = bytes
            .split_last_chunk::<4>()
            .ok_or(RecordError::Truncated)?;
        let stored = u32::from_le_bytes(*stored);
        let computed = checksum(context, body);
        if stored != computed && !mutant::is(Mutant::ChecksumNotVerified) {
            return Err(RecordError::Checksum { stored, computed });
        }
        Ok(Reader { rest: body })
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, RecordError> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, RecordError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, RecordError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, RecordError> {
        self.array().map(u128::from_le_bytes)
    }

    /// A flag: 0 or 1 and nothing else.
    pub(crate) fn flag(&mut self) -> Result<bool, RecordError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(RecordError::Tag {
                what: "flag",
                found,
            }),
        }
    }

    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8], RecordError> {
        let len = usize::try_from(self.u32()?).map_err(|_| RecordError::Truncated)?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<String, RecordError> {
        let bytes = self.prefixed()?;
        String::from_utf8(bytes.to_vec()).map_err(|_| RecordError::NotText)
    }

    /// Expects the record version `wanted`.
    pub(crate) fn version(&mut self, wanted: u8) -> Result<(), RecordError> {
        let found = self.u8()?;
        if found == wanted {
            Ok(())
        } else {
            Err(RecordError::Version {
                found,
                known: wanted,
            })
        }
    }

    /// Expects that nothing is left.
    pub(crate) fn end(self) -> Result<(), RecordError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(RecordError::Trailing {
                len: self.rest.len(),
            })
        }
    }
}

fn checksum(context: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(context);
    hasher.update(body);
    hasher.finalize()
}
