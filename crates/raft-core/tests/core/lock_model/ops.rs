//! What may happen to locks and sessions, at random.

use proptest::prelude::*;
use raft_core::command::{LockKind, LockMode};

use super::queue::{AGREED, Ask, Settings};
use super::{LOCKS, SLOTS};

#[derive(Clone, Debug)]
pub(super) enum Op {
    Open {
        slot: usize,
        delay: u64,
    },
    Close {
        slot: usize,
    },
    Expire {
        slot: usize,
        stale: bool,
    },
    Acquire {
        slot: usize,
        lock: usize,
        id: u8,
        ask: Ask,
    },
    Release {
        slot: usize,
        lock: usize,
        id: u8,
    },
    Acknowledge {
        slot: usize,
        lock: usize,
        id: u8,
    },
    Extend {
        slot: usize,
        lock: usize,
        id: u8,
        ttl: Option<u64>,
    },
    Break {
        lock: usize,
        nth: usize,
    },
    /// Asks a claim, mostly a holder, to release.
    Ask {
        lock: usize,
        nth: usize,
        within: u64,
    },
    Answer {
        slot: usize,
        lock: usize,
        id: u8,
        needs: u64,
    },
    Configure {
        lock: usize,
        settings: Settings,
    },
    /// What Curator and kazoo do: an ephemeral sequential znode.
    ZnodeCreate {
        slot: usize,
        lock: usize,
        recipe: Recipe,
    },
    /// What Curator does when a writer takes the read lock too, and when it gives it back first.
    ReadOn {
        slot: usize,
        lock: usize,
    },
    StopReading {
        slot: usize,
        lock: usize,
    },
    ZnodeDelete {
        slot: usize,
        lock: usize,
        nth: usize,
    },
    /// The same command once more.
    Again,
    Advance {
        ms: u64,
        expire: bool,
    },
}

/// Which client's recipe.
#[derive(Clone, Copy, Debug)]
pub(super) enum Recipe {
    Mutex,
    Write,
    Read,
}

fn ask() -> impl Strategy<Value = Ask> {
    let mode = prop_oneof![
        4 => Just(LockMode::Exclusive),
        3 => Just(LockMode::Shared),
        2 => (1..=AGREED + 1).prop_map(LockMode::Permits),
    ];
    let wait = prop_oneof![
        1 => Just(Some(0)),
        4 => (1..200_u64).prop_map(|n| Some(n * 10)),
        3 => Just(None)
    ];
    let ttl = prop_oneof![2 => Just(None), 2 => (1..200_u64).prop_map(|n| Some(n * 10))];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    let ack = prop_oneof![1 => Just(None), 2 => (1..50_u64).prop_map(|n| Some(n * 10))];
    (mode, wait, ttl, ack, flags).prop_map(|(mode, wait, ttl, ack, (implicit, reentrant))| {
        // A claim without a session must have an end to its wait.
        let wait = if implicit { wait.or(Some(500)) } else { wait };
        Ask {
            mode,
            limit: None,
            implicit,
            wait,
            ttl,
            ack_within: ack,
            reentrant,
        }
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let kind = prop_oneof![
        3 => Just(LockKind::ReadWrite),
        1 => Just(LockKind::Mutex),
        2 => (1..=AGREED).prop_map(|limit| LockKind::Semaphore { limit }),
    ];
    let delay = prop_oneof![Just(0), Just(70)];
    let max_hold = prop_oneof![2 => Just(None), 1 => Just(Some(300_u64))];
    let max_waiters = prop_oneof![2 => Just(None), 1 => (0..4_u32).prop_map(Some)];
    (kind, delay, max_hold, max_waiters).prop_map(|(kind, delay, max_hold, max_waiters)| Settings {
        kind,
        delay,
        max_hold,
        max_waiters,
    })
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let slot = 0..SLOTS;
    let lock = 0..LOCKS.len();
    let id = 0..12_u8;
    let claim = (slot.clone(), lock.clone(), id.clone());
    let recipe = prop_oneof![Just(Recipe::Mutex), Just(Recipe::Write), Just(Recipe::Read)];
    prop_oneof![
        2 => (slot.clone(), prop_oneof![Just(0), Just(90)])
            .prop_map(|(slot, delay)| Op::Open { slot, delay }),
        1 => slot.clone().prop_map(|slot| Op::Close { slot }),
        1 => (slot.clone(), any::<bool>()).prop_map(|(slot, stale)| Op::Expire { slot, stale }),
        14 => (claim.clone(), ask())
            .prop_map(|((slot, lock, id), ask)| Op::Acquire { slot, lock, id, ask }),
        7 => claim.clone().prop_map(|(slot, lock, id)| Op::Release { slot, lock, id }),
        3 => claim.clone().prop_map(|(slot, lock, id)| Op::Acknowledge { slot, lock, id }),
        2 => (lock.clone(), 0..2_usize, 0..200_u64)
            .prop_map(|(lock, nth, within)| Op::Ask { lock, nth, within }),
        3 => (claim.clone(), 0..200_u64)
            .prop_map(|((slot, lock, id), needs)| Op::Answer { slot, lock, id, needs }),
        2 => (claim, prop_oneof![Just(None), (1..100_u64).prop_map(Some)])
            .prop_map(|((slot, lock, id), ttl)| Op::Extend { slot, lock, id, ttl }),
        1 => (lock.clone(), 0..3_usize).prop_map(|(lock, nth)| Op::Break { lock, nth }),
        1 => (lock.clone(), settings())
            .prop_map(|(lock, settings)| Op::Configure { lock, settings }),
        4 => (slot.clone(), lock.clone(), recipe)
            .prop_map(|(slot, lock, recipe)| Op::ZnodeCreate { slot, lock, recipe }),
        3 => (slot.clone(), lock.clone()).prop_map(|(slot, lock)| Op::ReadOn { slot, lock }),
        1 => (slot.clone(), lock.clone()).prop_map(|(slot, lock)| Op::StopReading { slot, lock }),
        3 => (slot, lock, 0..3_usize)
            .prop_map(|(slot, lock, nth)| Op::ZnodeDelete { slot, lock, nth }),
        3 => Just(Op::Again),
        5 => (prop_oneof![9 => 1..400_u64, 1 => Just(16 * 60_000), 1 => Just(50 * 3_600_000)],
            prop::bool::weighted(0.8))
            .prop_map(|(ms, expire)| Op::Advance { ms, expire }),
    ]
}
