//! Who is behind what is held.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is behind a session: shown to people who wait for its locks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Owner {
    /// Program or service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Host it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Version of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where to look for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why the session exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Anything else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl std::fmt::Display for Owner {
    /// `service@host pid 12`, of what is known; empty when nothing is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.service, &self.host) {
            (Some(service), Some(host)) => write!(f, "{service}@{host}")?,
            (Some(one), None) | (None, Some(one)) => f.write_str(one)?,
            (None, None) => {}
        }
        match self.pid {
            Some(pid) if self.service.is_none() && self.host.is_none() => write!(f, "pid {pid}"),
            Some(pid) => write!(f, " pid {pid}"),
            None => Ok(()),
        }
    }
}
