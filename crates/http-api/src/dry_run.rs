//! `?dry_run=1`: a request goes the way of a real one up to the log, and is tried there on a copy of
//! the state.

use http_types::v1::dry_run as v1;
use raft_core::command::Command;
use raft_core::dry_run::DryRun;
use raft_core::outcome::Reply as Replied;
use serde::Serialize;

use crate::call::Call;
use crate::convert;
use crate::error::{Problem, problem_of};
use crate::reply::Reply;

/// Answers what the command would do. `tell` makes the answer of the real request out of its reply,
/// and says what holds that request to what was shown; it runs off the async workers.
///
/// The headers of the real request are read and checked as ever. An idempotency key has no effect,
/// `Holdfast-Consistency` the one it has on a read.
///
/// # Errors
/// The refusal of the real request, or why it could not be tried.
pub(crate) async fn answer<T: Serialize + Send + 'static>(
    call: &Call,
    command: Command,
    tell: impl FnOnce(&DryRun, &Replied) -> Result<(T, v1::OnlyIf), Problem> + Send + 'static,
) -> Result<Reply, Problem> {
    let draft = call.draft(command)?;
    let options = call.read_options()?;
    let wall_ms = call.api.wall_ms();
    let told = call
        .api
        .node
        .dry_run(
            draft,
            options,
            call.time_left(),
            move |run| -> Result<v1::DryRun<T>, Problem> {
                let reply = run.outcome.result.as_ref();
                let reply = reply.map_err(|refusal| problem_of(&run.before, wall_ms, refusal))?;
                let (would, only_if) = tell(run, reply)?;
                Ok(v1::DryRun {
                    dry_run: true,
                    index: run.before.last_zxid().0,
                    would,
                    effects: convert::dry_run::effects(run),
                    only_if,
                })
            },
        )
        .await?;
    let run = told.value.map_err(|problem| problem.at_index(told.zxid))?;
    Ok(Reply::ok(&run)?.at(told.zxid).aged(told.age))
}
