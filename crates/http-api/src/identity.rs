//! Who a client is: the place where authentication goes.
//!
//! Today there are two identities, those of ZooKeeper's built-in schemes: `ip` is the address the
//! connection comes from, `digest` is `user:` and the hash of a password sent as
//! `Authorization: Basic`. Neither proves more than ZooKeeper's do; they decide about access lists
//! of znodes and nothing else. Tokens and client certificates come with an issue of their own and
//! add identities here, so that nothing behind this module has to change.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use raft_core::acl::Identity;
use sha1::{Digest as _, Sha1};

use crate::error::Problem;
use crate::extract::headers::text;

/// Everything the client was established to be.
///
/// # Errors
/// When it presents credentials this server does not understand: going on without them would
/// answer as if to somebody else.
pub(crate) fn identities(
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<Vec<Identity>, Problem> {
    let mut found = Vec::new();
    if let Some(address) = peer {
        let id = address.to_canonical().to_string();
        found.push(Identity {
            scheme: "ip".to_owned(),
            id,
        });
    }
    if let Some(value) = text(headers, &header::AUTHORIZATION)? {
        found.push(digest_identity(value)?);
    }
    Ok(found)
}

fn digest_identity(authorization: &str) -> Result<Identity, Problem> {
    let malformed =
        || Problem::bad_request("only Basic credentials (user:password) are understood");
    let (scheme, credentials) = authorization.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let decoded = BASE64.decode(credentials.trim()).map_err(|_| malformed())?;
    let user_password = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (user, _) = user_password.split_once(':').ok_or_else(malformed)?;
    if user.is_empty() {
        return Err(malformed());
    }
    let hash = BASE64.encode(Sha1::digest(user_password.as_bytes()));
    Ok(Identity {
        scheme: "digest".to_owned(),
        id: format!("{user}:{hash}"),
    })
}

/// Whose an idempotency key is. Clients that show no credentials share one space of keys, so that
/// a retry by way of another address finds the first answer; their keys have to be random.
pub(crate) fn principal(identities: &[Identity]) -> &str {
    identities
        .iter()
        .find(|identity| identity.scheme != "ip")
        .map_or("anyone", |identity| identity.id.as_str())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with_authorization(value: &str) -> Result<Vec<Identity>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        identities(&headers, None)
    }

    #[test]
    fn a_password_becomes_zookeepers_digest() {
        // ZooKeeper's own documentation and tests use this pair.
        let found = with_authorization(&format!("Basic {}", BASE64.encode("super:test"))).unwrap();
        let digest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";
        assert_eq!(
            found,
            [Identity {
                scheme: "digest".into(),
                id: digest.into()
            }]
        );
        assert_eq!(principal(&found), digest);
    }

    #[test]
    fn credentials_that_are_not_understood_are_refused() {
        for value in [
            "Bearer abc",
            "Basic",
            "Basic !!!",
            "Basic YWJj",
            "Basic OnB3",
        ] {
            assert!(with_authorization(value).is_err(), "{value} was accepted");
        }
    }

    #[test]
    fn an_address_is_an_identity_in_its_plain_form() {
        let mapped: IpAddr = "::ffff:10.0.0.7".parse().unwrap();
        let found = identities(&HeaderMap::new(), Some(mapped)).unwrap();
        assert_eq!(
            found,
            [Identity {
                scheme: "ip".into(),
                id: "10.0.0.7".into()
            }]
        );
        assert_eq!(principal(&found), "anyone");
    }
}
