//! Quotas as the `RateLimit` fields tell them (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! The quotas of a node are bounds on what is open at a time, not on a rate: they have no window
//! and nothing resets them after a time, so neither `w` nor `t` is ever sent. When to come back is
//! what `Retry-After` says.

/// Largest integer of a structured field (RFC 9651).
const INTEGER_MAX: u64 = 999_999_999_999_999;

/// A bound on requests being served at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name in both fields: lower case words and hyphens.
    pub name: &'static str,
    /// How many may be served at a time.
    pub limit: usize,
}

impl Quota {
    /// Its item in [`RATE_LIMIT_POLICY`](crate::headers::RATE_LIMIT_POLICY).
    #[must_use]
    pub fn policy(&self) -> String {
        let quota = integer(self.limit);
        format!(r#""{}";q={quota};qu="concurrent-requests""#, self.name)
    }

    /// Its item in [`RATE_LIMIT`](crate::headers::RATE_LIMIT) when so many more may be opened.
    #[must_use]
    pub fn left(&self, left: usize) -> String {
        format!(r#""{}";r={}"#, self.name, integer(left))
    }
}

fn integer(count: usize) -> u64 {
    u64::try_from(count).map_or(INTEGER_MAX, |count| count.min(INTEGER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fields_name_the_same_quota() {
        let quota = Quota {
            name: "streams-per-client",
            limit: 1_000,
        };
        let policy = r#""streams-per-client";q=1000;qu="concurrent-requests""#;
        assert_eq!(quota.policy(), policy);
        assert_eq!(quota.left(0), r#""streams-per-client";r=0"#);
    }

    #[test]
    fn a_number_stays_within_what_the_field_can_hold() {
        let quota = Quota {
            name: "requests",
            limit: usize::MAX,
        };
        assert!(quota.policy().contains(";q=999999999999999;"));
    }
}
