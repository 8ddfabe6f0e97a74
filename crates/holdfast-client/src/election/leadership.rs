//! A leadership.

use std::sync::Arc;
use std::time::Duration;

use http_types::problem::ErrorCode;
use http_types::v1::elections::{Candidate, EndedCandidate};
use http_types::v1::events::{EventKind, StateEvent};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::remote::resign_call;
use crate::client::Client;
use crate::error::Error;
use crate::events::{EventFilter, Start, StreamItem};
use crate::loss::Loss;
use crate::session::{Session, safe_until};
use crate::withdrawal::send_in_background;

/// Before the stream of the election is asked for again after it failed.
const RETRY: Duration = Duration::from_millis(500);

/// The leader was asked to hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Id of the candidate that is to lead.
    pub to: String,
    /// Then it is done without the leader.
    pub deadline: Instant,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// A leadership. Dropping it resigns in the background; [`resign`](Leadership::resign) says whether
/// that worked.
///
/// Having it does not prove leading: a process can be stopped for longer than its session lives. Race
/// the work against [`lost`](Leadership::lost), and let what the leader writes to compare
/// [`term`](Leadership::term)s.
#[derive(Debug)]
#[must_use = "dropping the leadership resigns"]
pub struct Leadership {
    session: Session,
    candidate: Candidate,
    told: Arc<Told>,
    watching: JoinHandle<()>,
    resigned: bool,
}

/// What the election's stream told.
#[derive(Debug)]
struct Told {
    election: String,
    candidate: String,
    term: u64,
    lost: CancellationToken,
    loss: Mutex<Option<Loss>>,
    handover: watch::Sender<Option<Handover>>,
}

impl Leadership {
    pub(super) fn new(session: Session, candidate: Candidate) -> Leadership {
        let told = Arc::new(Told {
            election: candidate.election.clone(),
            candidate: candidate.candidate.clone(),
            term: candidate.term.unwrap_or_default(),
            lost: session.lost_token(),
            loss: Mutex::new(None),
            handover: watch::Sender::new(None),
        });
        if let Some(transfer) = &candidate.transfer {
            let remaining = Duration::from_millis(transfer.remaining_ms);
            told.asked(&transfer.to, remaining, transfer.reason.as_deref());
        }
        let watching = tokio::spawn(watch_election(session.client().clone(), Arc::clone(&told)));
        Leadership {
            session,
            candidate,
            told,
            watching,
            resigned: false,
        }
    }

