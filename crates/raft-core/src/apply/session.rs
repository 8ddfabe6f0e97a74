//! Sessions: open, close, expire.

use mutant::Mutant;

use crate::apply::Step;
use crate::apply::acquire::checks;
use crate::apply::claim::ending::{Departures, Ending};
use crate::apply::claim::records::ClaimKey;
use crate::command::{ExpireSession, OpenSession, Owner, SessionRef};
use crate::election::CandidateEnd;
use crate::event::EventKind;
use crate::ids::{Fence, SessionId, ZnodePath};
use crate::limits;
use crate::lock::ClaimEnd;
use crate::outcome::{Refusal, Reply};
use crate::query::session::SessionStatus;
use crate::session::{EndedSession, ReleasedHold, Session, SessionEnd, SessionKind};
use crate::state::State;

impl Step<'_> {
    /// Opens a session. Opening an open name again with the same parameters finds the session (its
    /// password stays what it was) and counts as a sign of life; the name of a session that ended
    /// is refused while that is remembered, since a late duplicate must not open it again.
    pub(crate) fn open_session(&mut self, open: &OpenSession) -> Result<Reply, Refusal> {
        check_open(open)?;
        if let Some(name) = &open.name {
            match self.state.session(&SessionRef::Name(name.clone())) {
                SessionStatus::Live(session) => {
                    if !is_same(session, open) {
                        return Err(Refusal::SessionMismatch { name: name.clone() });
                    }
                    let id = session.id;
                    return Ok(self.opened_again(id));
                }
                SessionStatus::Ended(ended) => {
                    return Err(Refusal::SessionEnded(Box::new(ended.clone())));
                }
                SessionStatus::Unknown => {}
            }
        }
        self.state.check_room_for_session()?;
        let session = Session {
            id: SessionId(self.now.zxid.0),
            name: open.name.clone(),
            kind: SessionKind::Client,
            timeout_ms: open.timeout_ms,
            password: open.password,
            owner: open.owner.clone(),
            lock_delay_ms: open.lock_delay_ms,
            opened: self.now,
            attached: self.now.zxid,
            activity: 0,
        };
        self.insert_session(session.clone());
        Ok(Reply::SessionOpened {
            session,
            created: true,
        })
    }

    #[expect(clippy::expect_used, reason = "the session was just looked up")]
    fn opened_again(&mut self, id: SessionId) -> Reply {
        let session = self.state.sessions.update(&id, |session| {
            session.activity = session.activity.saturating_add(1);
            session.clone()
        });
        let session = session.expect("a session that was just found is live");
        Reply::SessionOpened {
            session,
            created: false,
        }
    }

    /// Takes a session up on another connection. A wrong password is answered as if there were no
    /// such session: who guesses learns nothing.
    pub(crate) fn attach_session(
        &mut self,
        id: SessionId,
        password: &[u8; 16],
        timeout_ms: u64,
        host: Option<&str>,
    ) -> Result<Reply, Refusal> {
        check_timeout(timeout_ms)?;
        checks::text("owner.host", host)?;
        self.live_session(&SessionRef::Id(id))?;
        let now = self.now.zxid;
        let attached = self.state.sessions.update(&id, |session| {
            if session.kind == SessionKind::Implicit || session.password != *password {
                return None;
            }
            session.attached = now;
            session.timeout_ms = timeout_ms;
            if let Some(host) = host {
                session.owner.host = Some(host.to_owned());
            }
            session.activity = session.activity.saturating_add(1);
            Some(session.clone())
        });
        match attached.flatten() {
            Some(session) => Ok(Reply::SessionOpened {
                session,
                created: false,
            }),
            None => Err(Refusal::NoSession {
                session: id.to_string(),
            }),
        }
    }

    /// Adds a live session; there must be room.
    pub(in crate::apply) fn insert_session(&mut self, session: Session) -> SessionId {
        let id = session.id;
        self.events.push(EventKind::SessionOpened {
            session: id,
            name: session.name.clone(),
        });
        self.state.index.note_session(&session);
        let former = self.state.sessions.insert(id, session);
        assert!(former.is_none(), "I-6: session {id} exists already");
        id
    }

    /// Closes a session. Closing it again gives the same answer while that is remembered; one that
    /// expired before is refused, so that the caller learns that it worked unprotected.
    pub(crate) fn close_session(&mut self, session: &SessionRef) -> Result<Reply, Refusal> {
        match self.state.session(session) {
            SessionStatus::Ended(ended) if ended.end == SessionEnd::Closed => {
                return Ok(Reply::SessionEnded(ended.clone()));
            }
            SessionStatus::Live(_) | SessionStatus::Ended(_) | SessionStatus::Unknown => {}
        }
        let id = self.live_session(session)?;
        Ok(Reply::SessionEnded(
            self.end_session(id, SessionEnd::Closed),
        ))
    }

    /// Expires a silent session, unless it has acted since the leader decided to.
    pub(crate) fn expire_session(&mut self, expire: &ExpireSession) -> Result<Reply, Refusal> {
        let id = self.live_session(&SessionRef::Id(expire.session))?;
        let session = self.state.sessions.get(&id);
        if session.is_some_and(|session| session.kind == SessionKind::Implicit) {
            let why = format!("session {id} lives with its claim and does not expire by silence");
            return Err(Refusal::BadArguments(why));
        }
        let acted = session.is_none_or(|session| session.activity != expire.activity);
        if acted && !mutant::is(Mutant::OldLeaderExpires) {
            return Err(Refusal::SessionActive { session: id });
        }
        Ok(Reply::SessionEnded(
            self.end_session(id, SessionEnd::Expired),
        ))
    }

    /// Ends a live session and everything it owns: its claims lock by lock, each lock served as
    /// soon as they are out of it, then its other ephemerals in order of path, then itself.
    ///
    /// # Panics
    /// When it is not live.
    #[expect(clippy::expect_used, reason = "callers looked the session up")]
    pub(crate) fn end_session(&mut self, id: SessionId, end: SessionEnd) -> EndedSession {
        let (mut claims, mut ephemerals) = self.state.owned_by(id);
        if mutant::is(Mutant::GrantToDeadSession) {
            claims.retain(|key| self.claim(key).is_held());
        }
        if mutant::is(Mutant::CloseLeavesOne) {
            ephemerals.pop();
        }
        // All of them go now: the set as a whole, not path by path.
        self.state.index.ephemerals.remove(&id);
        let released = self.end_claims_of_session(&claims, end);
        let candidate_end = match end {
            SessionEnd::Closed => CandidateEnd::SessionClosed,
            SessionEnd::Expired => CandidateEnd::SessionExpired,
        };
        for path in &ephemerals {
            self.remove_znode(path);
            self.candidate_znode_removed(path, candidate_end);
        }
        self.end_instances_of(id, end);
        let session = self
            .state
            .sessions
            .remove(&id)
            .expect("a session that ends is live");
        self.state.index.forget_session(&session);
        let ended = EndedSession {
            id,
            name: session.name,
            end,
            ended: self.now,
            ephemerals_removed: u32::try_from(ephemerals.len()).unwrap_or(u32::MAX),
            released,
            forget_at: self.now.log_time.after(limits::TOMBSTONE_MS),
        };
        match session.kind {
            SessionKind::Client => self.remember_ended_session(ended.clone()),
            // Nobody has a name or a number of it to ask for later.
            SessionKind::Implicit => {}
        }
        let name = ended.name.clone();
        self.events.push(EventKind::SessionEnded {
            session: id,
            name,
            end,
        });
        ended
    }

    /// Ends claims in order of lock and fence. A lock is served after all of them are out of it:
    /// otherwise a waiter of the same session would be granted on its way out.
    fn end_claims_of_session(&mut self, claims: &[ClaimKey], end: SessionEnd) -> Vec<ReleasedHold> {
        let claim_end = match end {
            SessionEnd::Closed => ClaimEnd::SessionClosed,
            SessionEnd::Expired => ClaimEnd::SessionExpired,
        };
        let mut released = Vec::new();
        for of_lock in claims.chunk_by(|one, next| one.0 == next.0) {
            let mut departures = Departures::default();
            for key in of_lock {
                let ended = self.detach_claim(key, Ending::from(claim_end), &mut departures);
                if ended.held && released.len() < limits::RELEASED_PER_ENDED_SESSION_MAX {
                    let (lock, claim) = (ended.lock, ended.id);
                    released.push(ReleasedHold {
                        lock,
                        claim,
                        fence: ended.fence,
                    });
                }
            }
            if let Some((lock, _)) = of_lock.first() {
                self.serve_after(lock, &departures);
            }
        }
        released
    }

    fn remember_ended_session(&mut self, ended: EndedSession) {
        while self.state.ended_sessions.len() >= limits::ENDED_SESSIONS_MAX {
            let Some((_, oldest)) = self.state.index.ended_sessions_by_age.get_min().copied()
            else {
                break;
            };
            self.forget_ended_session(oldest);
        }
        self.state.index.note_ended_session(&ended);
        self.state.ended_sessions.insert(ended.id, ended);
    }

    /// Drops the memory of an ended session, if there is one.
    pub(in crate::apply) fn forget_ended_session(&mut self, id: SessionId) {
        if let Some(former) = self.state.ended_sessions.remove(&id) {
            self.state.index.forget_ended_session(&former);
        }
    }
}

