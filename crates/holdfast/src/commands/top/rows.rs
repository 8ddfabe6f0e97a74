//! The four tables, as rows of text that does nothing to a terminal.

use holdfast_client::http_types::v1::deadlocks::{Deadlock, Wait};
use holdfast_client::http_types::v1::elections::ElectionSummary;
use holdfast_client::http_types::v1::locks::{ClaimState, Holder, HotLock};
use holdfast_client::http_types::v1::sessions::Owner;

use super::board::Board;
use super::poll::{Owns, SessionReading};
use crate::output::{ago, clean};

/// Past holds from which on the rest of one is estimated, as the cluster does for those who wait.
const FORECAST_HOLDS_MIN: u32 = 3;
/// What is not known.
const UNKNOWN: &str = "-";

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Hot,
    Sessions,
    Elections,
    Deadlocks,
}

/// A column: its name, and how wide it is at least.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) width: u16,
    /// Share of the room that is left.
    pub(super) grows: u16,
}

const fn column(name: &'static str, width: u16, grows: u16) -> Column {
    Column { name, width, grows }
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// What it is ordered by, where that is not its text.
    pub(super) number: Option<u64>,
}

impl Cell {
    fn text(text: &str) -> Cell {
        Cell {
            text: clean(text),
            number: None,
        }
    }

    fn number(number: impl Into<u64>) -> Cell {
        let number = number.into();
        Cell {
            text: number.to_string(),
            number: Some(number),
        }
    }

    /// A moment, to the second.
    fn moment(text: &str) -> Cell {
        match text.split_once('.') {
            Some((seconds, _)) => Cell::text(&format!("{seconds}Z")),
            None => Cell::text(text),
        }
    }

    fn time(ms: Option<u64>) -> Cell {
        Cell {
            text: ms.map_or_else(|| UNKNOWN.to_owned(), ago),
            number: ms,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What stays the same when the row moves.
    pub(super) key: String,
    /// The lock that it is about, as the cluster knows it.
    pub(super) lock: Option<String>,
    pub(super) cells: Vec<Cell>,
    /// Whether somebody should look.
    pub(super) alarm: bool,
}

impl Table {
    pub(super) const ALL: [Table; 4] = [
        Table::Hot,
        Table::Sessions,
        Table::Elections,
        Table::Deadlocks,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Table::Hot => "hot locks",
            Table::Sessions => "sessions",
            Table::Elections => "elections",
            Table::Deadlocks => "deadlocks",
        }
    }

    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Table::Hot => {
                const {
                    &[
                        column("LOCK", 16, 3),
                        column("HOLDER", 12, 2),
                        column("HOST", 10, 2),
                        column("HELD", 7, 0),
                        column("QUEUE", 5, 0),
                        column("WAITED", 7, 0),
                        column("NEXT", 7, 0),
                        column("REASON", 12, 4),
                    ]
                }
            }
            Table::Sessions => {
                const {
                    &[
                        column("SESSION", 14, 3),
                        column("OWNER", 16, 3),
                        column("LEFT", 7, 0),
                        column("TTL", 7, 0),
                        column("SINCE", 20, 0),
                        column("HOLDS", 12, 4),
                    ]
                }
            }
            Table::Elections => {
                const {
                    &[
                        column("ELECTION", 16, 3),
                        column("LEADER", 14, 2),
                        column("OWNER", 16, 3),
                        column("TERM", 8, 0),
                        column("FOR", 7, 0),
                        column("CANDIDATES", 10, 0),
                    ]
                }
            }
            Table::Deadlocks => {
                const {
                    &[
                        column("AT", 20, 0),
                        column("REFUSED", 16, 2),
                        column("WAITING FOR", 14, 2),
                        column("CYCLE", 5, 0),
                        column("WHY", 16, 5),
                    ]
                }
            }
        }
    }

    /// Its rows, in the order in which they are told; `None` while nothing was ever told.
    pub(super) fn rows(self, board: &Board) -> Option<Vec<Row>> {
        Some(match self {
            Table::Hot => board.hot.value()?.iter().map(hot).collect(),
            Table::Sessions => board
                .sessions
                .value()?
                .sessions
                .iter()
                .map(session)
                .collect(),
            Table::Elections => board
                .elections
                .value()?
                .elections
                .iter()
                .map(election)
                .collect(),
            Table::Deadlocks => board.deadlocks.value()?.iter().map(deadlock).collect(),
        })
    }

    /// Whether there are more than are told.
    pub(super) fn has_more(self, board: &Board) -> bool {
        match self {
            Table::Hot | Table::Deadlocks => false,
            Table::Sessions => board.sessions.value().is_some_and(|read| read.more),
            Table::Elections => {
                let list = board.elections.value();
                list.is_some_and(|list| list.next.is_some())
            }
        }
    }
}

