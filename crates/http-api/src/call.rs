//! One request on its way through an endpoint: what it asked, and the ways to have it done.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Uri, header};
use bytes::Bytes;
use node::{Answer, Consistency, Draft, ReadOptions};
use parking_lot::Mutex;
use raft_core::acl::Identity;
use raft_core::command::{Command, IdempotencyKey, Moment, SessionRef};
use raft_core::ids::{
    BarrierName, CandidateId, ClaimId, CounterName, ElectionName, GroupName, InstanceId, ItemId,
    LockName, MemberId, QueueName, ResourceName, ServiceName, SessionId, ZnodePath,
};
use raft_core::outcome::{Outcome, Refusal, Wait};
use raft_core::query::session::SessionStatus;
use raft_core::state::State;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::api::Api;
use crate::endpoint::Params;
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers::Prefer;
use crate::extract::{body, headers, path, query};
use crate::identity;
use crate::limits::STOPPING_GRACE;

/// A request whose body has arrived and whose common headers are understood.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) params: Params,
    pub(crate) body: Bytes,
    /// A body that the endpoint reads itself; then `body` is empty.
    pub(crate) upload: Mutex<Option<Body>>,
    /// Who asks.
    pub(crate) identities: Vec<Identity>,
    /// The session it acts for.
    pub(crate) session: Option<SessionRef>,
    /// Where the connection comes from.
    pub(crate) client: Option<IpAddr>,
    pub(crate) prefer: Prefer,
    /// When its head had arrived.
    pub(crate) received: Instant,
    /// How long it may take, not counting what it asked to wait.
    pub(crate) timeout: Duration,
}

/// The state machine did as asked.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) reply: raft_core::outcome::Reply,
    pub(crate) moment: Moment,
    pub(crate) replayed: bool,
}

impl Call {
    fn raw(&self, name: &str) -> Result<&str, Problem> {
        self.params
            .raw(name)
            .ok_or_else(|| Problem::internal(&format!("the route has no parameter {name}")))
    }

    /// The lock in the path.
    pub(crate) fn lock(&self) -> Result<LockName, Problem> {
        path::lock_name(self.raw("lock")?)
    }

    /// The counter in the path.
    pub(crate) fn counter(&self) -> Result<CounterName, Problem> {
        path::counter_name(self.raw("counter")?)
    }

    /// The resource in the path.
    pub(crate) fn resource(&self) -> Result<ResourceName, Problem> {
        path::resource_name(self.raw("resource")?)
    }

    /// The claim in the path.
    pub(crate) fn claim(&self) -> Result<ClaimId, Problem> {
        path::claim_id(self.raw("claim")?)
    }

    /// The election in the path.
    pub(crate) fn election(&self) -> Result<ElectionName, Problem> {
        path::election_name(self.raw("election")?)
    }

    /// The candidate in the path.
    pub(crate) fn candidate(&self) -> Result<CandidateId, Problem> {
        path::candidate_id(self.raw("candidate")?)
    }

    /// The group in the path.
    pub(crate) fn group(&self) -> Result<GroupName, Problem> {
        path::group_name(self.raw("group")?)
    }

    /// The service in the path.
    pub(crate) fn service(&self) -> Result<ServiceName, Problem> {
        path::service_name(self.raw("service")?)
    }

    /// The instance in the path.
    pub(crate) fn instance(&self) -> Result<InstanceId, Problem> {
        path::instance_id(self.raw("instance")?)
    }

    /// The barrier in the path.
    pub(crate) fn barrier(&self) -> Result<BarrierName, Problem> {
        path::barrier_name(self.raw("barrier")?)
    }

    /// The member of a group, or party of a barrier, in the path.
    pub(crate) fn group_member(&self) -> Result<MemberId, Problem> {
        path::member_id(self.raw("member")?)
    }

    /// The work queue in the path.
    pub(crate) fn queue(&self) -> Result<QueueName, Problem> {
        path::queue_name(self.raw("queue")?)
    }

    /// The item, or dead letter, in the path.
    pub(crate) fn item(&self) -> Result<ItemId, Problem> {
        path::item_id(self.raw("item")?)
    }

    /// The znode in the path.
    pub(crate) fn znode_path(&self) -> Result<ZnodePath, Problem> {
        path::znode_path(self.raw("path")?)
    }

    /// The znode in the path, before any check of it.
    pub(crate) fn znode_text(&self) -> Result<String, Problem> {
        path::znode_text(self.raw("path")?)
    }

    /// The session in the path.
    pub(crate) fn session_in_path(&self) -> Result<SessionRef, Problem> {
        path::session_ref(self.raw("session")?)
    }

    /// Any other single segment of the path.
    pub(crate) fn segment(&self, name: &str) -> Result<String, Problem> {
        path::segment(self.raw(name)?)
    }

