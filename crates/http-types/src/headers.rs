//! Names of the headers, and the small grammars of their values.

use std::time::Duration;

use crate::duration::TextDuration;

/// Acts for this session and renews it as a side effect.
pub const SESSION: &str = "holdfast-session";
/// `lock=fence`: the write is done only if this claim still holds; repeatable.
pub const FENCE: &str = "holdfast-fence";
/// `election=term`: the write is done only if this leadership still lasts; repeatable.
pub const TERM: &str = "holdfast-term";
/// `linearizable` (default) or `stale; max_age=500ms`.
pub const CONSISTENCY: &str = "holdfast-consistency";
/// Wait until the node has applied this index.
pub const MIN_INDEX: &str = "holdfast-min-index";
/// `never`: answer 307 with the leader's URL instead of forwarding a write.
pub const FORWARD: &str = "holdfast-forward";
/// Makes a POST repeatable.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The stored answer of an earlier request with the same key.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
/// `wait=30`, `return=minimal`.
pub const PREFER: &str = "prefer";
/// Which preferences were followed.
pub const PREFERENCE_APPLIED: &str = "preference-applied";
/// Resume an event stream after this id.
pub const LAST_EVENT_ID: &str = "last-event-id";
/// Position (zxid) the answer reflects.
pub const INDEX: &str = "holdfast-index";
/// The node that answered, for example `n2`.
pub const NODE: &str = "holdfast-node";
/// The leader as the node knows it: `n2; url="http://…"`.
pub const LEADER: &str = "holdfast-leader";
/// How old a stale answer may be, milliseconds.
pub const AGE_MS: &str = "holdfast-age-ms";
/// ZooKeeper's stat of the znode, as JSON.
pub const STAT: &str = "holdfast-stat";
/// Seconds after which trying again makes sense.
pub const RETRY_AFTER: &str = "retry-after";
/// Which quotas there are: `"streams-per-client";q=1000;qu="concurrent-requests"`
/// ([`Quota::policy`](crate::quota::Quota::policy)).
pub const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
/// What is left of them: `"streams-per-client";r=0`
/// ([`Quota::left`](crate::quota::Quota::left)).
pub const RATE_LIMIT: &str = "ratelimit";
/// Digest of the whole representation, also beside a part of it (RFC 9530).
pub const REPR_DIGEST: &str = "repr-digest";
/// Media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What a reader asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Sees everything acknowledged before the read began.
    #[default]
    Linearizable,
    /// The node's own state, at most this old where named.
    Stale {
        /// Oldest state to accept.
        max_age: Option<TextDuration>,
    },
}

impl Consistency {
    /// Reads the value of [`CONSISTENCY`]; `None` when it is malformed.
    #[must_use]
    pub fn parse(value: &str) -> Option<Consistency> {
        let mut parts = value.split(';').map(str::trim);
        match parts.next()? {
            "linearizable" => parts.next().is_none().then_some(Consistency::Linearizable),
            "stale" => {
                let max_age = match parts.next() {
                    None => None,
                    Some(text) => Some(text.strip_prefix("max_age=")?.trim().parse().ok()?),
                };
                parts
                    .next()
                    .is_none()
                    .then_some(Consistency::Stale { max_age })
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Consistency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Consistency::Linearizable => f.write_str("linearizable"),
            Consistency::Stale { max_age: None } => f.write_str("stale"),
            Consistency::Stale { max_age: Some(age) } => write!(f, "stale; max_age={age}"),
        }
    }
}

/// What `Prefer` asked for; preferences not known here are ignored, as RFC 7240 wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// Wait so long for the answer to become final. Whole seconds in the RFC; `wait=500ms` is
    /// understood too.
    pub wait: Option<Duration>,
    /// Leave the body out.
    pub minimal: bool,
}

impl Prefer {
    /// Reads the value of [`PREFER`].
    #[must_use]
    pub fn parse(value: &str) -> Prefer {
        let mut prefer = Prefer::default();
        for part in value.split([',', ';']).map(str::trim) {
            if let Some(text) = part.strip_prefix("wait=") {
                let text = text.trim_matches('"');
                let seconds = text
                    .parse::<u32>()
                    .ok()
                    .map(|s| Duration::from_secs(s.into()));
                let wait = seconds.or_else(|| text.parse().ok().map(TextDuration::as_duration));
                prefer.wait = prefer.wait.or(wait);
            } else if part == "return=minimal" {
                prefer.minimal = true;
            }
        }
        prefer
    }
}

