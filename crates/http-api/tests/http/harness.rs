//! Requests to a door without a socket, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use futures::StreamExt;
use http_api::ApiSettings;
use serde_json::Value;
use sim::Cluster;
use tower::ServiceExt;

/// How long a test waits for what must come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster with a door at every node.
pub(crate) struct Doors {
    pub(crate) cluster: Cluster,
    routers: Vec<Router>,
}

impl Doors {
    pub(crate) async fn open(size: u64) -> Doors {
        Doors::open_with(size, ApiSettings::default()).await
    }

    pub(crate) async fn open_with(size: u64, settings: ApiSettings) -> Doors {
        Doors::over(Cluster::found(size).await, settings)
    }

    pub(crate) fn over(cluster: Cluster, settings: ApiSettings) -> Doors {
        let nodes = cluster.running();
        let routers = nodes
            .iter()
            .map(|id| http_api::router(cluster.node(*id).clone(), settings.clone()))
            .collect();
        Doors { cluster, routers }
    }

    /// A request to the door of node `id`.
    pub(crate) fn at(&self, id: u64) -> Client {
        let index = usize::try_from(id).unwrap() - 1;
        Client {
            router: self.routers[index].clone(),
        }
    }

    /// A request to the first door.
    pub(crate) fn one(&self) -> Client {
        self.at(1)
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
}

/// A request being written.
pub(crate) struct Ask {
    router: Router,
    request: axum::http::request::Builder,
    body: Body,
}

impl Client {
    pub(crate) fn of(router: Router) -> Client {
        Client { router }
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask {
        let peer: SocketAddr = "127.0.0.1:4321".parse().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .extension(ConnectInfo(peer));
        Ask {
            router: self.router.clone(),
            request,
            body: Body::empty(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    pub(crate) fn put(&self, path: &str) -> Ask {
        self.ask(Method::PUT, path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Ask {
        self.ask(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Ask {
        self.ask(Method::DELETE, path)
    }

    /// Opens a session.
    pub(crate) async fn session(&self, name: &str) {
        let answer = self
            .put(&format!("/v1/sessions/{name}"))
            .text("{}")
            .send()
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Ask {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn session(self, name: &str) -> Ask {
        self.header("holdfast-session", name)
    }

    pub(crate) fn text(mut self, body: &str) -> Ask {
        self.body = Body::from(body.to_owned());
        self
    }

    pub(crate) fn bytes(mut self, body: Vec<u8>) -> Ask {
        self.body = Body::from(body);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Ask {
        self.header("content-type", "application/json")
            .text(&body.to_string())
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let answered = async {
            let response = self.router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await;
            (parts, body.unwrap().to_vec())
        };
        let answered = tokio::time::timeout(PATIENCE * 2, answered).await;
        let (parts, body) = answered.expect("an answer in time");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// Sends it and reads the answer as an event stream.
    pub(crate) async fn stream(self) -> Events {
        let request = self.request.body(self.body).unwrap();
        let response = self.router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events {
            headers: response.headers().clone(),
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {:?} {}",
            self.status,
            self.headers,
            String::from_utf8_lossy(&self.body)
        )
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        match self.headers.get(name) {
            Some(value) => value.to_str().unwrap(),
            None => panic!("no {name}: {self:?}"),
        }
    }

    /// Checks the status and gives the JSON.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Checks that it is this problem and gives the document.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let document = self.json();
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(document["status"], status);
        assert_eq!(
            document["type"],
            format!("/errors/{}", code.replace('_', "-"))
        );
        document
    }
}

/// An event as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An open stream.
pub(crate) struct Events {
    headers: HeaderMap,
    body: BodyDataStream,
    text: String,
}

impl Events {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The next event; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((frame, rest)) = self.text.split_once("\n\n") {
                let event = parse(frame);
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await;
            let chunk = chunk.expect("an event in time")?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event that tells of a change.
    pub(crate) async fn change(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event.name != "bookmark" && event.name != "session.renewed" {
                return event;
            }
        }
    }

    /// So many changes.
    pub(crate) async fn changes(&mut self, count: usize) -> Vec<Event> {
        let mut changes = Vec::new();
        while changes.len() < count {
            changes.push(self.change().await);
        }
        changes
    }
}

fn parse(frame: &str) -> Option<Event> {
    let field = |name: &str| {
        frame
            .lines()
            .find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    };
    let name = field("event")?;
    let data = serde_json::from_str(&field("data")?).unwrap();
    Some(Event {
        id: field("id"),
        name,
        data,
    })
}
