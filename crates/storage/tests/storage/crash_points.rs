//! Power cuts at random writes: what was acknowledged is there afterwards, and what is there is a
//! state the log really went through.
//!
//! A run takes random steps and notes the state after each. Then the power goes at some write, a
//! random number of unsynced batches survive, and the recovered log must equal the state after
//! some step, not before the last acknowledged one. Two broken disks prove that the check can fail.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use openraft::storage::RaftLogStorage;
use openraft::type_config::TypeConfigExt;
use raft_types::seam::{Entropy, SimEntropy};
use raft_types::{LogId, TypeConfig, Vote};
use storage::backend::{Durability, LogBackend, Op, Table, Visit};
use storage::error::BackendError;
use storage::record::log_id;
use storage::{Fault, LogOptions, LogStore, MemoryBackend};

use crate::fixture;

const SEEDS: u64 = 300;
const STEPS: u64 = 40;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    log: Vec<LogId>,
    purged: Option<LogId>,
    vote: Option<Vote>,
    committed: Option<LogId>,
    term: u64,
}

impl State {
    fn next(&self) -> u64 {
        self.log
            .last()
            .or(self.purged.as_ref())
            .map_or(0, |id| id.index + 1)
    }

    /// Equal in everything the disk holds.
    fn is_on_disk(&self, found: &State) -> bool {
        State {
            term: 0,
            ..self.clone()
        } == State {
            term: 0,
            ..found.clone()
        }
    }
}

type Ack = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The states a run went through, and which of them were acknowledged.
struct Run {
    states: Vec<State>,
    acks: Vec<(usize, Ack)>,
    /// Number of states up to the last one known to be durable.
    acknowledged: usize,
}

impl Run {
    fn now(&self) -> State {
        self.states.last().unwrap().clone()
    }

    async fn append(&mut self, store: &mut LogStore, random: &SimEntropy) -> io::Result<()> {
        let mut state = self.now();
        state.term += random.next_u64() % 2;
        let next = state.next();
        let entries = fixture::entries(state.term, next..next + 1 + random.next_u64() % 3);
        state.log.extend(fixture::ids(&entries));
        self.states.push(state);
        let at = self.states.len() - 1;
        let ack = fixture::submit(store, entries).await?;
        self.acks.push((at, Box::pin(ack)));
        Ok(())
    }

    async fn step(&mut self, store: &mut LogStore, random: &SimEntropy) -> io::Result<()> {
        let mut state = self.now();
        let pick = random.next_u64() as usize % (state.log.len() + 1);
        match random.next_u64() % 12 {
            0 => {
                state.term += 1;
                state.vote = Some(fixture::vote(state.term, random.next_u64() % 3, false));
                let vote = state.vote.unwrap();
                self.states.push(state);
                store.save_vote(&vote).await?;
                self.acknowledged = self.states.len() - 1;
                Ok(())
            }
            1 => {
                state.log.truncate(pick);
                let keep = state.log.last().copied().or(state.purged);
                self.states.push(state);
                store.truncate_after(keep).await
            }
            2 if pick > 0 => {
                state.purged = Some(state.log[pick - 1]);
                state.log.drain(..pick);
                let upto = state.purged.unwrap();
                self.states.push(state);
                store.purge(upto).await
            }
            3 => {
                state.committed = state.log.last().copied();
                let committed = state.committed;
                self.states.push(state);
                store.save_committed(committed).await
            }
            _ => self.append(store, random).await,
        }
    }

    /// Counts the acknowledgements that came. Call it after the writer has ended.
    fn collect(&mut self) {
        for (at, ack) in &mut self.acks {
            if let Some(Ok(())) = ack.now_or_never() {
                self.acknowledged = self.acknowledged.max(*at);
            }
        }
    }
}

async fn recovered(disk: MemoryBackend) -> Result<State, String> {
    let mut store = LogStore::in_memory(disk).map_err(|e| e.to_string())?;
    let log = fixture::read_all(&mut store)
        .await
        .map_err(|e| e.to_string())?;
    Ok(State {
        log: fixture::ids(&log),
        purged: store.get_log_state().await.unwrap().last_purged_log_id,
        vote: fixture::read_vote(&mut store).await,
        committed: store.read_committed().await.unwrap(),
        term: 0,
    })
}

