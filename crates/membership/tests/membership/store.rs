//! The simplest log store, state machine and snapshot store that satisfy openraft. They live in a
//! `Disk` that survives the node's process.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Cursor, Read};
use std::ops::RangeBounds;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::{Stream, TryStreamExt};
use openraft::storage::{
    EntryResponder, IOFlushed, LogState, RaftLogReader, RaftLogStorage, RaftSnapshotBuilder,
    RaftStateMachine,
};
use openraft::{EntryPayload, OptionalSend};
use raft_types::snapshot::{Snapshot, SnapshotMeta, SnapshotSink, SnapshotSource, SnapshotStore};
use raft_types::{Applied, Entry, LogId, StoredMembership, TypeConfig, Vote};

/// What one node's process leaves behind.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    state: Arc<Mutex<OnDisk>>,
}

#[derive(Default)]
struct OnDisk {
    log: BTreeMap<u64, Entry>,
    vote: Option<Vote>,
    purged: Option<LogId>,
    committed: Option<LogId>,
    snapshot: Option<Snapshot>,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, OnDisk> {
        self.state.lock().unwrap()
    }

    pub(crate) fn log_store(&self) -> LogStore {
        LogStore { disk: self.clone() }
    }

    pub(crate) fn has_snapshot(&self) -> bool {
        self.lock().snapshot.is_some()
    }
}

#[derive(Clone)]
pub(crate) struct LogStore {
    disk: Disk,
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry>, io::Error> {
        Ok(self
            .disk
            .lock()
            .log
            .range(range)
            .map(|(_, entry)| entry.clone())
            .collect())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.disk.lock().vote)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let disk = self.disk.lock();
        let last = disk
            .log
            .last_key_value()
            .map(|(_, entry)| entry.log_id)
            .or(disk.purged);
        Ok(LogState {
            last_purged_log_id: disk.purged,
            last_log_id: last,
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.disk.lock().vote = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        self.disk.lock().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.disk.lock().committed)
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: IOFlushed<TypeConfig>,
    ) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut disk = self.disk.lock();
        for entry in entries {
            disk.log.insert(entry.log_id.index, entry);
        }
        drop(disk);
        callback.io_completed(Ok(()));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        let keep = last.map_or(0, |id| id.index + 1);
        self.disk.lock().log.split_off(&keep);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        let mut disk = self.disk.lock();
        disk.log = disk.log.split_off(&(upto.index + 1));
        disk.purged = Some(upto);
        Ok(())
    }
}

/// Keeps every payload in order.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) meta: SnapshotMeta,
    pub(crate) values: Vec<Vec<u8>>,
}

/// Shared with the test, which looks at it.
pub(crate) type SharedState = Arc<Mutex<State>>;

pub(crate) struct StateMachine {
    disk: Disk,
    state: SharedState,
}

impl StateMachine {
    pub(crate) fn new(disk: Disk) -> (Self, SharedState) {
        let state = SharedState::default();
        (
            StateMachine {
                disk,
                state: state.clone(),
            },
            state,
        )
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = Snapshot;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let meta = self.state.lock().unwrap().meta.clone();
        Ok((meta.last_log_id, meta.last_membership))
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let mut state = self.state.lock().unwrap();
            state.meta.last_log_id = Some(entry.log_id);
            match entry.payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(bytes) => state.values.push(bytes.0.to_vec()),
                EntryPayload::Membership(membership) => {
                    state.meta.last_membership =
                        StoredMembership::new(Some(entry.log_id), membership);
                }
            }
            drop(state);
            if let Some(responder) = responder {
                responder.send(Applied);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder {
            disk: self.disk.clone(),
            state: self.state.lock().unwrap().clone(),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &openraft::alias::SnapshotMetaOf<TypeConfig>,
        snapshot: Snapshot,
    ) -> Result<(), io::Error> {
        let values = decode(&mut snapshot.open()?)?;
        let meta = SnapshotMeta {
            last_log_id: meta.last_log_id,
            last_membership: meta.last_membership.clone(),
        };
        *self.state.lock().unwrap() = State { meta, values };
        self.disk.lock().snapshot = Some(snapshot);
        Ok(())
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> Result<Option<openraft::alias::SnapshotOf<TypeConfig, Snapshot>>, io::Error> {
        Ok(self.disk.current()?.map(as_openraft))
    }
}

pub(crate) struct Builder {
    disk: Disk,
    state: State,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = Snapshot;

    async fn build_snapshot(
        &mut self,
    ) -> Result<openraft::alias::SnapshotOf<TypeConfig, Snapshot>, io::Error> {
        let mut sink = self.disk.create(self.state.meta.clone())?;
        for value in &self.state.values {
            sink.write(&u32::try_from(value.len()).unwrap().to_le_bytes())?;
            sink.write(value)?;
        }
        Ok(as_openraft(sink.finish()?))
    }
}

fn as_openraft(snapshot: Snapshot) -> openraft::alias::SnapshotOf<TypeConfig, Snapshot> {
    let meta = openraft::SnapshotMeta {
        last_log_id: snapshot.meta().last_log_id,
        last_membership: snapshot.meta().last_membership.clone(),
    };
    openraft::Snapshot { meta, snapshot }
}

fn decode(content: &mut dyn Read) -> io::Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    content.read_to_end(&mut all)?;
    let (mut rest, mut values) = (&all[..], Vec::new());
    while let Some((len, tail)) = rest.split_first_chunk::<4>() {
        let (value, tail) = tail.split_at(u32::from_le_bytes(*len) as usize);
        values.push(value.to_vec());
        rest = tail;
    }
    Ok(values)
}

struct InMemory {
    meta: SnapshotMeta,
    content: bytes::Bytes,
}

impl SnapshotSource for InMemory {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn content_len(&self) -> u64 {
        self.content.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.content.clone())))
    }
}

struct Sink {
    disk: Disk,
    meta: SnapshotMeta,
    content: Vec<u8>,
}

impl SnapshotSink for Sink {
    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.content.extend_from_slice(content);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Snapshot> {
        let snapshot: Snapshot = Arc::new(InMemory {
            meta: self.meta,
            content: self.content.into(),
        });
        self.disk.lock().snapshot = Some(snapshot.clone());
        Ok(snapshot)
    }
}

impl SnapshotStore for Disk {
    fn create(&self, meta: SnapshotMeta) -> io::Result<Box<dyn SnapshotSink>> {
        Ok(Box::new(Sink {
            disk: self.clone(),
            meta,
            content: Vec::new(),
        }))
    }

    fn current(&self) -> io::Result<Option<Snapshot>> {
        Ok(self.lock().snapshot.clone())
    }
}
