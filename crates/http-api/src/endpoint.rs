//! How a request finds its endpoint.
//!
//! Names may contain slashes, and what follows the separator segment `-` is a view or a
//! sub-resource: `/v1/locks/prod/db/-/claims/c1`. The raw path is split before percent-decoding, so
//! a znode that is really called `-` is written `%2D`. A router for fixed segment counts cannot do
//! this, so the table of [`endpoints`](crate::endpoints) is matched here. Method and template of an
//! endpoint come from the same attribute the OpenAPI document is made of: what is served is what
//! is described.

use axum::http::Method;
use futures::future::BoxFuture;
use utoipa::openapi::HttpMethod;

use crate::call::Call;
use crate::error::Problem;
use crate::limits::{DATA_BODY_BYTES_MAX, JSON_BODY_BYTES_MAX};
use crate::reply::Reply;

/// The code of an endpoint.
pub(crate) type Handler = fn(Call) -> BoxFuture<'static, Result<Reply, Problem>>;

/// What an endpoint costs and needs, decided before its code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Must answer when everything else is refused: health, metrics, self-description.
    Vital,
    /// Reads; no body.
    Read,
    /// Changes something; a JSON body.
    Write,
    /// Changes something; the body is data of a znode.
    WriteData,
    /// Reads; the body is large and read by the endpoint itself.
    Upload,
    /// Answers with a stream that stays open; no body.
    Stream,
    /// Asks or does something on this node only; a JSON body.
    Ask,
    /// Keeps something alive without a place in the log; a JSON body.
    Renew,
}

impl Class {
    /// Bytes of body read before the endpoint runs.
    pub(crate) fn body_bytes_max(self) -> usize {
        match self {
            Class::Write | Class::Ask | Class::Renew => JSON_BODY_BYTES_MAX,
            Class::WriteData => DATA_BODY_BYTES_MAX,
            Class::Vital | Class::Read | Class::Upload | Class::Stream => 0,
        }
    }

    /// Whether a follower has to ask the leader for it, so that `Holdfast-Forward: never` applies.
    pub(crate) fn is_forwarded(self) -> bool {
        match self {
            Class::Write | Class::WriteData | Class::Renew => true,
            Class::Vital | Class::Read | Class::Ask | Class::Upload | Class::Stream => false,
        }
    }
}

/// One piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Exactly this text.
    Literal(String),
    /// One segment, not the separator.
    One(String),
    /// Every segment up to the separator or the end.
    Many(String),
}

/// One endpoint.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// As in the OpenAPI document; the label of metrics and logs.
    pub(crate) template: String,
    pub(crate) class: Class,
    pub(crate) handler: Handler,
    pieces: Vec<Piece>,
}

/// Names and raw (still percent-encoded) values of what a template left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The raw value of `name`.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Endpoint {
    /// An endpoint with method and template as its `utoipa::path` attribute says.
    pub(crate) fn of<P: utoipa::Path>(class: Class, handler: Handler) -> Endpoint {
        let template = P::path();
        let method = P::methods().first().map_or(Method::GET, method_of);
        let pieces = parse_template(&template);
        Endpoint {
            method,
            template,
            class,
            handler,
            pieces,
        }
    }

    fn matches(&self, segments: &[&str]) -> Option<Params> {
        let mut params = Params::default();
        let mut rest = segments;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => {
                    let (first, tail) = rest.split_first()?;
                    if first != text {
                        return None;
                    }
                    rest = tail;
                }
                Piece::One(name) => {
                    let (first, tail) = rest.split_first()?;
                    if *first == SEPARATOR {
                        return None;
                    }
                    params.0.push((name.clone(), (*first).to_owned()));
                    rest = tail;
                }
                Piece::Many(name) => {
                    let end = rest
                        .iter()
                        .position(|s| *s == SEPARATOR)
                        .unwrap_or(rest.len());
                    let (value, tail) = rest.split_at_checked(end)?;
                    // Only the tree has a name of no segments: its root.
                    if value.is_empty() && name != TREE_PATH {
                        return None;
                    }
                    params.0.push((name.clone(), value.join("/")));
                    rest = tail;
                }
            }
        }
        rest.is_empty().then_some(params)
    }
}

const SEPARATOR: &str = "-";
const TREE_PATH: &str = "path";
/// Variables that stand for names with slashes.
const MANY: [&str; 9] = [
    "lock", "election", "counter", "resource", "group", "barrier", "service", "queue", TREE_PATH,
];

fn parse_template(template: &str) -> Vec<Piece> {
    let piece = |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
        Some(name) if MANY.contains(&name) => Piece::Many(name.to_owned()),
        Some(name) => Piece::One(name.to_owned()),
        None => Piece::Literal(segment.to_owned()),
    };
    template
        .trim_start_matches('/')
        .split('/')
        .map(piece)
        .collect()
}

fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// What a path and a method lead to.
pub(crate) enum Found<'a> {
    /// This endpoint.
    Endpoint(&'a Endpoint, Params),
    /// The path exists, with these methods.
    OtherMethods(Vec<Method>),
    /// There is no such path.
    Nothing,
}

