//! Signed fence tokens, and the keys they are verified with.
//!
//! Crate `fence-token` verifies them, and needs no client for it.

use http_types::paths;
use http_types::v1::fence_tokens::{
    FenceKey, FenceKeyList, FenceToken, Jwks, RotateRequest, Rotating,
};
use reqwest::Method;

use crate::client::Client;
use crate::election::Leadership;
use crate::error::Error;
use crate::lock::LockGuard;
use crate::transport::{Call, Repeat};

impl Client {
    /// A signed token that shows the fence of a hold to a resource outside.
    ///
    /// # Errors
    /// [`ErrorCode::NotHolder`](crate::ErrorCode::NotHolder) for a claim that waits,
    /// [`ErrorCode::ClaimEnded`](crate::ErrorCode::ClaimEnded), and as every read.
    pub async fn claim_token(&self, lock: &str, claim: &str) -> Result<FenceToken, Error> {
        let call = Call::get(paths::claim_token(lock, claim));
        self.read(call).await?.json()
    }

    /// The same of a leader; the fence is its term.
    ///
    /// # Errors
    /// [`ErrorCode::NotLeading`](crate::ErrorCode::NotLeading) for a candidate that stands by,
    /// [`ErrorCode::CandidateEnded`](crate::ErrorCode::CandidateEnded), and as every read.
    pub async fn candidate_token(
        &self,
        election: &str,
        candidate: &str,
    ) -> Result<FenceToken, Error> {
        let call = Call::get(paths::candidate_token(election, candidate));
        self.read(call).await?.json()
    }

    /// The public keys that tokens are verified with.
    ///
    /// # Errors
    /// As every read.
    pub async fn key_set(&self) -> Result<Jwks, Error> {
        self.read(Call::get(paths::KEY_SET.to_owned()))
            .await?
            .json()
    }

    /// Whose keys there are, and what each is good for.
    ///
    /// # Errors
    /// As every read.
    pub async fn fence_keys(&self) -> Result<FenceKeyList, Error> {
        self.read(Call::get(paths::FENCE_KEYS.to_owned()))
            .await?
            .json()
    }

    /// Has a node (`n1`), or every node, make a new key. What was signed before goes on to count. Sent
    /// again when the answer was lost: at worst a key is replaced twice.
    ///
    /// # Errors
    /// As every write.
    pub async fn rotate_fence_keys(&self, node: Option<&str>) -> Result<Rotating, Error> {
        let path = format!("{}/-/rotate", paths::FENCE_KEYS);
        let node = node.map(str::to_owned);
        let call = Call::new(Method::POST, path, Repeat::ById).json(&RotateRequest { node })?;
        self.write(call).await?.json()
    }

    /// Revokes a key that may be in other hands. Verifiers hear of it when they fetch the key set again.
    ///
    /// # Errors
    /// [`ErrorCode::NoFenceKey`](crate::ErrorCode::NoFenceKey), and as every write.
    pub async fn revoke_fence_key(&self, kid: &str) -> Result<FenceKey, Error> {
        let call = Call::new(Method::DELETE, paths::fence_key(kid), Repeat::ById);
        self.write(call).await?.json()
    }
}

impl LockGuard {
    /// A signed token that shows the fence of this hold to a resource outside. Ask for another when it is
    /// about to expire: that costs one read.
    ///
    /// # Errors
    /// As [`Client::claim_token`].
    pub async fn fence_token(&self) -> Result<FenceToken, Error> {
        let client = self.session().client();
        client.claim_token(self.lock(), &self.claim().claim).await
    }
}

impl Leadership {
    /// A signed token that shows the term of this leadership to a resource outside, as
    /// [`LockGuard::fence_token`].
    ///
    /// # Errors
    /// As [`Client::candidate_token`].
    pub async fn fence_token(&self) -> Result<FenceToken, Error> {
        let client = self.session().client();
        let candidate = &self.candidate().candidate;
        client.candidate_token(self.election(), candidate).await
    }
}
