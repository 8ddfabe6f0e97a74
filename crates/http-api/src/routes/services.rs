//! `/v1/services` and `/v1/services/{service}`: what there is.

use axum::http::StatusCode;
use http_types::paths;
use http_types::v1::services as v1;
use raft_core::command::Filter;
use raft_core::ids::ServiceName;
use raft_core::state::State;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::change;
use crate::convert::{event, service as convert};
use crate::error::Problem;
use crate::extract::headers::IfNoneMatch;
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::reply::Reply;

/// Services with instances, in order of name.
#[utoipa::path(
    get, path = "/v1/services", tag = "services", operation_id = "services",
    params(v1::ServicesQuery),
    responses((status = 200, description = "A page of them", body = v1::ServiceList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::ServicesQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let after = query.after.as_deref().map(ServiceName::parse).transpose()?;
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let read = |state: &State| {
        // One more than shown says whether there is a next page.
        let mut found = state.services(prefix, after.as_ref(), limit.saturating_add(1));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|last| last.service.to_string());
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let services = found.iter().map(|view| v1::ServiceSummary {
            service: view.service.to_string(),
            instances: count(view.instances),
            reservations: count(view.reservations),
        });
        let services = services.collect();
        Ok(v1::ServiceList { services, next })
    };
    let answer = call.read(read).await?;
    let mut reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    if let Some(next) = answer.value.next {
        let parameters = [
            ("prefix", query.prefix),
            ("limit", Some(limit.to_string())),
            ("after", Some(next)),
        ];
        let url = paths::with_query("/v1/services", &parameters);
        reply = reply.text("link", &format!("<{url}>; rel=\"next\""));
    }
    Ok(reply)
}

/// All instances of a service; none, where there is no such service. The ETag is of who is there and can be
/// picked, not of loads and reservations: with `If-None-Match` and `Prefer: wait=60` waits until that
/// changes.
#[utoipa::path(
    get, path = "/v1/services/{service}", tag = "services", operation_id = "service",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
        ("Prefer" = Option<String>, Header, description = "`wait=60`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::Service),
        (status = 304, description = "It did not change within the wait"),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.service()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let answer = call.read(|state| Ok(shown(state, &name))).await?;
    let (view, etag) = answer.value;
    if !known.has(&etag) {
        let reply = Reply::ok(&view)?.etag(&etag).at(answer.zxid);
        return Ok(reply.aged(answer.age));
    }
    let concerns = |kind: &_| event::service(kind) == Some(&name);
    let changed = change::wait_for(&call, until, concerns, |state| {
        let (view, etag) = shown(state, &name);
        Ok((!known.has(&etag)).then(|| (view, etag, state.last_zxid())))
    });
    match changed.await? {
        Some((view, etag, zxid)) => Ok(Reply::ok(&view)?.etag(&etag).at(zxid)),
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag)),
    }
}

fn shown(state: &State, name: &ServiceName) -> (v1::Service, String) {
    let (mut hash, mut instances) = (Xxh3::new(), Vec::new());
    for view in state.instances(name) {
        let instance = view.instance;
        hash.update(&instance.registered.zxid.0.to_le_bytes());
        hash.update(&instance.changed.zxid.0.to_le_bytes());
        let verdict = instance.verdict.as_ref();
        let since = verdict.map_or(0, |verdict| verdict.since.zxid.0);
        hash.update(&since.to_le_bytes());
        let is_aside = instance.failures.set_aside_until.is_some();
        hash.update(&[u8::from(is_aside)]);
        instances.push(convert::instance(state, &view));
    }
    let field = state.field(name, &Filter::default());
    let view = v1::Service {
        service: name.to_string(),
        available: u32::try_from(field.eligible().count()).unwrap_or(u32::MAX),
        instances,
    };
    (view, format!("\"s{:016x}\"", hash.digest()))
}
