//! `/v1/services/{service}/-/instances/{instance}`: being there, and what is said about it.

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::services as v1;
use raft_core::command::{Command, ServiceCommand, ServiceOp};
use raft_core::ids::{InstanceId, ServiceName};
use raft_core::outcome::{Reply as Replied, ServiceReply};
use raft_core::state::State;

use crate::call::{Call, Done};
use crate::convert::service as convert;
use crate::error::{Check, Problem, problem_of};
use crate::extract::path::instance_url;
use crate::reply::Reply;
use crate::routes::group_members::require_session;

/// Be an instance, for as long as the session lives, or the `ttl` says. A repeat changes what it says, and
/// puts off the deadline of one with a ttl. Nothing is remembered of an instance that has gone: a late
/// duplicate of this registers it again, unless its session has ended.
#[utoipa::path(
    put, path = "/v1/services/{service}/-/instances/{instance}", tag = "services", operation_id = "register",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("instance" = String, Path, description = "Id of the instance, chosen by the client"),
        ("Holdfast-Session" = Option<String>, Header, description = "The session it goes with; needed without a ttl"),
    ),
    request_body = v1::RegisterRequest,
    responses(
        (status = 200, description = "It was registered; it is as asked now", body = v1::Instance),
        (status = 201, description = "It is registered", body = v1::Instance),
        (status = 400, description = "`session_required`, `bad_request`", body = Document),
        (status = 409, description = "`instance_taken`", body = Document),
        (status = 410, description = "`session_expired`", body = Document),
        (status = 507, description = "`quota_exceeded`", body = Document),
    )
)]
pub(crate) async fn register(call: Call) -> Result<Reply, Problem> {
    let (service, instance) = (call.service()?, call.instance()?);
    let request: v1::RegisterRequest = call.json()?;
    match (request.ttl, &call.session) {
        (None, _) => require_session(&call, "an instance without a ttl")?,
        (Some(_), None) => {}
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request(
                "an instance goes with its session or after its ttl, not both",
            ));
        }
    }
    let register = convert::register(instance.clone(), request)?;
    let op = ServiceOp::Register(Box::new(register));
    changed(&call, (service, instance), op).await
}

/// The instance of this id.
#[utoipa::path(
    get, path = "/v1/services/{service}/-/instances/{instance}", tag = "services", operation_id = "instance",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("instance" = String, Path, description = "Id of the instance"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::Instance),
        (status = 404, description = "`no_instance`", body = Document),
    )
)]
pub(crate) async fn instance(call: Call) -> Result<Reply, Problem> {
    let (service, instance) = (call.service()?, call.instance()?);
    let read = |state: &State| shown(&call, state, (&service, &instance));
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

/// Be an instance no more. A request that names a session ends what that session keeps; one that names none
/// ends any: for operators. That it is not there is what was asked for, so repeating this is answered alike.
#[utoipa::path(
    delete, path = "/v1/services/{service}/-/instances/{instance}", tag = "services", operation_id = "deregister",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("instance" = String, Path, description = "Id of the instance"),
        ("Holdfast-Session" = Option<String>, Header, description = "The owning session"),
    ),
    responses(
        (status = 200, description = "It is not there; `left` says whether this request ended it", body = v1::InstanceLeft),
        (status = 409, description = "`instance_taken`: another session keeps it", body = Document),
        (status = 410, description = "`session_expired`: it ended with its session", body = Document),
    )
)]
pub(crate) async fn deregister(call: Call) -> Result<Reply, Problem> {
    let (service, instance) = (call.service()?, call.instance()?);
    let check = Check::or_repeat(instance_url(&service, &instance));
    let op = ServiceOp::Deregister {
        instance: instance.clone(),
    };
    let (reply, done) = propose(&call, &service, (op, check)).await?;
    let ServiceReply::Deregistered { left } = reply else {
        return Err(answered_otherwise());
    };
    let view = v1::InstanceLeft {
        service: service.to_string(),
        id: instance.to_string(),
        left,
    };
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

/// Put the deadline of an instance with a ttl off.
#[utoipa::path(
    post, path = "/v1/services/{service}/-/instances/{instance}/heartbeat", tag = "services", operation_id = "heartbeat",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("instance" = String, Path, description = "Id of the instance"),
    ),
    responses(
        (status = 200, description = "It has its whole ttl again", body = v1::Instance),
        (status = 400, description = "`bad_request`: it goes with a session", body = Document),
        (status = 404, description = "`no_instance`: register it again", body = Document),
    )
)]
pub(crate) async fn renew(call: Call) -> Result<Reply, Problem> {
    let (service, instance) = (call.service()?, call.instance()?);
    let op = ServiceOp::Renew {
        instance: instance.clone(),
    };
    changed(&call, (service, instance), op).await
}

