//! What a dry run tells: the events of a command that was not done, summed up.

use std::collections::{BTreeMap, BTreeSet};

use http_types::v1::dry_run as v1;
use http_types::v1::txn::Guard;
use raft_core::acl::Identity;
use raft_core::dry_run::DryRun;
use raft_core::event::{Event, EventKind};
use raft_core::ids::{
    CandidateId, ClaimId, ElectionName, Fence, LockName, SessionId, Term, ZnodePath,
};
use raft_core::limits::GUARDS_PER_REQUEST_MAX;
use raft_core::lock::{Claim, ClaimEnd};
use raft_core::state::State;

use crate::convert::{fence, lock, session};
use crate::extract::path::session_label;
use crate::limits::DRY_RUN_SHOWN_MAX;

/// Counts one more, and shows it while there is room.
fn add<T>(list: &mut v1::Listed<T>, most: usize, item: impl FnOnce() -> T) {
    list.count = list.count.saturating_add(1);
    if list.shown.len() < most {
        list.shown.push(item());
    } else {
        list.more = true;
    }
}

fn paths(paths: &BTreeSet<&ZnodePath>) -> v1::Listed<String> {
    let mut list = v1::Listed::default();
    for path in paths {
        add(&mut list, DRY_RUN_SHOWN_MAX, || path.to_string());
    }
    list
}

/// A claim as an event names it.
struct Named<'a> {
    lock: &'a LockName,
    claim: &'a ClaimId,
    fence: Fence,
    session: SessionId,
}

impl Named<'_> {
    fn shown(&self, before: &State, end: Option<ClaimEnd>) -> v1::AffectedClaim {
        v1::AffectedClaim {
            lock: self.lock.to_string(),
            claim: self.claim.to_string(),
            fence: fence::shown(self.fence),
            session: session::label(before, self.session),
            owner: session::owner_of(before, self.session),
            state: end.map(lock::end),
        }
    }
}

/// The events of one dry run on their way into a summary.
struct Summary<'a> {
    run: &'a DryRun,
    created: BTreeSet<&'a ZnodePath>,
    changed: BTreeSet<&'a ZnodePath>,
    deleted: BTreeSet<&'a ZnodePath>,
    /// Locks that lost a hold.
    freed: BTreeSet<&'a LockName>,
    effects: v1::Effects,
}

/// What would change.
pub(crate) fn effects(run: &DryRun) -> v1::Effects {
    let mut summary = Summary {
        run,
        created: BTreeSet::new(),
        changed: BTreeSet::new(),
        deleted: BTreeSet::new(),
        freed: BTreeSet::new(),
        effects: v1::Effects::default(),
    };
    for event in &run.outcome.events {
        summary.take(event);
    }
    summary.finish()
}

