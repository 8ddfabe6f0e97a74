//! Where applying a log begins.

use std::collections::BTreeMap;

use node::Replay;
use raft_types::LogId;
use raft_types::snapshot::Snapshot;
use storage::{OfflineDirectory, OfflineSnapshot};

/// A snapshot of the directory: its state, or why there is none.
pub(super) struct Read {
    pub(super) file: OfflineSnapshot,
    pub(super) replay: Result<Replay, String>,
}

impl Read {
    /// The last entry in it; `None`: no entry at all.
    fn index(&self) -> Option<u64> {
        self.file.last_log_id.map(|id| id.index)
    }
}

/// All snapshots of a directory, each read to its end, oldest first.
pub(super) fn snapshots(
    directory: &OfflineDirectory,
) -> Result<Vec<Read>, storage::error::OpenError> {
    let files = directory.snapshots()?;
    let read = |file: OfflineSnapshot| {
        let opened = directory.open_snapshot(&file);
        let replay = opened.and_then(|snapshot: Snapshot| Replay::from_snapshot(&snapshot));
        let replay = replay.map_err(|error| format!("{}: {error}", file.file.display()));
        Read { file, replay }
    };
    Ok(files.into_iter().map(read).collect())
}

/// Digests by the last entry contained.
pub(super) fn digests(snapshots: &[Read]) -> BTreeMap<u64, String> {
    let digest = |read: &Read| {
        let replay = read.replay.as_ref().ok()?;
        Some((read.index()?, format!("{:032x}", replay.state().digest())))
    };
    snapshots.iter().filter_map(digest).collect()
}

/// What applying begins with.
pub(super) struct Base {
    /// `None`: nothing to begin with, so entries are shown as they were asked only.
    pub(super) replay: Option<Replay>,
    /// The snapshot it came from; `None`: the empty state.
    pub(super) from: Option<u64>,
    /// First entry to apply.
    pub(super) next: u64,
    /// What was wrong with the snapshots.
    pub(super) problem: Option<String>,
}

/// Chooses the newest state that lies before entry `from` and that the log goes on from without a
/// gap; where there is none, the oldest the log goes on from.
pub(super) fn choose(
    directory: &OfflineDirectory,
    snapshots: &[Read],
    purged: Option<LogId>,
    from: u64,
) -> Base {
    let problem = snapshots.iter().find_map(|read| read.replay.clone().err());
    let purged = purged.map(|id| id.index);
    let usable = snapshots.iter().filter_map(|read| {
        let index = read.index()?;
        let fits = purged.is_none_or(|purged| purged <= index);
        let replay = read.replay.as_ref().ok().filter(|_| fits)?;
        Some((index, replay))
    });
    let usable: Vec<(u64, &Replay)> = usable.collect();
    let before = usable.iter().rev().find(|(index, _)| *index < from);
    let oldest = usable.first().filter(|_| purged.is_some());
    let (replay, base, next) = match before.or(oldest) {
        Some((index, replay)) => (
            Some(Replay::clone(replay)),
            Some(*index),
            index.saturating_add(1),
        ),
        None if purged.is_none() => (Some(Replay::from_the_beginning()), None, 0),
        None => (None, None, 0),
    };
    let lost = replay.is_none().then(|| {
        format!(
            "the log in {} is purged and no snapshot that can be read reaches as far: what came of \
             the entries is not known",
            directory.identity().node_id
        )
    });
    Base {
        replay,
        from: base,
        next,
        problem: problem.or(lost),
    }
}