    /// The fencing token: every later leader of this election has a larger one.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.told.term
    }

    /// Name of the election.
    #[must_use]
    pub fn election(&self) -> &str {
        &self.told.election
    }

    /// The candidate as it was when it came to lead.
    #[must_use]
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// The session it lives with.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Until then the leadership is certain, unless somebody takes it away at once.
    #[must_use]
    pub fn safe_until(&self) -> Instant {
        let session = self.session.safe_until();
        let handover = self.told.handover.borrow();
        let deadline = handover.as_ref().map(|handover| handover.deadline);
        deadline.map_or(session, |deadline| deadline.min(session))
    }

    /// Fires when the leadership is lost: the session is, or another candidate leads. Also when no
    /// server can be reached to say so.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.told.lost.clone()
    }

    /// Waits until the leadership is lost. Cancel safe.
    pub async fn lost(&self) {
        self.told.lost.cancelled().await;
    }

    /// Why it is lost, if it is.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        self.told
            .loss
            .lock()
            .clone()
            .or_else(|| self.session.loss())
    }

    /// Waits until the leader is asked to hand over. Finish, then [`resign`](Leadership::resign): the
    /// candidate named leads when that returns. Cancel safe.
    pub async fn handover_asked(&self) -> Handover {
        let mut handover = self.told.handover.subscribe();
        loop {
            if let Some(asked) = handover.borrow_and_update().clone() {
                return asked;
            }
            // The sender lives as long as this leadership.
            if handover.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Resigns; the next candidate leads when this returns.
    ///
    /// # Errors
    /// [`ErrorCode::CandidateEnded`] when it had ended before, so that the caller knows it led no
    /// more; as every write. When the outcome is unknown, the end of the session resigns.
    pub async fn resign(mut self) -> Result<EndedCandidate, Error> {
        self.resigned = true;
        let session = self.session.clone();
        let call = resign_call(&self.told.election, &self.told.candidate, session.id());
        let answer = session.client().write(call).await;
        if let Err(error) = &answer
            && matches!(
                error.code(),
                Some(ErrorCode::CandidateEnded | ErrorCode::NoCandidate)
            )
        {
            self.told.lose(error.to_string());
        }
        answer?.json()
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.watching.abort();
        // A session that is lost takes its candidates with it.
        if !self.resigned && self.session.loss().is_none() {
            let (election, candidate) = (&self.told.election, &self.told.candidate);
            let call = resign_call(election, candidate, self.session.id());
            send_in_background(self.session.client(), call);
        }
    }
}

impl Told {
    fn lose(&self, how: String) {
        self.loss.lock().get_or_insert(Loss::LeadershipEnded(how));
        self.lost.cancel();
    }

    fn asked(&self, to: &str, within: Duration, reason: Option<&str>) {
        self.handover.send_replace(Some(Handover {
            to: to.to_owned(),
            deadline: safe_until(Instant::now(), within),
            reason: reason.map(str::to_owned),
        }));
    }

    /// Takes in what is told of the election. What is older than the leadership says nothing of it: a
    /// stream may begin at a node that lags.
    fn take(&self, kind: &EventKind, seen: &mut bool) {
        if let EventKind::State(state) = kind {
            *seen |= self.take_state(state);
        } else if let EventKind::Synced { index } = kind {
            if !*seen && *index >= self.term {
                self.lose("nobody stands any more".to_owned());
            }
        } else if let EventKind::ElectionTransfer {
            candidate,
            to,
            within_ms,
            reason,
        } = kind
            && candidate.election == self.election
            && candidate.candidate == self.candidate
        {
            self.asked(to, Duration::from_millis(*within_ms), reason.as_deref());
        } else if let EventKind::ElectionTransferCancelled { election, .. } = kind
            && *election == self.election
        {
            self.handover.send_replace(None);
        } else if let Some(how) = self.end_told_by(kind) {
            self.lose(how);
        }
    }

    /// What was there when the stream began. Says whether it is of this leadership's time or later.
    fn take_state(&self, state: &StateEvent) -> bool {
        let Some(election) = &state.election else {
            return false;
        };
        if election.election != self.election || election.term < self.term {
            return false;
        }
        if election.term > self.term {
            self.lose(format!("{} leads", election.leader.candidate));
        } else if let Some(transfer) = &election.leader.transfer {
            let remaining = Duration::from_millis(transfer.remaining_ms);
            self.asked(&transfer.to, remaining, transfer.reason.as_deref());
        }
        true
    }

    /// How the leadership ended, if the event says so.
    fn end_told_by(&self, kind: &EventKind) -> Option<String> {
        if let EventKind::ElectionEnded(ended) = kind {
            let is_ours =
                ended.candidate.election == self.election && ended.term == Some(self.term);
            return is_ours.then(|| format!("{:?}", ended.state));
        }
        if let EventKind::ElectionElected {
            candidate, term, ..
        } = kind
        {
            let is_later = candidate.election == self.election && *term > self.term;
            return is_later.then(|| format!("{} leads", candidate.candidate));
        }
        None
    }
}

/// Follows the election until the leadership is over.
async fn watch_election(client: Client, told: Arc<Told>) {
    let followed = async {
        loop {
            follow(&client, &told).await;
            tokio::time::sleep(RETRY).await;
        }
    };
    tokio::select! {
        () = told.lost.cancelled() => {}
        () = followed => {}
        () = handed_over(&told) => told.lose("its time to hand over is up".to_owned()),
    }
}

async fn follow(client: &Client, told: &Told) {
    let filter = EventFilter {
        prefix: Some(format!("/elections/{}", told.election)),
        kinds: vec!["election.*".to_owned()],
        ..EventFilter::default()
    };
    let mut stream = client.events(filter, Start::State);
    let mut seen = false;
    while let Some(item) = stream.next().await {
        match item {
            Ok(StreamItem::Event(_, event)) => told.take(&event.kind, &mut seen),
            Ok(StreamItem::Restarted) => seen = false,
            Ok(StreamItem::Gap { .. }) => return,
            Err(error) => {
                tracing::debug!(election = told.election, %error, "cannot follow the election");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Waits until the deadline of a handover has passed that was not cancelled.
async fn handed_over(told: &Told) {
    let mut handover = told.handover.subscribe();
    loop {
        let asked = handover.borrow_and_update().clone();
        let deadline = async {
            match asked {
                Some(asked) => tokio::time::sleep_until(asked.deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = deadline => return,
            changed = handover.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}
