//! Entries of the log that a newer leader overruled, found at a start.
//!
//! A follower removes such entries before it stores the newer ones, and both become durable together.
//! What was committed meanwhile is applied as soon as it is accepted, and a snapshot of it may be
//! on disk before the log is: a crash, or a write that fails, in between leaves a snapshot whose
//! last entry contradicts the log. The snapshot is right, as when a leader sends one (Raft, section
//! 7): what it holds is committed, and the log's entry at its end, with all that follow, is not.
//! openraft would call it corruption, and the node would never start again.

use std::io;

use openraft::storage::RaftLogStorage;
use raft_types::{LogId, TypeConfig};

/// Removes the whole log if the snapshot that ends at `applied` overrules it: all before is in the
/// snapshot, all behind was written by a leader that lost. Durable with the next synced write; until
/// then a start finds the same and does the same.
///
/// # Errors
/// The log cannot be read or written.
pub(crate) async fn drop_overruled<LS>(log: &mut LS, applied: Option<LogId>) -> io::Result<()>
where
    LS: RaftLogStorage<TypeConfig>,
{
    let state = log.get_log_state().await?;
    let (Some(last), Some(applied)) = (state.last_log_id, applied) else {
        return Ok(());
    };
    if last >= applied || last.index < applied.index {
        return Ok(());
    }
    tracing::warn!(
        %last,
        %applied,
        "the snapshot overrules the end of the log: a write was cut short; the log is dropped"
    );
    log.truncate_after(state.last_purged_log_id).await
}

#[cfg(test)]
mod tests {
    use std::io;

    use bytes::Bytes;
    use openraft::EntryPayload;
    use openraft::storage::{IOFlushed, RaftLogStorage};
    use openraft::type_config::TypeConfigExt as _;
    use raft_types::{Entry, EntryBytes, LogId, TypeConfig};
    use storage::{LogStore, MemoryBackend};

    use super::drop_overruled;

    fn id(term: u64, index: u64) -> LogId {
        LogId {
            leader_id: term.into(),
            index,
        }
    }

    /// A log of these terms, from index 0.
    async fn log(terms: &[u64]) -> LogStore {
        let mut log = LogStore::in_memory(MemoryBackend::default()).unwrap();
        let entries = (0..).zip(terms).map(|(index, term)| Entry {
            log_id: id(*term, index),
            payload: EntryPayload::Normal(EntryBytes(Bytes::from_static(b"x"))),
        });
        let (done, flushed) = TypeConfig::oneshot::<io::Result<()>>();
        log.append(entries, IOFlushed::signal(done)).await.unwrap();
        flushed.await.unwrap().unwrap();
        log
    }

    async fn last(log: &mut LogStore) -> Option<LogId> {
        log.get_log_state().await.unwrap().last_log_id
    }

    /// Found by the simulation, seed 52518.
    #[tokio::test]
    async fn a_log_whose_end_a_snapshot_contradicts_is_dropped() {
        for tail in [&[1, 1, 4][..], &[1, 1, 4, 4, 4][..]] {
            let mut log = log(tail).await;
            drop_overruled(&mut log, Some(id(5, 2))).await.unwrap();
            assert_eq!(last(&mut log).await, None);
        }
    }

    #[tokio::test]
    async fn any_other_log_stays() {
        let terms = [1, 1, 4, 5, 5];
        // The snapshot is in it, at its end, before it, or there is none.
        for applied in [Some(id(4, 2)), Some(id(5, 4)), Some(id(6, 9)), None] {
            let mut log = log(&terms).await;
            drop_overruled(&mut log, applied).await.unwrap();
            assert_eq!(last(&mut log).await, Some(id(5, 4)));
        }
    }
}
