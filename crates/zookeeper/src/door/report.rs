//! What is told to administrators, gathered once for words, commands and metrics. Values are JSON;
//! as text they are written the same.

pub(super) mod configuration;
pub(super) mod connections;
pub(super) mod environment;
pub(super) mod gauges;
pub(super) mod monitor;
pub(super) mod sessions;
pub(super) mod watching;

use serde_json::Value;

/// Rows listed by a word or a command at most: connections, sessions with their ephemerals,
/// watches. A list that was cut says so.
pub(super) const LISTED_MAX: usize = 100_000;

/// Names with values, in the order they are shown.
pub(super) type Rows = Vec<(String, Value)>;

/// The version of ZooKeeper this door is like, and its own. Clients read digits at its beginning.
pub(super) fn version() -> String {
    format!(
        "3.9.3-holdfast-{}, built on unknown",
        env!("CARGO_PKG_VERSION")
    )
}

/// A number as ZooKeeper shows ids and positions.
pub(super) fn hex(number: u64) -> String {
    format!("0x{number:x}")
}
