//! Signs of life, on their way to the leader in batches.
//!
//! They never go through the log. What is promised to a client is promised only after a quorum
//! confirmed, later than the sign of life arrived, that this leader still leads: any later leader
//! gives every session a full timeout from its own election, which then lies after that moment.
//! Without the confirmation a deposed leader could promise time that its successor knows nothing
//! of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mutant::Mutant;
use parking_lot::Mutex;
use raft_core::ids::SessionId;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

use crate::error::ReadError;
use crate::runtime::Runtime;
use crate::wire::{self, KeepAliveAnswer, KeepAliveAsk, kind};

/// How a session stands after a keep-alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Which.
    pub session: SessionId,
    /// Whether it was renewed. If not, it has ended or is about to.
    pub alive: bool,
    /// Milliseconds from the moment the client *sent* its request during which nobody will expire
    /// the session; 0 when it was not renewed.
    pub safe_ms: u64,
}

/// Between two rounds that carry nothing but signs of life nobody waits for: short beside the shortest session
/// timeout (1 s), long beside a request, of which each is a sign of life.
const TOUCHES_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug)]
struct Asked {
    sessions: Vec<SessionId>,
    answer: oneshot::Sender<BTreeSet<SessionId>>,
}

#[derive(Debug, Default)]
struct Queue {
    touched: BTreeSet<SessionId>,
    asked: Vec<Asked>,
}

/// Signs of life that are not yet at the leader.
#[derive(Debug, Default)]
pub(crate) struct KeepAlives {
    queue: Mutex<Queue>,
    work: Notify,
}

impl KeepAlives {
    /// A sign of life nobody waits for. It leaves within [`TOUCHES_EVERY`].
    pub(crate) fn touch(&self, session: SessionId) {
        let mut queue = self.queue.lock();
        let is_first = queue.touched.is_empty();
        queue.touched.insert(session);
        if is_first {
            self.work.notify_one();
        }
    }

    fn ask(&self, sessions: Vec<SessionId>) -> oneshot::Receiver<BTreeSet<SessionId>> {
        let (answer, receiver) = oneshot::channel();
        self.queue.lock().asked.push(Asked { sessions, answer });
        self.work.notify_one();
        receiver
    }

    /// When the next round is due, if the last one was at `last`.
    fn due(&self, last: Instant) -> Option<Instant> {
        let queue = self.queue.lock();
        if !queue.asked.is_empty() {
            return Some(last);
        }
        (!queue.touched.is_empty()).then(|| last + TOUCHES_EVERY)
    }

    fn take(&self) -> Queue {
        std::mem::take(&mut *self.queue.lock())
    }

    fn put_back(&self, mut former: Queue) {
        former.asked.retain(|asked| !asked.answer.is_closed());
        let mut queue = self.queue.lock();
        queue.touched.append(&mut former.touched);
        queue.asked.append(&mut former.asked);
        if !queue.touched.is_empty() || !queue.asked.is_empty() {
            self.work.notify_one();
        }
    }
}

impl Runtime {
    /// Renews sessions; see [`KeepAlive`].
    pub(crate) async fn keep_alive(
        &self,
        sessions: Vec<SessionId>,
        deadline: Duration,
    ) -> Result<Vec<KeepAlive>, ReadError> {
        let started = Instant::now();
        let answer = self.keep_alives.ask(sessions.clone());
        let alive = match timeout(deadline, answer).await {
            Ok(Ok(alive)) => alive,
            Ok(Err(_)) => return Err(ReadError::ShuttingDown),
            Err(_) => {
                return Err(ReadError::NoLeader {
                    waited: started.elapsed(),
                });
            }
        };
        let stand = |session: SessionId| {
            let timeout_ms = self.live_session(session).map(|session| session.timeout_ms);
            let renewed = timeout_ms.filter(|_| alive.contains(&session));
            KeepAlive {
                session,
                alive: renewed.is_some(),
                safe_ms: renewed.unwrap_or(0),
            }
        };
        Ok(sessions.into_iter().map(stand).collect())
    }

    /// On the leader: takes signs of life and confirms leadership. `None` when this node does not
    /// lead, or cannot confirm it.
    pub(crate) async fn renew(&self, sessions: &[SessionId]) -> Option<KeepAliveAnswer> {
        let term = self.leading_term()?;
        let live = |id| self.live_session(id);
        let now = self.session_time();
        let alive = self.session_clock.touch(now, sessions, live)?;
        let deadline = Instant::now() + self.settings.peer_call_timeout;
        self.barrier.pass(deadline).await.ok()?;
        // A node that lost its term meanwhile passes as its successor's follower: what was
        // confirmed then is the leadership of somebody who has not heard of these sessions.
        if self.leading_term() != Some(term) {
            return None;
        }
        Some(KeepAliveAnswer::Confirmed {
            index: self.replica.applied().index(),
            alive,
        })
    }
}

/// The loop that carries them. Runs until the node stops.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let mut last = Instant::now();
    loop {
        let due = runtime.keep_alives.due(last);
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = runtime.keep_alives.work.notified() => continue,
            () = tokio::time::sleep_until(due.unwrap_or(last)), if due.is_some() => {}
        }
        last = Instant::now();
        let mut queue = runtime.keep_alives.take();
        let mut sessions = queue.touched.clone();
        sessions.extend(
            queue
                .asked
                .iter()
                .flat_map(|asked| asked.sessions.iter().copied()),
        );
        if sessions.is_empty() {
            continue;
        }
        if mutant::is(Mutant::FollowerKeepsAlive) && runtime.leading_term().is_none() {
            for asked in std::mem::take(&mut queue.asked) {
                let _ = asked.answer.send(sessions.clone());
            }
        }
        match one_round(&runtime, sessions.into_iter().collect()).await {
            Some(alive) => {
                runtime.renewals.note(alive.iter().copied(), last);
                for asked in queue.asked {
                    // A caller that went away needs no answer.
                    let _ = asked.answer.send(alive.clone());
                }
            }
            None => {
                tokio::time::sleep(runtime.settings.retry_interval).await;
                runtime.keep_alives.put_back(queue);
            }
        }
    }
}

async fn one_round(runtime: &Runtime, sessions: Vec<SessionId>) -> Option<BTreeSet<SessionId>> {
    let leader = runtime.consensus().leadership().borrow().leader?;
    let answer = if leader == runtime.id {
        runtime.renew(&sessions).await?
    } else {
        let body = wire::encode(&KeepAliveAsk { sessions });
        let within = runtime.settings.peer_call_timeout;
        let bytes = runtime
            .consensus()
            .peers()
            .call(leader, kind::KEEP_ALIVE, body, within)
            .await;
        wire::decode(&bytes.ok()?)?
    };
    match answer {
        KeepAliveAnswer::Confirmed { index, alive } => {
            let mut applied = runtime.replica.watch_applied();
            let caught_up = applied.wait_for(|applied| applied.index() >= index);
            let within = runtime.settings.peer_call_timeout;
            timeout(within, caught_up).await.ok()?.ok()?;
            Some(alive.into_iter().collect())
        }
        KeepAliveAnswer::NotLeader => None,
    }
}
