//! Reads of elections and candidates.

use std::cmp::Reverse;
use std::ops::Bound;

use crate::election::{Candidate, Election, EndedCandidate};
use crate::ids::{CandidateId, ElectionName, Term};
use crate::outcome::{LeaderSummary, Refusal};
use crate::state::State;
use crate::znode::Znode;

/// What is known of a candidate.
#[derive(Clone, Copy, Debug)]
pub enum CandidateStatus<'a> {
    /// It leads or stands by.
    Live(CandidateView<'a>),
    /// It has ended and is remembered.
    Ended(&'a EndedCandidate),
    /// It never was, or is forgotten.
    Unknown,
}

/// A candidate and what is around it.
#[derive(Clone, Copy, Debug)]
pub struct CandidateView<'a> {
    /// Its id.
    pub id: &'a CandidateId,
    /// The candidate.
    pub candidate: &'a Candidate,
    /// The election it stands in.
    pub election: &'a Election,
    /// Candidates that would lead before it, and itself; 0 when it leads.
    pub position: u32,
    /// Its znode, whose data is its value.
    pub znode: Option<&'a Znode>,
}

impl CandidateView<'_> {
    /// Its term, when it leads.
    #[must_use]
    pub fn term(&self) -> Option<Term> {
        (self.election.leader == *self.id).then_some(self.election.term)
    }
}

impl State {
    /// The election of this name. `None` while nobody stands.
    #[must_use]
    pub fn election(&self, name: &ElectionName) -> Option<&Election> {
        self.elections.get(name)
    }

    /// Candidates of an election, at most `limit`: the leader, then those who would lead next. Takes
    /// time in proportion to all of them.
    #[must_use]
    pub fn candidates(&self, name: &ElectionName, limit: usize) -> Vec<CandidateView<'_>> {
        let Some(election) = self.elections.get(name) else {
            return Vec::new();
        };
        let in_order = self.in_order(name, election).into_iter().zip(0_u32..);
        in_order
            .take(limit)
            .map(|(found, position)| self.view(name, election, (found, position)))
            .collect()
    }

    /// How the candidate of this id stands. Takes time in proportion to the candidates.
    #[must_use]
    pub fn candidate(&self, name: &ElectionName, id: &CandidateId) -> CandidateStatus<'_> {
        if let Some(election) = self.elections.get(name) {
            let mut in_order = self.in_order(name, election).into_iter().zip(0_u32..);
            if let Some(found) = in_order.find(|((other, _), _)| *other == id) {
                return CandidateStatus::Live(self.view(name, election, found));
            }
        }
        match self.ended_candidates.get(&(name.clone(), id.clone())) {
            Some(ended) => CandidateStatus::Ended(ended),
            None => CandidateStatus::Unknown,
        }
    }

    /// How many stand, the leader among them.
    #[must_use]
    pub fn candidate_count(&self, name: &ElectionName) -> u32 {
        u32::try_from(self.standing(name).count()).unwrap_or(u32::MAX)
    }

    /// Elections whose name begins with `prefix` (any text), in order of name: at most `limit`, those
    /// after `after`.
    #[must_use]
    pub fn elections(
        &self,
        prefix: &str,
        after: Option<&ElectionName>,
        limit: usize,
    ) -> Vec<(ElectionName, &Election)> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.clone()),
            Some(_) | None => Bound::Included(ElectionName::range_bound(prefix)),
        };
        self.elections
            .range((start, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix))
            .take(limit)
            .map(|(name, election)| (name.clone(), election))
            .collect()
    }

    /// The election, if its leader is that of this term.
    ///
    /// # Errors
    /// [`Refusal::TermStale`].
    pub fn verify_term(&self, name: &ElectionName, term: Term) -> Result<&Election, Refusal> {
        match self.elections.get(name) {
            Some(election) if election.term == term => Ok(election),
            found => Err(Refusal::TermStale {
                election: name.clone(),
                term,
                leader: found.map(LeaderSummary::of),
            }),
        }
    }

    /// Candidates of an election in order of id.
    pub(crate) fn standing(
        &self,
        name: &ElectionName,
    ) -> impl Iterator<Item = (&CandidateId, &Candidate)> {
        let from = (name.clone(), CandidateId::before_all());
        self.candidates
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while({
                let name = name.clone();
                move |((election, _), _)| *election == name
            })
            .map(|((_, id), candidate)| (id, candidate))
    }

    fn in_order<'a>(
        &'a self,
        name: &ElectionName,
        election: &Election,
    ) -> Vec<(&'a CandidateId, &'a Candidate)> {
        let heir = election.transfer.as_ref().map(|transfer| &transfer.to);
        let mut found: Vec<_> = self.standing(name).collect();
        found.sort_by_key(|(id, candidate)| {
            let turn = if **id == election.leader {
                0
            } else if heir == Some(id) {
                1
            } else {
                2
            };
            (turn, rank(id, candidate))
        });
        found
    }

    fn view<'a>(
        &'a self,
        name: &ElectionName,
        election: &'a Election,
        ((id, candidate), position): ((&'a CandidateId, &'a Candidate), u32),
    ) -> CandidateView<'a> {
        let path = name.znode().child(id.as_str());
        CandidateView {
            id,
            candidate,
            election,
            position,
            znode: path.ok().and_then(|path| self.znode(&path)),
        }
    }
}

/// Who of several candidates leads next: the least. Greatest weight first, then who stands longest.
/// No two begin to stand at the same position; the id only makes the order total.
pub(crate) fn rank<'a>(
    id: &'a CandidateId,
    candidate: &Candidate,
) -> (Reverse<u32>, u64, &'a CandidateId) {
    (Reverse(candidate.weight), candidate.stands.zxid.0, id)
}
