//! Reads of sessions.

use std::ops::Bound;

use crate::command::SessionRef;
use crate::ids::{Fence, SessionId, ZnodePath};
use crate::limits;
use crate::lock::{Claim, ClaimEnd, EndedClaim};
use crate::session::{EndedSession, Session};
use crate::state::State;

/// What is known of a session.
#[derive(Clone, Copy, Debug)]
pub enum SessionStatus<'a> {
    /// It is open.
    Live(&'a Session),
    /// It has ended and is remembered.
    Ended(&'a EndedSession),
    /// It never was, or is forgotten.
    Unknown,
}

impl State {
    /// A session by number or name.
    #[must_use]
    pub fn session(&self, session: &SessionRef) -> SessionStatus<'_> {
        let (live, ended) = match session {
            SessionRef::Id(id) | SessionRef::Attached(id, _) => (Some(id), Some(id)),
            SessionRef::Name(name) => (
                self.index.session_names.get(name),
                self.index.ended_session_names.get(name),
            ),
        };
        if let Some(session) = live.and_then(|id| self.sessions.get(id)) {
            return SessionStatus::Live(session);
        }
        match ended.and_then(|id| self.ended_sessions.get(id)) {
            Some(ended) => SessionStatus::Ended(ended),
            None => SessionStatus::Unknown,
        }
    }

    /// Live sessions in the order they were opened, those made for one claim among them: at most
    /// `limit`, those after `after`.
    #[must_use]
    pub fn sessions(&self, after: Option<SessionId>, limit: usize) -> Vec<&Session> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = self.sessions.range((start, Bound::Unbounded));
        found.take(limit).map(|(_, session)| session).collect()
    }

    /// Ephemeral znodes of a session, claims not counted, in order of path.
    #[must_use]
    pub fn ephemerals(&self, session: SessionId) -> Vec<ZnodePath> {
        self.owned_by(session).1
    }

    /// All ephemeral znodes of a session, those of its claims among them, in order of path.
    pub fn znodes_of(&self, session: SessionId) -> impl Iterator<Item = &ZnodePath> {
        self.index.ephemerals.get(&session).into_iter().flatten()
    }

    /// Sessions that own ephemeral znodes, with the paths of those, claims among them.
    pub fn ephemerals_by_owner(
        &self,
    ) -> impl Iterator<Item = (SessionId, impl Iterator<Item = &ZnodePath>)> {
        let owners = self.index.ephemerals.iter();
        owners.map(|(session, paths)| (*session, paths.iter()))
    }

    /// How many ephemeral znodes there are, claims among them. Looks once at each owner.
    #[must_use]
    pub fn ephemerals_count(&self) -> usize {
        let owners = self.index.ephemerals.values();
        owners.map(|paths| paths.len()).sum()
    }

    /// Claims that a session has lost lately, other than by its own release, latest first, at most
    /// `limit`. Looks at its last [`LOST_CLAIMS_LOOKED_AT_MAX`](limits::LOST_CLAIMS_LOOKED_AT_MAX)
    /// ended claims.
    #[must_use]
    pub fn lost_claims(&self, session: SessionId, limit: usize) -> Vec<&EndedClaim> {
        let ended = self.index.ended_claims_by_session.get(&session);
        ended
            .into_iter()
            .flat_map(|ended| ended.iter().rev())
            .take(limits::LOST_CLAIMS_LOOKED_AT_MAX)
            .filter_map(|(_, lock, id)| self.ended_claims.get(&(lock.clone(), id.clone())))
            .filter(|ended| !matches!(ended.end, ClaimEnd::Released | ClaimEnd::Left))
            .take(limit)
            .collect()
    }

    /// Locks that a session holds beside the one it asked for last: none when all it owns is one claim.
    /// Looks at the first `limit` of its ephemerals.
    #[must_use]
    pub fn holds_of(&self, session: SessionId, limit: usize) -> Vec<&Claim> {
        let owned = self.index.ephemerals.get(&session);
        let Some(owned) = owned.filter(|owned| owned.len() > 1) else {
            return Vec::new();
        };
        let claim = |path: &ZnodePath| {
            let czxid = self.znodes.get(path)?.czxid;
            let key = self.claim_of_znode(path, Fence(czxid.0))?;
            self.claims.get(&key)
        };
        let claims = owned.iter().take(limit).filter_map(claim);
        claims.filter(|claim| claim.is_held()).collect()
    }

    /// Claims of a session, held and waiting, in order of lock and fence.
    #[must_use]
    pub fn claims_of(&self, session: SessionId) -> Vec<&Claim> {
        let (claims, _) = self.owned_by(session);
        claims
            .iter()
            .filter_map(|key| self.claims.get(key))
            .collect()
    }
}
