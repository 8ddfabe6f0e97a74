//! The binary encoding of ZooKeeper's records (`BinaryInputArchive`, `BinaryOutputArchive`).
//!
//! A record is the concatenation of its fields, without padding or tags. `boolean` takes one byte,
//! `int` four, `long` eight. A `ustring`, a `buffer` and a `vector` start with an `int` length or
//! count, of which −1 means null.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Length or count of what is null.
const NULL: i32 = -1;

/// Why bytes are not the record that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the field does, or a count promises more items than it can hold.
    #[error("frame ends in the middle of {field}")]
    Short {
        /// Name of the field.
        field: &'static str,
    },
    /// A length below −1, or null where that means nothing.
    #[error("{field} has the impossible length {len}")]
    Length {
        /// Name of the field.
        field: &'static str,
        /// What the frame says.
        len: i32,
    },
    /// A number that means nothing where it stands.
    #[error("{field} has the unknown value {value}")]
    Value {
        /// Name of the field.
        field: &'static str,
        /// What the frame says.
        value: i32,
    },
    /// Bytes left over where none may be.
    #[error("{bytes} bytes are left over after the message")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// A value with a form in jute's binary encoding.
///
/// What [`Jute::encode`] writes, [`Jute::decode`] reads back as the same value; where several
/// encodings mean one value (null and empty text, say), the implementation says so.
pub trait Jute: Sized {
    /// The fewest bytes a value takes. A vector's count is checked against it before anything is
    /// allocated for its items.
    const BYTES_MIN: usize;

    /// Appends the value.
    ///
    /// A length past [`i32::MAX`] is written as [`i32::MAX`]: such a value never leaves the
    /// process, [`put_frame`](crate::proto::frame::put_frame) refuses the frame around it.
    fn encode(&self, out: &mut BytesMut);

    /// Takes a value off the front of `from`.
    ///
    /// # Errors
    /// The frame ends too early, or a length or value in it is impossible. The reader has then
    /// consumed an unspecified part.
    fn decode(from: &mut Reader) -> Result<Self, DecodeError>;
}

/// Reads values off the front of a frame.
#[derive(Clone, Debug)]
pub struct Reader {
    rest: Bytes,
    /// Field being read, for errors only.
    field: &'static str,
    /// Whether null stands for an empty string or vector.
    takes_null: bool,
}

impl Reader {
    /// A reader of one frame's payload.
    #[must_use]
    pub fn new(frame: Bytes) -> Self {
        Reader {
            rest: frame,
            field: "frame",
            takes_null: true,
        }
    }

    /// From here on null is not read as an empty string or vector: where ZooKeeper stumbles over it,
    /// the request cannot be read.
    pub(crate) fn refuse_null(&mut self) {
        self.takes_null = false;
    }

    fn or_empty<T: Default>(&self, value: Option<T>) -> Result<T, DecodeError> {
        match value {
            None if !self.takes_null => Err(DecodeError::Length {
                field: self.field,
                len: NULL,
            }),
            value => Ok(value.unwrap_or_default()),
        }
    }

    /// Reads a value that errors will call `field`. A record names its own fields instead.
    ///
    /// # Errors
    /// Those of [`Jute::decode`].
    pub fn read<T: Jute>(&mut self, field: &'static str) -> Result<T, DecodeError> {
        self.field = field;
        T::decode(self)
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What has not been read yet.
    #[must_use]
    pub fn into_rest(self) -> Bytes {
        self.rest
    }

    /// Ends a message that may not have anything behind it.
    ///
    /// # Errors
    /// Bytes are left over.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            bytes => Err(DecodeError::Trailing { bytes }),
        }
    }

    /// An error about the value just read.
    pub(crate) fn unknown(&self, value: i32) -> DecodeError {
        DecodeError::Value {
            field: self.field,
            value,
        }
    }

    fn short(&self) -> DecodeError {
        DecodeError::Short { field: self.field }
    }

    fn need(&self, bytes: usize) -> Result<(), DecodeError> {
        if self.remaining() < bytes {
            return Err(self.short());
        }
        Ok(())
    }

    /// Reads the length or count of something whose items take at least `each` bytes; `None` is
    /// null. Refused when the frame cannot hold that many, so that nobody allocates for them.
    fn count(&mut self, each: usize) -> Result<Option<usize>, DecodeError> {
        let len = i32::decode(self)?;
        if len == NULL {
            return Ok(None);
        }
        let field = self.field;
        let count = usize::try_from(len).map_err(|_| DecodeError::Length { field, len })?;
        self.need(count.saturating_mul(each))?;
        Ok(Some(count))
    }

    /// As [`count`](Reader::count), of a vector: one with an impossible count below null has no items,
    /// as in Java.
    fn items(&mut self, each: usize) -> Result<Option<usize>, DecodeError> {
        match self.count(each) {
            Err(DecodeError::Length { .. }) => Ok(Some(0)),
            count => count,
        }
    }
}

