//! Random operations on barriers, by parties and by ZooKeeper clients, applied to the state machine and to
//! lists that are searched from end to end: after each the two agree on who is in which barrier, whether it
//! is open and since when, whether `ready` is there, and what each was told.

use proptest::prelude::*;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Command, Create, CreateKind, EnterBarrier, Expect, OpenSession, Owner, SessionRef, ZnodeOp,
};
use raft_core::ids::{BarrierName, MemberId, SessionId};
use raft_core::outcome::{BarrierReply, Outcome, Reply};

use crate::harness::{Harness, restored, variant};
use crate::words::Words;

const BARRIERS: [&str; 2] = ["a", "b/c"];

/// One command of a run. Sessions are named by their place among the live ones, barriers by that in
/// [`BARRIERS`].
#[derive(Clone, Debug)]
enum Step {
    Open,
    Close(usize),
    Enter(usize, (usize, &'static str), u32),
    Leave(usize, (usize, &'static str)),
    /// As a ZooKeeper client does it: a child, or `ready`.
    Create(usize, (usize, &'static str)),
    CreateReady(usize),
    Delete(usize, &'static str),
    DeleteBarrier(usize),
    Time(u64),
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    let by = || 0..4_usize;
    let barrier = || 0..BARRIERS.len();
    let id = || prop::sample::select(vec!["x", "y", "z"]);
    let any_child = prop::sample::select(vec!["x", "y", "z", "ready"]);
    prop_oneof![
        3 => Just(Step::Open),
        1 => by().prop_map(Step::Close),
        10 => (by(), (barrier(), id()), 1..4_u32)
            .prop_map(|(by, which, parties)| Step::Enter(by, which, parties)),
        6 => (by(), (barrier(), id())).prop_map(|(by, which)| Step::Leave(by, which)),
        3 => (by(), (barrier(), id())).prop_map(|(by, which)| Step::Create(by, which)),
        1 => barrier().prop_map(Step::CreateReady),
        3 => (barrier(), any_child).prop_map(|(barrier, child)| Step::Delete(barrier, child)),
        1 => barrier().prop_map(Step::DeleteBarrier),
        1 => prop::sample::select(vec![400, 70_000]).prop_map(Step::Time),
        1 => Just(Step::Snapshot),
    ]
}

/// What is known of one barrier.
#[derive(Clone, Debug, Default)]
struct Naive {
    /// Id, session and position, in the order in which they came.
    members: Vec<(&'static str, u64, u64)>,
    /// How many are to meet, and when they had.
    round: Option<(u32, Option<u64>)>,
    ready: bool,
}

type Told = Result<String, String>;

impl Naive {
    fn is_open(&self) -> bool {
        let is_known = self.round.is_some_and(|(_, opened)| opened.is_some());
        !self.members.is_empty() && (is_known || self.ready)
    }

    /// A child came, or went.
    fn settle(&mut self, zxid: u64, came: bool) {
        let Some((parties, mut opened)) = self.round else {
            return;
        };
        if self.members.is_empty() {
            (self.round, self.ready) = (None, false);
            return;
        }
        if opened.is_some_and(|opened| self.members.iter().all(|member| member.2 > opened))
            && !self.ready
        {
            opened = None;
        }
        let is_met = self.ready || self.members.len() >= parties as usize;
        if came && opened.is_none() && is_met {
            (opened, self.ready) = (Some(zxid), true);
        }
        self.round = Some((parties, opened));
    }

    fn told(&self) -> String {
        let opened = self.round.and_then(|(_, opened)| opened);
        let opened = opened.filter(|_| !self.members.is_empty());
        format!("{} {opened:?} {}", self.is_open(), self.members.len())
    }

    fn enter(&mut self, (session, zxid): (u64, u64), id: &'static str, parties: u32) -> Told {
        let owner = self.members.iter().find(|member| member.0 == id);
        if owner.is_some_and(|member| member.1 != session) {
            return Err("PartyTaken".to_owned());
        }
        let is_there = owner.is_some();
        let is_used = !self.members.is_empty();
        let named = self.round.map(|(parties, _)| parties);
        if is_used && named.is_some_and(|named| named != parties) {
            return Err("PartiesDiffer".to_owned());
        }
        if !is_there {
            if self.is_open() {
                return Err("BarrierOpen".to_owned());
            }
            if !is_used {
                (self.round, self.ready) = (None, false);
            }
            self.members.push((id, session, zxid));
        }
        let came = !is_there || self.round.is_none();
        self.round.get_or_insert((parties, None));
        self.settle(zxid, came);
        Ok(format!("{} {}", !is_there, self.told()))
    }

    fn leave(&mut self, (session, zxid): (u64, u64), id: &'static str) -> Told {
        let owner = self.members.iter().find(|member| member.0 == id);
        if owner.is_some_and(|member| member.1 != session) {
            return Err("PartyTaken".to_owned());
        }
        let left = owner.is_some();
        if left {
            self.members.retain(|member| member.0 != id);
            self.settle(zxid, false);
        }
        Ok(format!("left {left} {}", self.told()))
    }
}

struct Pair {
    harness: Harness,
    zxid: u64,
    sessions: Vec<u64>,
    naive: [Naive; 2],
}

impl Pair {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Open => {
                assert!(self.send(None, open()).result.is_ok());
                self.sessions.push(self.zxid);
            }
            Step::Close(place) => self.close(*place),
            Step::Enter(place, (at, id), parties) => {
                let Some(session) = self.session(*place) else {
                    return;
                };
                let outcome = self.send(Some(session), enter(*at, id, *parties));
                let expected = self.naive[*at].enter((session, self.zxid), id, *parties);
                assert_eq!(told(&outcome), expected, "{step:?}");
            }
            Step::Leave(place, (at, id)) => {
                let Some(session) = self.session(*place) else {
                    return;
                };
                let outcome = self.send(Some(session), leave(*at, id));
                let expected = self.naive[*at].leave((session, self.zxid), id);
                assert_eq!(told(&outcome), expected, "{step:?}");
            }
            Step::Create(place, (at, id)) => {
                let Some(session) = self.session(*place) else {
                    return;
                };
                let command = create(*at, id, CreateKind::Ephemeral);
                let is_made = self.send(Some(session), command).result.is_ok();
                let naive = &mut self.naive[*at];
                let was = naive.members.iter().any(|member| member.0 == *id);
                assert_ne!(is_made, was, "{step:?}");
                if is_made {
                    naive.members.push((id, session, self.zxid));
                    naive.settle(self.zxid, true);
                }
            }
            Step::CreateReady(at) => {
                let command = create(*at, "ready", CreateKind::Persistent);
                let is_made = self.send(None, command).result.is_ok();
                let naive = &mut self.naive[*at];
                assert_ne!(is_made, naive.ready, "{step:?}");
                if is_made {
                    naive.ready = true;
                    naive.settle(self.zxid, true);
                }
            }
            Step::Delete(at, child) => self.delete(*at, child),
            Step::DeleteBarrier(at) => {
                let path = name(*at).znode();
                let delete = Command::DeleteSubtree { path, max: 100 };
                if self.send(None, delete).result.is_ok() {
                    self.naive[*at] = Naive::default();
                }
            }
            Step::Time(ms) => {
                self.harness.stamp.log_time.0 += ms;
                self.send(None, Command::ExpireDue);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
        }
        self.compare();
    }

    fn close(&mut self, place: usize) {
        let Some(session) = self.session(place) else {
            return;
        };
        self.send(
            None,
            Command::CloseSession(SessionRef::Id(SessionId(session))),
        );
        self.sessions.retain(|other| *other != session);
        for naive in &mut self.naive {
            let before = naive.members.len();
            naive.members.retain(|member| member.1 != session);
            if naive.members.len() < before {
                naive.settle(self.zxid, false);
            }
        }
    }

    fn delete(&mut self, at: usize, child: &'static str) {
        let path = format!("/barriers/{}/{child}", BARRIERS[at]);
        let expect = Expect::Any;
        let is_gone = self
            .send(None, Command::Znode(ZnodeOp::Delete { path, expect }))
            .result
            .is_ok();
        let naive = &mut self.naive[at];
        let was = match child {
            "ready" => std::mem::take(&mut naive.ready),
            id => {
                let before = naive.members.len();
                naive.members.retain(|member| member.0 != id);
                naive.members.len() < before
            }
        };
        assert_eq!(is_gone, was, "{child} of {}", BARRIERS[at]);
        if was {
            naive.settle(self.zxid, false);
        }
    }

    fn session(&self, place: usize) -> Option<u64> {
        self.sessions.get(place).copied()
    }

    fn send(&mut self, by: Option<u64>, command: Command) -> Outcome {
        self.zxid += 1;
        let settings = by.map(|session| format!("session=#{session}"));
        let settings = Words::parse(&settings.unwrap_or_default());
        let request = self.harness.request(settings, command);
        self.harness.apply(&request)
    }

    fn compare(&self) {
        let state = &self.harness.state;
        for (at, naive) in self.naive.iter().enumerate() {
            let name = name(at);
            let ready = name.znode().child("ready").unwrap();
            assert_eq!(
                state.znode(&ready).is_some(),
                naive.ready,
                "ready of {name}"
            );
            let view = state.barrier(&name);
            assert_eq!(view.is_some(), !naive.members.is_empty(), "{name}");
            let Some(view) = view else { continue };
            let ids: Vec<&str> = view.members.iter().map(|member| member.id).collect();
            let expected: Vec<&str> = naive.members.iter().map(|member| member.0).collect();
            assert_eq!(ids, expected, "members of {name}");
            let (parties, opened) = naive.round.unzip();
            assert_eq!(view.parties, parties, "parties of {name}");
            assert_eq!(view.opened.map(|zxid| zxid.0), opened.flatten(), "{name}");
            assert_eq!(view.is_open, naive.is_open(), "{name}");
        }
    }
}

fn name(at: usize) -> BarrierName {
    BarrierName::parse(BARRIERS[at]).unwrap()
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

fn enter(at: usize, id: &str, parties: u32) -> Command {
    Command::EnterBarrier(EnterBarrier {
        barrier: name(at),
        party: MemberId::parse(id).unwrap(),
        parties,
    })
}

fn leave(at: usize, id: &str) -> Command {
    Command::LeaveBarrier {
        barrier: name(at),
        party: MemberId::parse(id).unwrap(),
    }
}

fn create(at: usize, child: &str, kind: CreateKind) -> Command {
    Command::Znode(ZnodeOp::Create(Create {
        path: format!("/barriers/{}/{child}", BARRIERS[at]),
        data: None,
        content_type: None,
        acl: vec![AclEntry::open()],
        kind,
        sequential: false,
        parents: true,
    }))
}

fn told(outcome: &Outcome) -> Told {
    let shown = |reply: &BarrierReply| {
        let opened = reply.opened.map(|zxid| zxid.0);
        format!("{} {opened:?} {}", reply.is_open, reply.inside)
    };
    match &outcome.result {
        Ok(Reply::Barrier(reply)) => Ok(format!("{} {}", reply.created, shown(reply))),
        Ok(Reply::BarrierLeft { left, barrier }) => Ok(format!("left {left} {}", shown(barrier))),
        Ok(other) => panic!("not asked for: {other:?}"),
        Err(refusal) => Err(variant(refusal)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn barriers_do_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair {
            harness: Harness::new(),
            zxid: 0,
            sessions: Vec::new(),
            naive: Default::default(),
        };
        for step in &steps {
            pair.step(step);
        }
    }
}
