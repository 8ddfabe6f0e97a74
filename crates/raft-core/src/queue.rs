//! Work queues: whoever takes an item has it until it acknowledges it or its session ends.
//!
//! The layout is that of kazoo's `LockingQueue`, so that its clients and ours serve the same queue:
//!
//! - `/queues/<name>/entries/entry-<priority>-<sequence>` is an item, its data what is to be done. The order of
//!   names is the order in which items are taken.
//! - `/queues/<name>/taken/<item>`, an ephemeral of the session that has the item. Its czxid is the number of the
//!   delivery.
//! - `/queues/<name>/dead/<item>-<czxid of the item>` is a dead letter, with the data of the item, and its child
//!   `why` says what became of it. kazoo has none.
//!
//! Each delivery that ends while the item is still there is a try, whoever had taken it. A try rewrites the item
//! with itself, so that the version of its data is how often it was tried.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, QueueName, WallTime, ZnodePath};
use crate::limits;
use crate::outcome::Refusal;
use crate::path;

/// Name of the parent of the items of a queue.
pub const ENTRIES: &str = "entries";
/// Name of the parent of what says that an item is taken.
pub const TAKEN: &str = "taken";
/// Name of the parent of the dead letters of a queue.
pub const DEAD: &str = "dead";
/// Name of the child of a dead letter that says what became of it.
pub const WHY: &str = "why";
/// Priority of an item whose name shows none, and where the client names none; kazoo's.
pub const PRIORITY_DEFAULT: u16 = 100;

/// How a work queue behaves. It is in the data of the queue's znode, as `max_tries=5 max_items=1000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// After so many tries an item is a dead letter. `None`: never.
    pub max_tries: Option<u32>,
    /// No item is put when there are so many. `None`: [`limits::ITEMS_PER_QUEUE_MAX`].
    pub max_items: Option<u32>,
}

impl QueueSettings {
    /// Reads what [`text`](Self::text) writes. What else there may be was written by somebody else and sets nothing.
    pub(crate) fn parse(data: &[u8]) -> QueueSettings {
        let number = |name| field(std::str::from_utf8(data).ok()?, name)?.parse().ok();
        QueueSettings {
            max_tries: number("max_tries"),
            max_items: number("max_items"),
        }
    }

    pub(crate) fn text(self) -> String {
        let max_tries = self.max_tries.map(|n| format!("max_tries={n}"));
        let max_items = self.max_items.map(|n| format!("max_items={n}"));
        let fields: Vec<String> = max_tries.into_iter().chain(max_items).collect();
        fields.join(" ")
    }

    /// Whether they are within their bounds.
    ///
    /// # Errors
    /// [`Refusal::BadArguments`].
    pub fn check(self) -> Result<(), Refusal> {
        let numbers = [
            ("max_tries", self.max_tries, limits::ITEM_TRIES_MAX),
            ("max_items", self.max_items, limits::ITEMS_PER_QUEUE_MAX),
        ];
        for (name, number, most) in numbers {
            if number.is_some_and(|number| !(1..=most).contains(&number)) {
                let why = format!("{name} of a queue is 1 to {most}");
                return Err(Refusal::BadArguments(why));
            }
        }
        Ok(())
    }

    /// How many items there may be.
    pub(crate) fn items_most(self) -> u32 {
        let most = limits::ITEMS_PER_QUEUE_MAX;
        self.max_items.map_or(most, |items| items.min(most))
    }
}

/// What became of a dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// How often it was tried.
    pub tries: u32,
    /// When it was put into the queue.
    pub put_at: WallTime,
    /// What the consumer said that gave it back for the last time.
    pub reason: Option<String>,
}

