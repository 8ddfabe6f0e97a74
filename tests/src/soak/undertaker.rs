//! Sees to it that sessions whose clients have gone end on every node with what they owned, and
//! that none ends before its time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::Reply;

use super::shared::{Departed, Gone, Shared, lock};
use crate::zookeeper::{Received, ZooKeeper, new_session, path_request, stat_of};

/// Between two rounds.
const ROUND: Duration = Duration::from_millis(250);
/// Beyond its timeout, for a session to have ended everywhere.
const OVERDUE_AFTER: Duration = Duration::from_secs(10);
/// Looked at in one round at a node.
const PER_ROUND_MAX: usize = 500;
/// Signs of life travel to the leader in batches: what a node heard just before it was killed may
/// never have left it.
const BATCH: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Case {
    departed: Departed,
    /// At which nodes its ephemeral is gone.
    gone: Vec<bool>,
    is_reported: bool,
}

/// See the module.
pub(super) struct Undertaker {
    shared: Arc<Shared>,
    clients: Vec<Option<ZooKeeper>>,
    cases: Vec<Case>,
}

/// What others see of it.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    pub(super) stop: AtomicBool,
    /// Sessions that have not ended everywhere.
    pub(super) open: AtomicUsize,
    /// Those that have.
    pub(super) buried: AtomicUsize,
}

impl Undertaker {
    pub(super) fn new(shared: Arc<Shared>) -> Undertaker {
        Undertaker {
            clients: shared.addresses.iter().map(|_| None).collect(),
            shared,
            cases: Vec::new(),
        }
    }

    /// Works until it is stopped; leaves no session of its own.
    pub(super) fn run(mut self, outlook: &Outlook) {
        while !outlook.stop.load(Ordering::SeqCst) {
            let new = std::mem::take(&mut *lock(&self.shared.departed));
            let nodes = self.clients.len();
            self.cases.extend(new.into_iter().map(|departed| Case {
                departed,
                gone: vec![false; nodes],
                is_reported: false,
            }));
            for node in 0..nodes {
                if self.round(node).is_err() {
                    self.clients[node] = None;
                }
            }
            self.report_overdue();
            let before = self.cases.len();
            self.cases.retain(|case| case.gone.contains(&false));
            outlook
                .buried
                .fetch_add(before - self.cases.len(), Ordering::SeqCst);
            outlook.open.store(
                self.cases.len() + lock(&self.shared.departed).len(),
                Ordering::SeqCst,
            );
            std::thread::sleep(ROUND);
        }
        for client in self.clients.iter_mut().flatten() {
            // One that cannot be closed expires.
            let _ = ask(client, &[Request::CloseSession]);
        }
    }

    fn round(&mut self, node: usize) -> io::Result<()> {
        let address = self.shared.addresses[node];
        let client = match &mut self.clients[node] {
            Some(client) => client,
            empty => empty.insert(ZooKeeper::connect_with(address, &new_session())?),
        };
        let open: Vec<usize> = (0..self.cases.len())
            .filter(|at| !self.cases[*at].gone[node])
            .take(PER_ROUND_MAX)
            .collect();
        let mut requests = vec![Request::Sync(path_request("/"))];
        requests.extend(
            open.iter()
                .map(|at| stat_of(&self.cases[*at].departed.path)),
        );
        let replies = ask(client, &requests)?;
        let now = Instant::now();
        for (at, reply) in open.into_iter().zip(replies.into_iter().skip(1)) {
            match reply.result {
                Err(ErrorCode::NoNode) => {
                    let case = &mut self.cases[at];
                    let is_first = !case.gone.contains(&true);
                    case.gone[node] = true;
                    if is_first {
                        self.check_early(at, now);
                    }
                }
                Ok(_) if self.cases[at].departed.gone == Gone::Closed => {
                    let (case, node) = (&mut self.cases[at], node + 1);
                    if !std::mem::replace(&mut case.is_reported, true) {
                        let what = format!(
                            "node {node} still has the ephemeral of the closed {:?}",
                            case.departed
                        );
                        lock(&self.shared.notes).wrong(what);
                    }
                }
                Ok(_) => {}
                Err(error) => lock(&self.shared.notes).wrong(format!("exists: {error:?}")),
            }
        }
        Ok(())
    }

    fn check_early(&self, at: usize, now: Instant) {
        let departed = &self.cases[at].departed;
        let lived = now - departed.alive_from;
        let was_cut_short = lock(&self.shared.kills).iter().any(|(node, killed)| {
            *node == departed.node
                && *killed >= departed.alive_from
                && *killed < departed.alive_from + BATCH
        });
        if departed.gone == Gone::Silently && lived < departed.timeout && !was_cut_short {
            lock(&self.shared.notes).wrong(format!(
                "session {:#x} lost early: gone {lived:?} after a sign of life that was answered \
                 by node {}, its timeout is {:?}",
                departed.session,
                departed.node + 1,
                departed.timeout
            ));
        }
    }

    /// A new leader gives every session its whole timeout.
    fn report_overdue(&mut self) {
        let leader_since = *lock(&self.shared.leader_since);
        for case in &mut self.cases {
            let departed = &case.departed;
            let from = leader_since.max(departed.alive_from);
            if from.elapsed() < departed.timeout + OVERDUE_AFTER || case.is_reported {
                continue;
            }
            case.is_reported = true;
            lock(&self.shared.notes).wrong(format!(
                "a session does not end: {departed:?}, gone at {:?}",
                case.gone
            ));
        }
    }
}

/// Asks all at one go.
fn ask(client: &mut ZooKeeper, requests: &[Request]) -> io::Result<Vec<Reply>> {
    for request in requests {
        client.send(request);
    }
    let mut replies = Vec::with_capacity(requests.len());
    while replies.len() < requests.len() {
        match client.receive()? {
            Received::Reply(reply) => replies.push(reply),
            Received::Event(event) => return Err(io::Error::other(format!("{event:?}"))),
        }
    }
    Ok(replies)
}
