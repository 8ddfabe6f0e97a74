//! One list of claims in the order they came.

use std::collections::BTreeSet;

use raft_core::command::LockMode;

use super::{Ask, Shown};

pub(super) const LOCKS: [&str; 4] = ["a", "b", "c", "sem"];
/// Permits of the semaphore.
pub(super) const LIMIT: u32 = 3;

#[derive(Clone, Debug)]
pub(super) struct Held {
    granted: u64,
    expires: Option<u64>,
    pick_up_by: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) fence: u64,
    /// The name of its session; `None`: one of its own.
    pub(super) owner: Option<String>,
    pub(super) parts: Vec<(usize, LockMode)>,
    /// The command that made it.
    pub(super) line: String,
    wait: Option<u64>,
    deadline: Option<u64>,
    ttl: Option<u64>,
    ack: Option<u64>,
    pub(super) held: Option<Held>,
}

/// A session; of a claim without one its fence.
type Node = (Option<String>, u64);

impl Claim {
    pub(super) fn new(id: String, owner: Option<String>, ask: &Ask, fence: u64) -> Claim {
        let implicit = owner.is_none();
        let mut line = format!("together {id}");
        for (lock, mode) in ask.parts.iter().rev() {
            let how = match mode {
                LockMode::Exclusive => String::new(),
                LockMode::Shared => ":shared".to_owned(),
                LockMode::Permits(permits) => format!(":{permits}/{LIMIT}"),
            };
            line.push_str(&format!(" {}{how}", LOCKS[*lock]));
        }
        let times = [("wait", ask.wait), ("ttl", ask.ttl), ("ack", ask.ack)];
        for (name, ms) in times {
            line.push_str(&ms.map_or(String::new(), |ms| format!(" {name}={ms}")));
        }
        if implicit {
            line.push_str(" implicit");
        }
        let mut claim = Claim {
            id,
            fence,
            owner,
            parts: ask.parts.clone(),
            line,
            wait: ask.wait,
            deadline: None,
            ttl: ask.ttl.or(implicit.then_some(60_000)),
            ack: ask.ack.or(implicit.then_some(10_000)),
            held: None,
        };
        claim.line = format!("{}{}", claim.as_owner(), claim.line);
        claim
    }

    /// The beginning of a line by which its owner acts.
    pub(super) fn as_owner(&self) -> String {
        let owner = self.owner.as_ref();
        owner.map_or(String::new(), |name| format!("session={name} "))
    }

    fn node(&self) -> Node {
        let own = self.owner.is_none();
        (self.owner.clone(), if own { self.fence } else { 0 })
    }

    fn mode_of(&self, lock: usize) -> Option<LockMode> {
        let part = self.parts.iter().find(|(of, _)| *of == lock);
        part.map(|(_, mode)| *mode)
    }

    /// Whether `later` cannot go on in this lock before `self` does something.
    fn blocks(&self, later: &Claim, lock: usize) -> bool {
        let (Some(mine), Some(its)) = (self.mode_of(lock), later.mode_of(lock)) else {
            return false;
        };
        let conflict = mine == LockMode::Exclusive || its == LockMode::Exclusive;
        let in_the_way = self.held.is_none() && self.parts.len() > 1;
        (conflict || in_the_way) && self.node() != later.node()
    }
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now: u64,
    /// Names and numbers of those that live.
    pub(super) sessions: Vec<(String, u64)>,
    pub(super) claims: Vec<Claim>,
    pub(super) delayed: [Option<u64>; LOCKS.len()],
    delay: [u64; LOCKS.len()],
    max_hold: [Option<u64>; LOCKS.len()],
}

impl Model {
    pub(super) fn queue(&self, lock: usize) -> Vec<Shown> {
        let mut of_lock: Vec<&Claim> = self.claims.iter().collect();
        of_lock.retain(|claim| claim.mode_of(lock).is_some());
        let shown = |claim: &&Claim| match &claim.held {
            Some(held) => {
                let deadlines = [None, held.expires, held.pick_up_by];
                (claim.id.clone(), claim.fence, true, deadlines)
            }
            None => (
                claim.id.clone(),
                claim.fence,
                false,
                [claim.deadline, None, None],
            ),
        };
        of_lock.iter().map(shown).collect()
    }

