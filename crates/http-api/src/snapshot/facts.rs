//! What only reading all of a snapshot tells: its SHA-256, and which state it holds. A snapshot
//! never changes, so each is read for this once.

use std::fmt;
use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use node::{KeptSnapshot, SnapshotEnd};
use parking_lot::Mutex;
use raft_core::command::Moment;
use raft_types::snapshot::Snapshot;
use sha2::{Digest as _, Sha256};

use crate::limits::SNAPSHOT_FACTS_KEPT;
use crate::snapshot::content::read_chunk;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// SHA-256 of the content, in base64.
    pub(crate) sha256: String,
    /// Position and time of the state in it; `None` in a format this version does not know.
    pub(crate) moment: Option<Moment>,
}

/// Facts that are known or being found out. An error stands for a damaged file.
type Reading = Shared<BoxFuture<'static, Result<Facts, Arc<io::Error>>>>;

/// Which snapshot: its id and its length.
type Key = (String, u64);

/// The facts of the snapshots that were asked about last.
#[derive(Default)]
pub(crate) struct SnapshotFacts {
    /// The latest last.
    known: Mutex<Vec<(Key, Reading)>>,
}

impl fmt::Debug for SnapshotFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotFacts").finish_non_exhaustive()
    }
}

impl SnapshotFacts {
    /// The facts of a snapshot. However many ask, and even if all of them give up waiting, it is
    /// read once; after an error the next to ask has it read again.
    pub(crate) fn of(&self, snapshot: &KeptSnapshot) -> Reading {
        let key = (snapshot.info.id.clone(), snapshot.info.bytes);
        let mut known = self.known.lock();
        let at = known.iter().position(|(known, _)| *known == key);
        let reading = at
            .map(|at| known.remove(at).1)
            .filter(|reading| !matches!(reading.peek(), Some(Err(_))))
            .unwrap_or_else(|| begin(&snapshot.content));
        known.push((key, reading.clone()));
        if known.len() > SNAPSHOT_FACTS_KEPT {
            drop(known.remove(0));
        }
        reading
    }
}

/// Begins to read, off the async workers.
fn begin(content: &Snapshot) -> Reading {
    let content = Arc::clone(content);
    let reading = tokio::task::spawn_blocking(move || read(&content));
    let facts = async move {
        match reading.await {
            Ok(facts) => facts.map_err(Arc::new),
            Err(error) => Err(Arc::new(io::Error::other(error))),
        }
    };
    facts.boxed().shared()
}

fn read(content: &Snapshot) -> io::Result<Facts> {
    let mut content = content.open()?;
    let mut hash = Sha256::new();
    let mut end = SnapshotEnd::default();
    loop {
        let chunk = read_chunk(&mut content, u64::MAX)?;
        if chunk.is_empty() {
            return Ok(Facts {
                sha256: STANDARD.encode(hash.finalize()),
                moment: end.moment(),
            });
        }
        hash.update(&chunk);
        end.take(&chunk);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use node::SnapshotInfo;
    use raft_types::snapshot::{SnapshotMeta, SnapshotSource};

    use super::*;

    /// Counts how often it is read; the first so many times it is damaged.
    struct Counted {
        meta: SnapshotMeta,
        opened: Arc<AtomicUsize>,
        damaged: usize,
    }

    impl SnapshotSource for Counted {
        fn meta(&self) -> &SnapshotMeta {
            &self.meta
        }
        fn content_len(&self) -> u64 {
            3
        }
        fn open(&self) -> io::Result<Box<dyn Read + Send>> {
            if self.opened.fetch_add(1, Ordering::SeqCst) < self.damaged {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(Box::new(Cursor::new(b"abc")))
        }
    }

    fn snapshot(id: &str, damaged: usize) -> (KeptSnapshot, Arc<AtomicUsize>) {
        let opened = Arc::new(AtomicUsize::new(0));
        let info = SnapshotInfo {
            id: id.to_owned(),
            index: 1,
            term: 1,
            bytes: 3,
            created_ms: None,
        };
        let content = Arc::new(Counted {
            meta: SnapshotMeta::default(),
            opened: Arc::clone(&opened),
            damaged,
        });
        (KeptSnapshot { info, content }, opened)
    }

    #[tokio::test]
    async fn each_snapshot_is_read_once_however_many_ask() {
        let facts = SnapshotFacts::default();
        let (snapshot, opened) = snapshot("1-1", 0);
        let together = futures::join!(facts.of(&snapshot), facts.of(&snapshot));
        let later = facts.of(&snapshot).await.unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(later.sha256, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_eq!(together.0.unwrap(), together.1.unwrap());
        assert_eq!(later.moment, None, "abc is no snapshot");
        assert_eq!(opened.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_damaged_snapshot_is_read_again_and_only_so_many_are_remembered() {
        let facts = SnapshotFacts::default();
        let (damaged, opened) = snapshot("1-1", 1);
        assert!(facts.of(&damaged).await.is_err());
        assert!(facts.of(&damaged).await.is_ok());
        assert_eq!(opened.load(Ordering::SeqCst), 2);
        for index in 0..2 * SNAPSHOT_FACTS_KEPT {
            let (other, _) = snapshot(&format!("2-{index}"), 0);
            facts.of(&other).await.unwrap();
        }
        assert_eq!(facts.known.lock().len(), SNAPSHOT_FACTS_KEPT);
    }
}
