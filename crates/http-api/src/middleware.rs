//! The one way every request goes: find the endpoint, admit, read the body, understand the common
//! headers, run, and put on the answer what every answer has.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use http_types::headers as names;
use http_types::problem::ErrorCode;
use parking_lot::Mutex;
use raft_core::ids::Zxid;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::api::Api;
use crate::call::Call;
use crate::endpoint::{self, Class, Endpoint, Found, Params};
use crate::error::Problem;
use crate::extract::headers::Prefer;
use crate::extract::{body, headers};
use crate::identity;
use crate::reply::Reply;

/// Label of requests that lead nowhere: what a client invents is no label.
const UNMATCHED: &str = "unmatched";
const SERVICE_DESC: &str = "</openapi.json>; rel=\"service-desc\"";
const REQUEST_ID: HeaderName = HeaderName::from_static("holdfast-request");

/// Answers one request.
pub(crate) async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let received = Instant::now();
    let (parts, body) = request.into_parts();
    let id = api.random_id("r");
    let method = method_label(&parts.method);
    let found = endpoint::find(&api.endpoints, &parts.method, parts.uri.path());
    let route = match &found {
        Found::Endpoint(endpoint, _) => endpoint.template.as_str(),
        Found::OtherMethods(_) | Found::Nothing => UNMATCHED,
    };
    let span = tracing::debug_span!("http", id, method, route, node = %api.name);
    let kept = Kept::of(&parts, &id, api.node.applied());
    let in_flight = InFlight::new(&api);
    let result = match found {
        Found::Endpoint(endpoint, params) => {
            run(
                &api,
                Incoming {
                    parts,
                    body,
                    received,
                },
                (endpoint, params),
            )
            .instrument(span)
            .await
        }
        Found::OtherMethods(allowed) => Err(wrong_method(&parts.method, &allowed)),
        Found::Nothing => Err(nothing_here(parts.uri.path())),
    };
    drop(in_flight);
    let response = finish(&api, &kept, result);
    let status = response.status().as_u16();
    api.metrics
        .answered(route, method, status, received.elapsed());
    tracing::debug!(id, method, route, status, "answered");
    response
}

/// Methods are labels too: others than these are a client's invention.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn wrong_method(method: &Method, allowed: &[Method]) -> Problem {
    let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    let allowed = allowed.join(", ");
    let problem = Problem::new(
        ErrorCode::MethodNotAllowed,
        format!("{method} is not possible here, only {allowed}"),
    );
    match HeaderValue::from_str(&allowed) {
        Ok(value) => problem.header(header::ALLOW, value),
        Err(_) => problem,
    }
}

fn nothing_here(path: &str) -> Problem {
    Problem::new(
        ErrorCode::NotFound,
        format!("nothing is found at {path}; see /openapi.json"),
    )
}

struct Incoming {
    parts: Parts,
    body: Body,
    received: Instant,
}

/// What of a request is needed for its answer after the request itself is gone.
struct Kept {
    id: String,
    instance: String,
    is_head: bool,
    traceparent: Option<HeaderValue>,
    /// The position when the request came: whatever it looks at shows that much. The position when
    /// it is answered may be of changes it did not see.
    found_at: Zxid,
}

impl Kept {
    fn of(parts: &Parts, id: &str, found_at: Zxid) -> Kept {
        let traceparent = headers::traceparent(&parts.headers);
        Kept {
            id: id.to_owned(),
            instance: parts.uri.path().to_owned(),
            is_head: parts.method == Method::HEAD,
            traceparent: traceparent.and_then(|value| HeaderValue::from_str(value).ok()),
            found_at,
        }
    }
}

/// Counts requests being served; dropping it counts down, also when the client goes away.
struct InFlight(Arc<Api>);

