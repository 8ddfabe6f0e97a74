//! A queue as a list of claims, searched from the front.

use raft_core::command::{LockKind, LockMode};

/// Permits in all of a semaphore that is not configured: what every test claim says.
pub(super) const AGREED: u32 = 3;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    Waiting {
        deadline: Option<u64>,
    },
    Held {
        granted: u64,
        expires: Option<u64>,
        acknowledge_by: Option<u64>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    /// Empty for one that a ZooKeeper client made.
    pub(super) id: String,
    pub(super) fence: u64,
    pub(super) queued: u64,
    /// The session that owns it; `None`: one of its own.
    pub(super) session: Option<u64>,
    pub(super) standing: Standing,
    pub(super) live_ids: Vec<String>,
    pub(super) ask: Ask,
    pub(super) ttl: Option<u64>,
    /// Made as a znode by a ZooKeeper client.
    pub(super) foreign: bool,
    /// Until when its release is wanted, and until when it says it needs the lock.
    pub(super) asked: Option<(u64, Option<u64>)>,
    /// The client of this write hold also reads, and goes on when it stops writing.
    pub(super) reads_on: bool,
}

/// The parameters of an acquire.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) mode: LockMode,
    pub(super) limit: Option<u32>,
    pub(super) implicit: bool,
    pub(super) wait: Option<u64>,
    pub(super) ttl: Option<u64>,
    pub(super) ack_within: Option<u64>,
    pub(super) reentrant: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings {
    pub(super) kind: LockKind,
    pub(super) delay: u64,
    pub(super) max_hold: Option<u64>,
    pub(super) max_waiters: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lock {
    pub(super) queue: Vec<Claim>,
    pub(super) settings: Option<Settings>,
    pub(super) delayed_until: Option<u64>,
    /// Every hold that ended, as they ended, and when they are forgotten.
    pub(super) past: Vec<Past>,
    pub(super) forget_past_at: u64,
}

/// A hold that ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Past {
    pub(super) fence: u64,
    pub(super) waited: u64,
    pub(super) held: u64,
    pub(super) end: &'static str,
}

impl Claim {
    pub(super) fn held(&self) -> bool {
        matches!(self.standing, Standing::Held { .. })
    }
}

impl Lock {
    fn limit(&self) -> u32 {
        match self.settings.as_ref().map(|s| s.kind) {
            Some(LockKind::Semaphore { limit }) => limit,
            _ => AGREED,
        }
    }

    pub(super) fn compatible(&self, mode: LockMode) -> bool {
        let held: Vec<LockMode> = self
            .queue
            .iter()
            .filter(|c| c.held())
            .map(|c| c.ask.mode)
            .collect();
        match mode {
            LockMode::Exclusive => held.is_empty(),
            LockMode::Shared => held.iter().all(|m| *m == LockMode::Shared),
            LockMode::Permits(p) => {
                let mut sum = p;
                for mode in held {
                    match mode {
                        LockMode::Permits(q) => sum += q,
                        LockMode::Exclusive | LockMode::Shared => return false,
                    }
                }
                sum <= self.limit()
            }
        }
    }

    pub(super) fn takes(&self, mode: LockMode) -> bool {
        let permits = matches!(mode, LockMode::Permits(_));
        match self.settings.as_ref().map(|s| s.kind) {
            Some(LockKind::Mutex) => mode == LockMode::Exclusive,
            Some(LockKind::ReadWrite) => !permits,
            Some(LockKind::Semaphore { limit }) => {
                matches!(mode, LockMode::Permits(p) if p <= limit)
            }
            None => {
                let others = |c: &Claim| matches!(c.ask.mode, LockMode::Permits(_)) != permits;
                !self.queue.iter().any(others)
                    && !matches!(mode, LockMode::Permits(p) if p > AGREED)
            }
        }
    }

    fn hold_ms(&self, ttl: Option<u64>) -> Option<u64> {
        let max = self.settings.as_ref().and_then(|s| s.max_hold);
        [ttl, max].into_iter().flatten().min()
    }

    pub(super) fn serve(&mut self, now: u64) {
        if self.delayed_until.is_some() {
            return;
        }
        while let Some(at) = self.queue.iter().position(|c| !c.held()) {
            if !self.compatible(self.queue[at].ask.mode) {
                return;
            }
            self.give(at, now, true);
        }
    }

    pub(super) fn give(&mut self, at: usize, now: u64, handed_over: bool) {
        let hold = self.hold_ms(self.queue[at].ttl);
        let claim = &mut self.queue[at];
        claim.standing = Standing::Held {
            granted: now,
            expires: hold.map(|ms| now + ms),
            acknowledge_by: claim
                .ask
                .ack_within
                .or(claim.ask.implicit.then_some(10_000))
                .filter(|_| handed_over)
                .map(|ms| now + ms),
        };
    }
}

/// Picks a hand-over up.
pub(super) fn acknowledge(claim: &mut Claim) {
    if let Standing::Held { acknowledge_by, .. } = &mut claim.standing {
        *acknowledge_by = None;
    }
}
