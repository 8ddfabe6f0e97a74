//! ZooKeeper's `AdminServer`. The endpoints are there on a node with a door for ZooKeeper clients.

use axum::body::Body;
use axum::http::StatusCode;

use crate::call::Call;
use crate::commands::CommandMethod;
use crate::error::Problem;
use crate::reply::Reply;

/// Where they begin.
const PREFIX: &str = "/commands";

/// Whether the template of an endpoint is that of one of these.
pub(crate) fn is_command(template: &str) -> bool {
    let rest = template.strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Links to all commands of ZooKeeper's `AdminServer`. There where the node has a port for ZooKeeper
/// clients.
#[utoipa::path(
    get, path = "/commands", tag = "zookeeper", operation_id = "commands",
    responses((status = 200, description = "A link for each", body = String, content_type = "text/html"))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let names = call.api.commands.iter().flat_map(|all| all.names());
    let links: String = names
        .map(|name| format!("<a href=\"{PREFIX}/{name}\">{name}</a>\n<br/>\n"))
        .collect();
    let body = Body::from(links);
    Ok(Reply::raw(StatusCode::OK, "text/html;charset=utf-8", body))
}

/// One command of ZooKeeper's `AdminServer`, by its long or its short name.
#[utoipa::path(
    get, path = "/commands/{name}", tag = "zookeeper", operation_id = "command",
    params(("name" = String, Path, description = "`monitor`, `mntr`")),
    responses(
        (status = 200, description = "What it tells; `error` says in words what went wrong, an unknown \
         command among that", body = serde_json::Value),
        (status = 405, description = "It has to be asked for with another method", body = serde_json::Value),
        (status = 501, description = "It is not done here", body = serde_json::Value),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    run(&call, CommandMethod::Get).await
}

/// A command of ZooKeeper's `AdminServer` that changes something. None of them is done here.
#[utoipa::path(
    post, path = "/commands/{name}", tag = "zookeeper", operation_id = "command_post",
    params(("name" = String, Path, description = "`restore`")),
    responses(
        (status = 405, description = "It has to be asked for with another method", body = serde_json::Value),
        (status = 501, description = "It is not done here", body = serde_json::Value),
    )
)]
pub(crate) async fn post(call: Call) -> Result<Reply, Problem> {
    run(&call, CommandMethod::Post).await
}

async fn run(call: &Call, method: CommandMethod) -> Result<Reply, Problem> {
    let name = call.segment("name")?;
    let Some(commands) = &call.api.commands else {
        return Err(Problem::internal("there are no commands here"));
    };
    let answer = commands.run(name, method).await;
    let status = StatusCode::from_u16(answer.status);
    Reply::json(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        &answer.fields,
    )
}
