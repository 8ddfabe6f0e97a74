//! Addresses of resources: building them and taking them apart.
//!
//! Names may contain slashes, so a sub-resource comes after the separator segment `-`:
//! `/v1/locks/prod/db/migrate/-/queue`. The raw path is split at the first segment that is exactly
//! `-` *before* percent-decoding, so a znode really called `-` is addressed as `%2D`.

use std::fmt;
use std::fmt::Write as _;

/// Base of everything versioned.
pub const V1: &str = "/v1";
/// The segment between a name and a view of it.
pub const SEPARATOR: &str = "-";

/// A name with the view asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitPath {
    /// What came before the separator, decoded, without a leading slash. A trailing slash stays.
    pub name: String,
    /// The decoded segments after the separator; `None` when there was no separator.
    pub view: Option<Vec<String>>,
}

/// Why a raw path cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// `%` not followed by two hexadecimal digits.
    BadEscape(String),
    /// The decoded bytes are not UTF-8.
    NotUtf8(String),
    /// `%2F`: it would be taken for a separator of segments after decoding.
    EncodedSlash(String),
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::BadEscape(segment) => {
                write!(
                    f,
                    "{segment:?} has a % that is not followed by two hexadecimal digits"
                )
            }
            PathError::NotUtf8(segment) => write!(f, "{segment:?} does not decode to UTF-8"),
            PathError::EncodedSlash(segment) => {
                write!(
                    f,
                    "{segment:?} has an encoded slash, and no name may contain one"
                )
            }
        }
    }
}

impl std::error::Error for PathError {}

/// Splits the part of a raw (still encoded) path that follows `/v1/locks/` or `/v1/nodes/`.
///
/// # Errors
/// When a segment does not decode.
pub fn split(raw: &str) -> Result<SplitPath, PathError> {
    let mut name = Vec::new();
    let mut segments = raw.split('/');
    let mut separated = false;
    for segment in segments.by_ref() {
        if segment == SEPARATOR {
            separated = true;
            break;
        }
        name.push(decode_segment(segment)?);
    }
    let view = if separated {
        Some(
            segments
                .map(decode_segment)
                .collect::<Result<Vec<_>, _>>()?,
        )
    } else {
        None
    };
    Ok(SplitPath {
        name: name.join("/"),
        view,
    })
}

