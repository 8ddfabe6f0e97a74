//! Verifying a token.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::claims::Claims;
use crate::key::key_id;
use crate::token::Header;
use crate::{ALGORITHM, CLOCKS_DIFFER_S, KEY_SET_BYTES_MAX, TOKEN_BYTES_MAX, TOKEN_TYPE};

/// Public keys by their ids.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: BTreeMap<String, VerifyingKey>,
}

/// What a token must be besides signed.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Seconds since 1970 now.
    pub now: u64,
    /// The cluster it must come from. `None`: any whose key is in the set.
    pub issuer: Option<&'a str>,
}

/// A text is no key set.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// Larger than any cluster gives.
    #[error("the key set has {bytes} bytes, at most {KEY_SET_BYTES_MAX} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not JSON, or not of the form of a set.
    #[error("this is no JWK set")]
    NotASet(#[source] serde_json::Error),
    /// An Ed25519 key that is none, or has an id that is not its own.
    #[error("key {key} of the set is damaged: {why}")]
    Damaged {
        /// Its id.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A token is not to be accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not of the form of one.
    #[error("this is no fence token: {0}")]
    Malformed(&'static str),
    /// It is one of another kind, or claims to be signed in another way.
    #[error("this is no fence token: its header says {field} {found:?}")]
    OtherKind {
        /// Which field of the header.
        field: &'static str,
        /// What it says.
        found: String,
    },
    /// No key of the set has signed it.
    #[error(
        "the token is signed with key {key}, which is not in the key set: the set is older than the key, \
         or the key was revoked; fetch the set again"
    )]
    UnknownKey {
        /// The id of the key.
        key: String,
    },
    /// Something in it was changed.
    #[error("the signature of the token is wrong")]
    WrongSignature,
    /// It is over.
    #[error("the token expired {ago_s} s ago")]
    Expired {
        /// How long ago.
        ago_s: u64,
    },
    /// It is from the future.
    #[error("the token was signed {ahead_s} s in the future: one of the clocks is wrong")]
    NotYet {
        /// How far.
        ahead_s: u64,
    },
    /// Another cluster signed it.
    #[error("the token is from cluster {found}, and {wanted} is expected")]
    OtherIssuer {
        /// Which.
        found: String,
        /// Which is expected.
        wanted: String,
    },
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
}

impl KeySet {
    /// Reads what `GET /.well-known/jwks.json` gives. Keys of other kinds are passed over, as RFC 7517
    /// wants it.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parse(json: &[u8]) -> Result<KeySet, KeySetError> {
        let bytes = json.len();
        if bytes > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLarge { bytes });
        }
        let set: Jwks = serde_json::from_slice(json).map_err(KeySetError::NotASet)?;
        let ours = set.keys.into_iter().filter(Jwk::is_of_our_kind);
        let keys = ours.map(Jwk::verifying).collect::<Result<_, _>>()?;
        Ok(KeySet { keys })
    }

    /// How many keys can verify.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing can be verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What a token says, if it is genuine. Whoever acts on it also compares its fence with the highest
    /// one accepted so far: an old token is as genuine as a new one.
    ///
    /// # Errors
    /// [`TokenError`]. Never panics, whatever the text is.
    pub fn verify(&self, token: &str, expected: Expected<'_>) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed("it is too long"));
        }
        let (message, signature) = split_last(token)?;
        let (header, claims) = split_last(message)?;
        let header: Header = piece(header, "its header is damaged")?;
        let kind = [
            ("alg", &header.alg, ALGORITHM),
            ("typ", &header.typ, TOKEN_TYPE),
        ];
        for (field, found, wanted) in kind {
            if found != wanted {
                let found = found.clone();
                return Err(TokenError::OtherKind { field, found });
            }
        }
        let Some(key) = self.keys.get(&header.kid) else {
            return Err(TokenError::UnknownKey { key: header.kid });
        };
        let signature = decoded(signature, "its signature is no base64url")?;
        let signature = <[u8; 64]>::try_from(signature)
            .map_err(|_| TokenError::Malformed("its signature is not 64 bytes long"))?;
        key.verify_strict(message.as_bytes(), &Signature::from_bytes(&signature))
            .map_err(|_| TokenError::WrongSignature)?;
        let claims: Claims = piece(claims, "its claims are damaged")?;
        expected.check(&claims)?;
        Ok(claims)
    }
}

impl Expected<'_> {
    fn check(&self, claims: &Claims) -> Result<(), TokenError> {
        if let Some(wanted) = self.issuer
            && wanted != claims.issuer
        {
            return Err(TokenError::OtherIssuer {
                found: claims.issuer.clone(),
                wanted: wanted.to_owned(),
            });
        }
        if claims.expires <= self.now {
            let ago_s = self.now.saturating_sub(claims.expires);
            return Err(TokenError::Expired { ago_s });
        }
        let ahead_s = claims.issued_at.saturating_sub(self.now);
        if ahead_s > CLOCKS_DIFFER_S {
            return Err(TokenError::NotYet { ahead_s });
        }
        Ok(())
    }
}

impl Jwk {
    fn is_of_our_kind(&self) -> bool {
        let is = |field: &Option<String>, wanted| field.as_ref().is_none_or(|text| text == wanted);
        self.kty == "OKP"
            && self.crv.as_deref() == Some("Ed25519")
            && is(&self.alg, ALGORITHM)
            && is(&self.purpose, "sig")
    }

    fn verifying(self) -> Result<(String, VerifyingKey), KeySetError> {
        let id = self.kid.unwrap_or_default();
        let damaged = |why| {
            let key = id.clone();
            KeySetError::Damaged { key, why }
        };
        let bytes = BASE64URL.decode(self.x.unwrap_or_default());
        let bytes = bytes
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| damaged("x is not 32 bytes in base64url"))?;
        if key_id(&bytes) != id {
            return Err(damaged("its id is not its thumbprint"));
        }
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| damaged("x is no public key"))?;
        Ok((id, key))
    }
}

/// What is before the last dot, and what after it.
fn split_last(text: &str) -> Result<(&str, &str), TokenError> {
    let three = "it is not three pieces with dots between them";
    text.rsplit_once('.').ok_or(TokenError::Malformed(three))
}

fn decoded(text: &str, why: &'static str) -> Result<Vec<u8>, TokenError> {
    BASE64URL
        .decode(text)
        .map_err(|_| TokenError::Malformed(why))
}

fn piece<T: DeserializeOwned>(text: &str, why: &'static str) -> Result<T, TokenError> {
    let bytes = decoded(text, why)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed(why))
}
