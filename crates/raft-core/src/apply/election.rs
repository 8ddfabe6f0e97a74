//! Elections: standing, resigning, handing over, choosing the leader.
//!
//! Whoever ends a leadership notes the election as leaderless, and [`Step::settle_elections`] chooses
//! at the end of the command, when all that end in it are gone: no election has two leaders of one
//! term, and nobody is chosen on its way out.

mod ending;
mod transfer;

use std::sync::Arc;

use crate::acl::{AclEntry, Perms};
use crate::apply::Step;
use crate::apply::tree::NewZnode;
use crate::command::Campaign;
use crate::data::Data;
use crate::election::{Candidate, Election};
use crate::event::EventKind;
use crate::ids::{CandidateId, ElectionName, SessionId, Term, ZnodePath};
use crate::limits;
use crate::outcome::{CandidateReply, LeaderSummary, Refusal, Reply};
use crate::query::election::{CandidateStatus, rank};
use crate::znode::ZnodeKind;

/// Key of a candidate.
pub(in crate::apply) type CandidateKey = (ElectionName, CandidateId);

impl Step<'_> {
    /// Stands for election, or says how the candidate of this id stands (see [`Campaign`]).
    pub(crate) fn campaign(&mut self, campaign: &Campaign) -> Result<Reply, Refusal> {
        check_bounds(campaign)?;
        let Some(session) = self.session else {
            return Err(Refusal::SessionRequired {
                what: "standing for election".to_owned(),
            });
        };
        let key = (campaign.election.clone(), campaign.candidate.clone());
        if let Some(candidate) = self.state.candidates.get(&key) {
            let (election, candidate) = (key.0.clone(), candidate.clone());
            if candidate.session != session {
                let candidate = key.1;
                return Err(Refusal::CandidateTaken {
                    election,
                    candidate,
                });
            }
            self.change_candidate(&key, campaign, &candidate)?;
            return self.candidate_reply(&key, false);
        }
        self.check_candidate(&key, session)?;
        let length = campaign
            .value
            .as_ref()
            .map_or(0, |value| value.len() as u64);
        let path = self.check_child(&key.0.znode(), key.1.as_str(), (session, length))?;
        self.ensure_containers(&key.0.znode())?;
        // From here on nothing refuses.
        self.forget_ended_candidate(&key);
        self.insert_candidate(&key, (path, session), campaign);
        self.settle_elections();
        self.candidate_reply(&key, true)
    }

    /// Whether a session may stand under an id that nobody has.
    fn check_candidate(&self, key: &CandidateKey, session: SessionId) -> Result<(), Refusal> {
        let (election, id) = key;
        let ended = self.state.ended_candidates.get(key);
        if let Some(ended) = ended.filter(|ended| ended.session == session) {
            return Err(Refusal::CandidateEnded {
                election: election.clone(),
                candidate: id.clone(),
                ended: Box::new(ended.clone()),
            });
        }
        let mut count = 0_usize;
        for (other, candidate) in self.state.standing(election) {
            // Both would lead in turn, and their client could not tell which it is.
            if candidate.session == session {
                return Err(Refusal::StandsAlready {
                    election: election.clone(),
                    candidate: other.clone(),
                });
            }
            count = count.saturating_add(1);
        }
        if count >= limits::CANDIDATES_PER_ELECTION_MAX {
            return Err(Refusal::limit(
                "candidates of one election",
                limits::CANDIDATES_PER_ELECTION_MAX as u64,
            ));
        }
        Ok(())
    }

    /// Whether an ephemeral child of this name and length may be made below `parent`, itself made as a
    /// container where it is missing. Gives the child's path.
    pub(in crate::apply) fn check_child(
        &self,
        parent: &ZnodePath,
        name: &str,
        (session, length): (SessionId, u64),
    ) -> Result<ZnodePath, Refusal> {
        let (base, missing) = self.ancestor(parent, true)?;
        if missing.is_empty() {
            base.require(self.identities, Perms::CREATE)?;
        }
        self.check_room(base, missing.len().saturating_add(1))?;
        self.check_ephemerals(session)?;
        let path = parent.child(name)?;
        if let Some(znode) = self.state.znode(&path) {
            let version = znode.version;
            return Err(Refusal::NodeExists { path, version });
        }
        let containers = missing.iter().map(|path| (path, 0));
        self.check_quotas(containers.chain([(&path, length)]))?;
        Ok(path)
    }

    fn insert_candidate(
        &mut self,
        key: &CandidateKey,
        (path, session): (ZnodePath, SessionId),
        campaign: &Campaign,
    ) {
        let new = NewZnode {
            data: campaign.value.as_ref().map(Data::from),
            content_type: campaign.content_type.clone(),
            acl: Arc::from([AclEntry::open()]),
            kind: ZnodeKind::Ephemeral(session),
        };
        self.insert_znode(path, new);
        let candidate = Candidate {
            session,
            weight: campaign.weight,
            stands: self.now,
        };
        self.state.candidates.insert(key.clone(), candidate);
        self.events.push(EventKind::CandidateJoined {
            election: key.0.clone(),
            candidate: key.1.clone(),
            session,
            weight: campaign.weight,
        });
        if !self.state.elections.contains_key(&key.0) {
            self.leaderless.insert(key.0.clone(), None);
        }
    }

    /// Brings value and weight of a candidate to what its owner says now.
    fn change_candidate(
        &mut self,
        key: &CandidateKey,
        campaign: &Campaign,
        known: &Candidate,
    ) -> Result<(), Refusal> {
        let path = key.0.znode().child(key.1.as_str())?;
        let znode = self.permitted(&path, Perms::WRITE)?;
        let is_value = znode.data.as_deref() == campaign.value.as_deref()
            && znode.rare.content_type == campaign.content_type;
        if is_value && known.weight == campaign.weight {
            return Ok(());
        }
        if !is_value {
            let data = campaign.value.as_ref().map(Data::from);
            let length = data.as_ref().map_or(0, |data| data.len() as u64);
            self.check_quota_of_data(&path, length)?;
            self.set_znode_data(&path, data, campaign.content_type.clone());
        }
        let weight = campaign.weight;
        self.state
            .candidates
            .update(key, |candidate| candidate.weight = weight);
        self.events.push(EventKind::CandidateChanged {
            election: key.0.clone(),
            candidate: key.1.clone(),
            session: known.session,
            weight,
        });
        Ok(())
    }

    /// Chooses a leader in every election that lost its own in this command and still has candidates.
    pub(in crate::apply) fn settle_elections(&mut self) {
        for (name, heir) in std::mem::take(&mut self.leaderless) {
            // A change that was undone brought its leader back.
            if self.state.elections.contains_key(&name) {
                continue;
            }
            let key = |id: &CandidateId| (name.clone(), id.clone());
            let heir = heir.filter(|heir| self.state.candidates.contains_key(&key(heir)));
            let next = heir.clone().or_else(|| {
                let standing = self.state.standing(&name);
                let next = standing.min_by_key(|(id, candidate)| rank(id, candidate));
                next.map(|(id, _)| id.clone())
            });
            if let Some(leader) = next {
                self.elect(name, leader, heir.is_some());
            }
        }
    }

    fn elect(&mut self, name: ElectionName, leader: CandidateId, handed_over: bool) {
        let term = Term(self.now.zxid.0);
        let key = (name.clone(), leader.clone());
        let session = self.state.candidates.get(&key).map(|c| c.session);
        self.events.push(EventKind::LeaderElected {
            election: name.clone(),
            candidate: leader.clone(),
            session: session.unwrap_or_default(),
            term,
            handed_over,
        });
        let election = Election {
            leader,
            term,
            elected: self.now,
            transfer: None,
        };
        let former = self.state.elections.insert(name.clone(), election);
        assert!(former.is_none(), "I-14: election {name} has two leaders");
    }

    /// How a candidate stands now.
    fn candidate_reply(&self, key: &CandidateKey, created: bool) -> Result<Reply, Refusal> {
        let CandidateStatus::Live(view) = self.state.candidate(&key.0, &key.1) else {
            return Err(no_candidate(key));
        };
        Ok(Reply::Candidate(Box::new(CandidateReply {
            created,
            term: view.term(),
            position: view.position,
            leader: LeaderSummary::of(view.election),
        })))
    }
}

/// There is no such candidate.
fn no_candidate((election, candidate): &CandidateKey) -> Refusal {
    Refusal::NoCandidate {
        election: election.clone(),
        candidate: candidate.clone(),
    }
}

fn check_bounds(campaign: &Campaign) -> Result<(), Refusal> {
    let length = campaign.value.as_ref().map_or(0, bytes::Bytes::len);
    if length > limits::CANDIDATE_VALUE_BYTES_MAX {
        return Err(Refusal::limit(
            "bytes in the value of a candidate",
            limits::CANDIDATE_VALUE_BYTES_MAX as u64,
        ));
    }
    let content_type = campaign.content_type.as_deref().unwrap_or_default();
    if content_type.len() > limits::CONTENT_TYPE_BYTES_MAX {
        return Err(Refusal::limit(
            "bytes per content type",
            limits::CONTENT_TYPE_BYTES_MAX as u64,
        ));
    }
    Ok(())
}
