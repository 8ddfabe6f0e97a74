//! Bytes as JSON carries them, and znodes as they are read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_types::problem::Effect;
use http_types::v1::Encoding;
use http_types::v1::nodes::{Node, NodeMode, Stat};

use crate::error::Error;

/// Bytes with their media type, to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// The bytes.
    pub bytes: Bytes,
    /// Their media type.
    pub content_type: Option<String>,
}

impl<T: Into<Bytes>> From<T> for Data {
    fn from(bytes: T) -> Data {
        Data {
            bytes: bytes.into(),
            content_type: None,
        }
    }
}

impl Data {
    /// The media type, that of plain bytes where none was named.
    pub(crate) fn media_type(&self) -> &str {
        self.content_type
            .as_deref()
            .unwrap_or("application/octet-stream")
    }
}

/// A znode as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeData {
    /// Its path.
    pub path: String,
    /// Its data; `None` when it has none (ZooKeeper's null).
    pub data: Option<Bytes>,
    /// Media type of the data.
    pub content_type: Option<String>,
    /// What ends it.
    pub mode: NodeMode,
    /// Its numbers; `stat.version` is what a conditional write expects.
    pub stat: Stat,
}

impl TryFrom<Node> for NodeData {
    type Error = Error;

    fn try_from(node: Node) -> Result<NodeData, Error> {
        Ok(NodeData {
            data: node
                .value
                .map(|value| decode(value, node.encoding))
                .transpose()?,
            path: node.path,
            content_type: node.content_type,
            mode: node.mode,
            stat: node.stat,
        })
    }
}

/// Writes bytes as text if they are text, as base64 otherwise.
pub(crate) fn encode(bytes: &[u8]) -> (String, Encoding) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), Encoding::Utf8),
        Err(_) => (STANDARD.encode(bytes), Encoding::Base64),
    }
}

/// Reads what a node wrote.
pub(crate) fn decode(value: String, encoding: Encoding) -> Result<Bytes, Error> {
    match encoding {
        Encoding::Utf8 => Ok(Bytes::from(value)),
        Encoding::Base64 => {
            STANDARD
                .decode(&value)
                .map(Bytes::from)
                .map_err(|error| Error::Protocol {
                    what: format!("base64: {error}"),
                    outcome: Effect::NotApplied,
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_the_way() {
        for bytes in [&b""[..], b"text", "ümlaut".as_bytes(), &[0, 255, 128]] {
            let (value, encoding) = encode(bytes);
            assert_eq!(decode(value, encoding).unwrap(), bytes);
        }
        assert_eq!(encode(&[255]).1, Encoding::Base64);
        assert!(decode("***".into(), Encoding::Base64).is_err());
    }
}