/// Finds the endpoint for a raw path. `HEAD` falls back to `GET`.
pub(crate) fn find<'a>(endpoints: &'a [Endpoint], method: &Method, raw_path: &str) -> Found<'a> {
    let segments: Vec<&str> = raw_path
        .strip_prefix('/')
        .unwrap_or(raw_path)
        .split('/')
        .collect();
    let of_method = endpoints
        .iter()
        .filter(|endpoint| endpoint.method == *method);
    let mut exact = of_method.filter_map(|endpoint| Some((endpoint, endpoint.matches(&segments)?)));
    if let Some((endpoint, params)) = exact.next() {
        return Found::Endpoint(endpoint, params);
    }
    let matching: Vec<(&Endpoint, Params)> = endpoints
        .iter()
        .filter_map(|endpoint| Some((endpoint, endpoint.matches(&segments)?)))
        .collect();
    if matching.is_empty() {
        return Found::Nothing;
    }
    let mut allowed: Vec<Method> = Vec::new();
    let mut fallback = None;
    for (endpoint, params) in matching {
        let is_plain_get = endpoint.method == Method::GET && endpoint.class != Class::Stream;
        if *method == Method::HEAD && is_plain_get && fallback.is_none() {
            fallback = Some((endpoint, params));
        }
        if !allowed.contains(&endpoint.method) {
            allowed.push(endpoint.method.clone());
        }
    }
    match fallback {
        Some((endpoint, params)) => Found::Endpoint(endpoint, params),
        None => Found::OtherMethods(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(method: Method, template: &str) -> Endpoint {
        Endpoint {
            method,
            template: template.to_owned(),
            class: Class::Read,
            handler: |_| Box::pin(async { Err(Problem::internal("not called")) }),
            pieces: parse_template(template),
        }
    }

    fn table() -> Vec<Endpoint> {
        vec![
            endpoint(Method::GET, "/v1/locks"),
            endpoint(Method::GET, "/v1/locks/{lock}"),
            endpoint(Method::PUT, "/v1/locks/{lock}"),
            endpoint(Method::GET, "/v1/locks/{lock}/-/queue"),
            endpoint(Method::PUT, "/v1/locks/{lock}/-/claims/{claim}"),
            endpoint(Method::GET, "/v1/nodes/{path}"),
            endpoint(Method::GET, "/v1/nodes/{path}/-/children"),
            endpoint(Method::POST, "/v1/sessions/-/keepalive"),
            endpoint(Method::POST, "/v1/sessions/{session}/keepalive"),
        ]
    }

    fn template_of(method: Method, path: &str) -> String {
        match find(&table(), &method, path) {
            Found::Endpoint(found, params) => format!("{} {:?}", found.template, params.0),
            Found::OtherMethods(methods) => format!("{methods:?}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn names_with_slashes_end_at_the_separator() {
        assert_eq!(
            template_of(Method::GET, "/v1/locks/prod/db/-/queue"),
            r#"/v1/locks/{lock}/-/queue [("lock", "prod/db")]"#
        );
        assert_eq!(
            template_of(Method::PUT, "/v1/locks/a/-/claims/c%201"),
            r#"/v1/locks/{lock}/-/claims/{claim} [("lock", "a"), ("claim", "c%201")]"#
        );
        assert_eq!(
            template_of(Method::GET, "/v1/nodes/a/%2D/queue"),
            r#"/v1/nodes/{path} [("path", "a/%2D/queue")]"#
        );
    }

    #[test]
    fn only_the_tree_has_a_root() {
        assert_eq!(
            template_of(Method::GET, "/v1/nodes"),
            r#"/v1/nodes/{path} [("path", "")]"#
        );
        assert_eq!(
            template_of(Method::GET, "/v1/nodes/-/children"),
            r#"/v1/nodes/{path}/-/children [("path", "")]"#
        );
        assert_eq!(template_of(Method::GET, "/v1/locks"), "/v1/locks []");
        assert_eq!(template_of(Method::GET, "/v1/locks/-/queue"), "nothing");
    }

    #[test]
    fn a_known_path_names_its_methods() {
        assert_eq!(template_of(Method::DELETE, "/v1/locks/a"), "[GET, PUT]");
        assert_eq!(
            template_of(Method::GET, "/v1/locks/a/-/nonsense"),
            "nothing"
        );
        assert_eq!(template_of(Method::GET, "/v2/locks"), "nothing");
    }

    #[test]
    fn the_separator_is_never_a_name() {
        assert_eq!(
            template_of(Method::POST, "/v1/sessions/-/keepalive"),
            "/v1/sessions/-/keepalive []"
        );
        assert_eq!(
            template_of(Method::PUT, "/v1/locks/a/-/claims/-"),
            "nothing"
        );
    }

    #[test]
    fn head_falls_back_to_get() {
        assert_eq!(template_of(Method::HEAD, "/v1/locks"), "/v1/locks []");
    }
}
