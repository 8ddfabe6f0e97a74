//! The file that says whose data a directory holds: readable by people, protected by a checksum.

use std::path::Path;

use raft_types::ClusterId;

use crate::durable;
use crate::error::OpenError;
use crate::record::{FORMAT_VERSION, Identity};

/// Name of the marker in a data directory.
pub(crate) const MARKER_FILE: &str = "holdfast.node";

const TITLE: &str = "holdfast data directory";
const UNKNOWN: &str = "unknown";

/// Whether a directory is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Being made: the database may be missing and must be empty.
    Creating,
    /// In use: a missing database is lost data.
    Ready,
}

/// Content of the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) state: State,
    pub(crate) identity: Identity,
}

/// Why a marker cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Damaged(String),
    Newer(u32),
}

impl Marker {
    /// The marker as text. The first line, the `format` line and the `crc32` line at the end are
    /// the same in every format, so that an old program can tell a newer format from damage.
    pub(crate) fn render(&self) -> String {
        let Identity {
            format_version,
            node_id,
            cluster_id,
        } = self.identity;
        let state = match self.state {
            State::Creating => "creating",
            State::Ready => "ready",
        };
        let cluster = cluster_id.map_or_else(|| UNKNOWN.to_owned(), |id| id.to_string());
        let body = format!(
            "{TITLE}\nformat {format_version}\nstate {state}\nnode {node_id}\ncluster {cluster}\n"
        );
        let crc = crc32fast::hash(body.as_bytes());
        format!("{body}crc32 {crc:08x}\n")
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Marker, Unusable> {
        let damaged = |what: &str| Unusable::Damaged(what.to_owned());
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
        let crc_at = text
            .rfind("crc32 ")
            .ok_or_else(|| damaged("it has no crc32 line"))?;
        let (body, crc) = text.split_at(crc_at);
        let computed = format!("crc32 {:08x}\n", crc32fast::hash(body.as_bytes()));
        if crc != computed {
            return Err(Unusable::Damaged(format!(
                "it ends in `{}` but its text gives `{}`",
                crc.trim_end(),
                computed.trim_end()
            )));
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return Err(damaged("its first line is not that of a marker"));
        }
        let mut field = |name: &str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
                .ok_or_else(|| Unusable::Damaged(format!("it has no line `{name}`")))
        };
        let format_version: u32 = field("format")?
            .parse()
            .map_err(|_| damaged("its format is not a number"))?;
        if format_version > FORMAT_VERSION {
            return Err(Unusable::Newer(format_version));
        }
        let state = match field("state")? {
            "creating" => State::Creating,
            "ready" => State::Ready,
            _ => return Err(damaged("its state is neither creating nor ready")),
        };
        let node_id = field("node")?
            .parse()
            .map_err(|_| damaged("its node is not a number"))?;
        let cluster_id = match field("cluster")? {
            UNKNOWN => None,
            id => Some(
                id.parse::<ClusterId>()
                    .map_err(|_| damaged("its cluster is not an id"))?,
            ),
        };
        Ok(Marker {
            state,
            identity: Identity {
                format_version,
                node_id,
                cluster_id,
            },
        })
    }

    /// Reads the marker of a data directory.
    pub(crate) fn read(directory: &Path) -> Result<Marker, OpenError> {
        let path = directory.join(MARKER_FILE);
        let bytes = std::fs::read(&path).map_err(OpenError::io("read", &path))?;
        Marker::parse(&bytes).map_err(|why| match why {
            Unusable::Damaged(cause) => OpenError::MarkerDamaged { path, cause },
            Unusable::Newer(found) => OpenError::NewerFormat {
                path,
                found,
                known: FORMAT_VERSION,
            },
        })
    }

    /// Writes the marker of a data directory, durable on return.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), OpenError> {
        let path = directory.join(MARKER_FILE);
        durable::replace(&path, self.render().as_bytes()).map_err(OpenError::io("write", path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker {
            state: State::Ready,
            identity: Identity {
                format_version: 1,
                node_id: 3,
                cluster_id: Some(ClusterId(0x0123_4567_89ab_cdef)),
            },
        }
    }

    #[test]
    fn a_marker_reads_back() {
        let text = marker().render();
        assert_eq!(Marker::parse(text.as_bytes()), Ok(marker()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let text = marker().render().into_bytes();
        for at in 0..text.len() * 8 {
            let mut bytes = text.clone();
            if let Some(byte) = bytes.get_mut(at / 8) {
                *byte ^= 1 << (at % 8);
            }
            assert!(
                matches!(Marker::parse(&bytes), Err(Unusable::Damaged(_))),
                "bit {at}"
            );
        }
    }
}