/// Writes a length or count. See [`Jute::encode`] for what becomes of one that does not fit.
fn put_count(out: &mut BytesMut, count: usize) {
    out.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
}

impl Jute for i32 {
    const BYTES_MIN: usize = 4;

    fn encode(&self, out: &mut BytesMut) {
        out.put_i32(*self);
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        from.need(4)?;
        Ok(from.rest.get_i32())
    }
}

impl Jute for i64 {
    const BYTES_MIN: usize = 8;

    fn encode(&self, out: &mut BytesMut) {
        out.put_i64(*self);
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        from.need(8)?;
        Ok(from.rest.get_i64())
    }
}

/// Any byte but 0 reads as true, as in Java.
impl Jute for bool {
    const BYTES_MIN: usize = 1;

    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        from.need(1)?;
        Ok(from.rest.get_u8() != 0)
    }
}

/// A `buffer`. Null and empty are different values. Decoding slices the frame without copying.
impl Jute for Option<Bytes> {
    const BYTES_MIN: usize = 4;

    fn encode(&self, out: &mut BytesMut) {
        match self {
            None => out.put_i32(NULL),
            Some(bytes) => {
                put_count(out, bytes.len());
                out.put_slice(bytes);
            }
        }
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        let count = from.count(1)?;
        Ok(count.map(|len| from.rest.split_to(len)))
    }
}

/// A `ustring` that may be null.
///
/// Bytes that are not UTF-8 become U+FFFD instead of an error, as in Java. A Java client sends a
/// character outside the basic plane as two surrogates of three bytes each; the path rules then
/// refuse U+FFFD, and the client gets an answer instead of a lost connection.
impl Jute for Option<String> {
    const BYTES_MIN: usize = 4;

    fn encode(&self, out: &mut BytesMut) {
        match self {
            None => out.put_i32(NULL),
            Some(text) => text.encode(out),
        }
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        let bytes = Option::<Bytes>::decode(from)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// A `ustring` of which null means the same as empty: some clients (kazoo) send null for both. (But see
/// [`Reader::refuse_null`].)
/// Lenient about UTF-8, see [`Option<String>`](#impl-Jute-for-Option<String>).
impl Jute for String {
    const BYTES_MIN: usize = 4;

    fn encode(&self, out: &mut BytesMut) {
        put_count(out, self.len());
        out.put_slice(self.as_bytes());
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        let text = Option::<String>::decode(from)?;
        from.or_empty(text)
    }
}

/// A `vector`. A null one reads as empty: no request gives the two different meanings.
impl<T: Jute> Jute for Vec<T> {
    const BYTES_MIN: usize = 4;

    fn encode(&self, out: &mut BytesMut) {
        put_count(out, self.len());
        for item in self {
            item.encode(out);
        }
    }

    fn decode(from: &mut Reader) -> Result<Self, DecodeError> {
        let count = from.items(T::BYTES_MIN)?;
        let count = from.or_empty(count)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::decode(from)?);
        }
        Ok(items)
    }
}

/// Declares a record the way `zookeeper.jute` does: its fields in their order on the wire.
macro_rules! record {
    ($(#[$about:meta])* $vis:vis struct $name:ident {
        $($(#[$about_field:meta])* $field_vis:vis $field:ident: $type:ty,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$about_field])* $field_vis $field: $type,)*
        }

        impl $crate::proto::jute::Jute for $name {
            const BYTES_MIN: usize = 0 $(+ <$type as $crate::proto::jute::Jute>::BYTES_MIN)*;

            fn encode(&self, out: &mut bytes::BytesMut) {
                $($crate::proto::jute::Jute::encode(&self.$field, out);)*
            }

            fn decode(
                from: &mut $crate::proto::jute::Reader,
            ) -> Result<Self, $crate::proto::jute::DecodeError> {
                Ok($name { $($field: from.read(stringify!($field))?,)* })
            }
        }
    };
}
pub(crate) use record;
