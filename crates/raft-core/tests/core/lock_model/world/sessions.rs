//! What sessions do.

use raft_core::command::{Command, ExpireSession, OpenSession, Owner, SessionRef};
use raft_core::ids::SessionId;
use raft_core::outcome::Reply;
use raft_core::query::session::SessionStatus;

use super::{World, verdict};

impl World {
    pub(super) fn open(&mut self, slot: usize, delay: u64) {
        if self.slots[slot].is_some_and(|id| self.model.sessions.contains_key(&id)) {
            return;
        }
        self.incarnations += 1;
        let open = OpenSession {
            name: None,
            timeout_ms: 10_000,
            password: [7; 16],
            owner: Owner {
                service: Some(format!("s{}", self.incarnations)),
                ..Owner::default()
            },
            lock_delay_ms: delay,
        };
        let outcome = self.apply(None, Command::OpenSession(open));
        let Ok(Reply::SessionOpened {
            session,
            created: true,
        }) = outcome.result
        else {
            panic!("not opened: {outcome:?}");
        };
        self.slots[slot] = Some(session.id.0);
        self.model.sessions.insert(session.id.0, delay);
    }

    pub(super) fn close(&mut self, slot: usize) {
        let Some(id) = self.slots[slot] else { return };
        let outcome = self.apply(None, Command::CloseSession(SessionRef::Id(SessionId(id))));
        if self.model.sessions.contains_key(&id) {
            assert_eq!(verdict(&outcome), Ok(()));
            self.model.end_session(id, false);
        }
    }

    pub(super) fn expire(&mut self, slot: usize, stale: bool) {
        let Some(id) = self.slots[slot] else { return };
        let activity = match self.state.session(&SessionRef::Id(SessionId(id))) {
            SessionStatus::Live(session) => session.activity + u64::from(stale),
            SessionStatus::Ended(_) | SessionStatus::Unknown => 0,
        };
        let expire = ExpireSession {
            session: SessionId(id),
            activity,
        };
        let outcome = self.apply(None, Command::ExpireSession(expire));
        match (self.model.sessions.contains_key(&id), stale) {
            (true, false) => {
                assert_eq!(verdict(&outcome), Ok(()));
                self.model.end_session(id, true);
            }
            (true, true) => assert_eq!(verdict(&outcome), Err("SessionActive")),
            (false, _) => {
                assert!(matches!(
                    verdict(&outcome),
                    Err("SessionEnded" | "NoSession")
                ));
            }
        }
    }
}
