//! Is this node fit to serve, and what does it count?

use axum::body::Body;
use axum::http::StatusCode;
use http_types::v1::cluster::node_name;
use http_types::v1::health as v1;

use crate::call::Call;
use crate::error::Problem;
use crate::reply::Reply;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process is alive. Says nothing about the cluster.
#[utoipa::path(
    get, path = "/livez", tag = "health", operation_id = "livez",
    responses((status = 200, description = "It is", body = String, content_type = "text/plain"))
)]
pub(crate) async fn livez(_: Call) -> Result<Reply, Problem> {
    Ok(Reply::raw(StatusCode::OK, "text/plain", Body::from("ok\n")))
}

/// Clients may be sent here: a leader is known, the node is up to date and does not stop.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "readyz",
    params(v1::ReadyQuery),
    responses(
        (status = 200, description = "They may", content(
            (String = "text/plain"), (v1::Health = "application/json"),
        )),
        (status = 503, description = "They should go elsewhere", content(
            (String = "text/plain"), (v1::Health = "application/json"),
        )),
    )
)]
pub(crate) async fn readyz(call: Call) -> Result<Reply, Problem> {
    let query: v1::ReadyQuery = call.query()?;
    let health = found(&call);
    let status = status_of(&health);
    if query.verbose {
        return Reply::json(status, &health);
    }
    let failing = health.checks.iter().filter(|check| !check.ok);
    let text: String = failing
        .map(|check| format!("{}: {}\n", check.name, check.detail))
        .collect();
    let text = if status == StatusCode::OK {
        "ok\n".to_owned()
    } else {
        text
    };
    Ok(Reply::raw(status, "text/plain", Body::from(text)))
}

/// The checks one by one.
#[utoipa::path(
    get, path = "/v1/health", tag = "health", operation_id = "health",
    responses(
        (status = 200, description = "All passed", body = v1::Health),
        (status = 503, description = "At least one failed", body = v1::Health),
    )
)]
pub(crate) async fn health(call: Call) -> Result<Reply, Problem> {
    let health = found(&call);
    Reply::json(status_of(&health), &health)
}

fn status_of(health: &v1::Health) -> StatusCode {
    match health.status {
        v1::HealthStatus::Ok => StatusCode::OK,
        v1::HealthStatus::Failing => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn found(call: &Call) -> v1::Health {
    let status = call.api.node.status();
    let ready = status.is_ready();
    let check = |check: node::Check| v1::Check {
        name: check.name.to_owned(),
        ok: check.ok,
        detail: check.detail,
    };
    v1::Health {
        status: if ready {
            v1::HealthStatus::Ok
        } else {
            v1::HealthStatus::Failing
        },
        node: call.api.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        leader: status.leader.map(node_name),
        applied_index: status.applied.0,
        checks: status.checks.into_iter().map(check).collect(),
    }
}

/// What this node counts, in the OpenMetrics text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(call: Call) -> Result<Reply, Problem> {
    let text = call.api.metrics.text(&call.api.node)?;
    Ok(Reply::raw(StatusCode::OK, OPENMETRICS, Body::from(text)))
}