/// Send an instance no new work, or send it some again. Reservations run on.
#[utoipa::path(
    put, path = "/v1/services/{service}/-/instances/{instance}/state", tag = "services", operation_id = "set_instance_state",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("instance" = String, Path, description = "Id of the instance"),
    ),
    request_body = v1::StateRequest,
    responses(
        (status = 200, description = "It is so", body = v1::Instance),
        (status = 404, description = "`no_instance`", body = Document),
    )
)]
pub(crate) async fn set_state(call: Call) -> Result<Reply, Problem> {
    let (service, instance) = (call.service()?, call.instance()?);
    let request: v1::StateRequest = call.json()?;
    let op = ServiceOp::SetState {
        instance: instance.clone(),
        state: convert::state_in(request.state),
    };
    changed(&call, (service, instance), op).await
}

/// Say how busy an instance is.
#[utoipa::path(
    put, path = "/v1/services/{service}/-/instances/{instance}/load", tag = "services", operation_id = "report_load",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        ("instance" = String, Path, description = "Id of the instance"),
    ),
    request_body = v1::LoadRequest,
    responses(
        (status = 200, description = "Noted", body = v1::Instance),
        (status = 404, description = "`no_instance`", body = Document),
    )
)]
pub(crate) async fn report_load(call: Call) -> Result<Reply, Problem> {
    let (service, instance) = (call.service()?, call.instance()?);
    let request: v1::LoadRequest = call.json()?;
    let op = ServiceOp::ReportLoad {
        instance: instance.clone(),
        in_flight: request.inflight,
        capacity: request.capacity.unwrap_or(1),
    };
    changed(&call, (service, instance), op).await
}

/// Say how a call of an instance went. Five that failed in a row set it aside for 30 s, or until one is
/// reported that went well.
#[utoipa::path(
    post, path = "/v1/services/{service}/-/report", tag = "services", operation_id = "report_call",
    params(("service" = String, Path, description = "Name of the service; may contain slashes")),
    request_body = v1::CallReport,
    responses(
        (status = 200, description = "Noted", body = v1::Instance),
        (status = 404, description = "`no_instance`", body = Document),
    )
)]
pub(crate) async fn report_call(call: Call) -> Result<Reply, Problem> {
    let service = call.service()?;
    let request: v1::CallReport = call.json()?;
    let instance = InstanceId::parse(&request.instance)?;
    let op = ServiceOp::ReportCall {
        instance: instance.clone(),
        ok: request.ok,
    };
    changed(&call, (service, instance), op).await
}

/// Has an instance changed, and shows it as it is then.
async fn changed(
    call: &Call,
    (service, instance): (ServiceName, InstanceId),
    op: ServiceOp,
) -> Result<Reply, Problem> {
    let url = instance_url(&service, &instance);
    // A report of a failed call counts each time; everything else says how it is.
    let check = match &op {
        ServiceOp::ReportCall { .. } => Check::at(url.clone()),
        ServiceOp::Register(_)
        | ServiceOp::Deregister { .. }
        | ServiceOp::Renew { .. }
        | ServiceOp::SetState { .. }
        | ServiceOp::ReportLoad { .. }
        | ServiceOp::ReportCheck { .. }
        | ServiceOp::Pick(_)
        | ServiceOp::Release { .. } => Check::or_repeat(url.clone()),
    };
    let (reply, done) = propose(call, &service, (op, check)).await?;
    let ServiceReply::Instance { created, .. } = reply else {
        return Err(answered_otherwise());
    };
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let found = call.api.node.peek(|state| {
        let view = shown(call, state, (&service, &instance))?;
        Ok::<_, Problem>((view, state.last_zxid()))
    });
    let (view, zxid) = found?;
    let reply = Reply::json(status, &view)?.at(zxid).location(&url);
    Ok(reply.replayed(done.replayed))
}

/// Has an operation on a service done.
pub(super) async fn propose(
    call: &Call,
    service: &ServiceName,
    (op, check): (ServiceOp, Check),
) -> Result<(ServiceReply, Done), Problem> {
    let service = service.clone();
    let command = Command::Service(ServiceCommand { service, op });
    let done = call.propose(command, check).await?;
    let Replied::Service(reply) = done.reply.clone() else {
        return Err(answered_otherwise());
    };
    Ok((reply, done))
}

pub(super) fn answered_otherwise() -> Problem {
    Problem::internal("an operation on a service was answered with something else")
}

fn shown(
    call: &Call,
    state: &State,
    (service, instance): (&ServiceName, &InstanceId),
) -> Result<v1::Instance, Problem> {
    match state.instance(service, instance) {
        Ok(view) => Ok(convert::instance(state, &view)),
        Err(refusal) => Err(problem_of(state, call.api.wall_ms(), &refusal)),
    }
}

/// Where the picks of a service are seen.
pub(super) fn service_url(service: &ServiceName) -> String {
    paths::service(service.as_str())
}
