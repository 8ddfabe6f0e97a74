//! How candidates end, and what is remembered of them.

use crate::apply::Step;
use crate::apply::election::{CandidateKey, no_candidate};
use crate::election::{CandidateEnd, EndedCandidate};
use crate::event::EventKind;
use crate::ids::{CandidateId, ElectionName, ZnodePath};
use crate::limits;
use crate::outcome::{Refusal, Reply};

impl Step<'_> {
    /// Ends a candidacy by its owner's wish. Repeating it gives the same answer while that is
    /// remembered; after another end it is refused, so that the owner learns that it did not lead
    /// until now.
    pub(crate) fn resign(
        &mut self,
        election: &ElectionName,
        id: &CandidateId,
    ) -> Result<Reply, Refusal> {
        let key = (election.clone(), id.clone());
        let Some(candidate) = self.state.candidates.get(&key) else {
            let Some(ended) = self.state.ended_candidates.get(&key) else {
                return Err(no_candidate(&key));
            };
            let ended = Box::new(ended.clone());
            return match ended.end {
                CandidateEnd::Resigned => Ok(Reply::CandidateEnded(ended)),
                CandidateEnd::SessionClosed
                | CandidateEnd::SessionExpired
                | CandidateEnd::ZnodeDeleted
                | CandidateEnd::Transferred => Err(Refusal::CandidateEnded {
                    election: key.0,
                    candidate: key.1,
                    ended,
                }),
            };
        };
        if self.session != Some(candidate.session) {
            return Err(Refusal::NotCandidate {
                election: key.0,
                candidate: key.1,
            });
        }
        let path = election.znode().child(id.as_str())?;
        let ended = self.end_candidate(&key, CandidateEnd::Resigned);
        self.remove_znode(&path);
        self.settle_elections();
        Ok(Reply::CandidateEnded(Box::new(ended)))
    }

    /// Ends the candidate whose znode `path` was, if it was one. The caller has removed the znode.
    pub(in crate::apply) fn candidate_znode_removed(
        &mut self,
        path: &ZnodePath,
        end: CandidateEnd,
    ) {
        let Some(key) = candidate_of(path) else {
            return;
        };
        if self.state.candidates.contains_key(&key) {
            self.end_candidate(&key, end);
        }
    }

    /// Takes a candidate out of its election; if it leads, the next is chosen at the end of the command.
    #[expect(clippy::expect_used, reason = "callers looked the candidate up")]
    fn end_candidate(&mut self, key: &CandidateKey, end: CandidateEnd) -> EndedCandidate {
        let candidate = self.state.candidates.remove(key);
        let candidate = candidate.expect("a candidate that ends stands");
        let leads = self.state.elections.get(&key.0);
        let term = leads
            .filter(|election| election.leader == key.1)
            .map(|election| election.term);
        if term.is_some() {
            self.end_leadership(&key.0, candidate.session, end);
        } else {
            self.cancel_transfer_to(key);
        }
        self.events.push(EventKind::CandidateLeft {
            election: key.0.clone(),
            candidate: key.1.clone(),
            session: candidate.session,
            end,
        });
        let ended = EndedCandidate {
            session: candidate.session,
            term,
            end,
            ended: self.now,
            forget_at: self.now.log_time.after(limits::TOMBSTONE_MS),
        };
        self.remember_ended_candidate(key, ended.clone());
        ended
    }

    fn remember_ended_candidate(&mut self, key: &CandidateKey, ended: EndedCandidate) {
        self.forget_ended_candidate(key);
        while self.state.ended_candidates.len() >= limits::ENDED_CANDIDATES_MAX {
            let oldest = self.state.index.ended_candidates_by_age.get_min().cloned();
            let Some((_, election, id)) = oldest else {
                break;
            };
            self.forget_ended_candidate(&(election, id));
        }
        self.state.index.note_ended_candidate(key, &ended);
        self.state.ended_candidates.insert(key.clone(), ended);
    }

    /// Drops the memory of an ended candidate, if there is one.
    pub(in crate::apply) fn forget_ended_candidate(&mut self, key: &CandidateKey) {
        if let Some(former) = self.state.ended_candidates.remove(key) {
            self.state.index.forget_ended_candidate(key, &former);
        }
    }
}

/// The candidate whose znode would be at `path`.
fn candidate_of(path: &ZnodePath) -> Option<CandidateKey> {
    let election = ElectionName::of_znode(&path.parent()?)?;
    let id = CandidateId::parse(path.name()).ok()?;
    Some((election, id))
}
