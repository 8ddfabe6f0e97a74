//! Planted bugs (crate `mutant`): answers of a follower that did not give them. The quorum is counted inside
//! the library, so a quorum that is too small is made by consents that nobody gave. Nothing of this is used
//! in a build without planted bugs.

use std::collections::VecDeque;

use mutant::Mutant;

use super::append::{AppendLimits, AppendResult};
use super::wire::message::{AppendReply, AppendRequest};

/// Members of the cluster that `m26` is made for have numbers up to this when it is founded.
const FOUNDERS: u64 = 3;

/// Whether entries count as stored on this follower as soon as they are on their way.
pub(super) fn consents_unasked(limits: AppendLimits) -> bool {
    let one_voter = if limits.from == 1 { 2 } else { 1 };
    (mutant::is(Mutant::QuorumOffByOne) && limits.to == one_voter)
        || (mutant::is(Mutant::OldConfigQuorum) && limits.to > FOUNDERS)
}

/// What one stream has made up.
#[derive(Default)]
pub(super) struct Forged {
    /// To be told before anything the follower says.
    pub(super) replies: VecDeque<AppendReply>,
    /// For each request under way, oldest first, whether its answer was made up.
    asked: VecDeque<bool>,
    /// Whether leader and follower have found where their logs agree.
    is_matched: bool,
}

impl Forged {
    /// A request was sent: makes its answer up, unless earlier ones are yet to be answered.
    pub(super) fn sent(&mut self, request: &AppendRequest) {
        let last = request.entries.last().map(|entry| entry.log_id);
        let forge = self.is_matched && last.is_some() && self.asked.iter().all(|forged| *forged);
        if forge {
            self.replies.push_back(Ok(last));
        }
        self.asked.push_back(forge);
    }

    /// The follower has answered: whether openraft was told so before.
    pub(super) fn was_told(&mut self, result: &AppendResult) -> bool {
        let agrees = matches!(result, Ok(Ok(_)));
        self.is_matched |= agrees;
        self.asked.pop_front().unwrap_or(false) && agrees
    }
}
