//! Random claims of one lock and of several, applied to the state machine and to one list of claims that is
//! searched from end to end: after each command the two agree on every queue, holder and deadline. The list
//! knows of no parts: a claim is one thing, which has its locks or has not.

mod naive;

use naive::{LIMIT, LOCKS, Model};
use proptest::prelude::*;
use raft_core::command::{LockMode, SessionRef};
use raft_core::ids::{LockName, LogTime, SessionId};
use raft_core::lock::{Claim, ClaimState};
use raft_core::query::session::SessionStatus;

use crate::harness::Harness;

/// The parameters of a claim.
#[derive(Clone, Debug)]
struct Ask {
    /// By number of lock; the last one is a semaphore.
    parts: Vec<(usize, LockMode)>,
    implicit: bool,
    wait: Option<u64>,
    ttl: Option<u64>,
    ack: Option<u64>,
}

/// One command of a run. Sessions and claims are named by their place among the live ones.
#[derive(Clone, Debug)]
enum Step {
    Open,
    End {
        session: usize,
        expires: bool,
    },
    Acquire {
        session: usize,
        ask: Ask,
    },
    Again {
        claim: usize,
    },
    Release {
        claim: usize,
        part: usize,
    },
    Extend {
        claim: usize,
        part: usize,
        ttl: Option<u64>,
    },
    Break {
        claim: usize,
        part: usize,
    },
    DeleteZnode {
        claim: usize,
        part: usize,
        own: bool,
    },
    Configure {
        lock: usize,
        delay: u64,
        max_hold: Option<u64>,
    },
    Pass {
        ms: u64,
        expire: bool,
    },
}

struct World {
    harness: Harness,
    model: Model,
    made: u32,
}

impl World {
    fn new() -> World {
        World {
            harness: Harness::new(),
            model: Model::default(),
            made: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Open => {
                self.made += 1;
                let name = format!("s{}", self.made);
                self.ok(&format!("open {name}"));
                self.model.sessions.push((name, self.zxid()));
            }
            Step::End { session, expires } => self.end_session(*session, *expires),
            Step::Acquire { session, ask } => self.acquire(*session, ask),
            Step::Again { claim } => self.again(*claim),
            Step::Release { claim, part } => {
                if let Some((lock, claim)) = self.part(*claim, *part) {
                    let line = format!("{}release {lock} {}", claim.as_owner(), claim.id);
                    self.ok(&line);
                    self.model.end(claim.fence, false);
                }
            }
            Step::Extend { claim, part, ttl } => {
                if let Some((lock, claim)) = self.part(*claim, *part) {
                    let own = ttl.map_or(String::new(), |ttl| format!(" ttl={ttl}"));
                    self.ok(&format!(
                        "{}extend {lock} {}{own}",
                        claim.as_owner(),
                        claim.id
                    ));
                    self.model.extend(claim.fence, *ttl);
                }
            }
            Step::Break { claim, part } => {
                if let Some((lock, claim)) = self.part(*claim, *part) {
                    let said = self.said(&format!("break {lock} {} reason=x", claim.fence));
                    assert_eq!(said.contains("FenceStale"), claim.held.is_none(), "{said}");
                    if claim.held.is_some() {
                        self.model.end(claim.fence, true);
                    }
                }
            }
            Step::DeleteZnode { claim, part, own } => self.delete_znode(*claim, *part, *own),
            Step::Configure {
                lock,
                delay,
                max_hold,
            } => {
                let longest = max_hold.map_or(String::new(), |ms| format!(" max-hold={ms}"));
                let kind = if LOCKS[*lock] == "sem" {
                    format!(" sem={LIMIT}")
                } else {
                    String::new()
                };
                self.ok(&format!(
                    "configure {}{kind} delay={delay}{longest}",
                    LOCKS[*lock]
                ));
                self.model.configure(*lock, *delay, *max_hold);
            }
            Step::Pass { ms, expire } => {
                self.harness.run(&format!("time {ms}"));
                self.model.now += ms;
                if *expire {
                    self.ok("due");
                    self.model.expire_due();
                }
            }
        }
    }

    fn said(&mut self, line: &str) -> String {
        self.harness.run(line)
    }

    fn ok(&mut self, line: &str) {
        let said = self.said(line);
        assert!(!said.contains("REFUSED"), "{line}: {said}");
    }

    fn zxid(&self) -> u64 {
        self.harness.state.last_zxid().0
    }

    /// A live claim and the name of one of its locks.
    fn part(&self, claim: usize, part: usize) -> Option<(&'static str, naive::Claim)> {
        let claims = &self.model.claims;
        let claim = claims.get(claim.checked_rem(claims.len())?)?;
        let (lock, _) = claim.parts[part % claim.parts.len()];
        Some((LOCKS[lock], claim.clone()))
    }

    fn end_session(&mut self, session: usize, expires: bool) {
        let Some(at) = session.checked_rem(self.model.sessions.len()) else {
            return;
        };
        let (name, id) = self.model.sessions.remove(at);
        if expires {
            let activity = self.harness.state.session(&SessionRef::Id(SessionId(id)));
            let SessionStatus::Live(session) = activity else {
                panic!("session {id} is not live");
            };
            let activity = session.activity;
            self.ok(&format!("expire {id} activity={activity}"));
        } else {
            self.ok(&format!("close {name}"));
        }
        self.model.end_session(&name, expires);
    }

