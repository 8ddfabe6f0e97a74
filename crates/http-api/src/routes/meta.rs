//! What this API says about itself.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::StatusCode;
use http_types::problem::{Effect, ErrorCode, Problem as Document};
use raft_core::limits as core;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Call;
use crate::error::Problem;
use crate::limits as door;
use crate::reply::Reply;

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "meta", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value))
)]
pub(crate) async fn openapi(call: Call) -> Result<Reply, Problem> {
    let body = Body::from(call.api.openapi().await?);
    Ok(Reply::raw(StatusCode::OK, "application/json", body))
}

/// A kind of problem, explained.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorPage {
    /// The code in problem documents.
    code: &'static str,
    /// Where it is explained: the `type` in problem documents.
    #[serde(rename = "type")]
    kind: String,
    /// HTTP status.
    status: u16,
    /// The kind of problem in one sentence.
    title: &'static str,
    /// Whether the request happened.
    outcome: Effect,
    /// Whether the same request can succeed later.
    retryable: bool,
    /// What leads to it.
    cause: &'static str,
    /// What to do.
    remedy: &'static str,
}

fn page(code: ErrorCode) -> ErrorPage {
    let explanation = code.explanation();
    ErrorPage {
        code: explanation.code,
        kind: code.type_path(),
        status: explanation.status,
        title: explanation.title,
        outcome: explanation.outcome,
        retryable: explanation.retryable,
        cause: explanation.cause,
        remedy: explanation.remedy,
    }
}

/// Every kind of problem.
#[utoipa::path(
    get, path = "/errors", tag = "meta", operation_id = "errors",
    responses((status = 200, description = "In order of status", body = Vec<ErrorPage>))
)]
pub(crate) async fn errors(_: Call) -> Result<Reply, Problem> {
    let pages: Vec<ErrorPage> = ErrorCode::ALL.iter().copied().map(page).collect();
    Reply::ok(&pages)
}

/// One kind of problem: its cause, its remedy, and whether to try again.
#[utoipa::path(
    get, path = "/errors/{code}", tag = "meta", operation_id = "error",
    params(("code" = String, Path, description = "`lock-held`")),
    responses(
        (status = 200, description = "Explained", body = ErrorPage),
        (status = 404, description = "`not_found`", body = Document),
    )
)]
pub(crate) async fn error(call: Call) -> Result<Reply, Problem> {
    let slug = call.segment("code")?;
    match ErrorCode::from_slug(&slug) {
        Some(code) => Reply::ok(&page(code)),
        None => Err(Problem::new(
            ErrorCode::NotFound,
            format!("no problem is called {slug:?}"),
        )),
    }
}