    pub(super) fn acquire(&mut self, mut claim: Claim) -> Result<(), &'static str> {
        let now = self.now;
        let free = |model: &Model, claim: &Claim| {
            let over = |until: u64| until <= now;
            let undelayed = |lock: usize| model.delayed[lock].is_none_or(over);
            let nobody_waits = |lock: usize| {
                let mut others = model.claims.iter().filter(|c| c.mode_of(lock).is_some());
                others.all(|other| other.held.is_some())
            };
            let fits = |(lock, mode)| model.fits(lock, mode);
            let locks = || claim.parts.iter().copied();
            locks().all(|(lock, _)| undelayed(lock) && nobody_waits(lock)) && locks().all(fits)
        };
        if !free(self, &claim) {
            if claim.wait == Some(0) {
                return Err("LockHeld");
            }
            if self.would_never_end(&claim) {
                return Err("Deadlock");
            }
        }
        for (lock, _) in &claim.parts {
            if self.delayed[*lock].is_some_and(|until| until <= now) {
                self.delayed[*lock] = None;
                self.serve();
            }
        }
        claim.deadline = claim.wait.map(|ms| now + ms);
        if free(self, &claim) {
            claim.held = Some(Held {
                pick_up_by: None,
                ..self.hold(&claim)
            });
        }
        self.claims.push(claim);
        Ok(())
    }

    fn would_never_end(&self, newcomer: &Claim) -> bool {
        let blockers = |later: &Claim, ahead: &[Claim]| -> BTreeSet<Node> {
            let locks = || later.parts.iter().map(|(lock, _)| *lock);
            let blocks = |earlier: &&Claim| locks().any(|lock| earlier.blocks(later, lock));
            ahead.iter().filter(blocks).map(Claim::node).collect()
        };
        let mut reached = blockers(newcomer, &self.claims);
        loop {
            let mut further = reached.clone();
            for (at, claim) in self.claims.iter().enumerate() {
                if claim.held.is_none() && reached.contains(&claim.node()) {
                    further.extend(blockers(claim, &self.claims[..at]));
                }
            }
            if further == reached {
                return reached.contains(&newcomer.node());
            }
            reached = further;
        }
    }

    fn fits(&self, lock: usize, mode: LockMode) -> bool {
        let holders = self.claims.iter().filter(|claim| claim.held.is_some());
        let held: Vec<LockMode> = holders.filter_map(|claim| claim.mode_of(lock)).collect();
        match mode {
            LockMode::Exclusive => held.is_empty(),
            LockMode::Shared => !held.contains(&LockMode::Exclusive),
            LockMode::Permits(more) => {
                let permits = |mode: &LockMode| match mode {
                    LockMode::Permits(permits) => *permits,
                    LockMode::Exclusive | LockMode::Shared => 0,
                };
                held.iter().map(permits).sum::<u32>() + more <= LIMIT
            }
        }
    }

    fn hold(&self, claim: &Claim) -> Held {
        let longest = claim
            .parts
            .iter()
            .filter_map(|(lock, _)| self.max_hold[*lock]);
        let ms = longest.chain(claim.ttl).min();
        Held {
            granted: self.now,
            expires: ms.map(|ms| self.now + ms),
            pick_up_by: claim.ack.map(|ms| self.now + ms),
        }
    }

    /// Grants what can be granted, until there is nothing more: claims for whom nobody waits before them.
    fn serve(&mut self) {
        let its_turn = |model: &Model, at: usize| {
            let claim = &model.claims[at];
            let waits_before = |lock: usize| {
                let mut before = model.claims[..at].iter();
                before.any(|other| other.held.is_none() && other.mode_of(lock).is_some())
            };
            claim.held.is_none()
                && claim.parts.iter().all(|(lock, mode)| {
                    model.delayed[*lock].is_none()
                        && !waits_before(*lock)
                        && model.fits(*lock, *mode)
                })
        };
        while let Some(at) = (0..self.claims.len()).find(|at| its_turn(self, *at)) {
            self.claims[at].held = Some(self.hold(&self.claims[at]));
        }
    }

    fn remove(&mut self, fence: u64, delays: bool) {
        let at = self.claims.iter().position(|claim| claim.fence == fence);
        let claim = self.claims.remove(at.expect("a live claim"));
        if delays && claim.held.is_some() {
            for (lock, _) in claim.parts {
                let until = (self.delay[lock] > 0).then(|| self.now + self.delay[lock]);
                self.delayed[lock] = self.delayed[lock].max(until);
            }
        }
    }

    /// Ends a claim; `delays`: not by its owner's wish.
    pub(super) fn end(&mut self, fence: u64, delays: bool) {
        self.remove(fence, delays);
        self.serve();
    }

    pub(super) fn end_session(&mut self, name: &str, delays: bool) {
        let owned = self
            .claims
            .iter()
            .filter(|c| c.owner.as_deref() == Some(name));
        let fences: Vec<u64> = owned.map(|claim| claim.fence).collect();
        for fence in fences {
            self.remove(fence, delays);
        }
        self.serve();
    }

    fn claim(&mut self, fence: u64) -> &mut Claim {
        let claim = self.claims.iter_mut().find(|claim| claim.fence == fence);
        claim.expect("a live claim")
    }

    pub(super) fn acknowledge(&mut self, fence: u64) {
        if let Some(held) = &mut self.claim(fence).held {
            held.pick_up_by = None;
        }
    }

    pub(super) fn extend(&mut self, fence: u64, ttl: Option<u64>) {
        let (now, max_hold) = (self.now, self.max_hold);
        let claim = self.claim(fence);
        claim.ttl = ttl.or(claim.ttl);
        let longest = claim
            .parts
            .iter()
            .filter_map(|(lock, _)| max_hold[*lock])
            .min();
        if let Some(held) = &mut claim.held {
            let own = claim.ttl.map(|ms| now + ms);
            let last = longest.map(|ms| held.granted + ms);
            held.expires = own.into_iter().chain(last).min();
            held.pick_up_by = None;
        }
    }

    pub(super) fn configure(&mut self, lock: usize, delay: u64, max_hold: Option<u64>) {
        self.delay[lock] = delay;
        self.max_hold[lock] = max_hold;
        for claim in self
            .claims
            .iter_mut()
            .filter(|claim| claim.mode_of(lock).is_some())
        {
            if let (Some(held), Some(ms)) = (&mut claim.held, max_hold) {
                let last = Some(held.granted + ms);
                held.expires = held.expires.into_iter().chain(last).min();
            }
        }
        self.serve();
    }

    pub(super) fn expire_due(&mut self) {
        while let Some((_, kind, lock, fence)) = self.first_due() {
            if kind == 3 {
                self.delayed[lock] = None;
                self.serve();
            } else {
                // Nobody worked under a hand-over that was not picked up.
                self.end(fence, kind == 1);
            }
        }
    }

    /// Time, kind (of a wait, a hold, a hand-over, a delay), lock and fence: in this order of what is due.
    fn first_due(&self) -> Option<(u64, u8, usize, u64)> {
        let mut due = Vec::new();
        for claim in &self.claims {
            let lock = claim.parts.iter().map(|(lock, _)| *lock).min().unwrap();
            let mut at = |time: Option<u64>, kind: u8| {
                due.extend(time.map(|time| (time, kind, lock, claim.fence)));
            };
            match &claim.held {
                Some(held) => {
                    at(held.expires, 1);
                    at(held.pick_up_by, 2);
                }
                None => at(claim.deadline, 0),
            }
        }
        let delays = self.delayed.iter().enumerate();
        due.extend(delays.filter_map(|(lock, until)| Some(((*until)?, 3, lock, 0))));
        due.into_iter().min().filter(|(at, ..)| *at <= self.now)
    }
}