impl Why {
    /// Reads what [`text`](Self::text) writes, and zeros where somebody else wrote.
    pub(crate) fn parse(data: &[u8]) -> Why {
        let Ok(text) = std::str::from_utf8(data) else {
            return Why::default();
        };
        let (fields, reason) = match text.split_once(" reason=") {
            Some((fields, reason)) => (fields, Some(reason.to_owned())),
            None => (text, None),
        };
        let number = |name| field(fields, name)?.parse().ok();
        Why {
            tries: number("tries").unwrap_or_default(),
            put_at: WallTime(
                field(fields, "put_at")
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(0),
            ),
            reason,
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("tries={} put_at={}", self.tries, self.put_at.0);
        if let Some(reason) = &self.reason {
            // Writing to a text cannot fail.
            let _ = write!(text, " reason={reason}");
        }
        text
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = text.split(' ').filter_map(|field| field.split_once('='));
    fields.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Name before its suffix of an item of this priority.
pub(crate) fn entry_name(priority: u16, sequence: i32) -> String {
    format!("entry-{priority:03}-{sequence:010}")
}

/// Priority that the name of an item shows.
#[must_use]
pub fn priority_of(name: &str) -> u16 {
    let digits = name.strip_prefix("entry-").and_then(|rest| rest.get(..3));
    let priority = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    priority
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(PRIORITY_DEFAULT)
}

/// What a znode of a queue says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is the item.
    Entries,
    /// It is taken.
    Taken,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Entries => ENTRIES,
            Part::Taken => TAKEN,
        }
    }
}

/// Where a znode stands in a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    queue: &'a str,
    pub(crate) part: Part,
    item: &'a str,
}

impl<'a> Place<'a> {
    /// Of the znode at `path`, if it is an item or says that one is taken. Items with names that the HTTP API does
    /// not take are none.
    pub(crate) fn of(path: &'a ZnodePath) -> Option<Place<'a>> {
        let rest = path
            .as_str()
            .strip_prefix(path::QUEUES)?
            .strip_prefix('/')?;
        let (rest, item) = rest.rsplit_once('/')?;
        let (queue, part) = rest.rsplit_once('/')?;
        let part = [Part::Entries, Part::Taken]
            .into_iter()
            .find(|candidate| candidate.name() == part)?;
        let is_named = QueueName::parse(queue).is_ok() && ItemId::parse(item).is_ok();
        is_named.then_some(Place { queue, part, item })
    }

    /// The znode of the same item in this part.
    pub(crate) fn sibling(&self, part: Part) -> Option<ZnodePath> {
        let (queue, item) = (self.queue, self.item);
        ZnodePath::parse(&format!("{}/{queue}/{}/{item}", path::QUEUES, part.name())).ok()
    }

    /// The queue and the item.
    pub(crate) fn names(&self) -> Option<(QueueName, ItemId)> {
        Some((
            QueueName::parse(self.queue).ok()?,
            ItemId::parse(self.item).ok()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_whys_are_read_as_they_were_written() {
        for (max_tries, max_items) in [(None, None), (Some(5), None), (Some(5), Some(7))] {
            let settings = QueueSettings {
                max_tries,
                max_items,
            };
            let text = settings.text();
            assert_eq!(QueueSettings::parse(text.as_bytes()), settings, "{text}");
        }
        for reason in [None, Some("exit status 1 reason=x tries=3".to_owned())] {
            let why = Why {
                tries: 2,
                put_at: WallTime(5),
                reason,
            };
            let text = why.text();
            assert_eq!(Why::parse(text.as_bytes()), why, "{text}");
        }
    }

    #[test]
    fn what_others_write_sets_nothing() {
        for data in [
            &b"max_tries=x"[..],
            b"{\"max_tries\":3}",
            b"10.0.0.7",
            b"\xff",
            b"",
        ] {
            assert_eq!(
                QueueSettings::parse(data),
                QueueSettings::default(),
                "{data:?}"
            );
            assert_eq!(Why::parse(data), Why::default(), "{data:?}");
        }
    }

    #[test]
    fn a_znode_is_an_item_by_its_place() {
        let place = |text| Place::of(&ZnodePath::parse(text).unwrap()).map(|place| place.part);
        assert_eq!(
            place("/queues/a/b/entries/entry-100-0000000000"),
            Some(Part::Entries)
        );
        assert_eq!(place("/queues/a/taken/x"), Some(Part::Taken));
        for other in [
            "/queues/a/dead/x",
            "/queues/entries/x",
            "/queues/a/entries",
            "/q/a/entries/x",
            "/queues/a/entries/x/taken/y",
            "/queuesa/entries/x",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }

    #[test]
    fn the_priority_is_in_the_name() {
        assert_eq!(priority_of(&entry_name(7, 3)), 7);
        for name in ["job", "entry-", "entry-+07-1", "entry-7é-1"] {
            assert_eq!(priority_of(name), PRIORITY_DEFAULT, "{name}");
        }
    }
}