/// The limits this node works with.
#[utoipa::path(
    get, path = "/v1/limits", tag = "meta", operation_id = "limits",
    responses((status = 200, description = "Name with unit, and value", body = BTreeMap<String, u64>))
)]
pub(crate) async fn limits(call: Call) -> Result<Reply, Problem> {
    let of_state = state_limits().into_iter();
    let mut all: BTreeMap<&str, u64> = of_state.chain(limits_of_services_and_keys()).collect();
    let settings = &call.api.settings;
    let ms = crate::millis::as_ms;
    for (name, value) in [
        ("requests_in_flight_max", count(settings.requests_max)),
        ("streams_max", count(settings.streams_max)),
        (
            "streams_per_client_max",
            count(settings.streams_per_client_max),
        ),
        ("connections_max", count(settings.connections_max)),
        ("request_timeout_ms", ms(settings.request_timeout)),
        ("request_timeout_ms_max", ms(settings.request_timeout_max)),
        ("wait_ms_max", ms(settings.wait_max)),
        ("fence_token_ms", ms(settings.fence_token_lifetime)),
        ("json_body_bytes_max", count(door::JSON_BODY_BYTES_MAX)),
        ("page_rows_max", count(door::PAGE_MAX)),
        ("children_page_rows_max", count(door::CHILDREN_PAGE_MAX)),
        ("tree_nodes_max", count(door::TREE_NODES_MAX)),
        ("dry_run_shown_max", count(door::DRY_RUN_SHOWN_MAX)),
        ("digest_depth_max", count(door::DIGEST_DEPTH_MAX)),
        ("digest_subtrees_max", count(door::DIGEST_SUBTREES_MAX)),
        ("queue_sort_locks_max", count(door::QUEUE_SORT_SCAN_MAX)),
        ("hot_waiters_max", count(door::HOT_WAITERS_MAX)),
    ] {
        all.insert(name, value);
    }
    Reply::ok(&all)
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn limits_of_services_and_keys() -> Vec<(&'static str, u64)> {
    vec![
        ("services_max", count(core::SERVICES_MAX)),
        ("instances_max", count(core::INSTANCES_MAX)),
        (
            "instances_per_service_max",
            count(core::INSTANCES_PER_SERVICE_MAX),
        ),
        (
            "instances_per_session_max",
            count(core::INSTANCES_PER_SESSION_MAX),
        ),
        ("instance_weight_max", core::INSTANCE_WEIGHT_MAX.into()),
        (
            "instance_meta_bytes_max",
            count(core::INSTANCE_META_BYTES_MAX),
        ),
        ("failures_to_set_aside", core::FAILURES_TO_SET_ASIDE.into()),
        ("set_aside_ms", core::SET_ASIDE_MS),
        ("reservations_max", count(core::RESERVATIONS_MAX)),
        (
            "reservations_per_service_max",
            count(core::RESERVATIONS_PER_SERVICE_MAX),
        ),
        ("fence_token_ms_max", core::FENCE_TOKEN_MS_MAX),
        ("signing_key_kept_ms", core::SIGNING_KEY_KEPT_MS),
        (
            "signing_keys_per_node_max",
            count(core::SIGNING_KEYS_PER_NODE_MAX),
        ),
        ("signing_keys_max", count(core::SIGNING_KEYS_MAX)),
    ]
}

fn state_limits() -> Vec<(&'static str, u64)> {
    vec![
        ("path_bytes_max", count(core::PATH_BYTES_MAX)),
        (
            "name_segment_bytes_max",
            count(core::NAME_SEGMENT_BYTES_MAX),
        ),
        ("lock_name_bytes_max", count(core::NAME_BYTES_MAX)),
        ("znode_data_bytes_max", count(core::ZNODE_DATA_BYTES_MAX)),
        (
            "children_per_znode_max",
            core::CHILDREN_PER_ZNODE_MAX.into(),
        ),
        ("znodes_max", core::ZNODES_MAX),
        ("acl_entries_max", count(core::ACL_ENTRIES_MAX)),
        ("ops_per_multi_max", count(core::OPS_PER_MULTI_MAX)),
        (
            "guards_per_request_max",
            count(core::GUARDS_PER_REQUEST_MAX),
        ),
        ("subtree_delete_max", core::SUBTREE_DELETE_MAX.into()),
        ("sessions_max", count(core::SESSIONS_MAX)),
        (
            "ephemerals_per_session_max",
            count(core::EPHEMERALS_PER_SESSION_MAX),
        ),
        ("session_timeout_ms_min", core::SESSION_TIMEOUT_MS_MIN),
        ("session_timeout_ms_max", core::SESSION_TIMEOUT_MS_MAX),
        ("labels_max", count(core::LABELS_MAX)),
        ("claims_per_lock_max", core::CLAIMS_PER_LOCK_MAX.into()),
        ("permits_max", core::PERMITS_MAX.into()),
        ("lock_duration_ms_max", core::LOCK_DURATION_MS_MAX),
        ("implicit_ttl_ms_default", core::IMPLICIT_TTL_MS_DEFAULT),
        ("ack_within_ms_default", core::ACK_WITHIN_MS_DEFAULT),
        ("tombstone_ms", core::TOMBSTONE_MS),
        ("locks_per_claim_max", count(core::LOCKS_PER_CLAIM_MAX)),
        ("history_per_lock_max", count(core::HISTORY_PER_LOCK_MAX)),
        ("history_max", count(core::HISTORY_MAX)),
        ("history_ms", core::HISTORY_MS),
        ("idempotency_ms", core::IDEMPOTENCY_MS),
        (
            "idempotency_entries_max",
            count(core::IDEMPOTENCY_ENTRIES_MAX),
        ),
        ("request_bytes_max", count(core::REQUEST_BYTES_MAX)),
    ]
}
