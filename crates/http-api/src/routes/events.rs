//! `/v1/events`: everything that changes, in order.

use http_types::problem::Problem as Document;
use http_types::v1::events as v1;

use crate::call::Call;
use crate::convert::event::Include;
use crate::error::Problem;
use crate::reply::Reply;
use crate::sse::{self, Filter, Subject, Subscription};

/// What changes, as server-sent events, in the order of the cluster.
///
/// The id of an event is `index.ordinal`; a stream resumed with `Last-Event-ID` goes on exactly
/// after it, at any node. `bookmark` says how far an idle stream is, `gap` that events were missed,
/// `reconnect` that the node stops.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "events",
    params(
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 410, description = "`history_compacted`, with `oldest_index`", body = Document),
        (status = 429, description = "`rate_limited`", body = Document),
        (status = 503, description = "`not_caught_up`: this node has not got there yet", body = Document),
    )
)]
pub(crate) async fn events(call: Call) -> Result<Reply, Problem> {
    let query: v1::EventsQuery = call.query()?;
    let subject = Filter::subject_of(query.prefix.as_deref())?;
    let subscription = subscription(&call, &query, subject)?;
    sse::open(&call, subscription).await
}

/// What a query asks to hear of.
pub(super) fn subscription(
    call: &Call,
    query: &v1::EventsQuery,
    subject: Subject,
) -> Result<Subscription, Problem> {
    let initial = match query.initial.as_deref() {
        None | Some("") => false,
        Some("state") => true,
        Some(other) => {
            return Err(Problem::bad_request(format!(
                "initial is {other:?}, expected state"
            )));
        }
    };
    Ok(Subscription {
        filter: Filter::new(subject, query.kinds.as_deref())?,
        include: include(query.include.as_deref())?,
        initial,
        renew: None,
        after: sse::resume_after(call, query.last_event_id.as_deref())?,
    })
}

fn include(text: Option<&str>) -> Result<Include, Problem> {
    let mut include = Include::default();
    for word in text
        .into_iter()
        .flat_map(|text| text.split(','))
        .map(str::trim)
    {
        match word {
            "" => {}
            "value" => include.value = true,
            "prev" => include.prev = true,
            other => {
                return Err(Problem::bad_request(format!(
                    "include names {other:?}, expected value or prev"
                )));
            }
        }
    }
    Ok(include)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_carried_when_asked_for() {
        assert_eq!(include(None).unwrap(), Include::default());
        assert_eq!(
            include(Some("value, prev")).unwrap(),
            Include {
                value: true,
                prev: true
            }
        );
        assert!(include(Some("values")).is_err());
    }
}
