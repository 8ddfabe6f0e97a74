//! Elections written the plain way: lists, searched from end to end.

use std::collections::BTreeMap;

/// The name of a refusal, or what was done in words.
pub(crate) type Told = Result<String, String>;

/// Who leads, in which term, and who is handed over to and when.
pub(crate) type Leader = (String, u64, Option<(String, u64)>);

/// How long an ended candidate is remembered.
const REMEMBERED_MS: u64 = 15 * 60_000;

#[derive(Clone, Debug)]
struct Candidate {
    id: String,
    session: u64,
    weight: u32,
    since: u64,
    value: u8,
}

#[derive(Clone, Debug)]
struct Ended {
    session: u64,
    resigned: bool,
    term: Option<u64>,
    at: u64,
}

#[derive(Clone, Debug, Default)]
struct Election {
    candidates: Vec<Candidate>,
    leader: Option<(String, u64)>,
    transfer: Option<(String, u64)>,
    ended: BTreeMap<String, Ended>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Naive {
    pub(crate) zxid: u64,
    pub(crate) sessions: Vec<u64>,
    time: u64,
    elections: BTreeMap<String, Election>,
}

impl Naive {
    pub(crate) fn campaign(
        &mut self,
        session: u64,
        (name, id): (&str, &str),
        weight: u32,
        value: u8,
    ) -> Told {
        let zxid = self.zxid;
        let election = self.elections.entry(name.to_owned()).or_default();
        if let Some(known) = election.candidates.iter_mut().find(|c| c.id == id) {
            if known.session != session {
                return Err("CandidateTaken".to_owned());
            }
            (known.weight, known.value) = (weight, value);
            return Ok(election.standing(id));
        }
        if election.ended.get(id).is_some_and(|e| e.session == session) {
            return Err("CandidateEnded".to_owned());
        }
        if election.candidates.iter().any(|c| c.session == session) {
            return Err("StandsAlready".to_owned());
        }
        election.ended.remove(id);
        election.candidates.push(Candidate {
            id: id.to_owned(),
            session,
            weight,
            since: zxid,
            value,
        });
        election.settle(zxid, None);
        Ok(election.standing(id))
    }

    pub(crate) fn resign(&mut self, session: u64, (name, id): (&str, &str)) -> Told {
        let (zxid, time) = (self.zxid, self.time);
        let election = self.elections.entry(name.to_owned()).or_default();
        let Some(owner) = election.candidates.iter().find(|c| c.id == id) else {
            return match election.ended.get(id) {
                Some(ended) if ended.resigned => Ok(format!("ended {:?}", ended.term)),
                Some(_) => Err("CandidateEnded".to_owned()),
                None => Err("NoCandidate".to_owned()),
            };
        };
        if owner.session != session {
            return Err("NotCandidate".to_owned());
        }
        let heir = election.remove(id, true, time);
        election.settle(zxid, heir);
        Ok(format!("ended {:?}", election.ended[id].term))
    }

    pub(crate) fn transfer(
        &mut self,
        name: &str,
        to: &str,
        within_ms: u64,
        term: Option<u64>,
    ) -> Told {
        let (zxid, time) = (self.zxid, self.time);
        let election = self.elections.entry(name.to_owned()).or_default();
        let Some((leader, present)) = election.leader.clone() else {
            return Err("NoElection".to_owned());
        };
        if term.is_some_and(|term| term != present) {
            return Err("TermStale".to_owned());
        }
        if !election.candidates.iter().any(|c| c.id == to) {
            return Err("NoCandidate".to_owned());
        }
        if leader != to {
            election.transfer = Some((to.to_owned(), time + within_ms));
            if within_ms == 0 {
                election.hand_over(zxid);
            }
        }
        let (leader, term) = election.leader.clone().unwrap();
        let heir = election.transfer.as_ref().map(|(to, _)| to.as_str());
        Ok(format!("{leader} {term} {heir:?}"))
    }

    pub(crate) fn close(&mut self, session: u64) {
        self.sessions.retain(|other| *other != session);
        let (zxid, time) = (self.zxid, self.time);
        for election in self.elections.values_mut() {
            let own = election.candidates.iter().find(|c| c.session == session);
            if let Some(id) = own.map(|c| c.id.clone()) {
                let heir = election.remove(&id, false, time);
                election.settle(zxid, heir);
            }
        }
    }

    pub(crate) fn delete(&mut self, which: &[(&str, &str)]) {
        let (zxid, time) = (self.zxid, self.time);
        let mut heirs = BTreeMap::new();
        for (name, id) in which {
            let election = self.elections.get_mut(*name).unwrap();
            if let Some(heir) = election.remove(id, false, time) {
                heirs.insert((*name).to_owned(), heir);
            }
        }
        for (name, election) in &mut self.elections {
            election.settle(zxid, heirs.remove(name));
        }
    }

