//! Look-ups derived from elections and the memory of their candidates, as those of `lock`.

use crate::election::{Election, EndedCandidate};
use crate::ids::{CandidateId, ElectionName};
use crate::state::{Due, Index, State};

/// Adds what the tables of elections and ended candidates imply.
pub(super) fn rebuild(state: &State, index: &mut Index) {
    for (name, election) in state.elections.iter() {
        index.note_election(name, election);
    }
    for (key, ended) in state.ended_candidates.iter() {
        index.note_ended_candidate(key, ended);
    }
}

impl Index {
    /// An election has this record.
    pub(crate) fn note_election(&mut self, name: &ElectionName, election: &Election) {
        if let Some(transfer) = &election.transfer {
            let due = Due::Transfer(name.clone());
            self.due.insert((transfer.deadline, due));
        }
    }

    /// An election has this record no more.
    pub(crate) fn forget_election(&mut self, name: &ElectionName, election: &Election) {
        if let Some(transfer) = &election.transfer {
            let due = Due::Transfer(name.clone());
            self.due.remove(&(transfer.deadline, due));
        }
    }

    /// An ended candidate is remembered.
    pub(crate) fn note_ended_candidate(
        &mut self,
        (election, candidate): &(ElectionName, CandidateId),
        ended: &EndedCandidate,
    ) {
        let (election, candidate) = (election.clone(), candidate.clone());
        self.ended_candidates_by_age
            .insert((ended.forget_at, election.clone(), candidate.clone()));
        let due = Due::ForgetCandidate(election, candidate);
        self.due.insert((ended.forget_at, due));
    }

    /// An ended candidate is forgotten.
    pub(crate) fn forget_ended_candidate(
        &mut self,
        (election, candidate): &(ElectionName, CandidateId),
        ended: &EndedCandidate,
    ) {
        let (election, candidate) = (election.clone(), candidate.clone());
        self.ended_candidates_by_age.remove(&(
            ended.forget_at,
            election.clone(),
            candidate.clone(),
        ));
        let due = Due::ForgetCandidate(election, candidate);
        self.due.remove(&(ended.forget_at, due));
    }
}
