//! Making a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};

use crate::claims::Claims;
use crate::key::SigningKey;
use crate::{ALGORITHM, TOKEN_TYPE};

/// The first piece of a token. Whatever else could stand there would mean something that is not looked
/// at, so it is refused.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: String,
    pub(crate) typ: String,
}

/// A token. The same key and claims give the same text.
///
/// # Errors
/// When the claims cannot be written as JSON, which is a bug.
pub fn sign(key: &SigningKey, claims: &Claims) -> Result<String, serde_json::Error> {
    let header = Header {
        alg: ALGORITHM.to_owned(),
        kid: key.id().to_owned(),
        typ: TOKEN_TYPE.to_owned(),
    };
    let header = BASE64URL.encode(serde_json::to_vec(&header)?);
    let claims = BASE64URL.encode(serde_json::to_vec(claims)?);
    let message = format!("{header}.{claims}");
    let signature = BASE64URL.encode(key.signature(message.as_bytes()));
    Ok(format!("{message}.{signature}"))
}
