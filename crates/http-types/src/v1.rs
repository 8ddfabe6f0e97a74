//! Bodies and queries of version 1, one module per family of endpoints.
//!
//! Requests refuse unknown fields, so that a misspelt option is an error and not silence. Answers
//! may gain fields; a reader ignores those it does not know. Times are RFC 3339 text with an
//! `…_index` beside them for order; durations in answers are whole milliseconds (`…_ms`).

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

pub mod barriers;
pub mod cluster;
pub mod counters;
pub mod deadlocks;
pub mod dry_run;
pub mod elections;
pub mod events;
pub mod fence_tokens;
pub mod fences;
pub mod groups;
pub mod health;
pub mod locks;
pub mod nodes;
mod owner;
pub mod queues;
pub mod restore;
pub mod services;
pub mod sessions;
pub mod snapshots;
pub mod txn;

/// How bytes are written into a JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Encoding {
    /// The text is the bytes.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// RFC 4648 base64 with padding.
    #[serde(rename = "base64")]
    Base64,
}

/// Reads a flag of a query string: `1`, `true` or nothing after the name is yes, `0` and `false` no.
///
/// # Errors
/// When the text is something else.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "1" | "true" | "" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(de::Error::custom(format!(
            "{text:?} is not a flag: write 1 or 0"
        ))),
    }
}
