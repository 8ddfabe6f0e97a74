//! Conditional reads that wait: `If-None-Match` with `Prefer: wait`.

use node::EventStream;
use raft_core::event::EventKind;
use raft_core::state::State;
use tokio::time::{Instant, timeout_at};

use crate::call::Call;
use crate::error::Problem;
use http_types::problem::ErrorCode;

/// Looks at the local state again after every event that `concerns` the reader, until `look` finds
/// something new or the wait is over (`None`). The caller has read as current as it needs before;
/// this node's state only moves forward.
///
/// # Errors
/// What `look` says, or that the node is shutting down.
pub(crate) async fn wait_for<T>(
    call: &Call,
    until: Instant,
    concerns: impl Fn(&EventKind) -> bool,
    mut look: impl FnMut(&State) -> Result<Option<T>, Problem>,
) -> Result<Option<T>, Problem> {
    loop {
        let (state, stream) = call.api.node.state_and_events();
        if let Some(found) = look(&state)? {
            return Ok(Some(found));
        }
        drop(state);
        let stop = call.api.node.shutting_down();
        tokio::select! {
            () = stop.cancelled() => {
                return Err(Problem::new(ErrorCode::ShuttingDown, "this node is shutting down"));
            }
            changed = timeout_at(until, next_that(stream, &concerns)) => {
                if changed.is_err() {
                    return Ok(None);
                }
            }
        }
    }
}

/// Waits for an event that concerns the reader; also returns when events were missed.
async fn next_that(mut stream: EventStream, concerns: impl Fn(&EventKind) -> bool) {
    while let Ok(commit) = stream.next().await {
        if commit.events.iter().any(|event| concerns(&event.kind)) {
            return;
        }
    }
}
