//! Data of a znode.

use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use triomphe::ThinArc;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a znode with their hash, so that the state's digest does not read them again whenever a counter beside
/// them changes. Eight bytes and one allocation; clones share it.
#[derive(Clone, PartialEq, Eq)]
pub struct Data(ThinArc<u64, u8>);

impl Data {
    /// The 64-bit XXH3 of the bytes.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.header.header
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Data {
        if bytes.is_empty() {
            return Data::default();
        }
        Data(ThinArc::from_header_and_slice(xxh3_64(bytes), bytes))
    }
}

impl From<&Bytes> for Data {
    fn from(bytes: &Bytes) -> Data {
        Data::from(bytes.as_ref())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Data {
        Data::from(text.as_bytes())
    }
}

/// Shares what it is made from.
impl From<Data> for Bytes {
    fn from(data: Data) -> Bytes {
        Bytes::from_owner(data)
    }
}

/// No bytes: the same ones for everybody, since many znodes only have a name.
impl Default for Data {
    fn default() -> Data {
        static EMPTY: LazyLock<Data> =
            LazyLock::new(|| Data(ThinArc::from_header_and_slice(xxh3_64(&[]), &[])));
        EMPTY.clone()
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.slice
    }
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

/// As bytes; the hash is taken anew when they are read.
impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        struct AnyBytes;
        impl de::Visitor<'_> for AnyBytes {
            type Value = Data;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Data, E> {
                Ok(Data::from(bytes))
            }
        }
        deserializer.deserialize_bytes(AnyBytes)
    }
}