fn hot(lock: &HotLock) -> Row {
    let holder = lock.holder.as_ref();
    let (who, host) = holder.map_or((String::new(), String::new()), |holder| {
        let owner = holder.owner.clone().unwrap_or_default();
        let who = owner.service.unwrap_or_else(|| holder.session.clone());
        (who, owner.host.unwrap_or_default())
    });
    let others = lock.holder_count.saturating_sub(1);
    let others = if others == 0 {
        String::new()
    } else {
        format!(" +{others}")
    };
    Row {
        key: lock.lock.clone(),
        lock: Some(lock.lock.clone()),
        cells: vec![
            Cell::text(&lock.lock),
            Cell::text(&format!("{who}{others}")),
            Cell::text(&host),
            Cell::time(holder.and_then(|holder| holder.held_ms)),
            Cell::number(lock.queue_length),
            Cell::time(Some(lock.waited_ms)),
            next(lock),
            Cell::text(&holder.map_or_else(String::new, reason)),
        ],
        alarm: lock.queue_length > 0 && overdue(lock),
    }
}

/// Why it is held, and who asks for it.
fn reason(holder: &Holder) -> String {
    let reason = holder.reason.clone().unwrap_or_default();
    match &holder.release_request {
        Some(asked) => format!("{reason} (asked by {}: {})", asked.who, asked.reason),
        None => reason,
    }
}

/// Until the first that waits has the lock, if the hold takes the median of the last ones; no longer than until
/// it ends by itself.
fn next(lock: &HotLock) -> Cell {
    match rest(lock) {
        Some(0) if overdue(lock) => Cell {
            text: "overdue".to_owned(),
            number: Some(0),
        },
        rest => Cell::time(rest.filter(|_| lock.queue_length > 0)),
    }
}

fn rest(lock: &HotLock) -> Option<u64> {
    let holder = lock.holder.as_ref()?;
    let usual = lock
        .statistics
        .as_ref()
        .filter(|of| of.holds >= FORECAST_HOLDS_MIN)?;
    let rest = usual.hold_ms.p50.saturating_sub(holder.held_ms?);
    Some(holder.expires_ms.map_or(rest, |expires| rest.min(expires)))
}

/// Whether it is held for longer than nineteen of twenty of the last holds were.
fn overdue(lock: &HotLock) -> bool {
    let held = lock.holder.as_ref().and_then(|holder| holder.held_ms);
    let usual = lock
        .statistics
        .as_ref()
        .filter(|of| of.holds >= FORECAST_HOLDS_MIN);
    matches!((held, usual), (Some(held), Some(usual)) if held > usual.hold_ms.p95)
}

fn session(read: &SessionReading) -> Row {
    let session = &read.session;
    let left = read.left_ms();
    let holds = read.owns.as_ref().map_or_else(|| UNKNOWN.to_owned(), holds);
    let first = read.owns.iter().flat_map(|owns| &owns.claims).next();
    Row {
        key: session.id.clone(),
        lock: first.map(|claim| claim.lock.clone()),
        cells: vec![
            Cell::text(&session.id),
            Cell::text(&session.owner.to_string()),
            Cell::time(left),
            Cell::time(Some(session.ttl_ms)),
            Cell::moment(&session.created_at),
            Cell::text(&holds),
        ],
        // A client renews after a third of the time; it has missed two of them.
        alarm: left.is_some_and(|left| left < session.ttl_ms / 4),
    }
}

fn holds(owns: &Owns) -> String {
    let claims = owns.claims.iter().map(|claim| match claim.state {
        ClaimState::Held => claim.lock.clone(),
        ClaimState::Waiting => format!("waits for {}", claim.lock),
    });
    let others = match owns.ephemerals.as_slice() {
        [] => None,
        [path] => Some(path.clone()),
        [path, rest @ ..] => Some(format!("{path} and {} more", rest.len())),
    };
    let all: Vec<String> = claims.chain(others).collect();
    if all.is_empty() {
        "nothing".to_owned()
    } else {
        all.join(", ")
    }
}

fn election(election: &ElectionSummary) -> Row {
    Row {
        key: election.election.clone(),
        lock: None,
        cells: vec![
            Cell::text(&election.election),
            Cell::text(&election.leader),
            Cell::text(&who(election.owner.as_ref(), &election.session)),
            Cell::number(election.term),
            Cell::time(Some(election.led_ms)),
            Cell::number(election.candidate_count),
        ],
        alarm: false,
    }
}

fn deadlock(deadlock: &Deadlock) -> Row {
    let refused = deadlock.cycle.first().cloned().unwrap_or_default();
    let Wait {
        session,
        owner,
        waits_for,
        ..
    } = &refused;
    Row {
        key: deadlock.index.to_string(),
        lock: Some(waits_for.clone()).filter(|lock| !lock.is_empty()),
        cells: vec![
            Cell::moment(&deadlock.at),
            Cell::text(&who(owner.as_ref(), session)),
            Cell::text(waits_for),
            Cell::number(u64::try_from(deadlock.cycle.len()).unwrap_or(u64::MAX)),
            Cell::text(&deadlock.detail),
        ],
        alarm: false,
    }
}

fn who(owner: Option<&Owner>, session: &str) -> String {
    crate::commands::locks::owner_or(owner, session)
}
