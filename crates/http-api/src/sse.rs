//! Event streams: server-sent events out of the node's event log.
//!
//! A stream is a position in the log of the node and owns no queue: a reader that is too slow is
//! told with a `gap` that history is gone, and costs nothing meanwhile. Whole commits are
//! delivered in order; a stream resumed after an id continues exactly behind it.

mod filter;
mod initial;
mod renewal;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use http_types::problem::ErrorCode;
use http_types::v1::events as v1;
use node::{Commit, EventId, EventStream, HistoryGone};
use raft_core::acl::Identity;
use raft_core::acl::{self, Perms};
use raft_core::command::SessionRef;
use raft_core::event::{Event, EventKind};
use raft_core::query::session::SessionStatus;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::admission::StreamPermit;
use crate::api::Api;
use crate::call::Call;
use crate::convert::event as convert;
use crate::convert::event::{Include, Place};
use crate::error::Problem;
use crate::extract::headers;
use crate::extract::path::session_label;
use crate::limits::{BOOKMARK_INTERVAL, GOODBYE_TIMEOUT, STREAM_RETRY};
use crate::reply::Reply;

pub(crate) use filter::{Filter, Subject};
pub(crate) use renewal::Renewal;

use initial::Walk;
use renewal::Renewing;

/// What a client asked to hear of.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) filter: Filter,
    pub(crate) include: Include,
    /// Tell what is there before what changes.
    pub(crate) initial: bool,
    /// Renew this session while the stream is open.
    pub(crate) renew: Option<Renewal>,
    /// Where to continue.
    pub(crate) after: Option<EventId>,
}

/// Where a request wants to continue: `Last-Event-ID`, or `?last_event_id=` for browsers.
///
/// # Errors
/// When it is no event id.
pub(crate) fn resume_after(call: &Call, query: Option<&str>) -> Result<Option<EventId>, Problem> {
    let text = headers::text(&call.headers, &headers::LAST_EVENT_ID)?.or(query);
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let id: v1::EventId = text
        .parse()
        .map_err(|error: v1::InvalidEventId| Problem::bad_request(error.to_string()))?;
    Ok(Some(EventId {
        zxid: raft_core::ids::Zxid(id.index),
        ordinal: id.ordinal,
    }))
}

/// Opens a stream.
///
/// # Errors
/// Before the stream starts: too many streams, a node that lags behind the position asked for, or
/// history that is gone (410, with the oldest index there is).
pub(crate) async fn open(call: &Call, subscription: Subscription) -> Result<Reply, Problem> {
    let api = &call.api;
    let permit = api.admission.stream(call.client)?;
    let (events, walk) = match subscription.after {
        Some(after) => {
            api.node.await_applied(after.zxid, call.time_left()).await?;
            (api.node.events_after(after).map_err(gone)?, None)
        }
        None => {
            // From now on, or from a state on: a now that shows everything acknowledged so far.
            call.read(|_| Ok(())).await?;
            let (state, events) = api.node.state_and_events();
            (
                events,
                subscription
                    .initial
                    .then(|| Walk::new(state, &subscription.filter)),
            )
        }
    };
    let position = events.position();
    let quotas = permit.quotas.clone();
    let feed = Feed::new(call, subscription, events, walk, permit);
    let stream = futures::stream::unfold(feed, Feed::next);
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(api.settings.heartbeat));
    let (parts, body) = sse.into_response().into_parts();
    let mut reply = Reply::empty(StatusCode::OK).at(position.zxid);
    reply.headers = parts.headers;
    reply.body = body;
    Ok(reply.quotas(&quotas))
}

fn gone(gone: HistoryGone) -> Problem {
    Problem::new(ErrorCode::HistoryCompacted, gone.to_string())
        .with(|more| more.oldest_index = Some(gone.oldest.zxid.0))
}

