//! `/v1/fences`: registers of the highest fence that each resource outside was shown.
//!
//! Fences are taken and told as the client writes them: what is outside compares nothing else.

use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::fences as v1;
use raft_core::command::Command;
use raft_core::fence_register::FenceRegister;
use raft_core::ids::{Fence, ResourceName};
use raft_core::outcome::Reply as Replied;
use raft_core::state::State;

use crate::call::Call;
use crate::error::{Check, Problem, problem_of};
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::millis::rfc3339;
use crate::reply::Reply;

/// Registers, page by page.
#[utoipa::path(
    get, path = "/v1/fences", tag = "fences", operation_id = "fences",
    params(v1::FencesQuery),
    responses((status = 200, description = "A page of them", body = v1::FenceList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::FencesQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let after = query.after.as_deref().map(ResourceName::parse);
    let after = after.transpose()?;
    let read = |state: &State| {
        // One more than shown says whether there is a next page.
        let found = state.fence_registers(prefix, after.as_ref(), limit.saturating_add(1));
        let mut fences: Vec<_> = found.iter().map(|(name, r)| shown(name, r)).collect();
        let more = fences.len() > limit;
        fences.truncate(limit);
        let next = fences
            .last()
            .filter(|_| more)
            .map(|row| row.resource.clone());
        Ok(v1::FenceList { fences, next })
    };
    let answer = call.read(read).await?;
    let mut reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    if let Some(next) = answer.value.next {
        let parameters = [
            ("prefix", query.prefix),
            ("limit", Some(limit.to_string())),
            ("after", Some(next)),
        ];
        let url = paths::with_query("/v1/fences", &parameters);
        reply = reply.text("link", &format!("<{url}>; rel=\"next\""));
    }
    Ok(reply)
}

fn shown(resource: &ResourceName, register: &FenceRegister) -> v1::FenceRegister {
    v1::FenceRegister {
        resource: resource.to_string(),
        highest: register.highest.0,
        moved_index: register.moved.zxid.0,
        moved_at: rfc3339(register.moved.wall),
    }
}

/// The highest fence that was shown for a resource.
#[utoipa::path(
    get, path = "/v1/fences/{resource}", tag = "fences", operation_id = "fence",
    params(("resource" = String, Path, description = "Name of the resource; may contain slashes")),
    responses(
        (status = 200, description = "As it is", body = v1::FenceRegister),
        (status = 404, description = "`no_fence_register`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let resource = call.resource()?;
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| match state.fence_register(&resource) {
        Ok(register) => Ok(shown(&resource, register)),
        Err(refusal) => Err(problem_of(state, wall_ms, &refusal)),
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

/// Forget what was shown for a resource: any fence is accepted then, also one that was refused before.
#[utoipa::path(
    delete, path = "/v1/fences/{resource}", tag = "fences", operation_id = "forget_fence",
    params(("resource" = String, Path, description = "Name of the resource; may contain slashes")),
    responses(
        (status = 200, description = "Forgotten: what it was", body = v1::FenceRegister),
        (status = 404, description = "`no_fence_register`", body = Document),
    )
)]
pub(crate) async fn remove(call: Call) -> Result<Reply, Problem> {
    let resource = call.resource()?;
    let check = Check::at(paths::fence(resource.as_str()));
    let command = Command::ForgetFence {
        resource: resource.clone(),
    };
    let done = call.propose(command, check).await?;
    let Replied::FenceForgotten(register) = done.reply else {
        return Err(Problem::internal(
            "a removal was answered with something else",
        ));
    };
    Ok(Reply::ok(&shown(&resource, &register))?.at(done.moment.zxid))
}

/// Show a fence for a resource before writing to it: accepted if none was higher so far.
///
/// It needs no `Idempotency-Key`: a repeat asks anew. With one it gets the first answer again, which may
/// say yes where a higher fence has come since.
#[utoipa::path(
    post, path = "/v1/fences/{resource}/-/advance", tag = "fences", operation_id = "advance_fence",
    params(("resource" = String, Path, description = "Name of the resource; may contain slashes")),
    request_body = v1::AdvanceRequest,
    responses(
        (status = 200, description = "It is the highest", body = v1::Advanced),
        (status = 412, description = "`fence_register_stale`, with the highest", body = Document),
        (status = 507, description = "`quota_exceeded`: too many registers", body = Document),
    )
)]
pub(crate) async fn advance(call: Call) -> Result<Reply, Problem> {
    let resource = call.resource()?;
    let request: v1::AdvanceRequest = call.json()?;
    let check = Check::or_repeat(paths::fence(resource.as_str()));
    let command = Command::AdvanceFence {
        resource: resource.clone(),
        fence: Fence(request.fence),
    };
    let done = call.propose(command, check).await?;
    let Replied::FenceAdvanced { register, moved } = done.reply else {
        return Err(Problem::internal(
            "a fence was answered with something else",
        ));
    };
    let v1::FenceRegister {
        resource,
        highest,
        moved_index,
        moved_at,
    } = shown(&resource, &register);
    let advanced = v1::Advanced {
        resource,
        highest,
        moved,
        moved_index,
        moved_at,
    };
    Ok(Reply::ok(&advanced)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}
