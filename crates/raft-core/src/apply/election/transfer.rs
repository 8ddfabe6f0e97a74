//! Handing a leadership over.

use crate::acl::{self, Perms};
use crate::apply::Step;
use crate::apply::acquire::checks;
use crate::apply::election::{CandidateKey, no_candidate};
use crate::command::TransferLeadership;
use crate::election::{Candidate, CandidateEnd, Election, Transfer};
use crate::event::EventKind;
use crate::ids::{ElectionName, LogTime, SessionId};
use crate::outcome::{LeaderSummary, Refusal, Reply};

impl Step<'_> {
    /// Asks the leader to hand over; when its time is up it is done without it. Asking again replaces
    /// target, time and reason. Nothing changes where the target leads already.
    pub(crate) fn transfer_leadership(
        &mut self,
        ask: &TransferLeadership,
    ) -> Result<Reply, Refusal> {
        checks::duration("deadline", Some(ask.within_ms))?;
        checks::text("reason", ask.reason.as_deref())?;
        let name = &ask.election;
        let Some(election) = self.state.elections.get(name).cloned() else {
            return Err(Refusal::NoElection {
                election: name.clone(),
            });
        };
        if let Some(term) = ask.term {
            self.state.verify_term(name, term)?;
        }
        let to = (name.clone(), ask.to.clone());
        if !self.state.candidates.contains_key(&to) {
            return Err(no_candidate(&to));
        }
        let znode = name.znode();
        let list = &self.state.existing(&znode)?.acl;
        acl::require(&znode, list, self.identities, Perms::DELETE)?;
        if election.leader == ask.to {
            return Ok(Reply::LeadershipTransfer(LeaderSummary::of(&election)));
        }
        let transfer = Transfer {
            to: ask.to.clone(),
            asked: self.now,
            deadline: self.now.log_time.after(ask.within_ms),
            reason: ask.reason.clone(),
        };
        self.ask_to_hand_over(name, &election, transfer);
        if ask.within_ms == 0 {
            self.hand_over(name);
            self.settle_elections();
        }
        let now = self.state.elections.get(name).unwrap_or(&election);
        Ok(Reply::LeadershipTransfer(LeaderSummary::of(now)))
    }

    fn ask_to_hand_over(&mut self, name: &ElectionName, election: &Election, transfer: Transfer) {
        let leader = (name.clone(), election.leader.clone());
        let session = self.state.candidates.get(&leader).map(|c| c.session);
        self.events.push(EventKind::TransferAsked {
            election: name.clone(),
            leader: leader.1,
            session: session.unwrap_or_default(),
            to: transfer.to.clone(),
            within_ms: transfer.deadline.0.saturating_sub(self.now.log_time.0),
            reason: transfer.reason.clone(),
        });
        self.update_election(name, |election| election.transfer = Some(transfer));
    }

    /// The time of a transfer is up.
    pub(in crate::apply) fn transfer_due(&mut self, at: LogTime, name: &ElectionName) {
        let transfer = self
            .state
            .elections
            .get(name)
            .and_then(|election| election.transfer.as_ref());
        let deadline = transfer.map(|transfer| transfer.deadline);
        assert!(
            deadline == Some(at),
            "election {name} is handed over at {deadline:?}, not {at}"
        );
        self.hand_over(name);
    }

    /// Ends the leadership of a leader who goes on as the last of the candidates.
    fn hand_over(&mut self, name: &ElectionName) {
        let now = self.now;
        let Some(election) = self.state.elections.get(name) else {
            return;
        };
        let key = (name.clone(), election.leader.clone());
        let stands_again = |candidate: &mut Candidate| {
            candidate.stands = now;
            candidate.session
        };
        let session = self.state.candidates.update(&key, stands_again);
        self.end_leadership(name, session.unwrap_or_default(), CandidateEnd::Transferred);
    }

    /// Ends a leadership. Who is next is chosen at the end of the command: whom it is being handed
    /// over to, if that one still stands by then.
    pub(in crate::apply) fn end_leadership(
        &mut self,
        name: &ElectionName,
        session: SessionId,
        end: CandidateEnd,
    ) {
        let Some(former) = self.state.elections.remove(name) else {
            return;
        };
        self.state.index.forget_election(name, &former);
        let heir = former.transfer.as_ref().map(|transfer| transfer.to.clone());
        self.leaderless.insert(name.clone(), heir);
        self.events.push(EventKind::LeadershipEnded {
            election: name.clone(),
            candidate: former.leader,
            session,
            term: former.term,
            end,
        });
    }

    /// A candidate that is to lead next stands no more.
    pub(in crate::apply) fn cancel_transfer_to(&mut self, (name, id): &CandidateKey) {
        let election = self.state.elections.get(name);
        let transfer = election.and_then(|election| election.transfer.as_ref());
        if transfer.is_some_and(|transfer| transfer.to == *id) {
            self.update_election(name, |election| election.transfer = None);
            self.events.push(EventKind::TransferCancelled {
                election: name.clone(),
                to: id.clone(),
            });
        }
    }

    fn update_election(&mut self, name: &ElectionName, change: impl FnOnce(&mut Election)) {
        let (elections, index) = (&mut self.state.elections, &mut self.state.index);
        let found = elections.update(name, |election| {
            index.forget_election(name, election);
            change(election);
            index.note_election(name, election);
        });
        assert!(found.is_some(), "no election {name} to change");
    }
}
