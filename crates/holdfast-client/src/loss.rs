//! Why something counts as lost.

use std::fmt;

/// Why a session, a lock or a leadership counts as lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The cluster says the session has ended.
    SessionEnded(String),
    /// No keep-alive got through in time: the session may have expired.
    Unconfirmed,
    /// The session was closed by this process.
    Closed,
    /// The cluster says the claim has ended.
    ClaimEnded(String),
    /// The cluster says another candidate leads, or none.
    LeadershipEnded(String),
    /// The claim's own time to hold is over.
    TimeToHoldOver,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::SessionEnded(how) => write!(f, "the session has ended: {how}"),
            Loss::Unconfirmed => f.write_str("no keep-alive got through in time"),
            Loss::Closed => f.write_str("the session was closed here"),
            Loss::ClaimEnded(how) => write!(f, "the claim has ended: {how}"),
            Loss::LeadershipEnded(how) => write!(f, "the leadership is over: {how}"),
            Loss::TimeToHoldOver => f.write_str("its time to hold is over"),
        }
    }
}
