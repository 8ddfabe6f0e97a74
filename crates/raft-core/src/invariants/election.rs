//! I-14, and I-11 where it concerns elections. Look-ups and deadlines are compared with a rebuild by
//! the parent module.

use std::collections::BTreeMap;

use crate::election::{Candidate, Election};
use crate::ids::{CandidateId, ElectionName, SessionId};
use crate::limits;
use crate::state::State;
use crate::znode::ZnodeKind;

/// Checks them all.
pub(super) fn check(state: &State) -> Result<(), String> {
    let mut standing: BTreeMap<&ElectionName, Vec<(&CandidateId, &Candidate)>> = BTreeMap::new();
    for ((election, id), candidate) in state.candidates.iter() {
        check_candidate(state, (election, id), candidate)
            .map_err(|why| format!("{why}, at candidate {id} of {election}"))?;
        standing.entry(election).or_default().push((id, candidate));
    }
    for (name, candidates) in &standing {
        check_candidates(state, name, candidates)
            .map_err(|why| format!("{why}, at election {name}"))?;
    }
    for (name, election) in state.elections.iter() {
        let candidates = standing.get(name).map_or(&[][..], Vec::as_slice);
        check_election(state, election, candidates)
            .map_err(|why| format!("{why}, at election {name}"))?;
    }
    let ended = state.ended_candidates.len();
    if ended > limits::ENDED_CANDIDATES_MAX {
        return Err(format!("I-11: {ended} ended candidates"));
    }
    Ok(())
}

fn ensure(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

fn check_candidate(
    state: &State,
    (election, id): (&ElectionName, &CandidateId),
    candidate: &Candidate,
) -> Result<(), String> {
    let path = election.znode().child(id.as_str());
    let path = path.map_err(|error| error.to_string())?;
    let kind = state.znodes.get(&path).map(crate::znode::Znode::kind);
    ensure(
        kind == Some(ZnodeKind::Ephemeral(candidate.session)),
        "I-14: its znode is missing or another's",
    )?;
    ensure(
        candidate.stands.zxid <= state.clock.zxid,
        "I-1: it stands since a time to come",
    )
}

fn check_candidates(
    state: &State,
    name: &ElectionName,
    candidates: &[(&CandidateId, &Candidate)],
) -> Result<(), String> {
    ensure(
        state.elections.contains_key(name),
        "I-14: it has candidates and no leader",
    )?;
    ensure(
        candidates.len() <= limits::CANDIDATES_PER_ELECTION_MAX,
        "I-11: too many candidates",
    )?;
    let mut sessions: Vec<SessionId> = candidates.iter().map(|(_, c)| c.session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    ensure(
        sessions.len() == candidates.len(),
        "I-14: two candidates of one session",
    )
}

fn check_election(
    state: &State,
    election: &Election,
    candidates: &[(&CandidateId, &Candidate)],
) -> Result<(), String> {
    let stands = |id: &CandidateId| candidates.iter().any(|(other, _)| *other == id);
    ensure(stands(&election.leader), "I-14: its leader does not stand")?;
    ensure(
        election.term.0 == election.elected.zxid.0 && election.elected.zxid <= state.clock.zxid,
        "I-14: its term is not the position at which it began",
    )?;
    let Some(transfer) = &election.transfer else {
        return Ok(());
    };
    ensure(
        stands(&transfer.to) && transfer.to != election.leader,
        "I-14: it is handed over to who does not stand by",
    )
}
