//! `/v1/cluster/-/restore`: everything replaced by a snapshot.

use std::io;
use std::time::Duration;

use axum::body::Body;
use futures::{StreamExt, TryStreamExt};
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::restore as v1;
use node::RestoreFailure;

use crate::call::Call;
use crate::error::{Check, Problem};
use crate::reply::Reply;
use crate::snapshot::read_upload;

/// How long putting a snapshot in force may take: every node reads it whole in one command.
const FINISH_WITHIN: Duration = Duration::from_secs(120);

/// Replace the state of the whole cluster by the snapshot in the body: the tree and the settings of
/// locks come back, every session ends, and positions and fences go on beyond all handed out before.
#[utoipa::path(
    post, path = "/v1/cluster/-/restore", tag = "cluster", operation_id = "restore",
    params(v1::RestoreQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "A snapshot"),
    responses(
        (status = 200, description = "Restored", body = v1::Restored),
        (status = 400, description = "`bad_request`: not a whole snapshot", body = Document),
        (status = 409, description = "`cluster_not_empty`, `restore_conflict`", body = Document),
        (status = 504, description = "`outcome_unknown`: all had arrived and nobody can say whether it is in force", body = Document),
    )
)]
pub(crate) async fn restore(call: Call) -> Result<Reply, Problem> {
    let query: v1::RestoreQuery = call.query()?;
    let upload = call.upload.lock().take().unwrap_or_default();
    if query.dry_run {
        return would_restore(&call, upload).await;
    }
    let content = upload.into_data_stream().map_err(io::Error::other).boxed();
    let restored = call
        .api
        .node
        .restore(content, query.replace, FINISH_WITHIN)
        .await
        .map_err(|failure| problem_of(&call, failure))?;
    let reply = Reply::ok(&v1::Restored {
        dry_run: false,
        taken_at: restored.taken_at.0,
        index: Some(restored.zxid.0),
        znodes: restored.znodes,
        sessions_ended: restored.sessions_ended,
    })?;
    Ok(reply.at(restored.zxid))
}

async fn would_restore(call: &Call, upload: Body) -> Result<Reply, Problem> {
    let _permit = call.api.admission.verification()?;
    let (incoming, _) = read_upload(upload.into_data_stream())
        .await
        .map_err(|error| Problem::bad_request(format!("the snapshot is damaged: {error}")))?;
    let sessions = call.api.node.peek(|state| state.counts().sessions);
    Reply::ok(&v1::Restored {
        dry_run: true,
        taken_at: incoming.last_zxid().0,
        index: None,
        znodes: incoming.counts().znodes as u64,
        sessions_ended: sessions as u64,
    })
}

fn problem_of(call: &Call, failure: RestoreFailure) -> Problem {
    match failure {
        RestoreFailure::Content(error) => Problem::new(
            ErrorCode::BadRequest,
            format!("the snapshot did not arrive whole: {error}; nothing was replaced"),
        ),
        RestoreFailure::Refused(refusal) => call.refused(&refusal),
        RestoreFailure::NotApplied(error) => Problem::from(error),
        RestoreFailure::Unknown(unknown) => {
            Problem::unknown(unknown.to_string(), Check::at("/v1/cluster"))
        }
    }
}