impl InFlight {
    fn new(api: &Arc<Api>) -> InFlight {
        api.metrics.in_flight.inc();
        InFlight(Arc::clone(api))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}

async fn run(
    api: &Arc<Api>,
    incoming: Incoming,
    (endpoint, params): (&Endpoint, Params),
) -> Result<Reply, Problem> {
    let _permit = match endpoint.class {
        Class::Vital => None,
        Class::Read
        | Class::Write
        | Class::WriteData
        | Class::Ask
        | Class::Renew
        | Class::Upload
        | Class::Stream => Some(api.admission.request()?),
    };
    if endpoint.class.is_forwarded()
        && headers::wants_redirect(&incoming.parts.headers)?
        && let Some(reply) = redirect(api, &incoming.parts)?
    {
        return Ok(reply);
    }
    let call = call_of(api, incoming, (endpoint.class, params)).await?;
    if let Some(session) = &call.session
        && let Some((id, _)) = call.local_session(session)
    {
        api.node.touch(id);
    }
    (endpoint.handler)(call).await
}

/// 307 to the leader, for clients that want to speak with it themselves; nothing on the leader.
fn redirect(api: &Api, parts: &Parts) -> Result<Option<Reply>, Problem> {
    let status = api.node.status();
    if status.leader == Some(api.node.id()) {
        return Ok(None);
    }
    let Some(leader) = status.leader_api.filter(|url| !url.is_empty()) else {
        return Err(Problem::new(
            ErrorCode::NoLeader,
            "no leader is known to go to",
        ));
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", leader.trim_end_matches('/'));
    Ok(Some(
        Reply::empty(StatusCode::TEMPORARY_REDIRECT).location(&url),
    ))
}

async fn call_of(
    api: &Arc<Api>,
    Incoming {
        parts,
        body,
        received,
    }: Incoming,
    (class, params): (Class, Params),
) -> Result<Call, Problem> {
    let settings = &api.settings;
    let asked = headers::timeout(&parts.headers)?;
    let timeout = asked
        .unwrap_or(settings.request_timeout)
        .min(settings.request_timeout_max);
    let client = client_of(&parts);
    let session = headers::session(&parts.headers)?;
    let prefer = Prefer::from(&parts.headers)?;
    let identities = identity::identities(&parts.headers, client)?;
    let (body, upload) = match class.body_bytes_max() {
        0 => (
            bytes::Bytes::new(),
            (class == Class::Upload).then_some(body),
        ),
        limit => (
            body::read(&parts.headers, body, limit, settings.body_timeout).await?,
            None,
        ),
    };
    Ok(Call {
        api: Arc::clone(api),
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        params,
        body,
        upload: Mutex::new(upload),
        identities,
        session,
        client,
        prefer,
        received,
        timeout,
    })
}

fn client_of(parts: &Parts) -> Option<IpAddr> {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip())
}

/// Puts on what every answer has.
fn finish(api: &Api, kept: &Kept, result: Result<Reply, Problem>) -> Response {
    let reply = result.unwrap_or_else(|problem| reply_of(problem, kept));
    let Reply {
        status,
        headers,
        body,
        index,
    } = reply;
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if kept.is_head && !status.is_success() {
        *response.body_mut() = Body::empty();
    }
    common_headers(api, kept, response.headers_mut(), index);
    response
}

fn common_headers(api: &Api, kept: &Kept, map: &mut HeaderMap, index: Option<Zxid>) {
    let index = index.unwrap_or(kept.found_at);
    map.insert(HeaderName::from_static(names::INDEX), index.0.into());
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            map.insert(name, value);
        }
    };
    put(HeaderName::from_static(names::NODE), &api.name);
    put(REQUEST_ID, &kept.id);
    if let Some(leader) = api.leader_header(Instant::now(), LEADER_KEPT) {
        put(HeaderName::from_static(names::LEADER), &leader);
    }
    map.append(header::LINK, HeaderValue::from_static(SERVICE_DESC));
    map.entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-cache"));
    if let Some(traceparent) = &kept.traceparent {
        map.insert(headers::TRACEPARENT, traceparent.clone());
    }
}

/// For how long the leader named in headers is not looked up again: it is a hint.
const LEADER_KEPT: Duration = Duration::from_millis(100);

fn reply_of(problem: Problem, kept: &Kept) -> Reply {
    let status = problem.status();
    let problem = if status == StatusCode::INTERNAL_SERVER_ERROR {
        problem.incident(&kept.id)
    } else {
        problem
    };
    let (document, extra, index) = problem.into_parts(&kept.instance);
    // The document is made of texts and numbers: it always can be written.
    let text = serde_json::to_vec(&document).unwrap_or_default();
    let mut reply = Reply::raw(status, names::PROBLEM_JSON, Body::from(text));
    reply.index = index;
    for (name, value) in extra {
        reply.headers.append(name, value);
    }
    reply
}
