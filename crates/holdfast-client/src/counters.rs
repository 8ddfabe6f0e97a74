//! Counters.

use http_types::v1::counters::{
    AddRequest, Added, Block, BlockRequest, Counter, CounterList, CountersQuery, Removed,
};
use http_types::{headers, paths};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

impl Client {
    /// Adds to a counter, which begins at 0; less than 0 takes away. Carries an idempotency key, so it
    /// counts at most once however often it is sent.
    ///
    /// # Errors
    /// [`ErrorCode::NotACounter`](crate::ErrorCode::NotACounter),
    /// [`ErrorCode::CounterOverflow`](crate::ErrorCode::CounterOverflow), and as every write.
    pub async fn add_to_counter(&self, name: &str, delta: i64) -> Result<Added, Error> {
        let call =
            Call::keyed_post(paths::counter_action(name, "add")).json(&AddRequest { delta })?;
        self.write(call).await?.json()
    }

    /// Takes `size` numbers in a row that nobody else gets, 1 to 1,000,000,000 of them. Carries an
    /// idempotency key, so it takes one block however often it is sent. When the outcome is unknown, a
    /// block may have been taken that nobody uses.
    ///
    /// # Errors
    /// As [`add_to_counter`](Client::add_to_counter).
    pub async fn counter_block(&self, name: &str, size: u32) -> Result<Block, Error> {
        let call =
            Call::keyed_post(paths::counter_action(name, "block")).json(&BlockRequest { size })?;
        self.write(call).await?.json()
    }

    /// The value of a counter.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`](crate::ErrorCode::NoNode) when nobody has counted there,
    /// [`ErrorCode::NotACounter`](crate::ErrorCode::NotACounter), and as every read.
    pub async fn counter(&self, name: &str) -> Result<Counter, Error> {
        self.read(Call::get(paths::counter(name))).await?.json()
    }

    /// Forgets a counter, with `version` only if it has that one: the next of this name begins at 0.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`](crate::ErrorCode::NoNode),
    /// [`ErrorCode::NodeNotEmpty`](crate::ErrorCode::NodeNotEmpty) when counters are below it,
    /// [`ErrorCode::VersionMismatch`](crate::ErrorCode::VersionMismatch), and as every write. Never
    /// sent a second time in doubt: somebody else may have begun to count there.
    pub async fn remove_counter(&self, name: &str, version: Option<i32>) -> Result<Removed, Error> {
        let mut call = Call::new(Method::DELETE, paths::counter(name), Repeat::Once);
        if let Some(version) = version {
            call = call.header("if-match", headers::version_tag(version));
        }
        self.write(call).await?.json()
    }

    /// One page of the counters.
    ///
    /// # Errors
    /// As every read.
    pub async fn counters(&self, query: &CountersQuery) -> Result<CounterList, Error> {
        let path = paths::with_query(
            "/v1/counters",
            &[
                ("prefix", query.prefix.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }
}
