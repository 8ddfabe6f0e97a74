//! Events: a stream that survives the loss of nodes.

mod connection;

use std::time::Duration;

use http_types::paths;
use http_types::problem::{Effect, ErrorCode};
use http_types::v1::events::{Event, EventId, EventKind};
use tokio::time::Instant;

use crate::backoff;
use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, StreamFailure};
use connection::{Connection, Frame};

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Znodes (`/app`) or locks (`orders`) that are this or lie below it. `None`: everything.
    pub prefix: Option<String>,
    /// Instances of this service and nothing else; goes with no prefix.
    pub service: Option<String>,
    /// Names; `node.*` means all of the family. Empty: all.
    pub kinds: Vec<String>,
    /// Carry data in node events.
    pub values: bool,
    /// Carry the data before in node events.
    pub previous: bool,
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With whatever happens from now on.
    #[default]
    Now,
    /// With what is there, as `state` events, then `synced`, then the changes.
    State,
    /// After this event, as remembered from an earlier stream.
    After(EventId),
}

/// What a stream yields.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamItem {
    /// An event, with its id where it has one.
    Event(Option<EventId>, Box<Event>),
    /// The connection broke before `synced`: forget the `state` events so far, they begin anew.
    Restarted,
    /// Events are missing: the cluster no longer has what came after the last id. Nothing follows;
    /// read the state anew.
    Gap {
        /// The oldest event there is, where the cluster said.
        oldest_index: u64,
    },
}

/// Events in order. It goes on at another node when one fails, without a gap; or says
/// [`StreamItem::Gap`] and ends.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    filter: EventFilter,
    start: Start,
    /// Last id seen: where to go on.
    position: Option<EventId>,
    /// Whether `state` events were yielded that are not followed by `synced` yet.
    in_state: bool,
    connection: Option<Connection>,
    /// Attempts to connect since the last event.
    failures: u32,
    ended: bool,
}

impl Client {
    /// Follows events. Connects when first asked for an item.
    #[must_use]
    pub fn events(&self, filter: EventFilter, start: Start) -> EventStream {
        EventStream {
            client: self.clone(),
            filter,
            start,
            position: match start {
                Start::After(id) => Some(id),
                Start::Now | Start::State => None,
            },
            in_state: false,
            connection: None,
            failures: 0,
            ended: false,
        }
    }
}

impl EventStream {
    /// The last id seen, bookmarks included: what to pass to [`Start::After`] to go on later.
    #[must_use]
    pub fn position(&self) -> Option<EventId> {
        self.position
    }

    /// The next item; `None` after a [`StreamItem::Gap`] or a final error.
    ///
    /// # Errors
    /// When no node could be reached for the client's budget; asking again tries again. When the
    /// cluster refuses the stream; then it is over.
    ///
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Result<StreamItem, Error>> {
        while !self.ended {
            if self.connection.is_none() {
                match self.connect().await {
                    Ok(None) => {}
                    Ok(Some(item)) => return Some(Ok(item)),
                    Err(error) => return Some(Err(error)),
                }
            }
            let Some(connection) = &mut self.connection else {
                continue;
            };
            match connection.next().await {
                Frame::Event(id, event) => {
                    if let Some(item) = self.take(id, event) {
                        return Some(Ok(item));
                    }
                }
                Frame::End(why) => {
                    tracing::debug!(why, "event stream broke off");
                    let (node, _) = connection.endpoint;
                    self.client.transport.endpoints.leave(node);
                    self.connection = None;
                    if let Some(item) = self.broke_off() {
                        return Some(Ok(item));
                    }
                }
            }
        }
        None
    }

