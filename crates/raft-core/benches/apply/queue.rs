//! A lock that somebody has and others wait for.

use std::collections::VecDeque;
use std::hint::black_box;
use std::time::{Duration, Instant};

use raft_core::command::Request;
use raft_core::ids::SessionId;
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::apply;
use crate::requests::{acquire, acquire_all, open_session, release};

/// One lock and its claims, each of a session of its own, in the order of their fences.
pub(crate) struct Queue {
    pub(crate) state: State,
    sessions: Vec<SessionId>,
    claims: u64,
    releases: VecDeque<Request>,
}

impl Queue {
    /// A lock that so many claims wait for; with 0 nobody has it either.
    pub(crate) fn new(waiters: u64) -> Queue {
        let mut state = State::new();
        let claims = if waiters == 0 { 0 } else { waiters + 1 };
        let sessions = (0..claims.max(1)).map(|_| {
            let outcome = apply(&mut state, &open_session());
            let Ok(Reply::SessionOpened { session, .. }) = outcome.result else {
                unreachable!("asserted in apply");
            };
            session.id
        });
        let sessions = sessions.collect();
        let mut queue = Queue {
            state,
            sessions,
            claims: 0,
            releases: VecDeque::new(),
        };
        for _ in 0..claims {
            queue.stand_in();
        }
        queue
    }

    /// The next session in turn wants the lock under a new claim id: how it gets it and gives it back.
    pub(crate) fn next_claim(&mut self) -> (Request, Request) {
        let turn = usize::try_from(self.claims).expect("fits") % self.sessions.len();
        let session = *self.sessions.get(turn).expect("within bounds");
        self.claims += 1;
        (acquire(session, self.claims), release(session, self.claims))
    }

    /// The same for so many locks at once.
    pub(crate) fn next_claim_of(&mut self, locks: u64) -> (Request, Request) {
        let session = *self.sessions.first().expect("a session");
        self.claims += 1;
        acquire_all(session, self.claims, locks)
    }

    fn stand_in(&mut self) {
        let (acquire, release) = self.next_claim();
        apply(&mut self.state, &acquire);
        self.releases.push_back(release);
    }

    /// Time of one release. Who released goes to the end of the queue, which is not counted.
    pub(crate) fn hand_over(&mut self) -> Duration {
        let release = self.releases.pop_front().expect("a holder");
        let started = Instant::now();
        black_box(apply(&mut self.state, &release));
        let time = started.elapsed();
        self.stand_in();
        time
    }
}
