//! `holdfast events`, `watch`, `locks watch`: streams of what happens.

use holdfast_client::http_types::v1::events::{
    CandidateEndEvent, CandidateEvent, ClaimEvent, InstanceEvent, StateEvent,
};
use holdfast_client::{Event, EventFilter, EventId, EventKind, EventStream, Start, StreamItem};
use serde_json::{Value, json};

use super::App;
use crate::args::{EventsArgs, WatchArgs};
use crate::exit::{Context as _, Exit, Failure};
use crate::output::ago;

pub(super) async fn events(app: &App, args: EventsArgs) -> Result<(), Failure> {
    let filter = EventFilter {
        prefix: args.prefix,
        service: None,
        kinds: args.kinds,
        values: args.values,
        previous: args.previous,
    };
    let start = start(args.initial, args.since.as_deref())?;
    follow(app, app.client.events(filter, start), args.count).await
}

pub(super) async fn watch(app: &App, args: WatchArgs) -> Result<(), Failure> {
    let start = start(args.initial, args.after.as_deref())?;
    follow(app, app.client.watch(&args.path, start), args.count).await
}

pub(super) async fn watch_locks(
    app: &App,
    name: Option<String>,
    after: Option<String>,
    initial: bool,
) -> Result<(), Failure> {
    let filter = EventFilter {
        prefix: name,
        kinds: vec!["lock.*".to_owned()],
        ..EventFilter::default()
    };
    let start = start(initial, after.as_deref())?;
    follow(app, app.client.events(filter, start), None).await
}

pub(super) async fn watch_elections(
    app: &App,
    name: Option<String>,
    after: Option<String>,
    initial: bool,
) -> Result<(), Failure> {
    let filter = EventFilter {
        prefix: Some(name.map_or_else(
            || "/elections".to_owned(),
            |name| format!("/elections/{name}"),
        )),
        kinds: vec!["election.*".to_owned()],
        ..EventFilter::default()
    };
    let start = start(initial, after.as_deref())?;
    follow(app, app.client.events(filter, start), None).await
}

/// The events of the znodes of groups, with their values.
pub(super) async fn watch_groups(
    app: &App,
    name: Option<String>,
    after: Option<String>,
    initial: bool,
) -> Result<(), Failure> {
    let filter = EventFilter {
        prefix: Some(name.map_or_else(|| "/groups".to_owned(), |name| format!("/groups/{name}"))),
        kinds: vec!["node.*".to_owned()],
        values: true,
        ..EventFilter::default()
    };
    let start = start(initial, after.as_deref())?;
    follow(app, app.client.events(filter, start), None).await
}

/// The instances of one service, or of all.
pub(super) async fn watch_services(
    app: &App,
    name: Option<String>,
    after: Option<String>,
    initial: bool,
) -> Result<(), Failure> {
    let filter = EventFilter {
        kinds: vec!["service.*".to_owned()],
        service: name,
        ..EventFilter::default()
    };
    let start = start(initial, after.as_deref())?;
    follow(app, app.client.events(filter, start), None).await
}

fn start(initial: bool, after: Option<&str>) -> Result<Start, Failure> {
    let Some(text) = after else {
        return Ok(if initial { Start::State } else { Start::Now });
    };
    // A bare index means: after everything of that commit.
    let whole = text.parse::<u64>().ok().map(|index| EventId {
        index,
        ordinal: u32::MAX,
    });
    match whole.map_or_else(|| text.parse(), Ok) {
        Ok(id) => Ok(Start::After(id)),
        Err(error) => Err(Failure::new(Exit::Usage, "find the place to go on", error)),
    }
}

async fn follow(app: &App, mut stream: EventStream, count: Option<u64>) -> Result<(), Failure> {
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(item) = stream.next().await else {
            return Ok(());
        };
        match item.cannot(|| "follow the events".to_owned())? {
            StreamItem::Event(id, event) => {
                app.out.line(&as_json(id, &event), &as_text(id, &event))?;
                left -= 1;
            }
            StreamItem::Restarted => {
                app.out
                    .warn("the stream broke before the state was complete; it begins anew");
            }
            StreamItem::Gap { oldest_index } => {
                return Err(Failure::new(
                    Exit::NotFound,
                    "follow the events",
                    format!("events are missing; the oldest kept is {oldest_index}"),
                )
                .remedy("read the state again, or start with --initial"));
            }
        }
    }
    Ok(())
}

fn as_json(id: Option<EventId>, event: &Event) -> Value {
    let mut value = serde_json::to_value(event).unwrap_or_else(|_| json!({}));
    if let (Some(id), Value::Object(fields)) = (id, &mut value) {
        fields.insert("id".to_owned(), id.to_string().into());
    }
    value
}

fn as_text(id: Option<EventId>, event: &Event) -> String {
    let id = id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let time = event.time.as_deref().unwrap_or("-");
    format!(
        "{id}\t{time}\t{}\t{}",
        event.kind.name(),
        details(&event.kind)
    )
}

