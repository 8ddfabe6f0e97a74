//! `/v1/sessions`: who is alive, and what they own.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use super::owner::Owner;

use super::locks::{Claim, ClaimEnd, ClaimState, ReleaseRequest};
use crate::duration::TextDuration;

/// What happens to what a session owns when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnEnd {
    /// Its claims are released and its ephemeral znodes removed.
    #[default]
    Release,
}

/// `PUT /v1/sessions/{id}`: open a session under a name the client chose, or find the open one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpenSessionRequest {
    /// Silence after which it may be expired. Left out: the server's default.
    #[schema(value_type = Option<String>, example = "15s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// Who is behind it.
    pub owner: Owner,
    /// After it expires, its locks are granted to nobody for this long.
    #[schema(value_type = Option<String>, example = "0s")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_delay: Option<TextDuration>,
    /// What happens to what it owns.
    pub on_end: OnEnd,
}

/// Whether a session is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It is.
    Open,
    /// Its client closed it.
    Closed,
    /// It was silent for longer than its timeout.
    Expired,
}

/// How a session stays alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// By signs of life of its client.
    #[default]
    Client,
    /// With the one claim it was made for.
    Implicit,
}

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Its name; a session without one (ZooKeeper, implicit) shows its number as `0x…`, and is
    /// addressed so.
    pub id: String,
    /// Its number: the position of the command that opened it. The `ephemeral_owner` of its znodes.
    pub number: u64,
    /// Whether it is alive; `open`.
    pub state: SessionState,
    /// How it stays alive.
    #[serde(default)]
    pub kind: SessionKind,
    /// Silence after which it may be expired.
    pub ttl_ms: u64,
    /// For so long it is certainly alive, counted from the moment the request was sent. Left out
    /// where the request was no sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_ms: Option<u64>,
    /// Age of the last sign of life, where the answering node knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact_ms: Option<u64>,
    /// Position of the command that opened it.
    pub created_index: u64,
    /// When it was opened.
    pub created_at: String,
    /// Who is behind it.
    #[serde(default)]
    pub owner: Owner,
    /// Lock delay after it expires.
    #[serde(default)]
    pub lock_delay_ms: u64,
    /// Where to keep it alive.
    pub keepalive: String,
    /// Where to keep it alive and hear of losses.
    pub stream: String,
}

/// `GET /v1/sessions/{id}`: a session and everything it owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionDetail {
    /// The session.
    #[serde(flatten)]
    pub session: Session,
    /// Its claims, held and waiting.
    pub claims: Vec<Claim>,
    /// Its ephemeral znodes, claims not counted.
    pub ephemerals: Vec<String>,
}

/// `GET /v1/sessions`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// In order of number.
    pub sessions: Vec<Session>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/sessions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SessionsQuery {
    /// Only sessions of this host.
    #[serde(rename = "owner.host", skip_serializing_if = "Option::is_none")]
    pub owner_host: Option<String>,
    /// Only sessions of this service.
    #[serde(rename = "owner.service", skip_serializing_if = "Option::is_none")]
    pub owner_service: Option<String>,
    /// Sessions after this page mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A claim in the answer to a keep-alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnedClaim {
    /// The lock.
    pub lock: String,
    /// The claim.
    pub claim: String,
    /// Its fence.
    pub fence: u64,
    /// Where it stands.
    pub state: ClaimState,
    /// That somebody asked it to release, of a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_request: Option<ReleaseRequest>,
}

/// A claim the session lost lately, other than by its own release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LostClaim {
    /// The lock.
    pub lock: String,
    /// The claim.
    pub claim: String,
    /// How it ended.
    pub state: ClaimEnd,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Position of the command that ended it.
    pub index: u64,
}

/// `POST /v1/sessions/{id}/keepalive`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Keepalive {
    /// The session.
    pub id: String,
    /// For so long it is certainly alive, counted from the moment the request was sent.
    pub safe_ms: u64,
    /// Position this answer reflects.
    pub index: u64,
    /// What it owns.
    pub holds: Vec<OwnedClaim>,
    /// What it lost lately, latest first, whether or not it was told before.
    #[serde(default)]
    pub ended: Vec<LostClaim>,
}

/// `POST /v1/sessions/-/keepalive`: renew many at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepaliveManyRequest {
    /// The sessions.
    pub ids: Vec<String>,
}

/// One of [`KeepaliveMany`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeepaliveOne {
    /// The session.
    pub id: String,
    /// Whether it is alive; if not, it has ended or never was.
    pub alive: bool,
    /// For so long it is certainly alive, counted from the moment the request was sent.
    pub safe_ms: u64,
}

/// Answer to [`KeepaliveManyRequest`], in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeepaliveMany {
    /// One for each id.
    pub sessions: Vec<KeepaliveOne>,
    /// Position this answer reflects.
    pub index: u64,
}

/// A hold that ended with its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedHold {
    /// The lock.
    pub lock: String,
    /// The claim.
    pub claim: String,
    /// Its fence.
    pub fence: u64,
}

/// `DELETE /v1/sessions/{id}`, and beside a 410: how a session ended. Remembered for 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedSession {
    /// Its name or number.
    pub id: String,
    /// Its number.
    pub number: u64,
    /// `closed` or `expired`.
    pub state: SessionState,
    /// Position of the command that ended it.
    pub ended_index: u64,
    /// When.
    pub ended_at: String,
    /// Ephemeral znodes removed with it, claims not counted.
    pub ephemerals_removed: u32,
    /// Holds released with it.
    pub released: Vec<ReleasedHold>,
}

/// How a session without a name is written: `0x` and its number in hexadecimal.
#[must_use]
pub fn number_text(number: u64) -> String {
    format!("0x{number:x}")
}

/// Reads what [`number_text`] wrote. A text of this form is never a session name.
#[must_use]
pub fn parse_number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x")?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_shown_by_what_is_known() {
        let owner = |service: Option<&str>, host: Option<&str>, pid| Owner {
            service: service.map(str::to_owned),
            host: host.map(str::to_owned),
            pid,
            ..Owner::default()
        };
        assert_eq!(
            owner(Some("ci"), Some("r4"), Some(812)).to_string(),
            "ci@r4 pid 812"
        );
        assert_eq!(owner(None, Some("r4"), None).to_string(), "r4");
        assert_eq!(owner(None, None, Some(1)).to_string(), "pid 1");
        assert_eq!(Owner::default().to_string(), "");
    }

    #[test]
    fn numbers_of_sessions_are_told_from_names() {
        assert_eq!(parse_number(&number_text(0x1a)), Some(0x1a));
        assert_eq!(parse_number("s_4f1c"), None);
        assert_eq!(parse_number("0x"), None);
        assert_eq!(parse_number("0x+1"), None);
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let error = serde_json::from_str::<OpenSessionRequest>(r#"{"tll":"3s"}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `tll`"), "{error}");
    }
}
