//! Random operations on the tree, applied to the state machine and to a naive model: after each
//! the two agree on every stat, and the invariants hold. At the end the log is applied again
//! (I-9), and on the way the state is replaced by what its snapshot restores to (I-10).

mod naive;
mod quota;

use bytes::Bytes;
use naive::{Kind, Model, Op, Verdict, written};
use proptest::prelude::*;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Command, Create, CreateKind, Expect, OpenSession, Owner, SessionRef, SetData, ZnodeOp,
};
use raft_core::ids::{SessionId, ZnodePath};
use raft_core::outcome::{Outcome, Refusal, Reply, ZnodeReply};

use crate::harness::{Harness, restored, variant};
use crate::member_commands::members;
use crate::words::Words;

/// One command of a run.
#[derive(Clone, Debug)]
enum Step {
    One(Op),
    Multi(Vec<Op>),
    DeleteSubtree {
        path: String,
        max: u32,
    },
    Open,
    Close,
    Time(u64),
    Snapshot,
    Members {
        voters: Vec<u64>,
        observers: Vec<u64>,
    },
    Announce {
        node: u64,
        clients: bool,
    },
    Publish,
}

fn path() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let deep = prop::collection::vec(name, 1..4).prop_map(|names| format!("/{}", names.join("/")));
    prop_oneof![12 => deep, 1 => Just("/zookeeper".to_owned()), 1 => Just("/".to_owned())]
}

/// What quotas are set on: few paths, one in another, so that they are hit.
fn subject() -> impl Strategy<Value = String> {
    let subjects = vec!["/a", "/a/b", "/a/b/c", "/b", "/zookeeper"];
    prop::sample::select(subjects).prop_map(str::to_owned)
}

