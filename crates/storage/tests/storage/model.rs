//! Random operations against a `BTreeMap`, with a cache so small that most reads go to the disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use openraft::storage::{LogState, RaftLogReader, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use proptest::prelude::*;
use proptest::test_runner::Config;
use raft_types::{Entry, LogId, TypeConfig, Vote};
use storage::backend::LogBackend;
use storage::record::{log_id, term_of};
use storage::{LogOptions, LogStore, MemoryBackend, Missing, RocksBackend};
use tempfile::TempDir;

use crate::fixture::{self, entry, vote};

/// Cache of a model run, in bytes: a few entries.
const SMALL_CACHE_BYTES: usize = 1500;

#[derive(Clone, Debug)]
enum Step {
    Append {
        count: u64,
        bytes: usize,
        new_term: bool,
        wait: bool,
    },
    /// Keeps this share of the entries, in percent.
    Truncate {
        percent: u64,
    },
    /// Removes this share of the entries, in percent; more than 100 purges beyond the end.
    Purge {
        percent: u64,
    },
    Vote {
        committed: bool,
    },
    Committed {
        percent: u64,
    },
    Read {
        from_percent: u64,
        to_percent: u64,
    },
    ReadCapped {
        from_percent: u64,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..8u64, 0..400usize, any::<bool>(), any::<bool>()).prop_map(
            |(count, bytes, new_term, wait)| Step::Append { count, bytes, new_term, wait }
        ),
        2 => (0..101u64).prop_map(|percent| Step::Truncate { percent }),
        2 => (0..120u64).prop_map(|percent| Step::Purge { percent }),
        1 => any::<bool>().prop_map(|committed| Step::Vote { committed }),
        1 => (0..101u64).prop_map(|percent| Step::Committed { percent }),
        4 => (0..101u64, 0..121u64)
            .prop_map(|(from_percent, to_percent)| Step::Read { from_percent, to_percent }),
        2 => (0..101u64).prop_map(|from_percent| Step::ReadCapped { from_percent }),
        1 => Just(Step::Reopen),
    ]
}

/// What the log must hold.
#[derive(Clone, Debug, Default)]
struct Model {
    log: BTreeMap<u64, Entry>,
    purged: Option<LogId>,
    vote: Option<Vote>,
    committed: Option<LogId>,
    term: u64,
}

impl Model {
    fn last(&self) -> Option<LogId> {
        self.log
            .values()
            .next_back()
            .map(|entry| entry.log_id)
            .or(self.purged)
    }

    fn next(&self) -> u64 {
        self.last().map_or(0, |id| id.index + 1)
    }

    fn first(&self) -> u64 {
        self.purged.map_or(0, |id| id.index + 1)
    }

    /// The index `percent` of the way from the first entry to behind the last.
    fn at(&self, percent: u64) -> u64 {
        self.first() + (self.next() - self.first()) * percent / 100
    }

    fn range(&self, from: u64, to: u64) -> Vec<Entry> {
        self.log
            .range(from..to.max(from))
            .map(|(_, entry)| entry.clone())
            .collect()
    }

    fn new_entries(&mut self, count: u64, bytes: usize, new_term: bool) -> Vec<Entry> {
        self.term = self.term.max(self.last().map_or(0, |id| term_of(&id))) + u64::from(new_term);
        let next = self.next();
        (next..next + count)
            .map(|index| entry(self.term, index, &vec![index as u8; bytes]))
            .collect()
    }
}

/// A disk that can be opened again.
trait Disk {
    fn open(&mut self) -> Arc<dyn LogBackend>;
}

struct Simulated(MemoryBackend);

impl Disk for Simulated {
    fn open(&mut self) -> Arc<dyn LogBackend> {
        self.0 = self.0.restart();
        Arc::new(self.0.clone())
    }
}

struct Rocks {
    path: PathBuf,
    _temp: TempDir,
}

impl Disk for Rocks {
    fn open(&mut self) -> Arc<dyn LogBackend> {
        Arc::new(RocksBackend::open(&self.path, Missing::Create).unwrap())
    }
}

fn open(disk: &mut dyn Disk) -> LogStore {
    let options = LogOptions {
        tail_cache_bytes_max: SMALL_CACHE_BYTES,
        ..LogOptions::default()
    };
    LogStore::open(disk.open(), options).unwrap()
}

