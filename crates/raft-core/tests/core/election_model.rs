//! Random operations on elections, applied to the state machine and to a list that is searched from
//! end to end: after each the two agree on who leads, in which term, who is next and who is handed
//! over to. Terms never shrink, and an old one never guards anything.

mod naive;

use std::collections::BTreeMap;

use naive::{Naive, Told};
use proptest::prelude::*;
use raft_core::command::{
    Campaign, Command, Expect, OpenSession, Owner, SessionRef, TransferLeadership, ZnodeOp,
};
use raft_core::ids::{CandidateId, ElectionName, SessionId, Term, ZnodePath};
use raft_core::outcome::{Outcome, Reply};

use crate::harness::{Harness, restored, variant};
use crate::words::Words;

/// One command of a run. Sessions are named by their place among the live ones.
#[derive(Clone, Debug)]
enum Step {
    Open,
    Close(usize),
    Campaign {
        by: usize,
        election: &'static str,
        id: &'static str,
        weight: u32,
        value: u8,
    },
    Resign {
        by: usize,
        election: &'static str,
        id: &'static str,
    },
    Transfer {
        election: &'static str,
        to: &'static str,
        within_ms: u64,
        of_present_term: Option<bool>,
    },
    DeleteZnodes(Vec<(&'static str, &'static str)>),
    DeleteElection(&'static str),
    Guarded {
        election: &'static str,
        of_present_term: bool,
    },
    Time(u64),
    Snapshot,
}

fn election() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b/c"])
}

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["x", "y", "z"])
}

fn step() -> impl Strategy<Value = Step> {
    let by = || 0..4_usize;
    prop_oneof![
        3 => Just(Step::Open),
        1 => by().prop_map(Step::Close),
        8 => (by(), election(), id(), 0..3_u32, 0..3_u8).prop_map(
            |(by, election, id, weight, value)| Step::Campaign { by, election, id, weight, value }
        ),
        3 => (by(), election(), id()).prop_map(|(by, election, id)| Step::Resign { by, election, id }),
        3 => (election(), id(), prop::sample::select(vec![0, 500]), any::<Option<bool>>()).prop_map(
            |(election, to, within_ms, of_present_term)| Step::Transfer {
                election,
                to,
                within_ms,
                of_present_term,
            }
        ),
        2 => prop::collection::vec((election(), id()), 1..4).prop_map(Step::DeleteZnodes),
        1 => election().prop_map(Step::DeleteElection),
        2 => (election(), any::<bool>()).prop_map(|(election, of_present_term)| Step::Guarded {
            election,
            of_present_term,
        }),
        2 => prop::sample::select(vec![1, 400, 70_000, 1_000_000]).prop_map(Step::Time),
        1 => Just(Step::Snapshot),
    ]
}

struct Pair {
    harness: Harness,
    naive: Naive,
    latest_terms: BTreeMap<String, u64>,
}

