//! `/v1/services/{service}/-/pick`, `/-/ring` and `/-/reservations/{reservation}`: who gets the next request.

use std::sync::Arc;

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::services as v1;
use node::Answer;
use raft_core::command::{Filter, Pick, Selection, ServiceOp, Strategy};
use raft_core::ids::{ReservationId, ServiceName};
use raft_core::outcome::{Picked, PickedInstance, Refusal, ServiceReply};
use raft_core::query::pick::{Cursor, RING_SIZE, Ring};
use raft_core::query::service::InstanceView;
use raft_core::state::State;
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::convert::pick as convert;
use crate::error::{Check, Problem};
use crate::extract::headers::IfNoneMatch;
use crate::reply::Reply;
use crate::routes::instances::{answered_otherwise, propose, service_url};

/// Pick without a commit: by what this node knows, as current as the request demands. Reserves nothing;
/// `round_robin` is by the node's own count.
#[utoipa::path(
    get, path = "/v1/services/{service}/-/pick", tag = "services", operation_id = "look",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        v1::PickQuery,
    ),
    responses(
        (status = 200, description = "Who gets the request", body = v1::Picked),
        (status = 400, description = "`bad_request`", body = Document),
        (status = 409, description = "`no_instance_available`, with the reasons", body = Document),
    )
)]
pub(crate) async fn look(call: Call) -> Result<Reply, Problem> {
    let service = call.service()?;
    let query: v1::PickQuery = call.query()?;
    if query.reserve.is_some() || query.cursor == Some(v1::Cursor::Global) {
        return Err(Problem::bad_request(
            "a GET changes nothing: POST to reserve, or to count with the cluster's cursor",
        ));
    }
    let selection = checked(&call, &query)?;
    if let Strategy::Maglev { key, size } = &selection.strategy {
        return by_ring(&call, &service, (&query, &selection, key, *size)).await;
    }
    let draw = call.api.node.entropy().next_u64();
    let read = |state: &State| {
        let field = state.field(&service, &selection.filter);
        let choose = |cursor: &mut Cursor| field.choose(&selection, draw, cursor);
        let chosen = match selection.strategy {
            Strategy::RoundRobin => call.api.cursors.with(&service, choose),
            Strategy::Random
            | Strategy::LeastLoad
            | Strategy::TwoChoices
            | Strategy::Hash { .. }
            | Strategy::Maglev { .. }
            | Strategy::Sticky { .. } => choose(&mut Cursor::default()),
        };
        Ok(chosen.map(|chosen| {
            let instances = field.instances_at(&chosen);
            let considered = if query.explain {
                field.explain(&selection.strategy, &chosen)
            } else {
                Vec::new()
            };
            Picked {
                chosen: instances.map(|view| plain(&view)).collect(),
                expires: None,
                considered,
            }
        }))
    };
    let answer = call.read(read).await?;
    let picked = answer.value.map_err(|refusal| call.refused(&refusal))?;
    let strategy = query.strategy.unwrap_or_default();
    let view = convert::picked(&service, strategy, (&picked, Default::default()))?;
    Ok(Reply::ok(&view)?.at(answer.zxid).aged(answer.age))
}

/// Pick in one command: what is picked can be reserved, picks that follow see it, and `round_robin` is by
/// the cluster's count. An `Idempotency-Key` makes it safe to repeat.
#[utoipa::path(
    post, path = "/v1/services/{service}/-/pick", tag = "services", operation_id = "pick",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        v1::PickQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat"),
    ),
    responses(
        (status = 200, description = "Who gets the request", body = v1::Picked),
        (status = 400, description = "`bad_request`", body = Document),
        (status = 409, description = "`no_instance_available`, with the reasons", body = Document),
        (status = 507, description = "`quota_exceeded`: too many reservations", body = Document),
    )
)]
pub(crate) async fn pick(call: Call) -> Result<Reply, Problem> {
    let service = call.service()?;
    let query: v1::PickQuery = call.query()?;
    if query.cursor == Some(v1::Cursor::Local) {
        return Err(Problem::bad_request(
            "a POST counts with the cluster's cursor: GET for that of this node",
        ));
    }
    let selection = checked(&call, &query)?;
    let op = ServiceOp::Pick(Pick {
        selection,
        draw: call.api.node.entropy().next_u64(),
        reserve_ms: query.reserve.map(|reserve| reserve.as_millis()),
        explain: query.explain,
    });
    let check = Check::at(service_url(&service));
    let (reply, done) = propose(&call, &service, (op, check)).await?;
    let ServiceReply::Picked(picked) = reply else {
        return Err(answered_otherwise());
    };
    let strategy = query.strategy.unwrap_or_default();
    let view = convert::picked(&service, strategy, (&picked, done.moment.log_time))?;
    let reply = Reply::ok(&view)?.at(done.moment.zxid);
    Ok(reply.replayed(done.replayed))
}

