//! A barrier that parties come into and leave.

use std::hint::black_box;
use std::time::{Duration, Instant};

use raft_core::command::{Command, EnterBarrier};
use raft_core::ids::{BarrierName, MemberId, SessionId};
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::apply;
use crate::requests::{of, open_session};

/// Parties of one session that wait for one more than there are going to be.
pub(crate) struct Meeting {
    state: State,
    session: SessionId,
    parties: u32,
}

impl Meeting {
    /// With so many parties in it.
    pub(crate) fn new(inside: u32) -> Meeting {
        let mut state = State::new();
        let outcome = apply(&mut state, &open_session());
        let Ok(Reply::SessionOpened { session, .. }) = outcome.result else {
            unreachable!("asserted in apply");
        };
        let mut meeting = Meeting {
            state,
            session: session.id,
            parties: inside + 2,
        };
        for party in 0..inside {
            meeting.enter(party);
        }
        meeting
    }

    /// Time in which one more comes in and goes.
    pub(crate) fn enter_and_leave(&mut self) -> Duration {
        let party = self.parties;
        let started = Instant::now();
        self.enter(party);
        let leave = Command::LeaveBarrier {
            barrier: name(),
            party: id(party),
        };
        black_box(apply(&mut self.state, &of(self.session, leave)));
        started.elapsed()
    }

    fn enter(&mut self, party: u32) {
        let enter = Command::EnterBarrier(EnterBarrier {
            barrier: name(),
            party: id(party),
            parties: self.parties,
        });
        black_box(apply(&mut self.state, &of(self.session, enter)));
    }
}

fn name() -> BarrierName {
    BarrierName::parse("load/start").expect("a valid name")
}

fn id(party: u32) -> MemberId {
    MemberId::parse(&format!("w{party}")).expect("a valid name")
}
