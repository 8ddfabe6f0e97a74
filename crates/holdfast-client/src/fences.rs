//! Fence registers of resources outside.

use http_types::paths;
use http_types::v1::fences::{AdvanceRequest, Advanced, FenceList, FenceRegister, FencesQuery};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

impl Client {
    /// Shows the fence of a hold for a resource outside, before writing to it. Ok means that no higher
    /// one was shown before; it says nothing of what comes after.
    ///
    /// Sent again when the answer was lost, and then asked anew: it carries no idempotency key, which
    /// could bring a yes from before a higher fence came.
    ///
    /// # Errors
    /// [`ErrorCode::FenceRegisterStale`](crate::ErrorCode::FenceRegisterStale): do not write. And as
    /// every write.
    pub async fn advance_fence(&self, resource: &str, fence: u64) -> Result<Advanced, Error> {
        let call = Call::new(Method::POST, paths::fence_advance(resource), Repeat::ById)
            .json(&AdvanceRequest { fence })?;
        self.write(call).await?.json()
    }

    /// The highest fence that was shown for a resource.
    ///
    /// # Errors
    /// [`ErrorCode::NoFenceRegister`](crate::ErrorCode::NoFenceRegister), and as every read.
    pub async fn fence_register(&self, resource: &str) -> Result<FenceRegister, Error> {
        self.read(Call::get(paths::fence(resource))).await?.json()
    }

    /// Forgets what was shown for a resource: any fence is accepted then, also one that was refused
    /// before. Only when nothing that could still show an old one is alive.
    ///
    /// # Errors
    /// [`ErrorCode::NoFenceRegister`](crate::ErrorCode::NoFenceRegister), and as every write. Never sent
    /// a second time in doubt: somebody else may have shown a fence since.
    pub async fn forget_fence(&self, resource: &str) -> Result<FenceRegister, Error> {
        let call = Call::new(Method::DELETE, paths::fence(resource), Repeat::Once);
        self.write(call).await?.json()
    }

    /// One page of the registers.
    ///
    /// # Errors
    /// As every read.
    pub async fn fence_registers(&self, query: &FencesQuery) -> Result<FenceList, Error> {
        let path = paths::with_query(
            "/v1/fences",
            &[
                ("prefix", query.prefix.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }
}
