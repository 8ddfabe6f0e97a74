//! `/v1/snapshots`: copies of the whole state, on this node's disk.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use futures::StreamExt;
use http_types::headers as names;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::snapshots as v1;
use node::KeptSnapshot;
use raft_core::ids::WallTime;
use raft_core::state::State;

use crate::call::Call;
use crate::error::Problem;
use crate::extract::range::{self, Wanted};
use crate::limits::SNAPSHOT_FACTS_WAIT;
use crate::millis::rfc3339;
use crate::reply::Reply;
use crate::snapshot::{Facts, content_of, read_state, read_upload};

/// Stands for the id of the newest snapshot.
const CURRENT: &str = "current";

async fn view(call: &Call, snapshot: &KeptSnapshot) -> v1::Snapshot {
    let info = &snapshot.info;
    // A damaged file is on disk all the same: it is listed, and refused when it is asked for.
    let facts = facts(call, snapshot).await.ok().flatten();
    let moment = facts.and_then(|facts| facts.moment);
    v1::Snapshot {
        id: info.id.clone(),
        node: call.api.name.clone(),
        index: moment.map(|moment| moment.zxid.0),
        log_index: Some(info.index),
        bytes: info.bytes,
        created_at: info.created_ms.map(|ms| rfc3339(WallTime(ms))),
    }
}

/// What reading all of it tells, if that is known in time.
///
/// # Errors
/// When the file is damaged.
async fn facts(call: &Call, snapshot: &KeptSnapshot) -> Result<Option<Facts>, Problem> {
    let reading = call.api.snapshot_facts.of(snapshot);
    let within = SNAPSHOT_FACTS_WAIT.min(call.time_left());
    match tokio::time::timeout(within, reading).await {
        Ok(Ok(facts)) => Ok(Some(facts)),
        Ok(Err(error)) => Err(Problem::internal(&format!("read a snapshot: {error}"))),
        Err(_) => Ok(None),
    }
}

/// Take a snapshot of everything applied so far, and wait until it is on disk.
#[utoipa::path(
    post, path = "/v1/snapshots", tag = "snapshots", operation_id = "take_snapshot",
    responses(
        (status = 201, description = "Taken", body = v1::Snapshot),
        (status = 504, description = "`outcome_unknown`: still being written", body = Document),
    )
)]
pub(crate) async fn take(call: Call) -> Result<Reply, Problem> {
    let taken = call.api.node.take_snapshot(call.time_left()).await?;
    let url = format!("/v1/snapshots/{}", taken.info.id);
    let view = view(&call, &taken).await;
    Ok(Reply::json(StatusCode::CREATED, &view)?.location(&url))
}

