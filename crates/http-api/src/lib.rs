//! The HTTP door: requests in, answers and event streams out.
//!
//! A request goes one way ([`middleware`](self)): the table of endpoints finds its code by the raw
//! path, admission makes room for it, its body and common headers are read, the endpoint parses the
//! rest into types of the state machine and asks the [`Node`]; what comes back is converted by hand
//! into the types of `http-types`. Nothing here decides anything about locks, sessions or znodes.
//!
//! What it does not know: consensus, disks, and who a client really is (`identity` is the place for
//! that). Answers are of three kinds, and the third, *unknown*, is always 504 with an address to
//! look at, never a failure (decision 10).
//!
//! Reading order: `endpoints` (the list), `middleware` (the way), `routes` (a file per family),
//! `error` (what becomes of a refusal), `sse` (streams), `keeper` (what `safe_ms` means).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )
)]

mod admission;
mod api;
mod call;
mod change;
mod commands;
mod convert;
mod dry_run;
mod endpoint;
mod endpoints;
mod error;
mod explain;
mod extract;
mod forecast;
mod identity;
mod keeper;
mod limits;
mod metrics;
mod middleware;
mod millis;
pub mod openapi;
mod reply;
mod rotation;
mod routes;
mod serve;
mod settings;
mod snapshot;
mod sse;
mod turns;

use std::sync::Arc;

use axum::Router;
use node::Node;

pub use commands::{AdminCommands, CommandAnswer, CommandMethod};
pub use error::code_of;
pub use serve::serve;
pub use settings::ApiSettings;

/// The API of `node` as a router. Call it once per node: it registers its metrics with the node's.
///
/// Further doors (a dashboard, a compatibility layer) are merged into it; what no other route takes
/// is answered here, unknown paths with a problem document.
pub fn router(node: Node, settings: ApiSettings) -> Router {
    of(api::Api::new(node, settings, None))
}

/// As [`router`], with the commands of another door under `/commands`.
pub fn router_with_commands(
    node: Node,
    settings: ApiSettings,
    commands: Arc<dyn AdminCommands>,
) -> Router {
    of(api::Api::new(node, settings, Some(commands)))
}

fn of(api: api::Api) -> Router {
    let api = Arc::new(api);
    Router::new().fallback(middleware::answer).with_state(api)
}
