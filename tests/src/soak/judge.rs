//! Whether what a client saw is what it was entitled to see, held against the ledger.

use zookeeper::proto::event::EventType;

use super::ledger::{Event, Ledger, Shown, Told};
use super::tree::Spot;

/// One thing a client saw, complete in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A one-shot watch, from the position its reply showed.
    Once {
        /// On what.
        spot: Spot,
        /// Position of the reply that armed it.
        from: i64,
        /// What it was told, if anything.
        fired: Option<Event>,
        /// Last position the client was shown on this connection.
        until: i64,
    },
    /// A one-shot watch that was registered again on a new connection.
    Again {
        /// On what.
        spot: Spot,
        /// Whether it waits for a znode that was not there.
        waits: bool,
        /// Last position the client had been shown.
        seen: i64,
        /// Position of the reply to the registration.
        at: i64,
        /// What it was told before that reply, if anything.
        fired: Option<EventType>,
    },
    /// A watch that stays.
    Stream {
        /// Which.
        watch: Told,
        /// Position of the reply that set it, or of the last record of it.
        from: i64,
        /// Last position the client was shown on this connection.
        until: i64,
        /// Everything it was told.
        events: Vec<Event>,
    },
    /// What a read showed.
    Read {
        /// Of what.
        spot: Spot,
        /// At which position.
        at: i64,
        /// What it was.
        shown: Shown,
    },
}

impl Record {
    fn spot(&self) -> Spot {
        match self {
            Record::Once { spot, .. } | Record::Again { spot, .. } | Record::Read { spot, .. } => {
                *spot
            }
            Record::Stream { watch, .. } => match watch {
                Told::Of(spot) => *spot,
                Told::Below(group) => Spot::Group(*group),
            },
        }
    }

    /// The last position it says something about.
    fn last(&self) -> i64 {
        match self {
            Record::Once { fired, until, .. } => fired.map_or(*until, |event| event.zxid),
            Record::Again { at, .. } | Record::Read { at, .. } => *at,
            Record::Stream { until, events, .. } => {
                events.last().map_or(*until, |event| event.zxid.max(*until))
            }
        }
    }

    /// Whether the ledger knows enough to judge it.
    #[must_use]
    pub fn is_ripe(&self, ledger: &Ledger) -> bool {
        ledger.known_to(self.spot()) >= self.last()
    }

    /// Judges a ripe record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn judge(&self, ledger: &Ledger) -> Result<(), String> {
        match self {
            Record::Once {
                spot,
                from,
                fired,
                until,
            } => once(ledger.told(Told::Of(*spot), *from).next(), *fired, *until),
            Record::Again {
                spot,
                waits,
                seen,
                at,
                fired,
            } => again(ledger.shown(*spot, *at), *waits, *seen, *fired),
            Record::Stream {
                watch,
                from,
                until,
                events,
            } => stream(ledger.told(*watch, *from), *until, events),
            Record::Read { spot, at, shown } => read(ledger.shown(*spot, *at), *shown),
        }
    }
}

/// A one-shot watch is told the first change after it was armed, and nothing else.
fn once(first: Option<Event>, fired: Option<Event>, until: i64) -> Result<(), String> {
    match (first, fired) {
        (Some(first), Some(fired)) if first == fired => Ok(()),
        (first, Some(fired)) => Err(format!("told {fired:?}, the first change was {first:?}")),
        (Some(first), None) if first.zxid <= until => {
            Err(format!("event lost: {first:?} happened and was not told"))
        }
        (Some(_) | None, None) => Ok(()),
    }
}

/// What ZooKeeper's rules for `setWatches` say.
fn again(now: Shown, waits: bool, seen: i64, fired: Option<EventType>) -> Result<(), String> {
    let due = match now {
        Shown::Missing if waits => None,
        Shown::Missing => Some(EventType::NodeDeleted),
        Shown::Data { .. } | Shown::There { .. } if waits => Some(EventType::NodeCreated),
        Shown::Data { mzxid, .. } | Shown::There { mzxid } => {
            (mzxid > seen).then_some(EventType::NodeDataChanged)
        }
        Shown::List { pzxid, .. } => (pzxid > seen).then_some(EventType::NodeChildrenChanged),
    };
    if due == fired {
        return Ok(());
    }
    Err(format!(
        "registered again where {now:?}: told {fired:?} instead of {due:?}"
    ))
}

/// A watch that stays is told every change once, in order; what comes after the last reply may be
/// cut short.
fn stream(due: impl Iterator<Item = Event>, until: i64, events: &[Event]) -> Result<(), String> {
    let mut told = events.iter();
    for due in due {
        match told.next() {
            Some(event) if *event == due => {}
            Some(event) => return Err(format!("told {event:?} where {due:?} was due")),
            None if due.zxid <= until => return Err(format!("event lost: {due:?} was not told")),
            None => return Ok(()),
        }
    }
    match told.next() {
        Some(event) => Err(format!("told {event:?}, which did not happen, or twice")),
        None => Ok(()),
    }
}

fn read(due: Shown, shown: Shown) -> Result<(), String> {
    let is_right = match (due, shown) {
        (Shown::Data { mzxid, .. }, Shown::There { mzxid: shown }) => mzxid == shown,
        (due, shown) => due == shown,
    };
    if is_right {
        return Ok(());
    }
    Err(format!("shown {shown:?} where {due:?} was due"))
}