/// Snapshots of this node, newest first.
#[utoipa::path(
    get, path = "/v1/snapshots", tag = "snapshots", operation_id = "snapshots",
    responses((status = 200, description = "What there is", body = v1::SnapshotList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let mut snapshots = Vec::new();
    for snapshot in call.api.node.snapshots().await? {
        snapshots.push(view(&call, &snapshot).await);
    }
    Reply::ok(&v1::SnapshotList { snapshots })
}

/// The content of a snapshot, or one range of its bytes; `current` is the newest.
///
/// A snapshot never changes: its ETag is its id. A download that broke off goes on with `Range` and
/// `If-Range`; asking for several ranges gives the whole. `Repr-Digest` is the SHA-256 of the whole
/// content, also beside a part of it. It is computed once, by reading the file; while that takes
/// longer than a client waits for an answer, it is left out.
#[utoipa::path(
    get, path = "/v1/snapshots/{snapshot}", tag = "snapshots", operation_id = "download_snapshot",
    params(
        ("snapshot" = String, Path, description = "Its id, or `current`"),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=1048576-`"),
        ("If-Range" = Option<String>, Header, description = "The ETag of what the reader has a part of"),
    ),
    responses(
        (status = 200, description = "Its content", body = Vec<u8>, content_type = "application/octet-stream",
            headers(
                ("ETag" = String, description = "Its id, in quotes"),
                ("Accept-Ranges" = String, description = "`bytes`"),
                ("Repr-Digest" = String, description = "`sha-256=:…:` of the whole content (RFC 9530)"),
            )),
        (status = 206, description = "The range asked for", body = Vec<u8>, content_type = "application/octet-stream",
            headers(
                ("ETag" = String, description = "Its id, in quotes"),
                ("Content-Range" = String, description = "`bytes 0-499/1234`"),
                ("Repr-Digest" = String, description = "`sha-256=:…:` of the whole content (RFC 9530)"),
            )),
        (status = 404, description = "`no_snapshot`", body = Document),
        (status = 416, description = "`bad_request`: the range begins behind the end, which `Content-Range: bytes */1234` tells", body = Document),
    )
)]
pub(crate) async fn download(call: Call) -> Result<Reply, Problem> {
    let snapshot = find(&call, &call.segment("snapshot")?).await?;
    let len = snapshot.info.bytes;
    let etag = format!("\"{}\"", snapshot.info.id);
    let is_head = call.method == Method::HEAD;
    // Ranges are defined for GET alone.
    let wanted = if is_head {
        Wanted::Whole
    } else {
        range::wanted(&call.headers, &etag, len)
    };
    let (status, part) = match wanted {
        Wanted::Whole => (StatusCode::OK, (0, len)),
        Wanted::Part { first, last } => {
            let count = last.saturating_sub(first).saturating_add(1);
            (StatusCode::PARTIAL_CONTENT, (first, count))
        }
        Wanted::Nothing(range) => return Err(Problem::range_not_satisfiable(&range, len)),
    };
    let facts = facts(&call, &snapshot).await?;
    let mut reply = described(&snapshot, facts.as_ref(), (status, part)).etag(&etag);
    if !is_head {
        reply.body = Body::from_stream(content_of(snapshot.content, part));
    }
    Ok(reply)
}

/// Everything but the content: `first` is where what is sent begins, `count` its bytes.
fn described(
    snapshot: &KeptSnapshot,
    facts: Option<&Facts>,
    (status, (first, count)): (StatusCode, (u64, u64)),
) -> Reply {
    let info = &snapshot.info;
    let mut reply = Reply::raw(status, "application/octet-stream", Body::empty())
        .text("accept-ranges", "bytes")
        .text("content-length", &count.to_string())
        .text(
            "content-disposition",
            &format!("attachment; filename=\"{}.snapshot\"", info.id),
        );
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first.saturating_add(count).saturating_sub(1);
        reply = reply.text(
            "content-range",
            &format!("bytes {first}-{last}/{}", info.bytes),
        );
    }
    match facts {
        Some(facts) => reply.text(names::REPR_DIGEST, &names::repr_digest(&facts.sha256)),
        None => reply,
    }
}

/// The snapshot of this id.
async fn find(call: &Call, id: &str) -> Result<KeptSnapshot, Problem> {
    let kept = call.api.node.snapshots().await?;
    let detail = if kept.is_empty() {
        "this node has no snapshot yet".to_owned()
    } else {
        format!("snapshot {id:?} is not on this node (any more)")
    };
    kept.into_iter()
        .find(|snapshot| id == CURRENT || snapshot.info.id == id)
        .ok_or_else(|| Problem::new(ErrorCode::NoSnapshot, detail))
}

/// Read a whole snapshot and compare its digest: the one in the body, or without a body the newest
/// of this node. One at a time, since it needs the memory of a second state.
#[utoipa::path(
    post, path = "/v1/snapshots/-/verify", tag = "snapshots", operation_id = "verify_snapshot",
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "A snapshot, or nothing"),
    responses(
        (status = 200, description = "It is whole", body = v1::SnapshotVerified),
        (status = 400, description = "`bad_request`: what is wrong with it", body = Document),
        (status = 404, description = "`no_snapshot`", body = Document),
        (status = 503, description = "`overloaded`: another one is being verified", body = Document),
    )
)]
pub(crate) async fn verify(call: Call) -> Result<Reply, Problem> {
    let permit = call.api.admission.verification()?;
    let upload = call.upload.lock().take().unwrap_or_default();
    let mut upload = Box::pin(upload.into_data_stream().peekable());
    let found = if upload.as_mut().peek().await.is_some() {
        read_upload(upload).await // ends with the upload
    } else {
        let newest = find(&call, CURRENT).await?.content;
        // To its end, also when nobody waits for it any more.
        let found = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read_state(newest.open()?)
        });
        let found = found.await;
        found.map_err(|_| Problem::internal("verifying a snapshot broke off"))?
    };
    match found {
        Ok(found) => Reply::ok(&verified(found)),
        Err(error) => Err(Problem::bad_request(format!(
            "the snapshot is damaged: {error}"
        ))),
    }
}

fn verified((state, bytes): (State, u64)) -> v1::SnapshotVerified {
    v1::SnapshotVerified {
        valid: true,
        index: state.last_zxid().0,
        digest: format!("{:032x}", state.digest()),
        bytes,
    }
}
