//! Access lists: who may do what with one znode (ZooKeeper's rules, spec section 2.10).
//!
//! Permissions are not inherited. CREATE and DELETE are checked on the parent, the others on the
//! znode itself. The identity `super` passes every check.

mod address;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

use crate::ids::ZnodePath;
use crate::limits;
use crate::outcome::Refusal;
use crate::path;

/// What a client was established to be: `ip` by its address, `digest` by a password, `super`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// `ip`, `digest`, `x509`, `sasl`, `super`.
    pub scheme: String,
    /// The identity in that scheme.
    pub id: String,
}

/// Permission bits, as ZooKeeper numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Perms(pub u8);

impl Perms {
    /// Read data and list children.
    pub const READ: Perms = Perms(1);
    /// Set data.
    pub const WRITE: Perms = Perms(2);
    /// Create children.
    pub const CREATE: Perms = Perms(4);
    /// Delete children.
    pub const DELETE: Perms = Perms(8);
    /// Set the ACL.
    pub const ADMIN: Perms = Perms(16);
    /// All of them.
    pub const ALL: Perms = Perms(31);

    /// The permissions in words.
    fn words(self) -> String {
        let named = [
            (Perms::READ, "read"),
            (Perms::WRITE, "write"),
            (Perms::CREATE, "create"),
            (Perms::DELETE, "delete"),
            (Perms::ADMIN, "admin"),
        ];
        let words: Vec<&str> = named
            .iter()
            .filter(|(bit, _)| self.0 & bit.0 != 0)
            .map(|(_, word)| *word)
            .collect();
        words.join(" or ")
    }
}

/// One entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AclEntry {
    /// What is allowed.
    pub perms: Perms,
    /// `world`, `auth`, `digest`, `ip`.
    pub scheme: String,
    /// To whom.
    pub id: String,
}

impl AclEntry {
    /// Everything to everybody.
    #[must_use]
    pub fn open() -> AclEntry {
        AclEntry {
            perms: Perms::ALL,
            scheme: "world".to_owned(),
            id: "anyone".to_owned(),
        }
    }

    /// As shown to somebody without ADMIN: a digest keeps its user and loses its hash.
    #[must_use]
    pub(crate) fn masked(&self) -> AclEntry {
        let mut shown = self.clone();
        if shown.scheme == "digest"
            && let Some((user, _)) = self.id.split_once(':')
        {
            shown.id = format!("{user}:x");
        }
        shown
    }

    fn matches(&self, who: &[Identity]) -> bool {
        if self.scheme == "world" {
            return self.id == "anyone";
        }
        who.iter()
            .filter(|identity| identity.scheme == self.scheme)
            .any(|identity| {
                if self.scheme == "ip" {
                    address::matches(&self.id, &identity.id)
                } else {
                    identity.id == self.id
                }
            })
    }
}

/// The identity a `digest` auth with `user:password` gives: `user:` and the Base64 of the SHA-1 of
/// the whole. Without a colon all of it is the user: what ZooKeeper's lists were made with has to be
/// provable here.
#[must_use]
pub fn digest_identity(user_and_password: &str) -> Identity {
    let user = user_and_password.split(':').next().unwrap_or_default();
    let hash = STANDARD.encode(Sha1::digest(user_and_password.as_bytes()));
    Identity {
        scheme: "digest".to_owned(),
        id: format!("{user}:{hash}"),
    }
}

/// Whether `acl` gives `who` at least one of the permissions in `need`. An empty list restricts
/// nobody.
#[must_use]
pub fn allows(acl: &[AclEntry], who: &[Identity], need: Perms) -> bool {
    acl.is_empty()
        || acl
            .iter()
            .any(|entry| entry.perms.0 & need.0 != 0 && entry.matches(who))
        || who.iter().any(|identity| identity.scheme == "super")
}

/// [`allows`], as a check.
///
/// # Errors
/// [`Refusal::NoAuth`] naming `path` and what was needed.
pub fn require(
    path: &ZnodePath,
    acl: &[AclEntry],
    who: &[Identity],
    need: Perms,
) -> Result<(), Refusal> {
    if allows(acl, who, need) {
        return Ok(());
    }
    Err(Refusal::NoAuth {
        path: path.clone(),
        need: need.words(),
    })
}