    fn acquire(&mut self, session: usize, ask: &Ask) {
        let session = session.checked_rem(self.model.sessions.len());
        let session = session.map(|at| self.model.sessions[at].0.clone());
        let owner = session.filter(|_| !ask.implicit);
        if owner.is_none() && !ask.implicit {
            return;
        }
        self.made += 1;
        let claim = naive::Claim::new(format!("c{}", self.made), owner, ask, self.zxid() + 1);
        let said = self.said(&claim.line);
        let expected = self.model.acquire(claim);
        match expected {
            Ok(()) => assert!(!said.contains("REFUSED"), "{said}"),
            Err(refusal) => assert!(said.contains(refusal), "{refusal} expected: {said}"),
        }
    }

    fn again(&mut self, claim: usize) {
        if let Some((_, claim)) = self.part(claim, 0) {
            let said = self.said(&claim.line);
            assert!(said.contains("(was there)"), "{said}");
            self.model.acknowledge(claim.fence);
        }
    }

    fn delete_znode(&mut self, claim: usize, part: usize, own: bool) {
        let Some((lock, claim)) = self.part(claim, part) else {
            return;
        };
        let name = LockName::parse(lock).unwrap();
        let found = self
            .harness
            .state
            .claim_by_fence(&name, raft_core::ids::Fence(claim.fence));
        let path = format!("/locks/{lock}/{}", found.unwrap().znode_name);
        let own = own && claim.owner.is_some();
        let by = if own { claim.as_owner() } else { String::new() };
        self.ok(&format!("{by}delete {path}"));
        self.model.end(claim.fence, !own);
    }

    fn check(&self) {
        let state = &self.harness.state;
        for (number, lock) in LOCKS.iter().enumerate() {
            let name = LockName::parse(lock).unwrap();
            let holders = state.holders(&name, usize::MAX).into_iter();
            let found: Vec<_> = holders
                .chain(state.queue(&name, usize::MAX))
                .map(shown)
                .collect();
            assert_eq!(found, self.model.queue(number), "queue of {lock}");
            let delayed = state.lock(&name).and_then(|view| view.lock.delayed_until);
            assert_eq!(
                delayed.map(|at| at.0),
                self.model.delayed[number],
                "delay of {lock}"
            );
        }
    }
}

/// Id, fence, whether it holds, and its deadlines: of the wait, of the hold, of picking it up.
type Shown = (String, u64, bool, [Option<u64>; 3]);

fn shown(claim: &Claim) -> Shown {
    let at = |time: Option<LogTime>| time.map(|time| time.0);
    let deadlines = match claim.state {
        ClaimState::Waiting { deadline } => [at(deadline), None, None],
        ClaimState::Held {
            granted: _,
            expires,
            acknowledge_by,
        } => [None, at(expires), at(acknowledge_by)],
    };
    let id = claim.id.as_str().to_owned();
    (id, claim.fence.0, claim.is_held(), deadlines)
}

fn ask() -> impl Strategy<Value = Ask> {
    let mode = |lock: usize| {
        if LOCKS[lock] == "sem" {
            (1..=LIMIT).prop_map(LockMode::Permits).boxed()
        } else {
            prop_oneof![Just(LockMode::Exclusive), Just(LockMode::Shared)].boxed()
        }
    };
    let all: Vec<usize> = (0..LOCKS.len()).collect();
    let parts = prop::sample::subsequence(all, 1..=3).prop_flat_map(move |locks| {
        locks
            .into_iter()
            .map(|lock| (Just(lock), mode(lock)))
            .collect::<Vec<_>>()
    });
    let time = || prop_oneof![2 => Just(None), 1 => (1..100_u64).prop_map(|n| Some(n * 10))];
    let wait = prop_oneof![1 => Just(Some(0)), 6 => time()];
    (parts, prop::bool::weighted(0.2), wait, time(), time()).prop_map(
        |(parts, implicit, wait, ttl, ack)| Ask {
            parts,
            implicit,
            wait: if implicit { wait.or(Some(300)) } else { wait },
            ttl,
            ack,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let nth = || 0..8_usize;
    let ttl = prop_oneof![Just(None), (1..60_u64).prop_map(|n| Some(n * 10))];
    let delay = prop_oneof![Just(0), Just(70_u64)];
    let max_hold = prop_oneof![Just(None), Just(Some(200_u64))];
    prop_oneof![
        3 => Just(Step::Open),
        1 => (nth(), any::<bool>()).prop_map(|(session, expires)| Step::End { session, expires }),
        12 => (nth(), ask()).prop_map(|(session, ask)| Step::Acquire { session, ask }),
        2 => nth().prop_map(|claim| Step::Again { claim }),
        6 => (nth(), nth()).prop_map(|(claim, part)| Step::Release { claim, part }),
        2 => (nth(), nth(), ttl).prop_map(|(claim, part, ttl)| Step::Extend { claim, part, ttl }),
        1 => (nth(), nth()).prop_map(|(claim, part)| Step::Break { claim, part }),
        1 => (nth(), nth(), any::<bool>())
            .prop_map(|(claim, part, own)| Step::DeleteZnode { claim, part, own }),
        1 => (0..LOCKS.len(), delay, max_hold)
            .prop_map(|(lock, delay, max_hold)| Step::Configure { lock, delay, max_hold }),
        5 => (1..200_u64, prop::bool::weighted(0.8))
            .prop_map(|(ms, expire)| Step::Pass { ms, expire }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn claims_of_several_locks_have_all_or_none(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}