    /// What to do with one event.
    fn take(&mut self, id: Option<EventId>, event: Box<Event>) -> Option<StreamItem> {
        self.failures = 0;
        self.position = id.or(self.position);
        match &event.kind {
            EventKind::Bookmark { .. } => None,
            EventKind::Reconnect { .. } => {
                if let Some(connection) = self.connection.take() {
                    self.client.transport.endpoints.leave(connection.endpoint.0);
                }
                self.broke_off()
            }
            EventKind::Gap { oldest_index } => Some(self.gap(*oldest_index)),
            EventKind::State(_) => {
                self.in_state = true;
                Some(StreamItem::Event(id, event))
            }
            EventKind::Synced { .. } => {
                self.in_state = false;
                // From here on the stream resumes like any other.
                self.start = Start::Now;
                Some(StreamItem::Event(id, event))
            }
            EventKind::NodeCreated { .. }
            | EventKind::NodeChanged { .. }
            | EventKind::NodeAclChanged { .. }
            | EventKind::NodeDeleted { .. }
            | EventKind::LockQueued { .. }
            | EventKind::LockGranted { .. }
            | EventKind::LockReleased(_)
            | EventKind::LockLeft(_)
            | EventKind::LockExtended(_)
            | EventKind::LockReleaseRequested { .. }
            | EventKind::LockReleaseAnswered { .. }
            | EventKind::LockConfigured { .. }
            | EventKind::ElectionJoined { .. }
            | EventKind::ElectionChanged { .. }
            | EventKind::ElectionLeft(_)
            | EventKind::ElectionElected { .. }
            | EventKind::ElectionEnded(_)
            | EventKind::ElectionTransfer { .. }
            | EventKind::ElectionTransferCancelled { .. }
            | EventKind::ServiceRegistered(_)
            | EventKind::ServiceChanged(_)
            | EventKind::ServiceDraining(_)
            | EventKind::ServiceUp(_)
            | EventKind::ServicePassing(_)
            | EventKind::ServiceFailing(_)
            | EventKind::ServiceSetAside(_)
            | EventKind::ServiceBack(_)
            | EventKind::ServiceLeft { .. }
            | EventKind::SessionOpened(_)
            | EventKind::SessionClosed(_)
            | EventKind::SessionExpired(_)
            | EventKind::SessionRenewed { .. }
            | EventKind::Unrecognised => Some(StreamItem::Event(id, event)),
        }
    }

    /// The connection is gone. With an id the stream goes on; inside the state it begins anew;
    /// without either, what was missed cannot be known.
    fn broke_off(&mut self) -> Option<StreamItem> {
        if self.start == Start::State {
            self.position = None;
            return std::mem::take(&mut self.in_state).then_some(StreamItem::Restarted);
        }
        match self.position {
            Some(_) => None,
            None => Some(self.gap(0)),
        }
    }

    fn gap(&mut self, oldest_index: u64) -> StreamItem {
        self.ended = true;
        self.connection = None;
        StreamItem::Gap { oldest_index }
    }

    /// Tries nodes in turn until one gives a stream.
    async fn connect(&mut self) -> Result<Option<StreamItem>, Error> {
        let budget = self.client.transport.options.budget;
        let started = Instant::now();
        let nodes = u32::try_from(self.client.transport.endpoints.len()).unwrap_or(u32::MAX);
        let call = self.call();
        loop {
            let transport = &self.client.transport;
            let (index, base) = transport.endpoints.current();
            let what = match transport.open_stream(&call, base).await {
                Ok(response) => {
                    let endpoint = (index, base.to_owned());
                    self.connection = Some(Connection::new(response, endpoint));
                    return Ok(None);
                }
                Err(StreamFailure::Refused(problem)) => {
                    if problem.code == ErrorCode::HistoryCompacted {
                        return Ok(Some(self.gap(problem.more.oldest_index.unwrap_or(0))));
                    }
                    self.ended = true;
                    return Err(Error::Refused(problem));
                }
                Err(StreamFailure::Transport(what)) => what,
            };
            transport.endpoints.leave(index);
            self.failures += 1;
            let whole_round = self.failures.is_multiple_of(nodes);
            let pause = if whole_round {
                backoff::pause(self.failures / nodes)
            } else {
                Duration::ZERO
            };
            if started.elapsed() + pause >= budget {
                return Err(Error::Exhausted {
                    outcome: Effect::NotApplied,
                    timed_out: false,
                    attempts: self.failures,
                    elapsed: started.elapsed(),
                    last: what,
                    problem: None,
                });
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn call(&self) -> Call {
        let include: Vec<&str> = [
            ("value", self.filter.values),
            ("prev", self.filter.previous),
        ]
        .into_iter()
        .filter_map(|(name, wanted)| wanted.then_some(name))
        .collect();
        let list = |items: Vec<&str>| (!items.is_empty()).then(|| items.join(","));
        let of = self.filter.service.as_deref();
        let of = of.map(|service| paths::service_view(service, "events"));
        let path = paths::with_query(
            of.as_deref().unwrap_or("/v1/events"),
            &[
                ("prefix", self.filter.prefix.clone()),
                (
                    "kinds",
                    list(self.filter.kinds.iter().map(String::as_str).collect()),
                ),
                ("include", list(include)),
                (
                    "initial",
                    (self.start == Start::State).then(|| "state".to_owned()),
                ),
            ],
        );
        let mut call = Call::get(path);
        for (name, value) in &mut call.headers {
            if *name == "accept" {
                *value = "text/event-stream".to_owned();
            }
        }
        match self.position {
            Some(id) => call.header(http_types::headers::LAST_EVENT_ID, id.to_string()),
            None => call,
        }
    }
}