/// The list to store for what a client sent: duplicates dropped, `auth` replaced by the client's
/// own identities (addresses do not count).
///
/// # Errors
/// [`Refusal::InvalidAcl`]: empty, unknown scheme, malformed id, or `auth` without an identity;
/// [`Refusal::LimitReached`].
pub fn fix_up(path: &str, acl: &[AclEntry], who: &[Identity]) -> Result<Arc<[AclEntry]>, Refusal> {
    let invalid = |why: String| Refusal::InvalidAcl {
        path: path::shown(path),
        why,
    };
    if acl.is_empty() {
        return Err(invalid("it is empty".to_owned()));
    }
    check_entries(acl.len())?;
    let mut fixed: Vec<AclEntry> = Vec::with_capacity(acl.len());
    let mut keep = |entry: AclEntry| {
        if !fixed.contains(&entry) {
            fixed.push(entry);
        }
        check_entries(fixed.len())
    };
    for entry in acl {
        check_identity_length(&entry.scheme, &entry.id)?;
        if entry.perms.0 & !Perms::ALL.0 != 0 {
            return Err(invalid(format!(
                "permission bits {} are not known",
                entry.perms.0
            )));
        }
        if entry.scheme == "auth" {
            let mut own = who
                .iter()
                .filter(|identity| is_authenticated(&identity.scheme))
                .peekable();
            if own.peek().is_none() {
                return Err(invalid("auth needs an authenticated identity".to_owned()));
            }
            for identity in own {
                keep(AclEntry {
                    perms: entry.perms,
                    scheme: identity.scheme.clone(),
                    id: identity.id.clone(),
                })?;
            }
        } else {
            check_id(&entry.scheme, &entry.id).map_err(invalid)?;
            keep(entry.clone())?;
        }
    }
    Ok(Arc::from(fixed))
}

/// Bounds the identities of a request.
///
/// # Errors
/// [`Refusal::LimitReached`].
pub(crate) fn check_identities(who: &[Identity]) -> Result<(), Refusal> {
    if who.len() > limits::IDENTITIES_PER_REQUEST_MAX {
        return Err(Refusal::limit(
            "identities per request",
            limits::IDENTITIES_PER_REQUEST_MAX as u64,
        ));
    }
    who.iter()
        .try_for_each(|identity| check_identity_length(&identity.scheme, &identity.id))
}

fn check_entries(count: usize) -> Result<(), Refusal> {
    if count > limits::ACL_ENTRIES_MAX {
        return Err(Refusal::limit(
            "entries per access list",
            limits::ACL_ENTRIES_MAX as u64,
        ));
    }
    Ok(())
}

fn check_identity_length(scheme: &str, id: &str) -> Result<(), Refusal> {
    if scheme.len().saturating_add(id.len()) > limits::IDENTITY_BYTES_MAX {
        return Err(Refusal::limit(
            "bytes per identity (scheme and id)",
            limits::IDENTITY_BYTES_MAX as u64,
        ));
    }
    Ok(())
}

/// Schemes whose identities `auth` stands for.
fn is_authenticated(scheme: &str) -> bool {
    matches!(scheme, "digest" | "sasl" | "x509")
}

fn check_id(scheme: &str, id: &str) -> Result<(), String> {
    let valid = match scheme {
        "world" => id == "anyone",
        "digest" => id
            .split_once(':')
            .is_some_and(|(_, hash)| !hash.is_empty() && !hash.contains(':')),
        "ip" => address::is_valid(id),
        "sasl" | "x509" => !id.is_empty(),
        _ => return Err(format!("scheme {scheme:?} is not known")),
    };
    if valid {
        Ok(())
    } else {
        Err(format!("{id:?} is not a valid id of scheme {scheme}"))
    }
}

#[cfg(test)]
mod tests {
    use super::digest_identity;

    #[test]
    fn a_digest_is_of_the_whole_and_the_user_what_stands_before_the_first_colon() {
        let identities = ["alice:secret", "a:b:c", "nocolon", "", ":"].map(digest_identity);
        let ids: Vec<&str> = identities
            .iter()
            .map(|identity| identity.id.as_str())
            .collect();
        let expected = [
            "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=",
            "a:cLzgnoJ6mP5qz3w+mwvPE2vDgu0=",
            "nocolon:Ra+cHr2ZoHvBjtNArFGNGlVie4g=",
            ":2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            ":BaefBs8/Z/cm2uaNGKIpD2yaUMk=",
        ];
        assert_eq!(ids, expected);
    }
}
