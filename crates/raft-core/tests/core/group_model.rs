//! Random operations on groups, by sessions and by ZooKeeper clients, applied to the state machine and to
//! a list that is searched from end to end: after each the two agree on who is in which group, in which
//! order, with which value, and what each was told.

use proptest::prelude::*;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Command, Create, CreateKind, Expect, JoinGroup, OpenSession, Owner, SessionRef, SetData,
    ZnodeOp,
};
use raft_core::ids::{GroupName, MemberId, SessionId};
use raft_core::outcome::{Outcome, Reply, ZnodeReply};

use crate::harness::{Harness, restored, variant};
use crate::words::Words;

/// A member of a group.
type Which = (&'static str, &'static str);

/// One command of a run. Sessions are named by their place among the live ones.
#[derive(Clone, Debug)]
enum Step {
    Open,
    Close(usize),
    Join(usize, Which, u8),
    Leave(usize, Which),
    /// A ZooKeeper client makes the child, as `GroupMember` and `Party` do.
    Create(usize, Which, u8),
    Set(Which, u8),
    Delete(Which),
    DeleteGroup(&'static str),
    Time(u64),
    Snapshot,
}

fn group() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b/c"])
}

fn which() -> impl Strategy<Value = Which> {
    (group(), prop::sample::select(vec!["x", "y", "z"]))
}

fn step() -> impl Strategy<Value = Step> {
    let by = || 0..4_usize;
    let value = || 0..3_u8;
    prop_oneof![
        3 => Just(Step::Open),
        1 => by().prop_map(Step::Close),
        8 => (by(), which(), value()).prop_map(|(by, which, value)| Step::Join(by, which, value)),
        4 => (by(), which()).prop_map(|(by, which)| Step::Leave(by, which)),
        4 => (by(), which(), value()).prop_map(|(by, which, value)| Step::Create(by, which, value)),
        2 => (which(), value()).prop_map(|(which, value)| Step::Set(which, value)),
        2 => which().prop_map(Step::Delete),
        1 => group().prop_map(Step::DeleteGroup),
        2 => prop::sample::select(vec![1, 400, 70_000]).prop_map(Step::Time),
        1 => Just(Step::Snapshot),
    ]
}

/// Somebody in a group.
#[derive(Clone, Debug)]
struct Member {
    which: Which,
    session: u64,
    since: u64,
    value: u8,
    version: i32,
}

/// What a command was answered: a word, or the name of the refusal.
type Told = Result<String, String>;

struct Pair {
    harness: Harness,
    zxid: u64,
    sessions: Vec<u64>,
    members: Vec<Member>,
}

