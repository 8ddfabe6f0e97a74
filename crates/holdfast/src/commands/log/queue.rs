//! What the log says of work queues, as JSON.

use raft_core::command::{Command, Delivery};
use raft_core::ids::ItemId;
use raft_core::outcome::Reply;
use serde_json::{Value, json};

use super::command::data;

/// A command about a work queue; of others nothing.
pub(super) fn command(command: &Command) -> Value {
    if let Command::PutItem(put) = command {
        json!({
            "command": "put-item", "queue": put.queue.to_string(), "priority": put.priority,
            "data": data(put.data.as_deref()),
        })
    } else if let Command::TakeItems { queue, most } = command {
        json!({"command": "take-items", "queue": queue.to_string(), "most": most})
    } else if let Command::AckItem(delivery) = command {
        with_delivery(json!({"command": "ack-item"}), delivery)
    } else if let Command::GiveBackItem(give) = command {
        let shown = json!({
            "command": "give-back-item", "counts": give.counts, "reason": give.reason,
        });
        with_delivery(shown, &give.delivery)
    } else if let Command::ConfigureQueue { queue, settings } = command {
        json!({
            "command": "configure-queue", "queue": queue.to_string(),
            "max_tries": settings.and_then(|settings| settings.max_tries),
            "max_items": settings.and_then(|settings| settings.max_items),
            "drop": settings.is_none(),
        })
    } else if let Command::Redrive { queue, item, most } = command {
        json!({
            "command": "redrive", "queue": queue.to_string(),
            "item": item.as_ref().map(ItemId::to_string), "most": most,
        })
    } else {
        Value::Null
    }
}

fn with_delivery(mut shown: Value, delivery: &Delivery) -> Value {
    if let Value::Object(fields) = &mut shown {
        fields.insert("queue".to_owned(), delivery.queue.to_string().into());
        fields.insert("item".to_owned(), delivery.item.to_string().into());
        fields.insert("delivery".to_owned(), delivery.number.0.into());
    }
    shown
}

/// What such a command was answered; of others nothing.
pub(super) fn reply(reply: &Reply) -> Value {
    if let Reply::ItemPut { item } = reply {
        json!({"item": item.to_string()})
    } else if let Reply::ItemsTaken { delivery, items } = reply {
        let items: Vec<&str> = items.iter().map(ItemId::as_str).collect();
        json!({"delivery": delivery.0, "items": items})
    } else if let Reply::ItemGivenBack { tries, died } = reply {
        json!({"tries": tries, "died": died})
    } else if let Reply::Redriven { moved, left } = reply {
        json!({"moved": moved, "left": left})
    } else {
        json!({})
    }
}
