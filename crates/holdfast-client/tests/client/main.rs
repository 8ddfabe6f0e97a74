//! The client against a server that loses answers, refuses, hangs and dies.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod answers;
mod asking;
mod barriers;
mod counters;
mod elections;
mod events;
mod fake;
mod fence_tokens;
mod fences;
mod groups;
mod locks;
mod nodes;
mod queues;
mod retries;
mod services;
mod sessions;
mod snapshots;

use std::time::Duration;

use holdfast_client::{Client, Options};

/// A client of these nodes that gives up soon.
pub(crate) fn client(urls: &[&str]) -> Client {
    let options = Options {
        connect_timeout: Duration::from_secs(1),
        attempt_timeout: Duration::from_secs(2),
        budget: Duration::from_secs(3),
        observer: None,
    };
    Client::with_options(urls.iter().copied(), options).unwrap()
}

/// The address of a node that is not there.
pub(crate) async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
