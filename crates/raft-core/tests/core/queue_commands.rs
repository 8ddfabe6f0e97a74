//! Script words of work queues. Commands: `put-item QUEUE [priority=] [value=] [type=]`, `take QUEUE [N]`, `ack-item
//! QUEUE ITEM NUMBER`, `give-back QUEUE ITEM NUMBER [free] [reason=]`, `configure-queue QUEUE [tries=] [items=]
//! [none]`, `redrive QUEUE [item=] [most=]`. Queries: `work-queue NAME`, `items NAME`, `dead NAME`, `work-queues
//! [PREFIX] [after=] [limit=]`.

use bytes::Bytes;
use raft_core::command::{Command, Delivery, GiveBackItem, PutItem};
use raft_core::ids::{ItemId, QueueName, Zxid};
use raft_core::outcome::Reply;
use raft_core::queue::{PRIORITY_DEFAULT, QueueSettings};
use raft_core::state::State;

use crate::words::Words;

fn queue(words: &mut Words) -> QueueName {
    QueueName::parse(&words.expect("a queue")).unwrap()
}

fn delivery(words: &mut Words) -> Delivery {
    Delivery {
        queue: queue(words),
        item: ItemId::parse(&words.expect("an item")).unwrap(),
        number: Zxid(words.expect("a number").parse().expect("a number")),
    }
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    let verb = words.peek()?.to_owned();
    let parse = match &*verb {
        "put-item" => put,
        "take" => |words: &mut Words| Command::TakeItems {
            queue: queue(words),
            most: words.next().map_or(1, |n| n.parse().expect("a number")),
        },
        "ack-item" => |words: &mut Words| Command::AckItem(delivery(words)),
        "give-back" => |words: &mut Words| {
            Command::GiveBackItem(GiveBackItem {
                delivery: delivery(words),
                counts: !words.flag("free"),
                reason: words.value("reason"),
            })
        },
        "configure-queue" => |words: &mut Words| Command::ConfigureQueue {
            settings: (!words.flag("none")).then(|| QueueSettings {
                max_tries: words.number("tries"),
                max_items: words.number("items"),
            }),
            queue: queue(words),
        },
        "redrive" => |words: &mut Words| Command::Redrive {
            item: words
                .value("item")
                .map(|item| ItemId::parse(&item).unwrap()),
            most: words.number("most").unwrap_or(100),
            queue: queue(words),
        },
        _ => return None,
    };
    words.next();
    Some(parse(words))
}

fn put(words: &mut Words) -> Command {
    Command::PutItem(PutItem {
        priority: words.number("priority").unwrap_or(PRIORITY_DEFAULT),
        data: words.value("value").map(Bytes::from),
        content_type: words.value("type").map(Into::into),
        queue: queue(words),
    })
}

/// Answers a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    match words.peek()? {
        "work-queue" => {
            words.next();
            let view = state.work_queue(&queue(words));
            Some(view.map_or("there is none".to_owned(), |view| format!("{view:?}")))
        }
        "items" => {
            words.next();
            let name = queue(words);
            let shown = state.items(&name, None, 100).into_iter().map(|item| {
                let data = item.znode.data.as_deref();
                let data = data.map_or("null".into(), String::from_utf8_lossy);
                let taken = item.delivery().map(|(number, owner)| {
                    let owner = owner.map_or("?".to_owned(), |owner| owner.to_string());
                    format!(" taken by {owner} in {number}")
                });
                let (id, tries) = (item.id, item.tries());
                format!("{id} {data:?} tries={tries}{}", taken.unwrap_or_default())
            });
            Some(format!("[{}]", shown.collect::<Vec<_>>().join(", ")))
        }
        "dead" => {
            words.next();
            let name = queue(words);
            let letters = state.dead_letters(&name, None, 100);
            let shown = letters
                .iter()
                .map(|letter| format!("{} {:?}", letter.id, letter.why));
            Some(format!("[{}]", shown.collect::<Vec<_>>().join(", ")))
        }
        "work-queues" => {
            words.next();
            let after = words
                .value("after")
                .map(|name| QueueName::parse(&name).unwrap());
            let limit = words.number("limit").unwrap_or(100);
            let prefix = words.next().unwrap_or_default();
            let found = state.work_queues(&prefix, after.as_ref(), limit);
            let shown = found
                .iter()
                .map(|(name, view)| format!("{name}={}", view.items));
            Some(format!("[{}]", shown.collect::<Vec<_>>().join(" ")))
        }
        _ => None,
    }
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::ItemPut { item } => format!("put {item}"),
        Reply::ItemsTaken { items, .. } if items.is_empty() => "nothing to take".to_owned(),
        Reply::ItemsTaken { delivery, items } => {
            let items: Vec<&str> = items.iter().map(ItemId::as_str).collect();
            format!("took {} in {delivery}", items.join(" "))
        }
        Reply::ItemAcked => "acknowledged".to_owned(),
        Reply::ItemGivenBack { tries, died } => {
            let died = if *died { ", dead" } else { "" };
            format!("given back, tries={tries}{died}")
        }
        Reply::QueueConfigured => "configured".to_owned(),
        Reply::Redriven { moved, left } => format!("put back {moved}, {left} left"),
        other => panic!("not of this family: {other:?}"),
    }
}
