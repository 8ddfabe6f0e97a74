//! Following an event stream over many connections, at many nodes, by the id of the last event.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::client::http::{Frame, Opened, Request, Why};

/// How long a reader listens before it looks whether it should stop.
const SLICE: Duration = Duration::from_millis(100);

/// Where a reader is in a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// Path and query of the stream.
    pub(super) path: String,
    /// The id of the last event that was read.
    pub(super) after: Option<String>,
}

/// How a connection came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The reader had enough.
    Cut,
    /// The server said goodbye.
    Goodbye,
    /// The connection broke.
    Broken(Why),
    /// The server said that history is gone, and which event is the oldest left.
    Gap(u64),
    /// It never began: the code of the problem, or the reason of the socket.
    Refused(String),
}

impl Tail {
    /// A stream from its beginning.
    pub(super) fn new(path: impl Into<String>) -> Tail {
        Tail {
            path: path.into(),
            after: None,
        }
    }

    /// The position of the last event that was read; 0 when there is none.
    pub(super) fn position(&self) -> u64 {
        let id = self.after.as_deref().unwrap_or_default();
        let index = id.split('.').next().unwrap_or_default();
        index.parse().unwrap_or(0)
    }

    /// Follows the stream over one connection for as long as `goes_on` says; tells `hear` each
    /// event and the node it comes from. The node is told, too, as far as it is known.
    pub(super) fn follow(
        &mut self,
        client: &mut Client,
        mut goes_on: impl FnMut(&mut Client, &Tail) -> bool,
        mut hear: impl FnMut(&mut Client, &Frame, u64),
    ) -> (End, u64) {
        let mut request =
            Request::new("GET", self.path.as_str()).header("accept", "text/event-stream");
        if let Some(after) = &self.after {
            request = request.header("last-event-id", after.as_str());
        }
        let deadline = Instant::now() + client.timeout();
        let at = client.nodes.choose(&mut client.random);
        let node = client.nodes.number(at);
        let mut stream = match client.nodes.http(at).stream(&request, deadline) {
            Opened::Stream(stream, _) => stream,
            Opened::NotSent(why) | Opened::NoAnswer(why) => {
                client.nodes.leave(&mut client.random);
                return (End::Refused(why.as_str().to_owned()), node);
            }
            Opened::Answer(answer) => {
                let problem = answer.json();
                let text = |name| problem.get(name).and_then(Value::as_str);
                if text("code") == Some("history_compacted") {
                    let oldest = problem.get("oldest_index").and_then(Value::as_u64);
                    return (End::Gap(oldest.unwrap_or(0)), node);
                }
                client.nodes.leave(&mut client.random);
                return (
                    End::Refused(text("code").unwrap_or("malformed").to_owned()),
                    node,
                );
            }
        };
        while goes_on(client, self) {
            let frame = match stream.next(Instant::now() + SLICE) {
                Ok(Some(frame)) => frame,
                Err(Why::Timeout) => continue,
                Ok(None) => return (End::Goodbye, node),
                Err(why) => return (End::Broken(why), node),
            };
            if frame.id.is_some() {
                self.after.clone_from(&frame.id);
            }
            hear(client, &frame, node);
            match frame.event.as_str() {
                "reconnect" => return (End::Goodbye, node),
                "gap" => {
                    let data: Value = serde_json::from_str(&frame.data).unwrap_or_default();
                    let oldest = data.get("oldest_index").and_then(Value::as_u64);
                    return (End::Gap(oldest.unwrap_or(0)), node);
                }
                _ => {}
            }
        }
        (End::Cut, node)
    }
}
