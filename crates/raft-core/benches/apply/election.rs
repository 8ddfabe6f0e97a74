//! An election that somebody leads and others stand by in.

use std::hint::black_box;
use std::time::{Duration, Instant};

use raft_core::command::{Campaign, Command, Request};
use raft_core::ids::{CandidateId, ElectionName, SessionId};
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::apply;
use crate::requests::{of, open_session};

/// Candidates, each of a session of its own.
pub(crate) struct Standing {
    state: State,
    sessions: Vec<SessionId>,
    candidates: u64,
}

impl Standing {
    /// With so many candidates, one of which leads.
    pub(crate) fn new(count: u64) -> Standing {
        let mut state = State::new();
        let sessions = (0..count).map(|_| {
            let outcome = apply(&mut state, &open_session());
            let Ok(Reply::SessionOpened { session, .. }) = outcome.result else {
                unreachable!("asserted in apply");
            };
            session.id
        });
        let sessions = sessions.collect();
        let mut standing = Standing {
            state,
            sessions,
            candidates: 0,
        };
        for _ in 0..count {
            standing.stand();
        }
        standing
    }

    /// The session whose turn it is stands under a new id.
    fn stand(&mut self) {
        let campaign = Command::Campaign(Campaign {
            election: name(),
            candidate: id(self.candidates),
            value: Some(b"10.0.0.7:8080".as_slice().into()),
            content_type: None,
            weight: 0,
        });
        let request = self.request(self.candidates, campaign);
        apply(&mut self.state, &request);
        self.candidates += 1;
    }

    fn request(&self, candidate: u64, command: Command) -> Request {
        let turn = usize::try_from(candidate).expect("fits") % self.sessions.len();
        of(*self.sessions.get(turn).expect("within bounds"), command)
    }

    /// Time of the leader's resignation. It stands again as the last, which is not counted.
    pub(crate) fn change_of_leader(&mut self) -> Duration {
        let leader = self.candidates - self.sessions.len() as u64;
        let resign = Command::Resign {
            election: name(),
            candidate: id(leader),
        };
        let resign = self.request(leader, resign);
        let started = Instant::now();
        black_box(apply(&mut self.state, &resign));
        let time = started.elapsed();
        self.stand();
        time
    }
}

fn name() -> ElectionName {
    ElectionName::parse("app/leader").expect("a valid name")
}

fn id(candidate: u64) -> CandidateId {
    CandidateId::parse(&format!("web-{candidate}")).expect("a valid name")
}
