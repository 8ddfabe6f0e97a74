//! A planted bug (crate `mutant`): a leader that answers before a quorum has the entry. Nothing of this is
//! used in a build without planted bugs.

use bytes::Bytes;
use parking_lot::Mutex;
use raft_core::codec::{self, Batch};
use raft_core::state::State;

use crate::runtime::Runtime;

/// The state as it will be when everything this leader proposed is applied, and the leader's term.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Mutex<Option<(u64, State)>>);

impl Runtime {
    /// Applies an entry that is not committed yet to a copy of the state, and tells callers at this node
    /// what came of it.
    pub(crate) fn answer_ahead(&self, term: u64, entry: &Bytes) {
        let Ok(batch) = Batch::parse(entry) else {
            return;
        };
        let mut ahead = self.ahead.0.lock();
        let applied = self.replica.state();
        let mut state = match ahead.take() {
            Some((of, state)) if of == term && state.last_zxid() > applied.last_zxid() => state,
            Some(_) | None => applied,
        };
        for request in batch.requests().map(codec::decode_request) {
            let Ok(request) = request else { return };
            let outcome = state.apply(batch.stamp, &request);
            if request.id == self.request_id(request.id.sequence) {
                self.pending.complete(request.id.sequence, outcome);
            }
        }
        *ahead = Some((term, state));
    }
}