/// Entity tag of a znode's data version: `"v7"`.
#[must_use]
pub fn version_tag(version: i32) -> String {
    format!("\"v{version}\"")
}

/// Reads `"v7"` (also without quotes, for typing by hand).
#[must_use]
pub fn parse_version_tag(tag: &str) -> Option<i32> {
    let version = tag
        .trim()
        .trim_matches('"')
        .strip_prefix('v')?
        .parse()
        .ok()?;
    (version >= 0).then_some(version)
}

/// Entity tag of a hold: `"f18231"`.
#[must_use]
pub fn fence_tag(fence: u64) -> String {
    format!("\"f{fence}\"")
}

/// Reads `"f18231"` (also without quotes).
#[must_use]
pub fn parse_fence_tag(tag: &str) -> Option<u64> {
    tag.trim().trim_matches('"').strip_prefix('f')?.parse().ok()
}

/// Value of [`FENCE`] or [`TERM`].
#[must_use]
pub fn fence_guard(name: &str, token: u64) -> String {
    format!("{name}={token}")
}

/// Reads a value of [`FENCE`] or [`TERM`]: the name and the token.
#[must_use]
pub fn parse_fence_guard(value: &str) -> Option<(&str, u64)> {
    let (lock, fence) = value.trim().rsplit_once('=')?;
    Some((lock, fence.parse().ok()?))
}

/// Value of [`LEADER`].
#[must_use]
pub fn leader(name: &str, url: Option<&str>) -> String {
    match url {
        Some(url) => format!("{name}; url=\"{url}\""),
        None => name.to_owned(),
    }
}

/// The URL in a value of [`LEADER`].
#[must_use]
pub fn parse_leader_url(value: &str) -> Option<&str> {
    value.split_once("url=\"")?.1.split('"').next()
}

/// Value of [`REPR_DIGEST`]; `sha256` is in base64.
#[must_use]
pub fn repr_digest(sha256: &str) -> String {
    format!("sha-256=:{sha256}:")
}

/// The SHA-256 in a value of [`REPR_DIGEST`], in base64; `None` when there are only others.
#[must_use]
pub fn parse_repr_digest(value: &str) -> Option<&str> {
    let mut members = value.split(',').map(str::trim);
    let digest = members.find_map(|member| member.strip_prefix("sha-256=:"))?;
    Some(digest.split_once(':')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consistency_is_read_as_it_is_written() {
        let age = |ms| Consistency::Stale {
            max_age: Some(TextDuration::from_millis(ms)),
        };
        for value in [
            Consistency::Linearizable,
            Consistency::Stale { max_age: None },
            age(500),
        ] {
            assert_eq!(Consistency::parse(&value.to_string()), Some(value));
        }
        for bad in [
            "",
            "eventual",
            "stale; age=1s",
            "stale; max_age=1",
            "linearizable; x",
        ] {
            assert_eq!(Consistency::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn preferences_are_found_among_others() {
        let prefer = Prefer::parse("respond-async, wait=30, return=minimal");
        assert_eq!(
            prefer,
            Prefer {
                wait: Some(Duration::from_secs(30)),
                minimal: true
            }
        );
        assert_eq!(
            Prefer::parse("wait=250ms").wait,
            Some(Duration::from_millis(250))
        );
        assert_eq!(Prefer::parse("wait=soon"), Prefer::default());
    }

    #[test]
    fn tags_and_guards_survive_the_way() {
        assert_eq!(parse_version_tag(&version_tag(7)), Some(7));
        assert_eq!(parse_version_tag("\"v-1\""), None);
        assert_eq!(parse_version_tag("W/\"v7\""), None);
        assert_eq!(parse_fence_tag(&fence_tag(18_231)), Some(18_231));
        assert_eq!(
            parse_fence_guard(&fence_guard("orders/42", 9)),
            Some(("orders/42", 9))
        );
        assert_eq!(
            parse_leader_url(&leader("n2", Some("http://h:1"))),
            Some("http://h:1")
        );
        assert_eq!(parse_leader_url("n2"), None);
    }
    #[test]
    fn a_sha_256_is_found_among_other_digests() {
        assert_eq!(parse_repr_digest(&repr_digest("AbC+/=")), Some("AbC+/="));
        assert_eq!(parse_repr_digest("sha-512=:x:, sha-256=:y:;a=1"), Some("y"));
        for other in ["", "sha-512=:x:", "sha-256=x", "sha-256=:x"] {
            assert_eq!(parse_repr_digest(other), None, "{other}");
        }
    }
}
