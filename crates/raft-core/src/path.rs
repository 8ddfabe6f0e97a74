//! ZooKeeper's path rules (its `PathUtils.validatePath`) and the paths the product itself uses.

use serde::{Deserialize, Serialize};

use crate::limits;

/// Below this znode every lock lives.
pub const LOCKS: &str = "/locks";
/// Below this znode every election lives.
pub const ELECTIONS: &str = "/elections";
/// Below this znode every counter lives.
pub const COUNTERS: &str = "/counters";
/// Below this znode every group lives.
pub const GROUPS: &str = "/groups";
/// Below this znode every barrier lives.
pub const BARRIERS: &str = "/barriers";
/// Below this znode every work queue lives.
pub const QUEUES: &str = "/queues";
/// Holds the member list for ZooKeeper clients; its version is always -1.
pub const CONFIG: &str = "/zookeeper/config";
/// Below this znode quotas are set.
pub const QUOTA: &str = "/zookeeper/quota";
/// System znodes that exist in a fresh tree, in order of creation.
pub const SYSTEM: [&str; 3] = ["/zookeeper", QUOTA, CONFIG];

/// Which path rule was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum InvalidPath {
    /// The text is empty.
    #[error("a path must not be empty")]
    Empty,
    /// It does not begin with `/`.
    #[error("path {0:?} must begin with a slash")]
    NotAbsolute(String),
    /// It ends with `/` and is not the root.
    #[error("path {0:?} must not end with a slash")]
    TrailingSlash(String),
    /// Two slashes in a row.
    #[error("path {0:?} has an empty component")]
    EmptyComponent(String),
    /// `.` or `..`.
    #[error("path {0:?} has the relative component {1:?}")]
    Relative(String, String),
    /// A character ZooKeeper does not allow.
    #[error("path {0:?} holds the character U+{1:04X}, which paths may not hold")]
    BadCharacter(String, u32),
    /// Over [`limits::PATH_BYTES_MAX`].
    #[error("a path may have at most {limit} bytes, this one has {length}")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        length: usize,
    },
}

fn is_forbidden(c: char) -> bool {
    // The ranges of ZooKeeper 3.9. It works on UTF-16 and refuses surrogates, so nothing outside
    // the basic multilingual plane is allowed either.
    matches!(u32::from(c),
        0x0000..=0x001F | 0x007F..=0x009F | 0xD800..=0xF8FF | 0xFFF0..=0xFFFF | 0x1_0000..)
}

/// `text` as an error message may repeat it: cut off where a path would be too long anyway.
pub(crate) fn shown(text: &str) -> String {
    let cut = text
        .char_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= limits::PATH_BYTES_MAX);
    match cut.last() {
        Some(end) if text.len() > limits::PATH_BYTES_MAX => {
            format!("{}…", text.get(..end).unwrap_or_default())
        }
        Some(_) | None => text.to_owned(),
    }
}

/// Checks `text` against all rules.
///
/// # Errors
/// The first rule it breaks.
pub fn validate(text: &str) -> Result<(), InvalidPath> {
    if text.is_empty() {
        return Err(InvalidPath::Empty);
    }
    if text.len() > limits::PATH_BYTES_MAX {
        return Err(InvalidPath::TooLong {
            limit: limits::PATH_BYTES_MAX,
            length: text.len(),
        });
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(InvalidPath::NotAbsolute(text.to_owned()));
    };
    if rest.is_empty() {
        return Ok(());
    }
    if rest.ends_with('/') {
        return Err(InvalidPath::TrailingSlash(text.to_owned()));
    }
    for component in rest.split('/') {
        match component {
            "" => return Err(InvalidPath::EmptyComponent(text.to_owned())),
            "." | ".." => {
                return Err(InvalidPath::Relative(text.to_owned(), component.to_owned()));
            }
            _ => {}
        }
    }
    match text.chars().find(|c| is_forbidden(*c)) {
        Some(c) => Err(InvalidPath::BadCharacter(text.to_owned(), u32::from(c))),
        None => Ok(()),
    }
}