/// One life, one power cut, one recovery. `Err` says what was lost.
async fn live_and_crash(
    seed: u64,
    wrap: fn(MemoryBackend) -> Arc<dyn LogBackend>,
) -> Result<(), String> {
    let random = SimEntropy::seeded(seed);
    let disk = MemoryBackend::new();
    disk.fail_after(random.next_u64() % STEPS, Fault::PowerCut);
    let mut store = LogStore::open(wrap(disk.clone()), LogOptions::default()).unwrap();
    let mut run = Run {
        states: vec![State::default()],
        acks: Vec::new(),
        acknowledged: 0,
    };
    for _ in 0..STEPS {
        if run.step(&mut store, &random).await.is_err() {
            break;
        }
        // Without waiting now and then the writer would find everything queued at once.
        if random.next_u64().is_multiple_of(2)
            && let Some((at, ack)) = run.acks.pop()
        {
            if ack.await.is_err() {
                break;
            }
            run.acknowledged = run.acknowledged.max(at);
        }
    }
    // Ends the writer; an error only says that the power is gone.
    let _ = store.close().await;
    run.collect();
    let survivors = random.next_u64() as usize % (disk.unsynced_batches() + 1);
    let found = recovered(disk.crash_keeping(survivors))
        .await
        .map_err(|e| format!("seed {seed}: {e}"))?;
    let allowed = &run.states[run.acknowledged..];
    if allowed.iter().any(|state| state.is_on_disk(&found)) {
        Ok(())
    } else {
        let floor = &run.states[run.acknowledged];
        Err(format!(
            "seed {seed}: acknowledged {floor:?}, but found {found:?}"
        ))
    }
}

async fn losses(wrap: fn(MemoryBackend) -> Arc<dyn LogBackend>) -> Vec<String> {
    let mut losses = Vec::new();
    for seed in 0..SEEDS {
        losses.extend(live_and_crash(seed, wrap).await.err());
    }
    losses
}

#[derive(Clone, Copy)]
enum Fraud {
    /// Says it synced and did not.
    NeverSyncs,
    /// Writes each operation of a batch by itself.
    TearsBatches,
}

/// A disk that breaks the contract of [`LogBackend`].
struct Broken {
    disk: MemoryBackend,
    fraud: Fraud,
}

impl LogBackend for Broken {
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError> {
        match self.fraud {
            Fraud::NeverSyncs => self.disk.write(batch, Durability::Unsynced),
            Fraud::TearsBatches => batch
                .chunks(1)
                .try_for_each(|op| self.disk.write(op, durability)),
        }
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.disk.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError> {
        self.disk.scan(table, from, to, visit)
    }

    fn close(&self) -> Result<(), BackendError> {
        Ok(())
    }

    fn place(&self) -> String {
        self.disk.place()
    }

    fn blocks(&self) -> bool {
        false
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let losses = TypeConfig::run(losses(|disk| Arc::new(disk)));
    assert!(
        losses.is_empty(),
        "{} losses, first: {}",
        losses.len(),
        losses[0]
    );
}

#[test]
fn a_store_that_acknowledges_without_sync_is_caught() {
    let losses = TypeConfig::run(losses(|disk| {
        Arc::new(Broken {
            disk,
            fraud: Fraud::NeverSyncs,
        })
    }));
    assert!(!losses.is_empty());
    assert!(
        losses.iter().any(|loss| loss.contains("acknowledged")),
        "{losses:?}"
    );
}

#[test]
fn a_store_whose_batches_are_not_atomic_is_caught() {
    let losses = TypeConfig::run(losses(|disk| {
        Arc::new(Broken {
            disk,
            fraud: Fraud::TearsBatches,
        })
    }));
    assert!(!losses.is_empty());
}

#[test]
fn a_purge_keeps_position_and_entries_together() {
    TypeConfig::run(async {
        let disk = MemoryBackend::new();
        let mut store = LogStore::in_memory(disk.clone()).unwrap();
        fixture::append(&mut store, fixture::entries(1, 0..10))
            .await
            .unwrap();
        store.purge(log_id(1, 5)).await.unwrap();
        store.close().await.unwrap();
        let found = recovered(disk.crash()).await.unwrap();
        assert_eq!(found.purged, Some(log_id(1, 5)));
        assert_eq!(found.log.first(), Some(&log_id(1, 6)));
    });
}