    /// The query.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        query::read(&self.uri)
    }

    /// The JSON body.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        body::json(&self.headers, &self.body)
    }

    /// The JSON body; none is the same as `{}`.
    pub(crate) fn json_or_empty<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        body::json_or_empty(&self.headers, &self.body)
    }

    /// What is left of the time it may take.
    pub(crate) fn time_left(&self) -> Duration {
        self.timeout.saturating_sub(self.received.elapsed())
    }

    /// How long it is willing to wait for something to happen, as far as the server goes along.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.prefer
            .wait
            .map(|wait| wait.min(self.api.settings.wait_max))
    }

    /// Whether the client prefers JSON to raw bytes.
    pub(crate) fn accepts_json(&self) -> bool {
        let accept = self
            .headers
            .get(header::ACCEPT)
            .and_then(|v| v.to_str().ok());
        accept.is_some_and(|accept| {
            let first = accept.split(',').next().unwrap_or(accept);
            let essence = first.split(';').next().unwrap_or(first).trim();
            essence.eq_ignore_ascii_case("application/json")
        })
    }

    /// The key that makes a POST repeatable.
    pub(crate) fn idempotency(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let Some(key) = headers::idempotency_key(&self.headers)? else {
            return Ok(None);
        };
        // Whatever distinguishes one request from another; the separator keeps the parts apart.
        let mut hash = Xxh3::new();
        hash.update(self.method.as_str().as_bytes());
        hash.update(&[0]);
        hash.update(
            self.uri
                .path_and_query()
                .map_or("", |p| p.as_str())
                .as_bytes(),
        );
        hash.update(&[0]);
        hash.update(&self.body);
        let principal = identity::principal(&self.identities);
        let owner = xxh3_64(principal.as_bytes());
        Ok(Some(IdempotencyKey {
            key: format!("{owner:016x}:{key}"),
            fingerprint: hash.digest(),
        }))
    }

    /// The command with everything that decides whether it may be done.
    pub(crate) fn draft(&self, command: Command) -> Result<Draft, Problem> {
        let idempotency = if self.method == Method::POST {
            self.idempotency()?
        } else {
            None
        };
        Ok(Draft {
            identities: self.identities.clone(),
            session: self.session.clone(),
            fences: headers::fences(&self.headers)?,
            terms: headers::terms(&self.headers)?,
            idempotency,
            command,
        })
    }

    /// Has the command done; `check` is told to a client that cannot be told what came of it.
    ///
    /// # Errors
    /// The refusal, or why there is no outcome.
    pub(crate) async fn propose(&self, command: Command, check: Check) -> Result<Done, Problem> {
        self.propose_within(command, check, self.time_left()).await
    }

    /// As [`Call::propose`], with a time of its own: what is done after a wait is not to want for it.
    ///
    /// # Errors
    /// As [`Call::propose`].
    pub(crate) async fn propose_within(
        &self,
        command: Command,
        check: Check,
        within: Duration,
    ) -> Result<Done, Problem> {
        let draft = self.draft(command)?;
        let check = check.repeatable_if(draft.idempotency.is_some());
        let outcome = self.api.node.propose(draft, within).await;
        let outcome = outcome.map_err(|error| Problem::of_propose(error, check))?;
        self.done(outcome)
    }

    /// Splits what was done from what was refused.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) fn done(&self, outcome: Outcome) -> Result<Done, Problem> {
        let Outcome {
            moment,
            result,
            replayed,
            events: _,
            over_quota: _,
        } = outcome;
        match result {
            Ok(reply) => Ok(Done {
                reply,
                moment,
                replayed,
            }),
            Err(refusal) => Err(self.refused(&refusal).at_index(moment.zxid)),
        }
    }

    /// The problem of a refusal, with what the local state knows about it.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Problem {
        let wall_ms = self.api.wall_ms();
        let node = &self.api.node;
        let problem = node.peek(|state| problem_of(state, wall_ms, refusal));
        if let Refusal::Deadlock { cycle } = refusal {
            let advice = advice(node, cycle);
            return problem.with(|more| more.advice = advice);
        }
        problem
    }

    /// How current a read must be.
    pub(crate) fn read_options(&self) -> Result<ReadOptions, Problem> {
        headers::read_options(&self.headers)
    }

    /// Reads the state as current as the request demands.
    ///
    /// # Errors
    /// What `read` says, or that nobody could confirm in time that the state is current.
    pub(crate) async fn read<T>(
        &self,
        read: impl FnOnce(&State) -> Result<T, Problem> + Send,
    ) -> Result<Answer<T>, Problem> {
        let options = self.read_options()?;
        let is_stale = matches!(options.consistency, Consistency::Stale { .. });
        let Answer { value, zxid, age } =
            self.api.node.query(options, self.time_left(), read).await?;
        match value {
            Ok(value) => Ok(Answer {
                value,
                zxid,
                age: age.filter(|_| is_stale),
            }),
            Err(problem) => Err(problem.at_index(zxid)),
        }
    }

    /// Does something that may wait long, but not longer than the node lives: once it is stopping,
    /// only for a moment more (`None`).
    pub(crate) async fn unless_stopping<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let stop = self.api.node.shutting_down();
        let stopped = async {
            stop.cancelled().await;
            tokio::time::sleep(STOPPING_GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = stopped => None,
        }
    }

    /// The number of a session, as far as this node knows it.
    pub(crate) fn local_session(&self, session: &SessionRef) -> Option<(SessionId, Duration)> {
        self.api.node.peek(|state| match state.session(session) {
            SessionStatus::Live(live) => Some((live.id, Duration::from_millis(live.timeout_ms))),
            SessionStatus::Ended(_) | SessionStatus::Unknown => None,
        })
    }
}

/// In which order others take the two locks that the refused one has to do with, if one is more usual.
fn advice(node: &node::Node, cycle: &[Wait]) -> Option<String> {
    let (asked, held) = (&cycle.first()?.lock, &cycle.last()?.lock);
    let (as_here, reverse) = node.lock_orders_of(held, asked);
    let (first, then, count) = if as_here > reverse {
        (held, asked, as_here)
    } else if reverse > as_here {
        (asked, held, reverse)
    } else {
        return None;
    };
    let (first, then) = (node::beginning(first), node::beginning(then));
    let total = as_here.saturating_add(reverse);
    Some(format!(
        "take {first} before {then}, as {count} of {total} claims did"
    ))
}
