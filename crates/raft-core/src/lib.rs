//! The replicated lock service as a pure function of its log.
//!
//! `State::apply(stamp, request) -> Outcome`: the same requests with the same stamps give the same
//! outcomes, the same events and the same bytes on every replica. Nothing here knows of consensus,
//! disks, sockets, clocks or randomness; what differs between two processes is banned by
//! `clippy.toml`, and time arrives inside the command.
//!
//! Crate `mutant`, the only one of ours that is used here, does not change that: in a build without its
//! feature `planted` every question to it is the constant `false`, and a build with it is broken on
//! purpose, to prove that tests notice.
//!
//! # The model
//!
//! - A tree of **znodes** with ZooKeeper's rules ([`znode`], [`path`], [`acl`]): data, versions,
//!   access lists; persistent, ephemeral, sequential, container and TTL.
//! - **Sessions** ([`session`]): own ephemerals and claims, and take them along when they end.
//! - **Locks** ([`lock`]): a lock is a znode below `/locks`, a claim its ephemeral sequential child.
//!   The fence of a claim is its znode's czxid. Whatever frees a lock grants the next waiter in the
//!   same command.
//! - **Elections** ([`election`]): candidates are ephemeral children of a container below `/elections`.
//!   One of them leads, in a term that is the zxid at which it began to.
//! - **Counters**: a counter is the persistent znode `/counters/<name>`, whose data is a number in one of
//!   the forms that recipes of ZooKeeper clients use (`counter`).
//! - **Fence registers** ([`fence_register`]): the highest fence that was shown for a resource outside.
//! - **Signing keys** ([`signing_key`]): public keys of the server nodes, for those who verify what a node has
//!   signed. Private keys are never here.
//! - **Groups** ([`query::group`]): a member is an ephemeral child of a container below `/groups`, and
//!   nothing besides.
//! - **Barriers** ([`barrier`]): a party is an ephemeral child of a container below `/barriers`; the command
//!   that brings the last one in opens it.
//! - **Services** ([`service`]): instances that live with a session or a deadline, what is known of each, and
//!   picks among them ([`query::pick`]) that may reserve what they choose.
//! - **Work queues** ([`queue`]): an item is a child of `/queues/<name>/entries`, and taken while the ephemeral of
//!   the same name below `taken` exists.
//! - **Quotas** ([`quota`]): ZooKeeper's, set by znodes below `/zookeeper/quota`. What a subtree uses
//!   is counted with every change and written into the quota's own znode.
//! - **Memories**: ended sessions, claims and candidates for a while, the last holds of each lock
//!   ([`history`]), and answers to idempotency keys. All bounded ([`limits`]).
//! - **Members** ([`members`]): which server nodes are and ever were in, and what ZooKeeper clients
//!   are told of them.
//!
//! Every request takes exactly one **zxid**, refused ones too. It is checked in this order:
//! remembered answer, bounds of the request, acting session, fences, and then the command's own
//! checks in ZooKeeper's order. All commands check first and change afterwards, or are undone by
//! assignment: the state is made of persistent maps, a clone of it is O(1) and is also what a
//! snapshot is encoded from while later commands go on.
//!
//! # Invariants
//!
//! [`State::check_invariants`](state::State::check_invariants) checks in full what one state can
//! show; tests call it after every command. What is cheap is asserted in every build: a broken
//! invariant stops the node, because going on would fork the replicas.
//!
//! - **I-1** Applied zxids strictly increase; log time and wall time never go back.
//! - **I-2** The owner of every ephemeral is a live session, and each session's set is exactly the
//!   ephemerals it owns.
//! - **I-3** The holders of a lock are the head of its queue and are compatible with each other; an
//!   exclusive holder is alone. Fences of one lock strictly increase in the order of grants.
//! - **I-4** Every znode's parent exists, and counters, look-ups and deadlines agree with the
//!   tables they are derived from.
//! - **I-5** An ephemeral has no children.
//! - **I-6** A session id is never used twice, and an ended session never acts.
//! - **I-7** A refused command changes nothing but the clock and the remembered answer, and has no
//!   events.
//! - **I-8** Events of one command share its zxid and are numbered from 0 without a gap. (That a
//!   one-shot watch fires at most once is the watch hub's part.)
//! - **I-9** The same log gives the same digest.
//! - **I-10** Decoding what was encoded, and restoring a snapshot, give the same digest.
//! - **I-11** Every collection is within its limit.
//! - **I-12** There is a quota for each limits znode and no other; what it counts is what a recount
//!   of its subtree gives, less what quotas further down count; and its stats znode shows just that.
//! - **I-13** `/zookeeper/config` is empty or ends with the zxid of the command that wrote it, and its
//!   version is -1.
//! - **I-14** An election has a leader exactly while it has candidates, and the leader is one of them.
//!   Terms of one election strictly increase. Every candidate has its znode, of its live session.
//! - **I-15** The session of an instance is live, a reservation is of an instance that is there, and the
//!   replicated cursor of a service counts for no other.
//! - **I-16** A node signs with one key at most.
//!
//! # Reading order
//!
//! [`ids`] and [`path`] (names and numbers) · [`limits`] · [`command`] (what may be asked) ·
//! [`outcome`] and [`event`] (what comes of it) · [`znode`], [`session`], [`lock`],
//! [`history`], [`election`], [`queue`], [`members`], [`quota`], `counter`, [`fence_register`], [`signing_key`], [`service`] (what is stored)
//! · [`state`] with `table` and `index` (how it is stored) · `apply` (the transitions: `apply.rs`,
//! then `apply/znode.rs` over `apply/tree.rs`, then sessions, claims and grants, elections) · [`dry_run`]
//! (the same on a copy) · [`query`] (reads) · [`codec`], [`snapshot`], [`mod@format`] (bytes) · `digest`
//! and `invariants`.

pub mod ids;
pub mod limits;
pub mod path;

pub mod command;
pub mod event;
pub mod outcome;

pub mod acl;
pub mod barrier;
mod counter;
pub mod data;
pub mod election;
pub mod fence_register;
pub mod history;
pub mod lock;
pub mod members;
pub mod queue;
pub mod quota;
pub mod service;
pub mod session;
pub mod signing_key;
pub mod znode;

mod index;
mod rare;
mod staging;
pub mod state;
mod table;

mod apply;
pub mod dry_run;
pub mod query;
mod recipe;

pub mod codec;
mod digest;
pub mod format;
mod invariants;
pub mod snapshot;
