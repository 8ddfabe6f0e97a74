//! Client library for Holdfast.
//!
//! ```no_run
//! # async fn run() -> Result<(), holdfast_client::Error> {
//! use holdfast_client::{Client, SessionOptions};
//! use std::time::Duration;
//!
//! let client = Client::connect(["http://127.0.0.1:7401", "http://127.0.0.1:7402"])?;
//! let session = client.open_session(SessionOptions::default()).await?;
//! let guard = client.lock("orders/42").wait(Duration::from_secs(30)).acquire(&session).await?;
//! tokio::select! {
//!     () = work(guard.fence()) => {}
//!     () = guard.lost() => { /* stop at once: somebody else may have the lock */ }
//! }
//! guard.release().await?;
//! session.close().await?;
//! # Ok(()) }
//! # async fn work(_fence: u64) {}
//! ```
//!
//! # What is promised
//!
//! * **Three kinds of answers.** [`Error::outcome`] says whether a request that failed did not
//!   happen, may have happened, or did. *Unknown* is never reported as failed.
//! * **Retries are safe.** A request is sent again only when it certainly did not happen, or when
//!   repeating it changes nothing: claims and sessions carry ids chosen here before the first
//!   attempt, POSTs carry an `Idempotency-Key` made once per call. A blind [`put`](Client::put) or
//!   [`delete`](Client::delete) of a znode has neither and is never repeated in doubt.
//! * **Loss is reported in time, without a server.** [`Session::safe_until`] counts from the moment
//!   the last successful keep-alive was *sent*, less a margin. When it passes, [`LockGuard::lost`]
//!   fires, although no node can be reached to confirm anything.
//! * **Fences decide in the end.** A process can be stopped between any check and the write it
//!   protects; give [`LockGuard::fence`] to whatever the lock protects and let it refuse smaller ones. What cannot
//!   compare numbers has a register in the cluster: [`Client::advance_fence`].
//! * **Streams resume without a gap** at any node, or say [`StreamItem::Gap`].
//!
//! # Dry runs
//!
//! [`Client::break_lock_dry_run`], [`Client::delete_dry_run`], [`Client::delete_tree_dry_run`] and
//! [`Txn::dry_run`] say what the call of the same name would do: its answer or its refusal, and whom
//! it would touch. They are reads: nothing changes, and they may be repeated.
//!
//! # Cancel safety
//!
//! Dropping the future of a read is harmless. Dropping the future of a write leaves its outcome
//! unknown. Dropping the future of [`LockBuilder::acquire`], [`ElectionBuilder::campaign`], [`GroupBuilder::join`],
//! [`BarrierBuilder::enter`] or [`InstanceBuilder::register`] withdraws claim, candidate, member, party or
//! instance in the background.
//! That of [`Client::take`] gives back what was taken.
//! [`EventStream::next`] may be dropped and called again.
//!
//! The library knows the HTTP contract (`http-types`) and nothing of the server.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )
)]

mod backoff;
mod barrier;
mod client;
mod cluster;
mod counters;
mod data;
mod dry_run;
mod election;
mod endpoints;
mod error;
mod events;
mod fence_tokens;
mod fences;
mod group;
mod lock;
mod loss;
mod nodes;
mod options;
mod queue;
mod service;
mod session;
mod snapshots;
mod transport;
mod turn;
mod txn;
mod withdrawal;

pub use barrier::{BarrierBuilder, Passage};
pub use client::Client;
pub use cluster::ChangeMode;
pub use data::{Data, NodeData};
pub use election::{ElectionBuilder, Handover, Leadership};
pub use error::Error;
pub use events::{EventFilter, EventStream, Start, StreamItem};
pub use group::{GroupBuilder, Membership};
pub use http_types;
pub use http_types::problem::{Effect, ErrorCode, Problem};
pub use http_types::v1::events::{Event, EventId, EventKind};
pub use http_types::v1::sessions::Owner;
pub use lock::{LockBuilder, LockGuard, ReleaseAsked, ReleaseRequests};
pub use loss::Loss;
pub use nodes::{CreateNode, PutNode};
pub use options::{Observer, Options, Outgoing};
pub use queue::Delivery;
pub use service::{InstanceBuilder, Registered};
pub use session::{Session, SessionOptions};
pub use snapshots::SnapshotStream;
pub use txn::Txn;
