//! What a call would do. Reads: no effect, no idempotency key, repeated like any read.

use http_types::v1::dry_run::DryRun;
use http_types::v1::locks::{BreakRequest, EndedClaim};
use http_types::v1::nodes::Deleted;
use http_types::{headers, paths};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::nodes::delete_tree_path;
use crate::transport::{Call, Repeat};

/// With the question instead of the request.
fn tried(path: &str) -> String {
    paths::with_query(path, &[("dry_run", Some("1".to_owned()))])
}

impl Client {
    /// What [`break_lock`](Client::break_lock) would do: whose hold would end, and who would be next.
    ///
    /// # Errors
    /// As [`break_lock`](Client::break_lock), and as every read.
    pub async fn break_lock_dry_run(
        &self,
        name: &str,
        fence: u64,
        reason: &str,
    ) -> Result<DryRun<EndedClaim>, Error> {
        let path = tried(&paths::lock_view(name, "break"));
        let call = Call::new(Method::POST, path, Repeat::Harmless)
            .header("if-match", headers::fence_tag(fence))
            .json(&BreakRequest {
                reason: reason.to_owned(),
            })?;
        self.read(call).await?.json()
    }

    /// What [`delete`](Client::delete) would do.
    ///
    /// # Errors
    /// As [`delete`](Client::delete), and as every read.
    pub async fn delete_dry_run(
        &self,
        path: &str,
        version: Option<i32>,
    ) -> Result<DryRun<Deleted>, Error> {
        let path = tried(&paths::node(path));
        let mut call = Call::new(Method::DELETE, path, Repeat::Harmless);
        if let Some(version) = version {
            call = call.header("if-match", headers::version_tag(version));
        }
        self.read(call).await?.json()
    }

    /// What [`delete_tree`](Client::delete_tree) would do: how many znodes would go, and who would
    /// lose a lock or a place in its queue.
    ///
    /// # Errors
    /// As [`delete_tree`](Client::delete_tree), and as every read.
    pub async fn delete_tree_dry_run(
        &self,
        path: &str,
        max: Option<u32>,
    ) -> Result<DryRun<Deleted>, Error> {
        let path = delete_tree_path(path, max, true);
        self.read(Call::new(Method::DELETE, path, Repeat::Harmless))
            .await?
            .json()
    }
}