impl State {
    /// Claims of a session in order of lock and fence, and its other ephemerals in order of path.
    pub(crate) fn owned_by(&self, id: SessionId) -> (Vec<ClaimKey>, Vec<ZnodePath>) {
        let (mut claims, mut ephemerals) = (Vec::new(), Vec::new());
        for path in self.index.ephemerals.get(&id).into_iter().flatten() {
            if self.hold_to_downgrade(path).is_some() {
                // It goes with its claim.
                continue;
            }
            let czxid = self.znodes.get(path).map(|znode| Fence(znode.czxid.0));
            match czxid.and_then(|czxid| self.claim_of_znode(path, czxid)) {
                Some(key) => claims.push(key),
                None => ephemerals.push(path.clone()),
            }
        }
        claims.sort();
        (claims, ephemerals)
    }

    /// Whether one more session may be open.
    pub(in crate::apply) fn check_room_for_session(&self) -> Result<(), Refusal> {
        if self.sessions.len() >= limits::SESSIONS_MAX {
            return Err(Refusal::limit("live sessions", limits::SESSIONS_MAX as u64));
        }
        Ok(())
    }
}

/// Whether an open asks for what the session of its name is.
fn is_same(session: &Session, open: &OpenSession) -> bool {
    session.timeout_ms == open.timeout_ms
        && session.owner == open.owner
        && session.lock_delay_ms == open.lock_delay_ms
}

fn check_timeout(timeout_ms: u64) -> Result<(), Refusal> {
    let (least, most) = (
        limits::SESSION_TIMEOUT_MS_MIN,
        limits::SESSION_TIMEOUT_MS_MAX,
    );
    if (least..=most).contains(&timeout_ms) {
        return Ok(());
    }
    Err(Refusal::BadArguments(format!(
        "a session timeout must be between {least} and {most} milliseconds, not {timeout_ms}"
    )))
}

fn check_open(open: &OpenSession) -> Result<(), Refusal> {
    check_timeout(open.timeout_ms)?;
    checks::duration("lock delay", Some(open.lock_delay_ms))?;
    check_owner(&open.owner)
}

fn check_owner(owner: &Owner) -> Result<(), Refusal> {
    let Owner {
        service,
        host,
        pid: _,
        version,
        url,
        reason,
        labels,
    } = owner;
    checks::text("owner.service", service.as_deref())?;
    checks::text("owner.host", host.as_deref())?;
    checks::text("owner.version", version.as_deref())?;
    checks::text("owner.url", url.as_deref())?;
    checks::text("owner.reason", reason.as_deref())?;
    checks::labels(labels)
}
