//! Server-sent events, read as they come.

use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Http};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `index.ordinal`, where the event has one.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Event {
    /// A text field of its data; empty if there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.data[name].as_str().unwrap_or_default()
    }
}

/// An open stream. Dropping it cuts it.
#[derive(Debug)]
pub struct EventStream {
    reader: BufReader<TcpStream>,
    text: String,
    ready: VecDeque<Event>,
    last_id: Option<String>,
}

impl EventStream {
    /// Opens `GET path`, after the event `after` if one is named.
    ///
    /// # Errors
    /// What the socket says; `Other` with the whole answer when it is not an event stream.
    pub fn open(http: &Http, path: &str, after: Option<&str>) -> io::Result<EventStream> {
        Self::request(http, "GET", path, after)
    }

    /// Opens the renewing stream of a session.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn renewing(http: &Http, session: &str) -> io::Result<EventStream> {
        Self::request(
            http,
            "POST",
            &format!("/v1/sessions/{session}/stream"),
            None,
        )
    }

    fn request(
        http: &Http,
        method: &str,
        path: &str,
        after: Option<&str>,
    ) -> io::Result<EventStream> {
        let http = match after {
            Some(id) => http.header("Last-Event-ID", id),
            None => http.clone(),
        };
        let http = http.header("accept", "text/event-stream");
        let mut reader = http.open(method, path, b"")?;
        let (status, headers) = http::read_head(&mut reader)?;
        let is_stream = headers
            .iter()
            .any(|(name, value)| name == "content-type" && value.starts_with("text/event-stream"));
        if status != 200 || !is_stream {
            return Err(io::Error::other(format!("{status} {headers:?}")));
        }
        Ok(EventStream {
            reader,
            text: String::new(),
            ready: VecDeque::new(),
            last_id: after.map(str::to_owned),
        })
    }

    /// The id to resume after.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The next event, heartbeats left out.
    ///
    /// # Errors
    /// `UnexpectedEof` at the end of the stream, `TimedOut` when nothing comes in time.
    pub fn next(&mut self, within: Duration) -> io::Result<Event> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(event) = self.ready.pop_front() {
                if event.id.is_some() {
                    self.last_id.clone_from(&event.id);
                }
                return Ok(event);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.reader.get_ref().set_read_timeout(Some(left))?;
            let chunk = match http::read_chunk(&mut self.reader) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                chunk => chunk?,
            };
            let chunk = chunk.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
            self.parse();
        }
    }

    /// Events until one satisfies `last`, that one included.
    ///
    /// # Panics
    /// When the stream ends or is silent for `within` before.
    #[track_caller]
    pub fn until(&mut self, within: Duration, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.next(within) {
                Ok(event) => {
                    let done = last(&event);
                    events.push(event);
                    if done {
                        return events;
                    }
                }
                Err(error) => panic!("{error} after {events:#?}"),
            }
        }
    }

    fn parse(&mut self) {
        while let Some((frame, rest)) = self.text.split_once("\n\n") {
            let event = parse_frame(frame);
            self.text = rest.to_owned();
            self.ready.extend(event);
        }
    }
}

fn parse_frame(frame: &str) -> Option<Event> {
    let (mut id, mut name, mut data) = (None, None, Vec::new());
    for line in frame.lines() {
        // A line that begins with a colon is a comment.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => id = Some(value.to_owned()),
            "event" => name = Some(value.to_owned()),
            "data" => data.push(value),
            _ => {}
        }
    }
    let name = name?;
    let data = serde_json::from_str(&data.join("\n")).unwrap_or(Value::Null);
    Some(Event { id, name, data })
}
