//! What the clients of one worker share: its orders, how far the run is, and what they tell each
//! other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::plan::WorkerSpec;

/// Most keys a worker remembers for its last reads.
const KEYS_MAX: usize = 100_000;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Clients put load on the cluster.
    Load,
    /// They rest, and wait.
    Quiet,
    /// They do their last reads.
    Last,
    /// All is over.
    Over,
}

/// See the module.
#[derive(Debug)]
pub struct Shared {
    /// The orders.
    pub spec: WorkerSpec,
    stage: Mutex<Stage>,
    moved: Condvar,
    keys: Mutex<BTreeSet<String>>,
    numbers: Mutex<BTreeMap<String, u64>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// At the beginning of a run.
    #[must_use]
    pub fn new(spec: WorkerSpec) -> Shared {
        Shared {
            spec,
            stage: Mutex::new(Stage::Load),
            moved: Condvar::new(),
            keys: Mutex::default(),
            numbers: Mutex::default(),
        }
    }

    /// A size of the workload, or its default.
    #[must_use]
    pub fn size(&self, name: &str, default: u64) -> u64 {
        self.spec.sizes.get(name).copied().unwrap_or(default).max(1)
    }

    /// How far the run is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        *locked(&self.stage)
    }

    /// Goes on to a stage; never back.
    pub fn advance(&self, to: Stage) {
        let mut stage = locked(&self.stage);
        *stage = to.max(*stage);
        self.moved.notify_all();
    }

    /// Ends everything.
    pub fn end(&self) {
        self.advance(Stage::Over);
    }

    /// Waits until `at`; false at once when the load is over.
    pub fn wait_until(&self, at: Instant) -> bool {
        let mut stage = locked(&self.stage);
        while *stage == Stage::Load {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.moved.wait_timeout(stage, left);
            stage = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// Waits so long in whatever stage; not once all is over.
    pub fn wait(&self, time: Duration) {
        let at = Instant::now() + time;
        let mut stage = locked(&self.stage);
        while *stage != Stage::Over {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.moved.wait_timeout(stage, left);
            stage = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the run is as far as that.
    pub fn wait_for(&self, wanted: Stage) {
        let mut stage = locked(&self.stage);
        while *stage < wanted {
            stage = self
                .moved
                .wait(stage)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Remembers a key for the last reads; beyond the limit it is forgotten.
    pub fn touch(&self, key: &str) {
        let mut keys = locked(&self.keys);
        if keys.len() < KEYS_MAX && !keys.contains(key) {
            keys.insert(key.to_owned());
        }
    }

    /// The keys that fall to client number `place` of this worker for its last reads.
    #[must_use]
    pub fn keys_of(&self, place: u64) -> Vec<String> {
        let clients = usize::try_from(self.spec.clients.max(1)).unwrap_or(1);
        let place = usize::try_from(place).unwrap_or(0);
        let keys = locked(&self.keys);
        let mine = keys.iter().enumerate();
        mine.filter(|(at, _)| at % clients == place)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// What was last told under a name.
    #[must_use]
    pub fn told(&self, name: &str) -> Option<u64> {
        locked(&self.numbers).get(name).copied()
    }

    /// Tells the others a number, such as the fence of whoever holds a lock.
    pub fn tell(&self, name: &str, number: u64) {
        let mut numbers = locked(&self.numbers);
        if numbers.len() < KEYS_MAX || numbers.contains_key(name) {
            numbers.insert(name.to_owned(), number);
        }
    }

    /// A resource outside Holdfast: takes a fence unless it has seen a larger one, and says whether
    /// it took it and which is the largest.
    pub fn outside(&self, resource: &str, fence: u64) -> (bool, u64) {
        let mut numbers = locked(&self.numbers);
        let highest = numbers.entry(format!("outside {resource}")).or_default();
        let accepted = fence >= *highest;
        *highest = fence.max(*highest);
        (accepted, *highest)
    }
}