impl Pair {
    fn step(&mut self, step: &Step) {
        let by = |by: &usize| self.sessions.get(*by).copied();
        match step {
            Step::Open => {
                assert!(self.send(None, open()).result.is_ok());
                self.sessions.push(self.zxid);
            }
            Step::Close(place) => {
                let Some(session) = by(place) else { return };
                let close = Command::CloseSession(SessionRef::Id(SessionId(session)));
                self.send(None, close);
                self.sessions.retain(|other| *other != session);
                self.members.retain(|member| member.session != session);
            }
            Step::Join(place, which, value) => {
                let Some(session) = by(place) else { return };
                let told = told(&self.send(Some(session), join(*which, *value)));
                assert_eq!(told, self.joined(session, *which, *value), "{step:?}");
            }
            Step::Leave(place, which) => {
                let Some(session) = by(place) else { return };
                let told = told(&self.send(Some(session), leave(*which)));
                assert_eq!(told, self.left(session, *which), "{step:?}");
            }
            Step::Create(place, which, value) => {
                let Some(session) = by(place) else { return };
                let told = told(&self.send(Some(session), create(*which, *value)));
                assert_eq!(told, self.created(session, *which, *value), "{step:?}");
            }
            Step::Set(which, value) => {
                let told = self.send(None, set(*which, *value));
                let found = self.members.iter_mut().find(|m| m.which == *which);
                assert_eq!(told.result.is_ok(), found.is_some(), "{step:?}");
                if let Some(member) = found {
                    (member.value, member.version) = (*value, member.version + 1);
                }
            }
            Step::Delete(which) => {
                let told = self.send(None, delete(*which));
                let was = self.members.iter().any(|m| m.which == *which);
                assert_eq!(told.result.is_ok(), was, "{step:?}");
                self.members.retain(|m| m.which != *which);
            }
            Step::DeleteGroup(group) => {
                let path = GroupName::parse(group).unwrap().znode();
                let told = self.send(None, Command::DeleteSubtree { path, max: 100 });
                if told.result.is_ok() {
                    self.members.retain(|m| m.which.0 != *group);
                }
                assert!(self.members.iter().all(|m| m.which.0 != *group));
            }
            Step::Time(ms) => {
                self.harness.stamp.log_time.0 += ms;
                self.send(None, Command::ExpireDue);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
        }
        self.compare();
    }

    fn joined(&mut self, session: u64, which: Which, value: u8) -> Told {
        let Some(member) = self.members.iter_mut().find(|m| m.which == which) else {
            self.add(session, which, value);
            return Ok("joined v0".to_owned());
        };
        if member.session != session {
            return Err("MemberTaken".to_owned());
        }
        if member.value != value {
            (member.value, member.version) = (value, member.version + 1);
        }
        Ok(format!("was there v{}", member.version))
    }

    fn left(&mut self, session: u64, which: Which) -> Told {
        let Some(member) = self.members.iter().find(|m| m.which == which) else {
            return Ok("left false".to_owned());
        };
        if member.session != session {
            return Err("MemberTaken".to_owned());
        }
        self.members.retain(|m| m.which != which);
        Ok("left true".to_owned())
    }

    fn created(&mut self, session: u64, which: Which, value: u8) -> Told {
        if self.members.iter().any(|m| m.which == which) {
            return Err("NodeExists".to_owned());
        }
        self.add(session, which, value);
        Ok("created".to_owned())
    }

    fn add(&mut self, session: u64, which: Which, value: u8) {
        self.members.push(Member {
            which,
            session,
            since: self.zxid,
            value,
            version: 0,
        });
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
        let mut listed = Vec::new();
        for name in ["a", "b/c"] {
            let group = GroupName::parse(name).unwrap();
            let found: Vec<_> = state
                .group_members(&group)
                .iter()
                .map(|member| {
                    let data = member.znode.data.as_deref().map(<[u8]>::to_vec);
                    let (session, since) = (member.session.0, member.znode.czxid.0);
                    (member.id.to_owned(), session, since, data)
                })
                .collect();
            let expected: Vec<_> = self
                .members
                .iter()
                .filter(|member| member.which.0 == name)
                .map(|member| {
                    let data = Some(vec![member.value]);
                    (
                        member.which.1.to_owned(),
                        member.session,
                        member.since,
                        data,
                    )
                })
                .collect();
            assert_eq!(found, expected, "members of {name}");
            if !expected.is_empty() {
                let count = u32::try_from(expected.len()).unwrap();
                listed.push((group, count));
            }
        }
        assert_eq!(state.groups("", None, 100), listed);
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

fn join((group, member): Which, value: u8) -> Command {
    Command::JoinGroup(JoinGroup {
        group: GroupName::parse(group).unwrap(),
        member: MemberId::parse(member).unwrap(),
        value: Some(vec![value].into()),
        content_type: None,
    })
}

fn leave((group, member): Which) -> Command {
    Command::LeaveGroup {
        group: GroupName::parse(group).unwrap(),
        member: MemberId::parse(member).unwrap(),
    }
}

fn path((group, member): Which) -> String {
    format!("/groups/{group}/{member}")
}

fn create(which: Which, value: u8) -> Command {
    Command::Znode(ZnodeOp::Create(Create {
        path: path(which),
        data: Some(vec![value].into()),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Ephemeral,
        sequential: false,
        parents: true,
    }))
}

fn set(which: Which, value: u8) -> Command {
    Command::Znode(ZnodeOp::SetData(SetData {
        path: path(which),
        data: Some(vec![value].into()),
        content_type: None,
        expect: Expect::Any,
    }))
}

fn delete(which: Which) -> Command {
    Command::Znode(ZnodeOp::Delete {
        path: path(which),
        expect: Expect::Any,
    })
}

fn told(outcome: &Outcome) -> Told {
    match &outcome.result {
        Ok(Reply::GroupJoined { created, stat }) => {
            let how = if *created { "joined" } else { "was there" };
            Ok(format!("{how} v{}", stat.version))
        }
        Ok(Reply::GroupLeft { left }) => Ok(format!("left {left}")),
        Ok(Reply::Znode(ZnodeReply::Created { .. })) => Ok("created".to_owned()),
        Ok(other) => panic!("not asked for: {other:?}"),
        Err(refusal) => Err(variant(refusal)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn groups_do_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut pair = Pair {
            harness: Harness::new(),
            zxid: 0,
            sessions: Vec::new(),
            members: Vec::new(),
        };
        for step in &steps {
            pair.step(step);
        }
    }
}
