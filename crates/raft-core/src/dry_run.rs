//! Dry runs: what a request would do to a state, which stays as it is.

use crate::command::{Request, Stamp};
use crate::outcome::Outcome;
use crate::state::State;

/// What a request would do, found out on a copy of the state.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The state it was asked of: who holds what now, and the position the answer is of.
    pub before: State,
    /// The state as it would be if this were the next command.
    pub after: State,
    /// What would come of it: the reply or refusal, and the events, at the position of the next
    /// command. Never the remembered answer to an idempotency key.
    pub outcome: Outcome,
}

impl State {
    /// Applies `request` to a copy. The very code of [`State::apply`] decides, so a dry run and the
    /// command it stands for cannot come to differ; nothing of this state changes (it is made of
    /// persistent maps, a copy is O(1)).
    ///
    /// An idempotency key is left out: looked up, it would tell of an earlier request and not of
    /// this one. Takes as long as applying the request, and what the copy changes takes memory
    /// until the answer is dropped.
    ///
    /// # Panics
    /// As [`State::apply`], when an invariant is broken: the command itself would stop every node.
    #[must_use]
    pub fn dry_run(&self, stamp: Stamp, mut request: Request) -> DryRun {
        request.idempotency = None;
        let mut after = self.clone();
        let outcome = after.apply(stamp, &request);
        DryRun {
            before: self.clone(),
            after,
            outcome,
        }
    }
}