impl Pair {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Open => {
                let told = self.send("", open());
                assert!(told.result.is_ok());
                self.naive.sessions.push(self.naive.zxid);
            }
            Step::Close(by) => {
                let Some(session) = self.session(*by) else {
                    return;
                };
                self.send(
                    "",
                    Command::CloseSession(SessionRef::Id(SessionId(session))),
                );
                self.naive.close(session);
            }
            Step::Campaign { .. } | Step::Resign { .. } => self.candidates_word(step),
            Step::Transfer {
                election,
                to,
                within_ms,
                of_present_term,
            } => {
                let term = of_present_term.map(|present| self.term(election, present));
                let command = Command::TransferLeadership(TransferLeadership {
                    election: ElectionName::parse(election).unwrap(),
                    to: CandidateId::parse(to).unwrap(),
                    term: term.map(Term),
                    within_ms: *within_ms,
                    reason: None,
                });
                let told = told(&self.send("", command));
                assert_eq!(
                    told,
                    self.naive.transfer(election, to, *within_ms, term),
                    "{step:?}"
                );
            }
            Step::DeleteZnodes(which) => self.delete_znodes(which),
            Step::DeleteElection(election) => {
                let path = ElectionName::parse(election).unwrap().znode();
                let told = self.send("", Command::DeleteSubtree { path, max: 100 });
                if told.result.is_ok() {
                    self.naive.delete_all(election);
                }
            }
            Step::Guarded {
                election,
                of_present_term,
            } => self.check_in_term(election, *of_present_term),
            Step::Time(ms) => {
                self.harness.stamp.log_time.0 += ms;
                self.send("", Command::ExpireDue);
                self.naive.pass(*ms);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
        }
        self.compare();
    }

    /// Something that is done only while a term lasts.
    fn check_in_term(&mut self, election: &str, present: bool) {
        let term = self.term(election, present);
        let check = Command::Znode(ZnodeOp::Check {
            path: "/".to_owned(),
            expect: Expect::Any,
        });
        let outcome = self.send(&format!("term={election}:{term}"), check);
        let lasts = self.naive.lasts(election, term);
        assert_eq!(outcome.result.is_ok(), lasts, "term {term} of {election}");
    }

    /// What a session does about a candidate.
    fn candidates_word(&mut self, step: &Step) {
        let (Step::Campaign { by, .. } | Step::Resign { by, .. }) = step else {
            return;
        };
        let Some(session) = self.session(*by) else {
            return;
        };
        let by = format!("session=#{session}");
        let (outcome, expected) = match step {
            Step::Campaign {
                election,
                id,
                weight,
                value,
                ..
            } => {
                let command = Command::Campaign(Campaign {
                    election: ElectionName::parse(election).unwrap(),
                    candidate: CandidateId::parse(id).unwrap(),
                    value: Some(vec![*value].into()),
                    content_type: None,
                    weight: *weight,
                });
                let outcome = self.send(&by, command);
                let expected = self
                    .naive
                    .campaign(session, (election, id), *weight, *value);
                (outcome, expected)
            }
            Step::Resign { election, id, .. } => {
                let command = Command::Resign {
                    election: ElectionName::parse(election).unwrap(),
                    candidate: CandidateId::parse(id).unwrap(),
                };
                let outcome = self.send(&by, command);
                (outcome, self.naive.resign(session, (election, id)))
            }
            _ => return,
        };
        assert_eq!(told(&outcome), expected, "{step:?}");
    }

    /// Deletes znodes of candidates in one command, all or none.
    fn delete_znodes(&mut self, which: &[(&'static str, &'static str)]) {
        let path = |(election, id): &(&str, &str)| format!("/elections/{election}/{id}");
        let delete = |which: &(&'static str, &'static str)| ZnodeOp::Delete {
            path: path(which),
            expect: Expect::Any,
        };
        let told = self.send("", Command::Multi(which.iter().map(delete).collect()));
        if told.result.is_ok() {
            self.naive.delete(which);
        } else {
            let mut different: Vec<_> = which.to_vec();
            different.sort_unstable();
            different.dedup();
            let all_stand = which.iter().all(|which| self.naive.stands(which));
            assert!(!all_stand || different.len() < which.len(), "{told:?}");
        }
    }

    fn send(&mut self, settings: &str, command: Command) -> Outcome {
        self.naive.zxid += 1;
        let request = self.harness.request(Words::parse(settings), command);
        self.harness.apply(&request)
    }

    fn session(&self, place: usize) -> Option<u64> {
        self.naive.sessions.get(place).copied()
    }

    /// The present term, or one that is over.
    fn term(&self, election: &str, present: bool) -> u64 {
        let term = self.naive.term(election).unwrap_or(0);
        if present { term } else { term.wrapping_sub(1) }
    }

    fn compare(&mut self) {
        let state = &self.harness.state;
        for name in ["a", "b/c"] {
            let election = ElectionName::parse(name).unwrap();
            let found = state.election(&election);
            let shown = found.map(|found| {
                let heir = found.transfer.as_ref();
                (
                    found.leader.to_string(),
                    found.term.0,
                    heir.map(|heir| (heir.to.to_string(), heir.deadline.0)),
                )
            });
            assert_eq!(shown, self.naive.leader(name), "leader of {name}");
            let order = state.candidates(&election, 100);
            let order: Vec<_> = order
                .iter()
                .map(|view| {
                    let value = view.znode.and_then(|znode| znode.data.as_deref());
                    (view.id.to_string(), value.map(<[u8]>::to_vec))
                })
                .collect();
            assert_eq!(order, self.naive.order(name), "candidates of {name}");
            if let Some((_, term, _)) = shown {
                let latest = self.latest_terms.entry(name.to_owned()).or_default();
                assert!(term >= *latest, "term {term} of {name} after {latest}");
                *latest = term;
            }
            let path = ZnodePath::parse(&format!("/elections/{name}")).unwrap();
            let below = state
                .stat(&path)
                .map_or(0, |stat| stat.num_children as usize);
            assert_eq!(below, order.len(), "znodes of {name}");
        }
    }
}

fn open() -> Command {
    Command::OpenSession(OpenSession {
        name: None,
        timeout_ms: 10_000,
        password: [0; 16],
        owner: Owner::default(),
        lock_delay_ms: 0,
    })
}

fn told(outcome: &Outcome) -> Told {
    match &outcome.result {
        Ok(Reply::Candidate(reply)) => Ok(match reply.term {
            Some(term) => format!("leads {term}"),
            None => format!("stands by {}", reply.position),
        }),
        Ok(Reply::CandidateEnded(ended)) => {
            Ok(format!("ended {:?}", ended.term.map(|term| term.0)))
        }
        Ok(Reply::LeadershipTransfer(leader)) => Ok(format!(
            "{} {} {:?}",
            leader.leader,
            leader.term,
            leader
                .transfer
                .as_ref()
                .map(|transfer| transfer.to.as_str())
        )),
        Ok(other) => panic!("not asked for: {other:?}"),
        Err(refusal) => Err(variant(refusal)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn elections_do_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair {
            harness: Harness::new(),
            naive: Naive::default(),
            latest_terms: BTreeMap::new(),
        };
        for step in &steps {
            pair.step(step);
        }
    }
}