#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
fn details(kind: &EventKind) -> String {
    let quoted = |value: &Option<String>| {
        value
            .as_ref()
            .map_or_else(String::new, |v| format!(" {v:?}"))
    };
    let claim = |c: &ClaimEvent| format!("{} claim {} fence {}", c.lock, c.claim, c.fence);
    match kind {
        EventKind::NodeCreated { path, value, .. } => format!("{path}{}", quoted(value)),
        EventKind::NodeChanged {
            path,
            version,
            value,
            ..
        } => {
            format!("{path} version {version}{}", quoted(value))
        }
        EventKind::NodeAclChanged { path, .. } | EventKind::NodeDeleted { path, .. } => {
            path.clone()
        }
        EventKind::LockQueued {
            claim: queued,
            position,
            ..
        } => {
            format!("{} #{position}", claim(queued))
        }
        EventKind::LockGranted { claim: granted, .. } => claim(granted),
        EventKind::LockExtended(extended) => claim(extended),
        EventKind::LockReleaseRequested {
            claim: asked,
            who,
            within_ms,
            reason,
        } => {
            let within = ago(*within_ms);
            format!("{} by {who} within {within} {reason:?}", claim(asked))
        }
        EventKind::LockReleaseAnswered {
            claim: answers,
            needs_ms,
        } => format!("{} needs {} more", claim(answers), ago(*needs_ms)),
        EventKind::LockReleased(ended) | EventKind::LockLeft(ended) => {
            format!(
                "{} {:?}{}",
                claim(&ended.claim),
                ended.state,
                quoted(&ended.reason)
            )
        }
        EventKind::LockConfigured { lock } => lock.clone(),
        EventKind::ElectionJoined { .. }
        | EventKind::ElectionChanged { .. }
        | EventKind::ElectionLeft(_)
        | EventKind::ElectionElected { .. }
        | EventKind::ElectionEnded(_)
        | EventKind::ElectionTransfer { .. }
        | EventKind::ElectionTransferCancelled { .. } => election_details(kind),
        EventKind::ServiceRegistered(instance)
        | EventKind::ServiceChanged(instance)
        | EventKind::ServiceDraining(instance)
        | EventKind::ServiceUp(instance)
        | EventKind::ServicePassing(instance)
        | EventKind::ServiceFailing(instance)
        | EventKind::ServiceSetAside(instance)
        | EventKind::ServiceBack(instance) => named_instance(instance),
        EventKind::ServiceLeft { instance, state } => {
            format!("{} {state:?}", named_instance(instance))
        }
        EventKind::SessionOpened(session)
        | EventKind::SessionClosed(session)
        | EventKind::SessionExpired(session) => session.session.clone(),
        EventKind::SessionRenewed { session, .. } => session.clone(),
        EventKind::Bookmark { index } | EventKind::Synced { index } => index.to_string(),
        EventKind::Gap { oldest_index } => oldest_index.to_string(),
        EventKind::Reconnect { endpoints } => endpoints.join(" "),
        EventKind::State(state) => state_details(state),
        EventKind::Unrecognised => String::new(),
    }
}

fn named_instance(event: &InstanceEvent) -> String {
    format!("{} instance {}", event.service, event.instance)
}

/// Of an event of an election; of others nothing.
fn election_details(kind: &EventKind) -> String {
    let named = |who: &CandidateEvent| format!("{} candidate {}", who.election, who.candidate);
    let ended =
        |ended: &CandidateEndEvent| format!("{} {:?}", named(&ended.candidate), ended.state);
    if let EventKind::ElectionJoined { candidate, weight }
    | EventKind::ElectionChanged { candidate, weight } = kind
    {
        format!("{} weight {weight}", named(candidate))
    } else if let EventKind::ElectionLeft(left) = kind {
        ended(left)
    } else if let EventKind::ElectionElected {
        candidate, term, ..
    } = kind
    {
        format!("{} term {term}", named(candidate))
    } else if let EventKind::ElectionEnded(over) = kind {
        format!("{} term {}", ended(over), over.term.unwrap_or_default())
    } else if let EventKind::ElectionTransfer {
        candidate,
        to,
        within_ms,
        ..
    } = kind
    {
        format!("{} to {to} within {}", named(candidate), ago(*within_ms))
    } else if let EventKind::ElectionTransferCancelled { election, to } = kind {
        format!("{election} to {to}")
    } else {
        String::new()
    }
}

fn state_details(state: &StateEvent) -> String {
    if let Some(node) = &state.node {
        let value = node.value.as_deref().unwrap_or_default();
        return format!("{} version {} {value:?}", node.path, node.version);
    }
    if let Some(lock) = &state.lock {
        return format!(
            "{} holders {} queue {}",
            lock.lock, lock.holder_count, lock.queue_length
        );
    }
    if let Some(claim) = &state.claim {
        return format!("{} claim {} fence {}", claim.lock, claim.claim, claim.fence);
    }
    if let Some(election) = &state.election {
        let (name, leader, term) = (
            &election.election,
            &election.leader.candidate,
            election.term,
        );
        return format!("{name} candidate {leader} term {term}");
    }
    if let Some(instance) = &state.instance {
        let why = instance.unavailable.as_deref().unwrap_or("is available");
        return format!("{} instance {} {why}", instance.service, instance.id);
    }
    state
        .session
        .as_ref()
        .map_or_else(String::new, |session| session.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        EventKind::NodeChanged {
            path: "/app/cfg".into(),
            version: 8,
            value: Some("new".into()),
            encoding: None,
            prev: None,
            prev_encoding: None,
            content_type: None,
            stat: Default::default(),
        }
        .into()
    }

    #[test]
    fn an_event_is_one_line() {
        let id = Some(EventId {
            index: 18_261,
            ordinal: 0,
        });
        assert_eq!(
            as_text(id, &event()),
            "18261.0\t-\tnode.changed\t/app/cfg version 8 \"new\""
        );
        let json = as_json(id, &event());
        assert_eq!(
            (&json["id"], &json["event"]),
            (&json!("18261.0"), &json!("node.changed"))
        );
    }

    #[test]
    fn a_place_to_go_on_is_an_event_or_a_whole_commit() {
        let after = |index, ordinal| Start::After(EventId { index, ordinal });
        assert_eq!(start(false, Some("5.1")).unwrap(), after(5, 1));
        assert_eq!(start(false, Some("5")).unwrap(), after(5, u32::MAX));
        assert_eq!(start(true, None).unwrap(), Start::State);
        assert_eq!(start(false, Some("x")).unwrap_err().code, 64);
    }
}