/// The work of a pick is done. That the reservation is not open is what was asked for, so repeating this is
/// answered alike.
#[utoipa::path(
    delete, path = "/v1/services/{service}/-/reservations/{reservation}", tag = "services", operation_id = "release_reservation",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("reservation" = String, Path, description = "Id of the reservation"),
    ),
    responses(
        (status = 200, description = "It is not open; `released` says whether this request ended it", body = v1::ReservationReleased),
        (status = 400, description = "`bad_request`: no reservation has such an id", body = Document),
    )
)]
pub(crate) async fn release(call: Call) -> Result<Reply, Problem> {
    let service = call.service()?;
    let text = call.segment("reservation")?;
    let Some(reservation) = ReservationId::parse(&text) else {
        return Err(Problem::bad_request(format!(
            "no reservation has the id {text:?}: they look like r_55.0"
        )));
    };
    let check = Check::or_repeat(paths::service_reservation(service.as_str(), &text));
    let op = ServiceOp::Release { reservation };
    let (reply, done) = propose(&call, &service, (op, check)).await?;
    let ServiceReply::Released { released } = reply else {
        return Err(answered_otherwise());
    };
    let view = v1::ReservationReleased {
        service: service.to_string(),
        id: text,
        released,
    };
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

/// The table of `strategy=maglev`, for clients that pick themselves. With `If-None-Match` it is sent only
/// where it has changed.
#[utoipa::path(
    get, path = "/v1/services/{service}/-/ring", tag = "services", operation_id = "ring",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        v1::RingQuery,
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
    ),
    responses(
        (status = 200, description = "The table", body = v1::Ring),
        (status = 304, description = "It is the one the reader has"),
        (status = 400, description = "`bad_request`: the size is no prime number", body = Document),
    )
)]
pub(crate) async fn ring(call: Call) -> Result<Reply, Problem> {
    let service = call.service()?;
    let query: v1::RingQuery = call.query()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let (zone, tag, meta) = (query.zone, query.tag, query.meta);
    let filter = convert::filter(zone.as_deref(), tag.as_deref(), meta.as_deref())?;
    let answer = call.read(|state| Ok(state.clone())).await?;
    let state = answer.value;
    let size = query.size.unwrap_or(RING_SIZE);
    let field = state.field(&service, &filter);
    let version = field.ring_version(size);
    // Where instances are reached is in the answer, but does not change the table.
    let mut hash = Xxh3::new();
    for view in field.eligible() {
        hash.update(&view.instance.changed.zxid.0.to_le_bytes());
    }
    let etag = format!("\"{version:032x}-{:016x}\"", hash.digest());
    if known.has(&etag) {
        let reply = Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag);
        return Ok(reply.at(answer.zxid).aged(answer.age));
    }
    let ring = ring_of(&call, &state, (&service, &filter, size)).await?;
    let instance = |view: InstanceView<'_>| {
        convert::picked_instance(view.id, &view.instance.registration, None)
    };
    let view = v1::Ring {
        service: service.to_string(),
        ring_version: format!("{version:032x}"),
        instances: field.eligible().map(instance).collect(),
        table: ring.entries().to_vec(),
    };
    let reply = Reply::ok(&view)?.etag(&etag).at(answer.zxid);
    Ok(reply.aged(answer.age))
}

/// A pick by the table of the eligible instances.
async fn by_ring(
    call: &Call,
    service: &ServiceName,
    (query, selection, key, size): (&v1::PickQuery, &Selection, &str, u32),
) -> Result<Reply, Problem> {
    let answer = call.read(|state| Ok(state.clone())).await?;
    let Answer {
        value: state,
        zxid,
        age,
    } = answer;
    let ring = ring_of(call, &state, (service, &selection.filter, size)).await?;
    let field = state.field(service, &selection.filter);
    let chosen = field.choose_from(&ring, key, selection.count);
    let chosen = chosen.map_err(|refusal| call.refused(&refusal))?;
    let considered = if query.explain {
        field.explain(&selection.strategy, &chosen)
    } else {
        Vec::new()
    };
    let picked = Picked {
        chosen: field
            .instances_at(&chosen)
            .map(|view| plain(&view))
            .collect(),
        expires: None,
        considered,
    };
    let mut view = convert::picked(service, v1::Strategy::Maglev, (&picked, Default::default()))?;
    view.ring_version = Some(format!("{:032x}", field.ring_version(size)));
    Ok(Reply::ok(&view)?.at(zxid).aged(age))
}

/// The table of the instances that pass a filter: kept, or built where it keeps nobody else waiting.
async fn ring_of(
    call: &Call,
    state: &State,
    (service, filter, size): (&ServiceName, &Filter, u32),
) -> Result<Arc<Ring>, Problem> {
    let version = state.field(service, filter).ring_version(size);
    if let Some(ring) = call.api.rings.get(version) {
        return Ok(ring);
    }
    let (state, service, filter) = (state.clone(), service.clone(), filter.clone());
    let building = tokio::task::spawn_blocking(move || state.field(&service, &filter).ring(size));
    let built: Result<Ring, Refusal> = building
        .await
        .map_err(|error| Problem::internal(&format!("a table was not built: {error}")))?;
    let ring = built.map_err(|refusal| call.refused(&refusal))?;
    Ok(call.api.rings.keep(version, ring))
}

/// What is asked, within its limits.
fn checked(call: &Call, query: &v1::PickQuery) -> Result<Selection, Problem> {
    let selection = convert::selection(query)?;
    let checked = selection.check();
    checked.map_err(|refusal| call.refused(&refusal))?;
    Ok(selection)
}

fn plain(view: &InstanceView<'_>) -> PickedInstance {
    PickedInstance {
        instance: view.id.clone(),
        registration: Arc::clone(&view.instance.registration),
        reservation: None,
    }
}