/// One open stream.
struct Feed {
    api: Arc<Api>,
    identities: Vec<Identity>,
    subscription: Subscription,
    events: EventStream,
    walk: Option<Walk>,
    ready: VecDeque<Frame>,
    /// The last position the client was told.
    told: EventId,
    bookmark_at: Instant,
    renewing: Option<Renewing>,
    stop: CancellationToken,
    is_over: bool,
    _permit: StreamPermit,
    _gauge: OpenGauge,
}

/// What happens next to a feed.
enum Turn {
    Stop,
    Commit(Arc<Commit>),
    Gone(HistoryGone),
    Bookmark,
    Renewed(Option<u64>),
}

/// Counts open streams; dropping it counts down.
struct OpenGauge(Arc<Api>);

impl OpenGauge {
    fn new(api: &Arc<Api>) -> OpenGauge {
        api.metrics.streams.inc();
        OpenGauge(Arc::clone(api))
    }
}

impl Drop for OpenGauge {
    fn drop(&mut self) {
        self.0.metrics.streams.dec();
    }
}

impl Feed {
    fn new(
        call: &Call,
        subscription: Subscription,
        events: EventStream,
        walk: Option<Walk>,
        permit: StreamPermit,
    ) -> Feed {
        let api = Arc::clone(&call.api);
        let told = events.position();
        let renewing = subscription
            .renew
            .map(|r| Renewing::new(&api, r, call.received));
        let mut feed = Feed {
            identities: call.identities.clone(),
            stop: api.node.shutting_down(),
            ready: VecDeque::from([Frame::default().retry(STREAM_RETRY)]),
            bookmark_at: Instant::now() + BOOKMARK_INTERVAL,
            is_over: false,
            _permit: permit,
            _gauge: OpenGauge::new(&api),
            api,
            subscription,
            events,
            walk,
            told,
            renewing,
        };
        if feed.walk.is_none() && feed.subscription.after.is_none() {
            // Whoever is cut off before the first event still knows where to continue. A resumed
            // stream may stand within a commit: a bookmark would say that all of it was told.
            feed.bookmark();
        }
        feed
    }

