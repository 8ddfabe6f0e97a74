//! Snapshots: copies of the whole state.

mod stream;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_types::problem::Effect;
use http_types::v1::restore::Restored;
use http_types::v1::snapshots::{Snapshot, SnapshotList, SnapshotVerified};
use reqwest::Method;
use serde::de::DeserializeOwned;

pub use stream::SnapshotStream;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat, StreamFailure};

/// Time for taking a snapshot, and for checking one, on top of the ordinary.
const TAKE_PATIENCE: Duration = Duration::from_secs(120);
/// Slowest way to a node on which a snapshot can still be sent there.
const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 1 << 20;

impl Client {
    /// The snapshots of the asked node, newest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        let list: SnapshotList = self.read(Call::get("/v1/snapshots")).await?.json()?;
        Ok(list.snapshots)
    }

    /// Has the asked node take a snapshot now.
    ///
    /// # Errors
    /// As every write; repeating it is harmless.
    pub async fn take_snapshot(&self) -> Result<Snapshot, Error> {
        let mut call = Call::new(Method::POST, "/v1/snapshots", Repeat::ById);
        call.patience = TAKE_PATIENCE;
        self.write(call).await?.json()
    }

    /// Fetches a snapshot from the node that has it (asked at all endpoints in turn).
    ///
    /// # Errors
    /// [`ErrorCode::NoSnapshot`](crate::ErrorCode::NoSnapshot) when no node has it.
    pub async fn fetch_snapshot(&self, id: &str) -> Result<SnapshotStream, Error> {
        let path = format!("/v1/snapshots/{}", http_types::paths::encode_segment(id));
        let call = Call::new(Method::GET, path.clone(), Repeat::Harmless);
        let mut last = Error::Invalid("no endpoint".to_owned());
        for base in self.in_turn() {
            match self.transport.open_stream(&call, base).await {
                Ok(response) => return Ok(SnapshotStream::new(self.clone(), path, response)),
                Err(StreamFailure::Refused(problem)) => last = Error::Refused(problem),
                Err(StreamFailure::Transport(what)) => {
                    last = Error::Protocol {
                        what,
                        outcome: Effect::NotApplied,
                    };
                }
            }
        }
        Err(last)
    }

    /// Has the asked node check a snapshot: checksums, digest, invariants.
    ///
    /// # Errors
    /// A problem document that says what is wrong with it.
    pub async fn verify_snapshot(&self, snapshot: Bytes) -> Result<SnapshotVerified, Error> {
        let mut call = Call::new(Method::POST, "/v1/snapshots/-/verify", Repeat::Harmless)
            .raw("application/octet-stream", snapshot);
        call.patience = TAKE_PATIENCE;
        self.write(call).await?.json()
    }

    /// As [`verify_snapshot`](Client::verify_snapshot), with a file that need not fit into memory.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the file cannot be read, and a problem document that says what is
    /// wrong with it.
    pub async fn verify_snapshot_file(&self, file: &Path) -> Result<SnapshotVerified, Error> {
        let call = Call::new(Method::POST, "/v1/snapshots/-/verify", Repeat::Harmless);
        self.upload(call, file).await
    }

    /// Replaces the state of the whole cluster by the snapshot in a file: the tree and the settings
    /// of locks come back, every session ends (that of this client too), and fences go on beyond
    /// all handed out before. `replace`: also when the cluster holds data. `dry_run`: only say
    /// what would happen.
    ///
    /// # Errors
    /// [`ErrorCode::ClusterNotEmpty`](crate::ErrorCode::ClusterNotEmpty) without `replace`;
    /// otherwise as every write. Sent again only when it certainly did not happen.
    pub async fn restore_snapshot(
        &self,
        file: &Path,
        replace: bool,
        dry_run: bool,
    ) -> Result<Restored, Error> {
        let path = format!(
            "/v1/cluster/-/restore?replace={}&dry_run={}",
            u8::from(replace),
            u8::from(dry_run)
        );
        let repeat = if dry_run {
            Repeat::Harmless
        } else {
            Repeat::Once
        };
        let call = Call::new(Method::POST, path, repeat);
        self.upload(call, file).await
    }

    async fn upload<T: DeserializeOwned>(&self, call: Call, file: &Path) -> Result<T, Error> {
        let unreadable = |error| Error::Invalid(format!("cannot read {}: {error}", file.display()));
        let metadata = tokio::fs::metadata(file).await.map_err(unreadable)?;
        let sending = Duration::from_secs(metadata.len() / UPLOAD_BYTES_PER_SECOND_MIN);
        let mut call = call.file(file);
        call.patience = TAKE_PATIENCE.saturating_add(sending);
        self.write(call).await?.json()
    }

    /// Every endpoint once, the one in use first.
    fn in_turn(&self) -> impl Iterator<Item = &str> {
        let (start, _) = self.transport.endpoints.current();
        let all = self.endpoints();
        let turns = all.iter().cycle().skip(start).take(all.len());
        turns.map(String::as_str)
    }
}
