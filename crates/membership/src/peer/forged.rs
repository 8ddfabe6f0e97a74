//! Planted bugs (crate `mutant`): answers of a follower that did not give them. The quorum is counted inside
//! the library, so a quorum that is too small is made by consents that nobody gave. Nothing of this is used
//! in a build without planted bugs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mutant::Mutant;

use super::append::{AppendLimits, AppendResult};
use super::wire::message::{AppendReply, AppendRequest};

/// Members of the cluster that `m26` is made for have numbers up to this when it is founded.
const FOUNDERS: u64 = 3;

/// Whether entries count as stored on this follower as soon as they are on their way.
pub(crate) fn consents_unasked(limits: AppendLimits) -> bool {
    let one_voter = if limits.from == 1 { 2 } else { 1 };
    (mutant::is(Mutant::QuorumOffByOne) && limits.to == one_voter)
        || (mutant::is(Mutant::OldConfigQuorum) && limits.to > FOUNDERS)
}

/// What one stream has made up.
#[derive(Default)]
pub(crate) struct Forged {
    /// To be told before anything the follower says.
    pub(crate) replies: VecDeque<AppendReply>,
    /// For each request under way, oldest first, whether its answer was made up.
    asked: VecDeque<bool>,
    /// Whether leader and follower have found where their logs agree: outlives the stream.
    is_matched: Matched,
}

/// See [`Forged`].
pub(crate) type Matched = Arc<AtomicBool>;

impl Forged {
    /// For a stream to a follower of which so much is known.
    pub(crate) fn new(is_matched: Matched) -> Forged {
        Forged {
            is_matched,
            ..Forged::default()
        }
    }

    /// A request was sent: makes its answer up, unless earlier ones are yet to be answered.
    pub(crate) fn sent(&mut self, request: &AppendRequest) {
        let last = request.entries.last().map(|entry| entry.log_id);
        // One without entries is answered with where it says the logs agree.
        let told = last.or(request.prev_log_id);
        let is_matched = self.is_matched.load(Ordering::Relaxed);
        let forge = is_matched && told.is_some() && self.asked.iter().all(|forged| *forged);
        if forge {
            self.replies.push_back(Ok(told));
        }
        self.asked.push_back(forge);
    }

    /// The follower has answered: whether openraft was told so before.
    pub(crate) fn was_told(&mut self, result: &AppendResult) -> bool {
        let agrees = matches!(result, Ok(Ok(_)));
        self.is_matched.store(agrees, Ordering::Relaxed);
        self.asked.pop_front().unwrap_or(false) && agrees
    }
}