impl<'a> Summary<'a> {
    fn take(&mut self, event: &'a Event) {
        match &event.kind {
            EventKind::NodeCreated { path, .. } => {
                self.created.insert(path);
            }
            EventKind::NodeChanged { path, .. } | EventKind::NodeAclChanged { path, .. } => {
                self.changed.insert(path);
            }
            EventKind::NodeDeleted { path, .. } => {
                self.deleted.insert(path);
            }
            EventKind::ClaimQueued { .. }
            | EventKind::ClaimGranted { .. }
            | EventKind::ClaimEnded { .. } => self.take_claim(&event.kind),
            EventKind::SessionEnded { session, name, .. } => {
                let sessions = &mut self.effects.sessions_ended;
                add(sessions, DRY_RUN_SHOWN_MAX, || {
                    session_label(*session, name.as_ref())
                });
            }
            EventKind::CandidateLeft { .. }
            | EventKind::LeadershipEnded { .. }
            | EventKind::LeaderElected { .. } => self.take_candidate(&event.kind),
            // That a transfer comes to nothing is told by who stands no more.
            EventKind::TransferCancelled { .. } => {}
            // No request that can be tried does these.
            EventKind::ClaimExtended { .. }
            | EventKind::ReleaseRequested { .. }
            | EventKind::ReleaseAnswered { .. }
            | EventKind::LockConfigured { .. }
            | EventKind::SessionOpened { .. }
            | EventKind::CandidateJoined { .. }
            | EventKind::CandidateChanged { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::Instance { .. } => {}
        }
    }

    fn take_candidate(&mut self, kind: &'a EventKind) {
        let before = &self.run.before;
        let shown =
            |election: &ElectionName, candidate: &CandidateId, session, term: Option<Term>| {
                v1::AffectedCandidate {
                    election: election.to_string(),
                    candidate: candidate.to_string(),
                    term: term.map(|term| term.0),
                    session: session::label(before, session),
                    owner: session::owner_of(before, session),
                }
            };
        let effects = &mut self.effects;
        if let EventKind::CandidateLeft {
            election,
            candidate,
            session,
            ..
        } = kind
        {
            let list = &mut effects.candidates_removed;
            add(list, DRY_RUN_SHOWN_MAX, || {
                shown(election, candidate, *session, None)
            });
        } else if let EventKind::LeaderElected {
            election,
            candidate,
            session,
            ..
        } = kind
        {
            let list = &mut effects.elected;
            add(list, DRY_RUN_SHOWN_MAX, || {
                shown(election, candidate, *session, None)
            });
        } else if let EventKind::LeadershipEnded {
            election,
            candidate,
            session,
            term,
            ..
        } = kind
        {
            let list = &mut effects.leaderships_ended;
            add(list, DRY_RUN_SHOWN_MAX, || {
                shown(election, candidate, *session, Some(*term))
            });
        }
    }

    fn take_claim(&mut self, kind: &'a EventKind) {
        let Some(claim) = named(kind) else { return };
        let effects = &mut self.effects;
        let (list, end) = match kind {
            EventKind::ClaimQueued { .. } => (&mut effects.queued, None),
            EventKind::ClaimGranted { .. } => (&mut effects.granted, None),
            EventKind::ClaimEnded {
                held: true, end, ..
            } => {
                self.freed.insert(claim.lock);
                (&mut effects.holds_ended, Some(*end))
            }
            EventKind::ClaimEnded {
                held: false, end, ..
            } => (&mut effects.waiters_removed, Some(*end)),
            EventKind::NodeCreated { .. }
            | EventKind::NodeChanged { .. }
            | EventKind::NodeAclChanged { .. }
            | EventKind::NodeDeleted { .. }
            | EventKind::ClaimExtended { .. }
            | EventKind::ReleaseRequested { .. }
            | EventKind::ReleaseAnswered { .. }
            | EventKind::LockConfigured { .. }
            | EventKind::SessionOpened { .. }
            | EventKind::SessionEnded { .. }
            | EventKind::CandidateJoined { .. }
            | EventKind::CandidateChanged { .. }
            | EventKind::CandidateLeft { .. }
            | EventKind::LeaderElected { .. }
            | EventKind::LeadershipEnded { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::TransferCancelled { .. }
            | EventKind::Instance { .. } => return,
        };
        let before = &self.run.before;
        add(list, DRY_RUN_SHOWN_MAX, || claim.shown(before, end));
    }

    fn finish(mut self) -> v1::Effects {
        self.effects.znodes = v1::ZnodeEffects {
            created: paths(&self.created),
            changed: paths(&self.changed),
            deleted: paths(&self.deleted),
        };
        let (before, after) = (&self.run.before, &self.run.after);
        for lock in self.freed {
            if let Some(delayed_ms) = after.lock(lock).and_then(|view| view.delayed_ms) {
                add(&mut self.effects.delayed, DRY_RUN_SHOWN_MAX, || {
                    let next = after.queue(lock, 1).first().copied();
                    v1::DelayedLock {
                        lock: lock.to_string(),
                        delayed_ms,
                        next: next.map(|claim| named_in(claim).shown(before, None)),
                    }
                });
            }
        }
        self.effects
    }
}

fn named(kind: &EventKind) -> Option<Named<'_>> {
    match kind {
        EventKind::ClaimQueued {
            lock,
            claim,
            fence,
            session,
            ..
        }
        | EventKind::ClaimGranted {
            lock,
            claim,
            fence,
            session,
            ..
        }
        | EventKind::ClaimEnded {
            lock,
            claim,
            fence,
            session,
            ..
        } => Some(Named {
            lock,
            claim,
            fence: *fence,
            session: *session,
        }),
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. }
        | EventKind::SessionOpened { .. }
        | EventKind::SessionEnded { .. }
        | EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. }
        | EventKind::Instance { .. } => None,
    }
}

fn named_in(claim: &Claim) -> Named<'_> {
    Named {
        lock: &claim.lock,
        claim: &claim.id,
        fence: claim.fence,
        session: claim.session,
    }
}

/// Guards that hold now and not any more when somebody touched what the transaction would write:
/// the versions of its znodes, the fences of the holds and the terms of the leaderships it would end. `used`: guards it has of its
/// own, which count for the same limit. A znode the caller may not read is left out, since the guard
/// would be refused, and tell its version besides.
pub(crate) fn guards(run: &DryRun, who: &[Identity], used: usize) -> v1::Listed<Guard> {
    let room = GUARDS_PER_REQUEST_MAX.saturating_sub(used);
    let mut list = v1::Listed::default();
    let ended: Vec<&Claim> = run
        .outcome
        .events
        .iter()
        .filter_map(|event| named(&event.kind))
        .filter_map(|claim| run.before.claim_by_fence(claim.lock, claim.fence))
        .filter(|claim| claim.is_held())
        .collect();
    for claim in &ended {
        add(&mut list, room, || Guard::Fence {
            lock: claim.lock.to_string(),
            fence: fence::shown(claim.fence),
        });
    }
    for event in &run.outcome.events {
        if let EventKind::LeadershipEnded { election, term, .. } = &event.kind {
            add(&mut list, room, || Guard::Term {
                election: election.to_string(),
                term: term.0,
            });
        }
    }
    // The fence says it of the claim's znode.
    let own: BTreeSet<ZnodePath> = ended
        .iter()
        .filter_map(|claim| claim.lock.znode().child(&claim.znode_name).ok())
        .collect();
    for (path, guard) in touched(run, who) {
        if !own.contains(path) {
            add(&mut list, room, || guard);
        }
    }
    list
}

/// Each znode that would be written, and how it is now.
fn touched<'a>(run: &'a DryRun, who: &[Identity]) -> BTreeMap<&'a ZnodePath, Guard> {
    let paths = run.outcome.events.iter().filter_map(|event| {
        let path = crate::convert::event::znode(&event.kind)?;
        let node = path.to_string();
        let Some(znode) = run.before.znode(path) else {
            let exists = false;
            return Some((path, Guard::Exists { node, exists }));
        };
        run.before.can_read(path, who).ok()?;
        let version = znode.version;
        Some((path, Guard::Version { node, version }))
    });
    paths.collect()
}
