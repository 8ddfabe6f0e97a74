//! A change of several members at once, as ZooKeeper clients ask for it: on any node, done by the
//! leader.
//!
//! Consensus changes one member at a time. What can be known is checked before the first change, in
//! ZooKeeper's order, so that a refusal means that nothing happened. Changes that can be taken back
//! come first, those that cost a vote last. When one fails after another was made, nothing is taken
//! back: what is in force by then is shown to everybody, and the answer is neither yes nor no
//! ([`ReconfigureFailure::Partly`]).

mod failure;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use membership::{CallError, Change, ChangeOptions};
use raft_core::acl::Identity;
use raft_core::command::Command;
use raft_core::ids::{ZnodePath, Zxid};
use raft_core::path;
use raft_core::state::State;
use raft_types::NodeId;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

pub use self::failure::ReconfigureFailure;
use self::failure::{before_any, in_the_course, refused};
use crate::Node;
use crate::members::{MemberChange, millis};
use crate::proposal::Draft;
use crate::runtime::Runtime;
use crate::wire::{self, kind};

/// What the members are to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconfiguration {
    /// Members that come, or get or lose their vote.
    pub joining: Vec<WantedMember>,
    /// Members that leave; those that are none are no matter.
    pub leaving: BTreeSet<NodeId>,
    /// Whether everybody leaves who is not among `joining`.
    pub replaces_all: bool,
    /// Version of the configuration this is about; another one: refused.
    pub based_on: Option<Zxid>,
    /// Who asks.
    pub identities: Vec<Identity>,
}

/// A member as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedMember {
    /// Its id.
    pub id: NodeId,
    /// `host:port` of its peer port.
    pub peer: String,
    /// Base URL of its HTTP API.
    pub api: String,
    /// `host:port` for ZooKeeper clients.
    pub clients: String,
    /// Whether it votes.
    pub voter: bool,
}

#[derive(Serialize, Deserialize)]
struct Ask {
    reconfiguration: Reconfiguration,
    within_ms: u64,
}

/// Log index of the membership that came of it.
type Done = Result<u64, ReconfigureFailure>;

impl Node {
    /// Makes the members what `reconfiguration` says, and waits until this node shows it in
    /// `/zookeeper/config`. Gives the version it has there.
    ///
    /// Not cancel safe: what the leader has begun goes on.
    ///
    /// # Errors
    /// See [`ReconfigureFailure`].
    pub async fn reconfigure(
        &self,
        reconfiguration: Reconfiguration,
        deadline: Duration,
    ) -> Result<Zxid, ReconfigureFailure> {
        let runtime = &self.runtime;
        let until = Instant::now() + deadline;
        let ask = Ask {
            reconfiguration,
            within_ms: millis(deadline),
        };
        let index = match runtime.leadership().leader {
            Some(leader) if leader == runtime.id => runtime.reconfigure_here(ask).await,
            Some(leader) => {
                let sent = runtime
                    .call(leader, kind::RECONFIGURE, &ask, deadline)
                    .await;
                sent.unwrap_or_else(|error| match error {
                    CallError::NotSent { .. } => Err(ReconfigureFailure::NoLeader),
                    CallError::Unknown { reason, .. } => Err(ReconfigureFailure::Unknown(reason)),
                })
            }
            None => Err(ReconfigureFailure::NoLeader),
        }?;
        runtime.await_shown(index, until).await
    }
}

/// A reconfiguration under way, one at a time.
struct Running<'a>(&'a Runtime);

impl Running<'_> {
    fn begin(runtime: &Runtime) -> Option<Running<'_>> {
        let runs_already = runtime.reconfiguring.swap(true, Ordering::SeqCst);
        (!runs_already).then_some(Running(runtime))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.reconfiguring.store(false, Ordering::SeqCst);
        self.0.reconfigured.notify_one();
    }
}

impl Runtime {
    pub(crate) async fn serve_reconfiguration(self: &Arc<Self>, body: &[u8]) -> Bytes {
        match wire::decode::<Ask>(body) {
            Some(ask) => wire::encode(&self.reconfigure_here(ask).await),
            None => Bytes::new(),
        }
    }

    /// Waits until this node's `/zookeeper/config` shows the membership at `index`, or a later one.
    async fn await_shown(&self, index: u64, until: Instant) -> Result<Zxid, ReconfigureFailure> {
        let mut applied = self.replica.watch_applied();
        let shown = async {
            loop {
                let has_applied = applied.borrow_and_update().index() >= index;
                if has_applied && !self.replica.read(State::config_is_behind) {
                    return Some(self.replica.read(State::config_version));
                }
                applied.changed().await.ok()?;
            }
        };
        match timeout_at(until, shown).await {
            Ok(Some(version)) => Ok(version),
            Ok(None) | Err(_) => Err(ReconfigureFailure::Unknown(
                "it was made, and this node has not seen it".to_owned(),
            )),
        }
    }

    /// In a task of its own: whoever asked may go away, and half a change is worse than none.
    async fn reconfigure_here(self: &Arc<Self>, ask: Ask) -> Done {
        let runtime = Arc::clone(self);
        let work = async move {
            let Some(_one_at_a_time) = Running::begin(&runtime) else {
                return Err(ReconfigureFailure::InProgress);
            };
            runtime.carry_out_reconfiguration(ask).await
        };
        let unknown =
            |error: tokio::task::JoinError| ReconfigureFailure::Unknown(error.to_string());
        self.tasks.spawn(work).await.map_err(unknown)?
    }

