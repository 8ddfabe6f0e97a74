//! Services as they are stored: instances, what is known of each, and reservations.
//!
//! A service is a name that has instances; it comes with the first and goes with the last. An instance is
//! no znode: it belongs to a session, or has a deadline that is put off by being renewed, and it has a
//! weight, labels to be found by, and everything that was said about how it is. Whether it may be picked
//! is decided in one place (`query::pick`), from what stands here alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use balance::round_robin::Cursor;
use serde::{Deserialize, Serialize};

use crate::command::Moment;
use crate::ids::{InstanceId, LogTime, ServiceName, SessionId, Zxid};
use crate::state::Due;

/// What an instance says of itself when it registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Host name or address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Its share of the work, relative to the weights of the others; 0: none.
    pub weight: u32,
    /// Where it is.
    pub zone: Option<String>,
    /// Words to be found by, in order, each once.
    pub tags: Vec<String>,
    /// Anything else, also to be found by.
    pub meta: BTreeMap<String, String>,
    /// How the cluster is to check it.
    pub check: Option<CheckSpec>,
}

/// How the cluster checks an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSpec {
    /// What is tried.
    pub probe: Probe,
    /// How often, milliseconds.
    pub interval_ms: u64,
    /// How long a try may take, milliseconds.
    pub timeout_ms: u64,
    /// After how many failures in a row it fails.
    pub fail_after: u32,
    /// After how many successes in a row it passes again.
    pub pass_after: u32,
}

/// What a check tries, at the address and port of the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Probe {
    /// A GET of this path is answered with a status of 200 to 299.
    Http(String),
    /// A connection can be made.
    Tcp,
}

/// What keeps an instance registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keeper {
    /// It goes with this session.
    Session(SessionId),
    /// It goes unless it is renewed.
    Ttl {
        /// How long a renewal lasts, milliseconds.
        ttl_ms: u64,
        /// When it goes.
        expires: LogTime,
    },
}

/// Whether new work is sent to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceState {
    /// It is.
    Up,
    /// It is not; what it has goes on.
    Draining,
}

/// What the checks of an instance say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether they pass.
    pub passing: bool,
    /// Since when they say so.
    pub since: Moment,
    /// What the last one that changed this found.
    pub text: String,
}

/// What an instance last said about its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Requests it was serving.
    pub in_flight: u32,
    /// How many it serves at once; 0 counts as 1.
    pub capacity: u32,
    /// `in_flight` less what was reserved when it said so ([`balance::Report`]).
    pub others: u32,
    /// When it said so.
    pub at: LogTime,
}

/// What callers of an instance reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// Calls that failed since the last that succeeded.
    pub in_a_row: u32,
    /// Until when it is set aside because of them.
    pub set_aside_until: Option<LogTime>,
}

/// A registered instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// What it says of itself.
    pub registration: Arc<Registration>,
    /// What keeps it.
    pub keeper: Keeper,
    /// When it was registered.
    pub registered: Moment,
    /// When its registration or its state last changed.
    pub changed: Moment,
    /// Since which position it is to be checked as it is now: verdicts on what was there before do not
    /// count.
    pub incarnation: Zxid,
    /// Whether new work is sent to it.
    pub state: InstanceState,
    /// What its checks say; nothing before the first says something.
    pub verdict: Option<Verdict>,
    /// Its last load report.
    pub load: Option<LoadReport>,
    /// What its callers say.
    pub failures: Failures,
}

/// Key of an instance.
pub(crate) type InstanceKey = (ServiceName, InstanceId);

impl Instance {
    /// What happens to it at its time.
    pub(crate) fn deadlines(
        &self,
        key: &InstanceKey,
    ) -> impl Iterator<Item = (LogTime, Due)> + use<> {
        let expires = match self.keeper {
            Keeper::Session(_) => None,
            Keeper::Ttl { expires, .. } => Some(expires),
        };
        let expires = expires.map(|at| (at, Due::InstanceTtl(key.clone())));
        let until = self.failures.set_aside_until;
        let back = until.map(|at| (at, Due::SetAside(key.clone())));
        expires.into_iter().chain(back)
    }

    /// The session that keeps it.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self.keeper {
            Keeper::Session(session) => Some(session),
            Keeper::Ttl { .. } => None,
        }
    }
}

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceEnd {
    /// Somebody deregistered it.
    Deregistered,
    /// Its session was closed.
    SessionClosed,
    /// Its session expired.
    SessionExpired,
    /// It was not renewed in time.
    TtlElapsed,
}

/// A pick that is not known to be done: counts as load of its instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Which instance was picked.
    pub instance: InstanceId,
    /// When.
    pub made: Moment,
    /// When it is taken to be done.
    pub expires: LogTime,
}

/// Whose turn it is in a service, for picks by the replicated cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct GlobalCursor(pub(crate) Cursor);
