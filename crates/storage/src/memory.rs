//! A disk in memory that loses what was not synced.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::backend::{Durability, LogBackend, Op, Table, Visit};
use crate::error::BackendError;

type Image = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// Fault to inject at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write fails and is not on the disk; so does every later one.
    Refuse,
    /// The write fails and is not on the disk; later ones succeed, as after a failed fsync.
    RefuseOnce,
    /// The power goes while the write is on its way: it fails, and whether a crash finds it on the
    /// disk is up to the crash. Every later write fails.
    PowerCut,
}

/// A simulated disk; clones are handles to the same one.
///
/// It keeps what is durable apart from the batches written and not synced yet.
/// [`crash`](Self::crash) ends the power: it forgets the unsynced batches (or keeps a chosen number
/// of the oldest, as a real disk may) and returns a handle for the next process. Handles made
/// before fail from then on, so a writer of the dead process cannot write any more.
#[derive(Clone, Debug)]
pub struct MemoryBackend {
    disk: Arc<Mutex<Disk>>,
    /// Which power-on this handle belongs to.
    boot: u64,
}

#[derive(Debug, Default)]
struct Disk {
    boot: u64,
    durable: Image,
    unsynced: Vec<Vec<Op>>,
    /// `durable` with `unsynced` applied: what a reader sees.
    current: Image,
    writes: u64,
    syncs: u64,
    fault: Option<(u64, Fault)>,
    failed: bool,
}

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBackend {
    /// An empty disk.
    pub fn new() -> Self {
        MemoryBackend {
            disk: Arc::default(),
            boot: 0,
        }
    }

    /// Loses every unsynced batch and returns a handle for the next process.
    #[must_use]
    pub fn crash(&self) -> MemoryBackend {
        self.crash_keeping(0)
    }

    /// Like [`crash`](Self::crash), but the oldest `kept` unsynced batches made it to the disk.
    #[must_use]
    pub fn crash_keeping(&self, kept: usize) -> MemoryBackend {
        let mut disk = self.disk.lock();
        let unsynced = std::mem::take(&mut disk.unsynced);
        for batch in unsynced.iter().take(kept) {
            apply(&mut disk.durable, batch);
        }
        disk.current = disk.durable.clone();
        disk.fault = None;
        disk.failed = false;
        disk.boot += 1;
        MemoryBackend {
            disk: Arc::clone(&self.disk),
            boot: disk.boot,
        }
    }

    /// Ends the process but not the power: nothing is lost.
    #[must_use]
    pub fn restart(&self) -> MemoryBackend {
        self.crash_keeping(usize::MAX)
    }

    /// Injects `fault` at the write after the next `writes` ones.
    pub fn fail_after(&self, writes: u64, fault: Fault) {
        let mut disk = self.disk.lock();
        disk.fault = Some((disk.writes + writes, fault));
    }

    /// Batches a crash now could lose.
    pub fn unsynced_batches(&self) -> usize {
        self.disk.lock().unsynced.len()
    }

    /// Writes that were asked to be durable, since the disk was made.
    pub fn syncs(&self) -> u64 {
        self.disk.lock().syncs
    }

    /// All writes, since the disk was made.
    pub fn writes(&self) -> u64 {
        self.disk.lock().writes
    }

    /// Flips one bit of the value stored under `key`, as a failing disk would. Returns whether
    /// there was such a value.
    pub fn flip_bit(&self, table: Table, key: &[u8], bit: usize) -> bool {
        let mut disk = self.disk.lock();
        let key = (table, key.to_vec());
        let mut flipped = false;
        let Disk {
            durable, current, ..
        } = &mut *disk;
        for image in [durable, current] {
            let byte = image.get_mut(&key).and_then(|value| {
                let len = value.len().max(1);
                value.get_mut((bit / 8) % len)
            });
            if let Some(byte) = byte {
                *byte ^= 1 << (bit % 8);
                flipped = true;
            }
        }
        flipped
    }

    fn error(action: &'static str, cause: &str) -> BackendError {
        BackendError {
            action,
            place: "the simulated disk".to_owned(),
            cause: cause.to_owned(),
        }
    }

    fn check(&self, disk: &Disk, action: &'static str) -> Result<(), BackendError> {
        if disk.boot == self.boot {
            Ok(())
        } else {
            Err(Self::error(action, "the power was cut"))
        }
    }
}

impl LogBackend for MemoryBackend {
    fn write(&self, batch: &[Op], durability: Durability) -> Result<(), BackendError> {
        let mut disk = self.disk.lock();
        self.check(&disk, "write to")?;
        if disk.failed {
            return Err(Self::error("write to", "it failed before"));
        }
        let number = disk.writes;
        disk.writes += 1;
        match disk.fault {
            Some((at, Fault::Refuse)) if at <= number => {
                disk.failed = true;
                return Err(Self::error("write to", "injected write error"));
            }
            Some((at, Fault::RefuseOnce)) if at <= number => {
                disk.fault = None;
                return Err(Self::error("write to", "injected write error"));
            }
            Some((at, Fault::PowerCut)) if at <= number => {
                disk.failed = true;
                disk.unsynced.push(batch.to_vec());
                return Err(Self::error("write to", "injected power cut"));
            }
            Some(_) | None => {}
        }
        apply(&mut disk.current, batch);
        disk.unsynced.push(batch.to_vec());
        if durability == Durability::Synced {
            disk.syncs += 1;
            disk.sync();
        }
        Ok(())
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, BackendError> {
        let disk = self.disk.lock();
        self.check(&disk, "read from")?;
        Ok(disk.current.get(&(table, key.to_vec())).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), BackendError> {
        let disk = self.disk.lock();
        self.check(&disk, "read from")?;
        let low = (table, from.to_vec());
        for ((found, key), value) in disk.current.range((Bound::Included(low), Bound::Unbounded)) {
            let past_end = to.is_some_and(|to| key.as_slice() >= to);
            if *found != table || past_end || visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn close(&self) -> Result<(), BackendError> {
        let mut disk = self.disk.lock();
        self.check(&disk, "sync")?;
        if disk.failed {
            return Err(Self::error("sync", "it failed before"));
        }
        disk.sync();
        Ok(())
    }

    fn place(&self) -> String {
        "the simulated disk".to_owned()
    }

    fn blocks(&self) -> bool {
        false
    }
}

impl Disk {
    fn sync(&mut self) {
        for batch in std::mem::take(&mut self.unsynced) {
            apply(&mut self.durable, &batch);
        }
    }
}

fn apply(image: &mut Image, batch: &[Op]) {
    for op in batch {
        match op {
            Op::Put { table, key, value } => {
                image.insert((*table, key.clone()), value.clone());
            }
            Op::Delete { table, key } => {
                image.remove(&(*table, key.clone()));
            }
            Op::DeleteRange { table, from, to } => {
                let range = (*table, from.clone())..(*table, to.clone());
                let keys: Vec<_> = image.range(range).map(|(key, _)| key.clone()).collect();
                for key in keys {
                    image.remove(&key);
                }
            }
        }
    }
}