/// Decodes one segment of a raw path.
///
/// # Errors
/// When it has a bad escape, an encoded slash, or is not UTF-8.
pub fn decode_segment(raw: &str) -> Result<String, PathError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = rest.next().and_then(hex_digit);
        let low = rest.next().and_then(hex_digit);
        match (high, low) {
            (Some(high), Some(low)) => bytes.push(high * 16 + low),
            _ => return Err(PathError::BadEscape(raw.to_owned())),
        }
    }
    if raw.len() != bytes.len() && bytes.contains(&b'/') {
        return Err(PathError::EncodedSlash(raw.to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| PathError::NotUtf8(raw.to_owned()))
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Encodes one segment. `-`, `.` and `..`, which mean something in a path, come out escaped.
#[must_use]
pub fn encode_segment(segment: &str) -> String {
    if matches!(segment, "-" | "." | "..") {
        return segment.bytes().map(|b| format!("%{b:02X}")).collect();
    }
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@+,=!$*();&'".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Encodes a value for a query string.
#[must_use]
pub fn encode_query(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@,*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn encode_name(name: &str) -> String {
    name.split('/')
        .map(encode_segment)
        .collect::<Vec<_>>()
        .join("/")
}

/// `/v1/locks/{name}`
#[must_use]
pub fn lock(name: &str) -> String {
    format!("{V1}/locks/{}", encode_name(name))
}

/// `/v1/locks/{name}/-/{view}`
#[must_use]
pub fn lock_view(name: &str, view: &str) -> String {
    format!("{}/-/{view}", lock(name))
}

/// `/v1/locks/{name}/-/claims/{claim}`
#[must_use]
pub fn claim(lock_name: &str, claim_id: &str) -> String {
    format!("{}/-/claims/{}", lock(lock_name), encode_segment(claim_id))
}

/// `/v1/elections/{name}`
#[must_use]
pub fn election(name: &str) -> String {
    format!("{V1}/elections/{}", encode_name(name))
}

/// `/v1/elections/{name}/-/{view}`
#[must_use]
pub fn election_view(name: &str, view: &str) -> String {
    format!("{}/-/{view}", election(name))
}

/// `/v1/elections/{name}/-/candidates/{candidate}`
#[must_use]
pub fn candidate(election_name: &str, candidate_id: &str) -> String {
    let id = encode_segment(candidate_id);
    format!("{}/-/candidates/{id}", election(election_name))
}

/// `/v1/counters/{name}`
#[must_use]
pub fn counter(name: &str) -> String {
    format!("{V1}/counters/{}", encode_name(name))
}

/// `/v1/counters/{name}/-/{action}`: `add` or `block`.
#[must_use]
pub fn counter_action(name: &str, action: &str) -> String {
    format!("{}/-/{action}", counter(name))
}

/// `/v1/fences/{resource}`
#[must_use]
pub fn fence(resource: &str) -> String {
    format!("{V1}/fences/{}", encode_name(resource))
}

/// `/v1/fences/{resource}/-/advance`
#[must_use]
pub fn fence_advance(resource: &str) -> String {
    format!("{}/-/advance", fence(resource))
}

/// `/.well-known/jwks.json`
pub const KEY_SET: &str = "/.well-known/jwks.json";

/// `/v1/fence-keys`
pub const FENCE_KEYS: &str = "/v1/fence-keys";

/// `/v1/fence-keys/{kid}`
#[must_use]
pub fn fence_key(kid: &str) -> String {
    format!("{FENCE_KEYS}/{}", encode_segment(kid))
}

/// `/v1/locks/{name}/-/claims/{claim}/token`
#[must_use]
pub fn claim_token(lock_name: &str, claim_id: &str) -> String {
    format!("{}/token", claim(lock_name, claim_id))
}

/// `/v1/elections/{name}/-/candidates/{candidate}/token`
#[must_use]
pub fn candidate_token(election_name: &str, candidate_id: &str) -> String {
    format!("{}/token", candidate(election_name, candidate_id))
}

/// `/v1/groups/{name}`
#[must_use]
pub fn group(name: &str) -> String {
    format!("{V1}/groups/{}", encode_name(name))
}

/// `/v1/groups/{name}/-/members/{member}`
#[must_use]
pub fn group_member(group_name: &str, member_id: &str) -> String {
    let id = encode_segment(member_id);
    format!("{}/-/members/{id}", group(group_name))
}

/// `/v1/services/{name}`
#[must_use]
pub fn service(name: &str) -> String {
    format!("{V1}/services/{}", encode_name(name))
}

/// `/v1/services/{name}/-/{view}`: `pick`, `ring`, `report` or `events`.
#[must_use]
pub fn service_view(name: &str, view: &str) -> String {
    format!("{}/-/{view}", service(name))
}

/// `/v1/services/{name}/-/instances/{id}`
#[must_use]
pub fn service_instance(service_name: &str, instance_id: &str) -> String {
    let id = encode_segment(instance_id);
    format!("{}/-/instances/{id}", service(service_name))
}

/// `/v1/services/{name}/-/reservations/{id}`
#[must_use]
pub fn service_reservation(service_name: &str, reservation_id: &str) -> String {
    let id = encode_segment(reservation_id);
    format!("{}/-/reservations/{id}", service(service_name))
}

/// `/v1/barriers/{name}`
#[must_use]
pub fn barrier(name: &str) -> String {
    format!("{V1}/barriers/{}", encode_name(name))
}

/// `/v1/barriers/{name}/-/members/{member}`
#[must_use]
pub fn barrier_member(barrier_name: &str, member_id: &str) -> String {
    let id = encode_segment(member_id);
    format!("{}/-/members/{id}", barrier(barrier_name))
}

/// `/v1/queues/{name}`
#[must_use]
pub fn queue(name: &str) -> String {
    format!("{V1}/queues/{}", encode_name(name))
}

/// `/v1/queues/{name}/-/{view}`
#[must_use]
pub fn queue_view(name: &str, view: &str) -> String {
    format!("{}/-/{view}", queue(name))
}

/// `/v1/queues/{name}/-/items/{item}`
#[must_use]
pub fn item(queue_name: &str, item_id: &str) -> String {
    let id = encode_segment(item_id);
    format!("{}/-/items/{id}", queue(queue_name))
}

/// `/v1/queues/{name}/-/dead/{item}`
#[must_use]
pub fn dead_letter(queue_name: &str, item_id: &str) -> String {
    let id = encode_segment(item_id);
    format!("{}/-/dead/{id}", queue(queue_name))
}

/// `/v1/nodes{path}`, where `path` begins with a slash.
#[must_use]
pub fn node(path: &str) -> String {
    let name = path.strip_prefix('/').unwrap_or(path);
    format!("{V1}/nodes/{}", encode_name(name))
}

/// `/v1/nodes{path}/-/{view}`
#[must_use]
pub fn node_view(path: &str, view: &str) -> String {
    if path == "/" {
        return format!("{V1}/nodes/-/{view}");
    }
    format!("{}/-/{view}", node(path))
}

/// `/v1/sessions/{id}`
#[must_use]
pub fn session(id: &str) -> String {
    format!("{V1}/sessions/{}", encode_segment(id))
}

/// `/v1/sessions/{id}/{action}`: `keepalive` or `stream`.
#[must_use]
pub fn session_action(id: &str, action: &str) -> String {
    format!("{}/{action}", session(id))
}

/// `/v1/cluster/members/{id}`
#[must_use]
pub fn member(id: &str) -> String {
    format!("{V1}/cluster/members/{}", encode_segment(id))
}

/// `/v1/cluster/members/-/replace`
#[must_use]
pub fn member_replace() -> String {
    format!("{V1}/cluster/members/-/replace")
}

/// A path with those parameters that have a value.
#[must_use]
pub fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for (name, value) in parameters {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(out, "{mark}{name}={}", encode_query(value));
            mark = '&';
        }
    }
    out
}

/// Takes the address of a claim apart: `/v1/locks/{lock}/-/claims/{claim}`, with or without scheme
/// and host before it. `None` when it is not one.
#[must_use]
pub fn parse_claim(address: &str) -> Option<(String, String)> {
    let (_, rest) = address.split_once("/v1/locks/")?;
    let split = split(rest).ok()?;
    match split.view?.as_slice() {
        [kind, id] if kind == "claims" && !split.name.is_empty() => Some((split.name, id.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(raw: &str) -> (String, Option<Vec<String>>) {
        let split = split(raw).unwrap();
        (split.name, split.view)
    }

    #[test]
    fn the_separator_is_found_before_decoding() {
        assert_eq!(parts("prod/db"), ("prod/db".into(), None));
        assert_eq!(
            parts("prod/db/-/queue"),
            ("prod/db".into(), Some(vec!["queue".into()]))
        );
        assert_eq!(parts("a/%2D/b"), ("a/-/b".into(), None));
        assert_eq!(
            parts("a/%2D/-/acl"),
            ("a/-".into(), Some(vec!["acl".into()]))
        );
        assert_eq!(
            parts("-/children"),
            (String::new(), Some(vec!["children".into()]))
        );
        assert_eq!(parts("a/-/"), ("a".into(), Some(vec![String::new()])));
        assert_eq!(parts("queue/"), ("queue/".into(), None));
    }

    #[test]
    fn bad_escapes_are_errors() {
        assert!(matches!(split("a%"), Err(PathError::BadEscape(_))));
        assert!(matches!(split("a%2"), Err(PathError::BadEscape(_))));
        assert!(matches!(split("a%zz"), Err(PathError::BadEscape(_))));
        assert!(matches!(split("a%2Fb"), Err(PathError::EncodedSlash(_))));
        assert!(matches!(split("%ff"), Err(PathError::NotUtf8(_))));
    }

    #[test]
    fn what_is_built_is_what_is_split() {
        for path in ["/a", "/a/-/b", "/ü ber/100%", "/a?b#c", "/-", "/q/"] {
            let address = node(path);
            let raw = address.strip_prefix("/v1/nodes/").unwrap();
            assert_eq!(format!("/{}", split(raw).unwrap().name), path, "{address}");
        }
        assert_eq!(node("/a/-"), "/v1/nodes/a/%2D");
        assert_eq!(node_view("/", "children"), "/v1/nodes/-/children");
        assert_eq!(claim("orders/42", "c1"), "/v1/locks/orders/42/-/claims/c1");
        assert_eq!(counter_action("a/b", "add"), "/v1/counters/a/b/-/add");
        assert_eq!(fence_advance("a/b"), "/v1/fences/a/b/-/advance");
        let query = [
            ("a", Some("b c&".to_owned())),
            ("d", None),
            ("e", Some("1".to_owned())),
        ];
        assert_eq!(with_query("/x", &query), "/x?a=b%20c%26&e=1");
    }

    #[test]
    fn the_address_of_a_claim_is_understood_with_and_without_host() {
        let claim = Some(("orders/42".to_owned(), "c1".to_owned()));
        assert_eq!(parse_claim("/v1/locks/orders/42/-/claims/c1"), claim);
        assert_eq!(
            parse_claim("http://h:1/v1/locks/orders/42/-/claims/c1"),
            claim
        );
        assert_eq!(parse_claim("/v1/locks/orders/42"), None);
        assert_eq!(parse_claim("/v1/locks/-/claims/c1"), None);
    }
}