/// A hard limit small enough to be reached.
fn hard_limit() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 2 => (0..8_u64).prop_map(Some)]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => Just(Kind::Persistent),
        2 => Just(Kind::Ephemeral),
        2 => Just(Kind::Container),
        2 => prop::sample::select(vec![1, 50_000, 400_000]).prop_map(Kind::Ttl),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let expect = || prop_oneof![2 => Just(None), 1 => (0..3).prop_map(Some)];
    let flags = (prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    prop_oneof![
        6 => (path(), any::<u8>(), kind(), flags).prop_map(
            |(path, data, kind, (sequential, parents))| {
                // A sequential create of `/` is refused by no rule but makes a name of digits only.
                Op::Create { path, data, kind, sequential, parents }
            }
        ),
        3 => (path(), expect()).prop_map(|(path, expect)| Op::Delete { path, expect }),
        2 => (path(), any::<u8>(), expect())
            .prop_map(|(path, data, expect)| Op::Set { path, data, expect }),
        1 => (path(), any::<u8>(), expect(), kind(), any::<bool>()).prop_map(
            |(path, data, expect, kind, parents)| Op::Put { path, data, expect, kind, parents }
        ),
        1 => (path(), expect()).prop_map(|(path, expect)| Op::Check { path, expect }),
        2 => (subject(), hard_limit(), hard_limit())
            .prop_map(|(subject, znodes, bytes)| Op::Limit { subject, znodes, bytes }),
        1 => subject().prop_map(|subject| Op::Show { subject }),
        1 => subject().prop_map(|subject| Op::Unlimit { subject }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => op().prop_map(Step::One),
        3 => prop::collection::vec(op(), 0..4).prop_map(Step::Multi),
        1 => (path(), 0..6_u32).prop_map(|(path, max)| Step::DeleteSubtree { path, max }),
        1 => (subject(), 0..6_u32).prop_map(|(subject, max)| Step::DeleteSubtree {
            path: format!("/zookeeper/quota{subject}"),
            max,
        }),
        2 => Just(Step::Open),
        1 => Just(Step::Close),
        2 => prop::sample::select(vec![1, 40_000, 70_000, 300_000]).prop_map(Step::Time),
        1 => Just(Step::Snapshot),
        1 => (prop::collection::btree_set(1..4_u64, 0..3), prop::collection::btree_set(4..6_u64, 0..2))
            .prop_map(|(voters, observers)| Step::Members {
                voters: voters.into_iter().collect(),
                observers: observers.into_iter().collect(),
            }),
        1 => (1..6_u64, any::<bool>()).prop_map(|(node, clients)| Step::Announce { node, clients }),
        1 => Just(Step::Publish),
    ]
}

struct Pair {
    harness: Harness,
    model: Model,
}

impl Pair {
    fn step(&mut self, step: &Step) {
        let session = self.model.sessions.last().copied();
        match step {
            Step::One(op) => {
                let outcome = self.send(session, Command::Znode(znode_op(op)));
                let expected = self.model.one(session, op);
                assert_eq!(verdict(&outcome), expected, "{op:?}");
            }
            Step::Multi(ops) => {
                let command = Command::Multi(ops.iter().map(znode_op).collect());
                let outcome = self.send(session, command);
                assert_eq!(verdict(&outcome), self.model.multi(session, ops), "{ops:?}");
            }
            Step::DeleteSubtree { path, max } => {
                let top = ZnodePath::parse(path).unwrap();
                let command = Command::DeleteSubtree {
                    path: top,
                    max: *max,
                };
                let outcome = self.send(session, command);
                let expected = self.model.delete_subtree(path, *max as usize);
                assert_eq!(verdict(&outcome), expected, "{path}");
            }
            Step::Open => {
                let outcome = self.send(None, open());
                assert!(outcome.result.is_ok());
                self.model.sessions.insert(self.model.zxid);
            }
            Step::Close => {
                let Some(id) = session else { return };
                self.send(None, Command::CloseSession(SessionRef::Id(SessionId(id))));
                self.model.end_session(id);
            }
            Step::Time(ms) => {
                self.harness.stamp.log_time.0 += ms;
                self.harness.stamp.wall.0 += ms;
                self.model.time += ms;
                self.send(None, Command::ExpireDue);
                self.model.expire_due();
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
            Step::Members { voters, observers } => {
                self.harness.note_members(members(voters, observers));
                self.model.note_members(voters, observers);
            }
            Step::Announce { node, clients } => {
                let address = clients.then(|| format!("10.0.0.{node}:2181"));
                let command = Command::AnnounceClients {
                    node: *node,
                    address,
                };
                let outcome = self.send(None, command);
                let is_member = self.model.announce(*node, *clients);
                assert_eq!(outcome.result.is_ok(), is_member, "{node}");
            }
            Step::Publish => {
                self.send(None, Command::PublishMembers);
                self.model.publish();
            }
        }
        self.compare();
    }

    fn send(&mut self, session: Option<u64>, command: Command) -> Outcome {
        self.model.zxid += 1;
        let settings = session.map_or(String::new(), |id| format!("session=#{id}"));
        let request = self.harness.request(Words::parse(&settings), command);
        self.harness.apply(&request)
    }

    /// Every znode of one is in the other, with the same stat.
    fn compare(&self) {
        let state = &self.harness.state;
        assert_eq!(state.counts().znodes, self.model.nodes.len());
        for (path, node) in &self.model.nodes {
            let znode = state.znode(&ZnodePath::parse(path).unwrap());
            let Some(znode) = znode else {
                panic!("{path} is missing")
            };
            let stat = znode.stat();
            let children = self.model.children(path);
            let zxids = [stat.czxid.0, stat.mzxid.0, stat.pzxid.0];
            assert_eq!(zxids, node.zxids, "zxids of {path}");
            assert_eq!(stat.version, node.version, "version of {path}");
            let kids = i32::try_from(children.len()).unwrap();
            assert_eq!(stat.cversion, 2 * node.creates - kids, "cversion of {path}");
            assert_eq!(
                stat.num_children as usize,
                children.len(),
                "children of {path}"
            );
            assert_eq!(stat.ephemeral_owner.0, node.owner, "owner of {path}");
            assert_eq!(stat.mtime.0, node.mtime, "mtime of {path}");
            let data = znode.data.as_ref().map(|data| data.to_vec());
            assert_eq!(data, node.data, "data of {path}");
            let listed = state
                .children(&ZnodePath::parse(path).unwrap(), None, 1_000)
                .unwrap();
            let prefix = if path == "/" {
                "/".to_owned()
            } else {
                format!("{path}/")
            };
            let listed: Vec<String> = listed
                .into_iter()
                .map(|(name, _)| format!("{prefix}{name}"))
                .collect();
            assert_eq!(listed, children, "listing of {path}");
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

fn znode_op(op: &Op) -> ZnodeOp {
    let expect = |expect: &Option<i32>| expect.map_or(Expect::Any, Expect::Version);
    let data = |data: &u8| Some(Bytes::from(written(*data)));
    let put = |path: &str, text: String| ZnodeOp::Put {
        set: set(path, Some(Bytes::from(text)), Expect::Any),
        kind: CreateKind::Persistent,
        parents: true,
    };
    match op {
        Op::Create {
            path,
            data: byte,
            kind,
            sequential,
            parents,
        } => ZnodeOp::Create(Create {
            path: path.clone(),
            data: data(byte),
            content_type: None,
            acl: vec![AclEntry::open()],
            kind: create_kind(*kind),
            sequential: *sequential,
            parents: *parents,
        }),
        Op::Delete { path, expect: e } => ZnodeOp::Delete {
            path: path.clone(),
            expect: expect(e),
        },
        Op::Set {
            path,
            data: byte,
            expect: e,
        } => ZnodeOp::SetData(set(path, data(byte), expect(e))),
        Op::Put {
            path,
            data: byte,
            expect: e,
            kind,
            parents,
        } => ZnodeOp::Put {
            set: set(path, data(byte), expect(e)),
            kind: create_kind(*kind),
            parents: *parents,
        },
        Op::Check { path, expect: e } => ZnodeOp::Check {
            path: path.clone(),
            expect: expect(e),
        },
        Op::Limit {
            subject,
            znodes,
            bytes,
        } => put(&quota::limits(subject), quota::text(*znodes, *bytes)),
        Op::Show { subject } => put(&quota::stats(subject), "shown".to_owned()),
        Op::Unlimit { subject } => ZnodeOp::Delete {
            path: quota::limits(subject),
            expect: Expect::Any,
        },
    }
}

fn set(path: &str, data: Option<Bytes>, expect: Expect) -> SetData {
    SetData {
        path: path.to_owned(),
        data,
        content_type: None,
        expect,
    }
}

fn create_kind(kind: Kind) -> CreateKind {
    match kind {
        Kind::Persistent => CreateKind::Persistent,
        Kind::Ephemeral => CreateKind::Ephemeral,
        Kind::Container => CreateKind::Container,
        Kind::Ttl(ttl_ms) => CreateKind::Ttl { ttl_ms },
    }
}

fn verdict(outcome: &Outcome) -> Verdict {
    match &outcome.result {
        Ok(Reply::Znode(reply)) => Ok(done(reply)),
        Ok(Reply::Multi(replies)) => Ok(replies.iter().map(done).collect::<Vec<_>>().join(" | ")),
        Ok(Reply::SubtreeDeleted { count }) => Ok(format!("deleted {count}")),
        Ok(other) => panic!("not asked for: {other:?}"),
        Err(Refusal::MultiFailed { index, cause }) => {
            Err(format!("MultiFailed {index} {}", variant(cause)))
        }
        Err(refusal) => Err(variant(refusal)),
    }
}

fn done(reply: &ZnodeReply) -> String {
    match reply {
        ZnodeReply::Created { path, .. } => format!("created {path}"),
        ZnodeReply::Deleted => "deleted".to_owned(),
        ZnodeReply::DataSet { stat } => format!("set v{}", stat.version),
        ZnodeReply::AclSet { .. } => "acl".to_owned(),
        ZnodeReply::Checked => "checked".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_does_what_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut pair = Pair { harness: Harness::new(), model: Model::new() };
        for step in &steps {
            pair.step(step);
        }
    }
}