async fn run(disk: &mut dyn Disk, steps: &[Step]) {
    let mut model = Model::default();
    let mut store = open(disk);
    for step in steps {
        change(step, &mut model, &mut store).await;
        read(step, &model, &mut store).await;
        if matches!(step, Step::Reopen) {
            reopen(&model, &mut store, disk).await;
        }
        let state = store.get_log_state().await.unwrap();
        let expected = LogState {
            last_purged_log_id: model.purged,
            last_log_id: model.last(),
        };
        assert_eq!(state, expected, "after {step:?}");
    }
    assert_eq!(
        fixture::read_all(&mut store).await.unwrap(),
        model.range(0, u64::MAX)
    );
    store.close().await.unwrap();
}

async fn change(step: &Step, model: &mut Model, store: &mut LogStore) {
    match step {
        Step::Append {
            count,
            bytes,
            new_term,
            wait,
        } => {
            let entries = model.new_entries(*count, *bytes, *new_term);
            model.log.extend(
                entries
                    .iter()
                    .map(|entry| (entry.log_id.index, entry.clone())),
            );
            let flushed = fixture::submit(store, entries).await.unwrap();
            if *wait {
                flushed.await.unwrap();
            }
        }
        Step::Truncate { percent } => {
            let keep = model.at(*percent).checked_sub(1);
            let keep = keep.and_then(|index| model.log.get(&index).map(|entry| entry.log_id));
            let keep = keep.or(model.purged);
            model.log.split_off(&keep.map_or(0, |id| id.index + 1));
            store.truncate_after(keep).await.unwrap();
        }
        Step::Purge { percent } => {
            let Some(index) = model.at(*percent).checked_sub(1) else {
                return;
            };
            let term = model
                .log
                .get(&index)
                .map_or(model.term + 1, |e| term_of(&e.log_id));
            let upto = log_id(term, index);
            if model.purged < Some(upto) && model.first() <= index {
                model.log = model.log.split_off(&(index + 1));
                model.purged = Some(upto);
                store.purge(upto).await.unwrap();
            }
        }
        Step::Vote { committed } => {
            model.term += 1;
            model.vote = Some(vote(model.term, 1, *committed));
            store.save_vote(&model.vote.unwrap()).await.unwrap();
        }
        Step::Committed { percent } => {
            model.committed = model.log.get(&model.at(*percent)).map(|entry| entry.log_id);
            store.save_committed(model.committed).await.unwrap();
        }
        Step::Read { .. } | Step::ReadCapped { .. } | Step::Reopen => {}
    }
}

async fn read(step: &Step, model: &Model, store: &mut LogStore) {
    match step {
        Step::Read {
            from_percent,
            to_percent,
        } => {
            let (from, to) = (model.at(*from_percent), model.at(*to_percent));
            let mut reader = store.get_log_reader().await;
            let read = reader
                .try_get_log_entries(from..to.max(from))
                .await
                .unwrap();
            assert_eq!(read, model.range(from, to));
        }
        Step::ReadCapped { from_percent } => {
            let from = model.at(*from_percent);
            let mut reader = store.get_log_reader().await;
            let read = reader
                .limited_get_log_entries(from, u64::MAX)
                .await
                .unwrap();
            let all = model.range(from, u64::MAX);
            assert_eq!(read, all[..read.len()]);
            assert_eq!(read.is_empty(), all.is_empty());
        }
        Step::Append { .. }
        | Step::Truncate { .. }
        | Step::Purge { .. }
        | Step::Vote { .. }
        | Step::Committed { .. }
        | Step::Reopen => {}
    }
}

async fn reopen(model: &Model, store: &mut LogStore, disk: &mut dyn Disk) {
    store.close().await.unwrap();
    // The old handles go first, as they do when a process ends.
    *store = LogStore::in_memory(MemoryBackend::new()).unwrap();
    *store = open(disk);
    assert_eq!(fixture::read_vote(store).await, model.vote);
    assert_eq!(store.read_committed().await.unwrap(), model.committed);
    assert_eq!(
        fixture::read_all(store).await.unwrap(),
        model.range(0, u64::MAX)
    );
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]
    #[test]
    fn the_log_is_a_map_on_a_simulated_disk(steps in prop::collection::vec(step(), 1..60)) {
        TypeConfig::run(run(&mut Simulated(MemoryBackend::new()), &steps));
    }
}

proptest! {
    #![proptest_config(Config { cases: 12, failure_persistence: None, ..Config::default() })]
    #[test]
    fn the_log_is_a_map_on_rocksdb(steps in prop::collection::vec(step(), 20..80)) {
        let temp = TempDir::new().unwrap();
        let path = temp.path().join("db");
        TypeConfig::run(run(&mut Rocks { path, _temp: temp }, &steps));
    }
}