    async fn carry_out_reconfiguration(&self, ask: Ask) -> Done {
        let until = Instant::now() + Duration::from_millis(ask.within_ms);
        // A leader that was deposed a moment ago would check against the past.
        if self.leading_term().is_none() || self.barrier.pass(until).await.is_err() {
            return Err(ReconfigureFailure::NoLeader);
        }
        let state = self.replica.state();
        let steps = self.check_reconfiguration(&state, &ask.reconfiguration)?;
        let changes = steps.changes(self.id);
        self.check_changes(&changes)?;
        // Last, as in ZooKeeper: whoever may not is told what else is wrong first.
        let config = ZnodePath::parse(path::CONFIG)
            .map_err(|error| ReconfigureFailure::BadArguments(error.to_string()))?;
        state
            .can_write(&config, &ask.reconfiguration.identities)
            .map_err(|_| ReconfigureFailure::NoAuth)?;
        tracing::info!(?changes, "reconfiguration");
        self.make_changes(changes, &steps, until).await?;
        let members = self.consensus().status().members;
        Ok(members.log_id.map_or(0, |id| id.index))
    }

    fn check_reconfiguration(
        &self,
        state: &State,
        asked: &Reconfiguration,
    ) -> Result<plan::Steps, ReconfigureFailure> {
        if self.consensus().status().members.is_joint() {
            return Err(ReconfigureFailure::InProgress);
        }
        let current = state.config_version();
        if asked.based_on.is_some_and(|based_on| based_on != current) {
            let current = current.0;
            return Err(ReconfigureFailure::BadVersion { current });
        }
        let members: BTreeMap<NodeId, _> = state
            .members()
            .map(|(id, present)| (id, present.clone()))
            .collect();
        let now = plan::Now {
            members: &members,
            is_retired: &|id| state.is_retired_member(id),
        };
        plan::steps(&now, asked)
    }

    /// Whether each change can be made when its turn comes, by what is known now.
    fn check_changes(&self, changes: &[MemberChange]) -> Result<(), ReconfigureFailure> {
        let status = self.consensus().status();
        let mut voters = status.members.voters;
        for change in changes {
            match change {
                MemberChange::AddLearner { .. } | MemberChange::Promote { .. } => {
                    let plan = self.consensus().plan(&change.clone().into_change());
                    refused(&plan.map_err(before_any)?.refusals)?;
                }
                MemberChange::Demote { .. }
                | MemberChange::Remove { .. }
                | MemberChange::Replace { .. } => {}
            }
            match change {
                MemberChange::Promote { id } => drop(voters.insert(*id)),
                MemberChange::Demote { id } | MemberChange::Remove { id } => {
                    voters.remove(id);
                }
                MemberChange::AddLearner { .. } | MemberChange::Replace { .. } => continue,
            }
            let lease = self.consensus().timing().leader_lease();
            let is_heard = |id: &&NodeId| {
                let age = status.peers.get(*id).and_then(|peer| peer.ack_age);
                **id == self.id || age.is_some_and(|age| age <= lease)
            };
            let (heard, needed) = (voters.iter().filter(is_heard).count(), voters.len() / 2 + 1);
            if heard < needed {
                return Err(ReconfigureFailure::NoQuorum(format!(
                    "with participants {voters:?} only {heard} answer and {needed} are needed"
                )));
            }
        }
        Ok(())
    }

    async fn make_changes(
        &self,
        changes: Vec<MemberChange>,
        steps: &plan::Steps,
        until: Instant,
    ) -> Result<(), ReconfigureFailure> {
        let mut done: Vec<String> = Vec::new();
        for change in changes {
            let (name, change) = (format!("{change:?}"), change.into_change());
            if let Err(failure) = self.make_change(change, steps, until).await {
                return Err(in_the_course(&done, &name, failure));
            }
            done.push(name);
        }
        Ok(())
    }

    async fn make_change(
        &self,
        change: Change,
        steps: &plan::Steps,
        until: Instant,
    ) -> Result<(), ReconfigureFailure> {
        let comes = match &change {
            Change::AddLearner { id, .. } => steps.come.iter().find(|wanted| wanted.id == *id),
            Change::Promote { .. }
            | Change::Demote { .. }
            | Change::Remove { .. }
            | Change::Replace { .. } => None,
        };
        let left = || until.saturating_duration_since(Instant::now());
        let options = ChangeOptions {
            force: false,
            within: left(),
        };
        let made = self.consensus().change(change, options).await;
        let plan = made.map_err(before_any)?;
        self.hand_on_without_a_vote(&plan.change).await;
        let Some(WantedMember { id, clients, .. }) = comes else {
            return Ok(());
        };
        // Until the node comes and says so itself.
        let command = Command::AnnounceClients {
            node: *id,
            address: Some(clients.clone()),
        };
        let said = self.propose(Draft::internal(command), left()).await;
        let failed = |why: String| ReconfigureFailure::Partly {
            done: format!("server {id} was added"),
            failed: format!("its address for clients: {why}"),
        };
        match said.map(|outcome| outcome.result) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) => Err(failed(refusal.to_string())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}
