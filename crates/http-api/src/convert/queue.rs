//! Work queues, their items and dead letters.

use http_types::v1::Encoding;
use http_types::v1::queues as v1;
use raft_core::acl::Identity;
use raft_core::ids::{QueueName, ZnodePath, Zxid};
use raft_core::query::queue::{DeadLetterView, ItemView, QueueView};
use raft_core::queue::{QueueSettings, priority_of};
use raft_core::state::State;
use raft_core::znode::Znode;

use crate::convert::{node, session};
use crate::millis::rfc3339;

/// A queue; one that does not exist is empty.
pub(crate) fn queue(name: &QueueName, view: Option<QueueView>) -> v1::Queue {
    let Some(view) = view else {
        return v1::Queue {
            queue: name.to_string(),
            ..v1::Queue::default()
        };
    };
    v1::Queue {
        queue: name.to_string(),
        items: view.items,
        taken: view.taken,
        dead: view.dead,
        settings: v1::QueueSettings {
            max_tries: view.settings.max_tries,
            max_items: view.settings.max_items,
        },
    }
}

/// Settings, inward.
pub(crate) fn settings_in(settings: &v1::QueueSettings) -> QueueSettings {
    QueueSettings {
        max_tries: settings.max_tries,
        max_items: settings.max_items,
    }
}

/// A row of a listing.
pub(crate) fn item(state: &State, view: &ItemView<'_>) -> v1::Item {
    let delivery = view.delivery();
    let owner = delivery.and_then(|(_, owner)| owner);
    v1::Item {
        item: view.id.to_owned(),
        priority: priority_of(view.id),
        tries: view.tries(),
        put_index: view.znode.czxid.0,
        put_at: rfc3339(view.znode.ctime),
        size: view.znode.stat().data_length,
        taken_by: owner.map(|owner| session::label(state, owner)),
        delivery: delivery.map(|(number, _)| number.0),
        taken_at: view.taken.map(|znode| rfc3339(znode.ctime)),
        ..v1::Item::default()
    }
}

/// An item with its value, where `who` may read it.
pub(crate) fn item_with_value(
    state: &State,
    queue: &QueueName,
    view: &ItemView<'_>,
    who: &[Identity],
) -> v1::Item {
    let path = queue.entries().child(view.id).ok();
    let shown = path.and_then(|path| value(state, (&path, view.znode), who));
    let (value, encoding, content_type) = shown.unwrap_or_default();
    v1::Item {
        value,
        encoding,
        content_type,
        ..item(state, view)
    }
}

/// A row of a listing.
pub(crate) fn dead_letter(view: &DeadLetterView<'_>) -> v1::DeadLetter {
    v1::DeadLetter {
        item: view.id.to_owned(),
        priority: priority_of(view.id),
        tries: view.why.tries,
        reason: view.why.reason.clone(),
        put_at: rfc3339(view.why.put_at),
        died_at: rfc3339(view.znode.ctime),
        died_index: view.znode.czxid.0,
        size: view.znode.stat().data_length,
        ..v1::DeadLetter::default()
    }
}

/// A dead letter with its value, where `who` may read it.
pub(crate) fn dead_letter_with_value(
    state: &State,
    queue: &QueueName,
    view: &DeadLetterView<'_>,
    who: &[Identity],
) -> v1::DeadLetter {
    let path = queue.dead().child(view.id).ok();
    let shown = path.and_then(|path| value(state, (&path, view.znode), who));
    let (value, encoding, content_type) = shown.unwrap_or_default();
    v1::DeadLetter {
        value,
        encoding,
        content_type,
        ..dead_letter(view)
    }
}

type Value = (Option<String>, Option<Encoding>, Option<String>);

/// The data of a znode, if `who` may read it.
fn value(state: &State, (path, znode): (&ZnodePath, &Znode), who: &[Identity]) -> Option<Value> {
    state.can_read(path, who).ok()?;
    let (value, encoding) = znode.data.as_deref().map(node::text).unzip();
    Some((value, encoding, znode.content_type().map(str::to_owned)))
}

/// A delivery, if it lasts.
pub(crate) fn delivery(view: &ItemView<'_>, number: Zxid) -> Option<v1::Delivery> {
    view.delivery().filter(|(last, _)| *last == number)?;
    let (value, encoding) = node::text(view.znode.data.as_deref().unwrap_or_default());
    Some(v1::Delivery {
        item: view.id.to_owned(),
        delivery: number.0,
        attempt: view.tries().saturating_add(1),
        priority: priority_of(view.id),
        put_at: rfc3339(view.znode.ctime),
        value,
        encoding,
        content_type: view.znode.content_type().map(str::to_owned),
    })
}