    /// The next frame; the stream ends with `None`.
    async fn next(mut self) -> Option<(Result<Frame, Infallible>, Feed)> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some((Ok(frame), self));
            }
            if self.is_over {
                return None;
            }
            if self.walk.is_some() {
                self.walk_on();
                continue;
            }
            match self.turn().await {
                Turn::Stop => self.say_goodbye().await,
                Turn::Commit(commit) => self.deliver(&commit),
                Turn::Gone(gone) => {
                    let oldest_index = gone.oldest.zxid.0;
                    self.push(None, v1::EventKind::Gap { oldest_index }.into());
                    self.is_over = true;
                }
                Turn::Bookmark => {
                    self.bookmark_at = Instant::now() + BOOKMARK_INTERVAL;
                    if self.events.position() > self.told {
                        self.bookmark();
                    }
                }
                Turn::Renewed(safe_ms) => self.renewed(safe_ms),
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let renewed = async {
            match self.renewing.as_mut() {
                Some(renewing) => (&mut renewing.round).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Turn::Stop,
            safe_ms = renewed => Turn::Renewed(safe_ms),
            commit = self.events.next() => match commit {
                Ok(commit) => Turn::Commit(commit),
                Err(gone) => Turn::Gone(gone),
            },
            () = sleep_until(self.bookmark_at) => Turn::Bookmark,
        }
    }

    fn push(&mut self, id: Option<v1::EventId>, event: v1::Event) {
        // Our own types always can be written; if one day they cannot, an honest end is better
        // than a hole.
        let Ok(data) = serde_json::to_string(&event) else {
            tracing::error!(event = event.kind.name(), "an event cannot be written");
            self.is_over = true;
            return;
        };
        let mut frame = Frame::default().event(event.kind.name()).data(data);
        if let Some(id) = id {
            frame = frame.id(id.to_string());
            self.told = EventId {
                zxid: raft_core::ids::Zxid(id.index),
                ordinal: id.ordinal,
            };
        }
        self.ready.push_back(frame);
    }

    fn bookmark(&mut self) {
        let position = self.events.position();
        let index = position.zxid.0;
        self.push(
            Some(convert::id_of(position)),
            v1::EventKind::Bookmark { index }.into(),
        );
    }

    fn walk_on(&mut self) {
        let Some(walk) = self.walk.as_mut() else {
            return;
        };
        let page = walk.page(&self.identities, self.api.wall_ms());
        match page {
            Some(states) => {
                for state in states {
                    self.push(None, state.into());
                }
            }
            None => {
                self.walk = None;
                let position = self.events.position();
                let index = position.zxid.0;
                self.push(
                    Some(convert::id_of(position)),
                    v1::EventKind::Synced { index }.into(),
                );
            }
        }
    }

    fn deliver(&mut self, commit: &Commit) {
        let filter = &self.subscription.filter;
        let wanted: Vec<&Event> = commit
            .events
            .iter()
            .filter(|event| filter.wants(&event.kind))
            .collect();
        let last = wanted.len().saturating_sub(1);
        let size = u32::try_from(commit.events.len()).ok();
        let api = Arc::clone(&self.api);
        let told: Vec<(v1::EventId, v1::Event)> = api.node.peek(|state| {
            let told = wanted.iter().enumerate().map(|(at, event)| {
                let place = Place {
                    commit_size: size.filter(|_| at == 0),
                    is_last: at == last,
                };
                let include = self.visible(&event.kind);
                (
                    convert::id(event),
                    convert::event(state, event, place, include),
                )
            });
            told.collect()
        });
        let ends = wanted.iter().any(|event| self.ends_session(&event.kind));
        for (id, event) in told {
            self.push(Some(id), event);
        }
        self.is_over |= ends;
    }

    /// Data is shown only to those whom the znode's access list let read it when the event
    /// happened: a stream resumed later shows the same.
    fn visible(&self, kind: &EventKind) -> Include {
        match kind.acl() {
            Some(acl) if !acl::allows(acl, &self.identities, Perms::READ) => Include::default(),
            Some(_) | None => self.subscription.include,
        }
    }

    /// A session's own stream ends with it.
    fn ends_session(&self, kind: &EventKind) -> bool {
        let Subject::Session(own) = self.subscription.filter.subject else {
            return false;
        };
        matches!(kind, EventKind::SessionEnded { session, .. } if *session == own)
    }

    fn renewed(&mut self, safe_ms: Option<u64>) {
        let Some(renewing) = self.renewing.as_mut() else {
            return;
        };
        let session = SessionRef::Id(renewing.renewal.session);
        renewing.again(&self.api);
        let label = self.api.node.peek(|state| match state.session(&session) {
            SessionStatus::Live(live) => Some(session_label(live.id, live.name.as_ref())),
            SessionStatus::Ended(_) | SessionStatus::Unknown => None,
        });
        match (label, safe_ms) {
            (Some(session), Some(safe_ms)) => {
                self.push(
                    None,
                    v1::EventKind::SessionRenewed { session, safe_ms }.into(),
                );
            }
            // Not renewed this time: the client sees its safe time run out, the next round tries
            // again. An end comes as an event of its own.
            (Some(_), None) => {}
            (None, _) => self.renewing = None,
        }
    }

    async fn say_goodbye(&mut self) {
        let own = self.api.node.id();
        let others = |apis: Vec<(u64, String)>| -> Vec<String> {
            apis.into_iter()
                .filter(|(id, _)| *id != own)
                .map(|(_, api)| api)
                .collect()
        };
        let known = self.api.node.status().apis.into_iter().collect();
        let reachable = self
            .api
            .node
            .cluster_status(GOODBYE_TIMEOUT)
            .await
            .ok()
            .map(|status| {
                let members = status
                    .members
                    .into_iter()
                    .filter(|member| member.applied.is_some());
                members.map(|member| (member.id, member.api)).collect()
            });
        let endpoints = others(reachable.unwrap_or(known));
        self.push(None, v1::EventKind::Reconnect { endpoints }.into());
        self.is_over = true;
    }
}
