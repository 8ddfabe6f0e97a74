//! Replacing everything by a snapshot of this or another cluster.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::Zxid;

/// One step of a restore. The snapshot travels through the log in parts, so that every replica has
/// the same bytes before any of them acts on them; only [`RestoreStep::Finish`] changes what users see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestoreStep {
    /// Begins an upload. There is one at a time.
    Begin {
        /// Accept a cluster that holds data, and lose it.
        replace: bool,
    },
    /// The next bytes of the snapshot.
    Part {
        /// The upload: the zxid of its `Begin`.
        upload: Zxid,
        /// Bytes before these.
        offset: u64,
        /// At most [`RESTORE_PART_BYTES_MAX`](crate::limits::RESTORE_PART_BYTES_MAX).
        bytes: Bytes,
    },
    /// All bytes are there: replace everything.
    Finish {
        /// The upload.
        upload: Zxid,
    },
    /// Drops the upload.
    Abandon {
        /// The upload.
        upload: Zxid,
    },
}
