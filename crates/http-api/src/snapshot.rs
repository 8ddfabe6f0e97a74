//! The content of snapshots: streamed out, read once in full to know its digest, and read when it
//! is sent here.

mod content;
mod facts;
mod upload;

pub(crate) use content::{ChunkReader, content_of};
pub(crate) use facts::{Facts, SnapshotFacts};
pub(crate) use upload::{read_state, read_upload};
