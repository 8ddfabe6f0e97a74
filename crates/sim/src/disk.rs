//! A machine's disk: what the log store writes, how long that takes, and what is durable now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use raft_types::{LogId, Vote};
use storage::backend::{Durability, LogBackend, Op, Table, Visit};
use storage::error::BackendError;
use storage::record::{
    KEY_PURGED, KEY_VOTE, decode_entry, decode_log_id, decode_vote, parse_log_key, term_of,
};
use storage::{MemoryBackend, SpawnWriter, Writer, WriterHandle};

use crate::rng::Rng;

/// An entry as it lies on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnDisk {
    /// Term it was written in.
    pub term: u64,
    /// Checksum of its bytes.
    pub sum: u32,
}

/// What a power cut now would leave, as the invariants look at it.
#[derive(Debug, Default)]
pub struct Durable {
    /// Entries by index.
    pub log: BTreeMap<u64, OnDisk>,
    /// The vote.
    pub vote: Option<Vote>,
    /// Entries up to here were removed: a snapshot has them.
    pub purged: Option<LogId>,
    /// The first write that took back what had been promised.
    pub broken: Option<String>,
    unsynced: Vec<Op>,
    /// A record that cannot be decoded was met.
    damaged: bool,
}

impl Durable {
    fn write(&mut self, batch: &[Op], durability: Durability) {
        self.unsynced.extend_from_slice(batch);
        if durability == Durability::Synced {
            for op in std::mem::take(&mut self.unsynced) {
                self.apply(&op);
            }
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Put {
                table: Table::Log,
                key,
                value,
            } => {
                if let Ok(index) = parse_log_key(key)
                    && let Ok(entry) = decode_entry(index, value)
                {
                    let term = term_of(&entry.log_id);
                    let sum = crc32fast::hash(value);
                    self.log.insert(index, OnDisk { term, sum });
                } else {
                    self.damaged = true;
                }
            }
            Op::Put {
                table: Table::Meta,
                key,
                value,
            } => self.apply_meta(key, value),
            Op::DeleteRange {
                table: Table::Log,
                from,
                to,
            } => {
                if let (Ok(from), Ok(to)) = (parse_log_key(from), parse_log_key(to)) {
                    let mut rest = self.log.split_off(&from);
                    self.log.append(&mut rest.split_off(&to));
                }
            }
            Op::Delete { .. } | Op::DeleteRange { .. } => {}
        }
    }

    fn apply_meta(&mut self, key: &[u8], value: &[u8]) {
        if key == KEY_PURGED
            && let Ok(id) = decode_log_id(key, value)
        {
            self.purged = Some(id);
        }
        if key == KEY_VOTE {
            match decode_vote(value) {
                Ok(vote) => {
                    self.check_vote(&vote);
                    self.vote = Some(vote);
                }
                Err(_) => self.damaged = true,
            }
        }
    }

    /// Raft paper, section 5.1 and figure 2: the term never goes back, and a term has one vote.
    fn check_vote(&mut self, new: &Vote) {
        let Some(old) = self.vote else { return };
        let (was, is) = (&old.leader_id, &new.leader_id);
        let back = is.term < was.term;
        // A vote that a quorum granted is what a follower of that leader takes over.
        let other = is.term == was.term && is.voted_for != was.voted_for;
        let changed = other && (!new.committed || old.committed);
        let withdrawn = is.term == was.term && old.committed && !new.committed;
        if back || changed || withdrawn {
            let what = format!("the vote {old} was replaced by {new}");
            self.broken.get_or_insert(what);
        }
    }
}

/// How the disk behaves.
#[derive(Clone, Debug)]
pub struct DiskSpeed {
    /// Bounds of what one sync takes, microseconds.
    pub sync_us: (u64, u64),
    rng: Rng,
}

/// One machine's disk. Clones are handles of the same boot.
#[derive(Clone)]
pub struct SimDisk {
    backend: MemoryBackend,
    durable: Arc<Mutex<Durable>>,
    speed: Arc<Mutex<DiskSpeed>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SimDisk {
    /// An empty disk.
    pub fn new(sync_us: (u64, u64), rng: Rng) -> SimDisk {
        SimDisk {
            backend: MemoryBackend::new(),
            durable: Arc::default(),
            speed: Arc::new(Mutex::new(DiskSpeed { sync_us, rng })),
        }
    }

    /// What is durable now.
    pub fn durable(&self) -> MutexGuard<'_, Durable> {
        lock(&self.durable)
    }

    /// Sets how long a sync takes; gives the bounds before.
    pub fn set_sync_us(&self, bounds: (u64, u64)) -> (u64, u64) {
        std::mem::replace(&mut lock(&self.speed).sync_us, bounds)
    }

    /// Faults of the device.
    pub fn backend(&self) -> &MemoryBackend {
        &self.backend
    }

    /// The machine stopped; of the batches not synced the oldest `kept` are on the disk. Handles
    /// made before can no longer write.
    pub fn reboot(&mut self, kept: usize) {
        self.backend = self.backend.crash_keeping(kept);
        self.reread();
    }

    /// Looks at the disk anew.
    pub fn reread(&self) {
        let mut found = Durable::default();
        for table in [Table::Log, Table::Meta] {
            // The simulated disk does not fail to read for a handle of this boot.
            let _ = self.backend.scan(table, &[], None, &mut |key, value| {
                let (key, value) = (key.to_vec(), value.to_vec());
                found.apply(&Op::Put { table, key, value });
                std::ops::ControlFlow::Continue(())
            });
        }
        if found.damaged {
            // A flipped bit; it will be put right, and nothing may be written until then.
            return;
        }
        let mut durable = self.durable();
        if let (Some(promised), Some(kept)) = (durable.vote, found.vote)
            && kept.leader_id < promised.leader_id
        {
            found.broken = Some(format!(
                "after a crash the vote is {kept}, it was {promised}"
            ));
        }
        if durable.vote.is_some() && found.vote.is_none() {
            found.broken = Some("after a crash the vote is gone".to_owned());
        }
        found.broken = durable.broken.take().or(found.broken);
        *durable = found;
    }
}

impl LogBackend for SimDisk {
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError> {
        self.backend.write(batch, durability)?;
        self.durable().write(batch, durability);
        Ok(())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        self.backend.get(table, key)
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError> {
        self.backend.scan(table, from, to, visit)
    }

    fn close(&self) -> Result<(), BackendError> {
        self.backend.close()
    }

    fn place(&self) -> String {
        self.backend.place()
    }

    fn blocks(&self) -> bool {
        false
    }
}

impl SpawnWriter for SimDisk {
    fn spawn(&self, writer: Writer) -> std::io::Result<WriterHandle> {
        let runtime = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        let speed = Arc::clone(&self.speed);
        let delay = move || {
            let mut speed = lock(&speed);
            let (low, high) = speed.sync_us;
            Duration::from_micros(speed.rng.range(low, high))
        };
        Ok(WriterHandle::Task(
            runtime.spawn(writer.run_simulated(delay)),
        ))
    }
}