    pub(crate) fn delete_all(&mut self, name: &str) {
        let time = self.time;
        let Some(election) = self.elections.get_mut(name) else {
            return;
        };
        let ids: Vec<String> = election.candidates.iter().map(|c| c.id.clone()).collect();
        for id in ids {
            election.remove(&id, false, time);
        }
    }

    pub(crate) fn stands(&self, (name, id): &(&str, &str)) -> bool {
        let election = self.elections.get(*name);
        election.is_some_and(|election| election.candidates.iter().any(|c| c.id == *id))
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.time += ms;
        let (zxid, time) = (self.zxid, self.time);
        for election in self.elections.values_mut() {
            if election
                .transfer
                .as_ref()
                .is_some_and(|(_, at)| *at <= time)
            {
                election.hand_over(zxid);
            }
            election
                .ended
                .retain(|_, ended| ended.at + REMEMBERED_MS > time);
        }
    }

    pub(crate) fn term(&self, name: &str) -> Option<u64> {
        self.leader(name).map(|(_, term, _)| term)
    }

    pub(crate) fn lasts(&self, name: &str, term: u64) -> bool {
        self.term(name) == Some(term)
    }

    /// Who leads, in which term, who is handed over to and when.
    pub(crate) fn leader(&self, name: &str) -> Option<Leader> {
        let election = self.elections.get(name)?;
        let (leader, term) = election.leader.clone()?;
        Some((leader, term, election.transfer.clone()))
    }

    /// Candidates with their values, the leader first and then who is next.
    pub(crate) fn order(&self, name: &str) -> Vec<(String, Option<Vec<u8>>)> {
        let Some(election) = self.elections.get(name) else {
            return Vec::new();
        };
        let order = election.order();
        order
            .iter()
            .map(|c| (c.id.clone(), Some(vec![c.value])))
            .collect()
    }
}

impl Election {
    fn order(&self) -> Vec<&Candidate> {
        let leader = self.leader.as_ref().map(|(id, _)| id);
        let heir = self.transfer.as_ref().map(|(id, _)| id);
        let mut rest: Vec<&Candidate> = self.candidates.iter().collect();
        rest.sort_by(|one, other| {
            other
                .weight
                .cmp(&one.weight)
                .then(one.since.cmp(&other.since))
        });
        let mut order: Vec<&Candidate> = Vec::new();
        for first in [leader, heir].into_iter().flatten() {
            order.extend(rest.iter().filter(|c| c.id == *first));
        }
        let mut behind: Vec<&Candidate> = rest
            .into_iter()
            .filter(|c| Some(&c.id) != leader && Some(&c.id) != heir)
            .collect();
        order.append(&mut behind);
        order
    }

    fn standing(&self, id: &str) -> String {
        match &self.leader {
            Some((leader, term)) if leader == id => format!("leads {term}"),
            _ => {
                let at = self.order().iter().position(|c| c.id == id).unwrap();
                format!("stands by {at}")
            }
        }
    }

    /// Takes a candidate out; gives who is to lead next, where that was settled.
    fn remove(&mut self, id: &str, resigned: bool, time: u64) -> Option<String> {
        let at = self.candidates.iter().position(|c| c.id == id).unwrap();
        let gone = self.candidates.remove(at);
        let led = self.leader.take_if(|(leader, _)| leader == id);
        let heir = if led.is_some() {
            self.transfer.take().map(|(to, _)| to)
        } else {
            self.transfer.take_if(|(to, _)| to == id);
            None
        };
        let ended = Ended {
            session: gone.session,
            resigned,
            term: led.map(|(_, term)| term),
            at: time,
        };
        self.ended.insert(id.to_owned(), ended);
        heir
    }

    fn hand_over(&mut self, zxid: u64) {
        let (leader, _) = self.leader.take().unwrap();
        let (heir, _) = self.transfer.take().unwrap();
        let former = self.candidates.iter_mut().find(|c| c.id == leader);
        former.unwrap().since = zxid;
        self.settle(zxid, Some(heir));
    }

    fn settle(&mut self, zxid: u64, heir: Option<String>) {
        if self.leader.is_some() {
            return;
        }
        let heir = heir.filter(|heir| self.candidates.iter().any(|c| c.id == *heir));
        let next = heir.or_else(|| self.order().first().map(|c| c.id.clone()));
        self.leader = next.map(|next| (next, zxid));
    }
}
