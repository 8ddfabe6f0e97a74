//! What positions say about time.
//!
//! An answer that names a position proves that the position existed when the answer arrived, to
//! whomever it was given. So everybody's answers together bound when something happened, also
//! where the one whom it happened to was paused and learnt of it much later.

use serde_json::Value;

use crate::history::{Event, History, Outcome};

/// When positions were certainly reached.
pub(crate) struct Positions {
    /// Position, and the earliest arrival of an answer that shows it or a later one; ascending.
    reached: Vec<(u64, Arrival)>,
}

/// An answer, by when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival {
    /// When.
    pub(crate) time: u64,
    /// Index of the event.
    pub(crate) event: u64,
}

impl Positions {
    pub(crate) fn of(history: &History) -> Positions {
        let mut reached: Vec<(u64, Arrival)> = history
            .events
            .iter()
            .filter(|event| event.outcome != Outcome::Invoke)
            .filter_map(|event| Some((newest(event)?, arrival(event))))
            .collect();
        reached.sort_unstable();
        let mut earliest: Option<Arrival> = None;
        for (_, arrival) in reached.iter_mut().rev() {
            let best = earliest.map_or(*arrival, |known| known.min(*arrival));
            *arrival = best;
            earliest = Some(best);
        }
        Positions { reached }
    }

    /// The first answer that proves that `position` was reached.
    pub(crate) fn reached(&self, position: u64) -> Option<Arrival> {
        let at = self.reached.partition_point(|(known, _)| *known < position);
        self.reached.get(at).map(|(_, arrival)| *arrival)
    }
}

/// When an event arrived.
pub(crate) fn arrival(event: &Event) -> Arrival {
    Arrival {
        time: event.time,
        event: event.index,
    }
}

/// The newest position an answer names.
fn newest(event: &Event) -> Option<u64> {
    let of_value = |field: &str| event.value.get(field).and_then(Value::as_u64);
    let named = [
        event.number("zxid"),
        of_value("zxid"),
        of_value("granted"),
        of_value("ended"),
    ];
    named.into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_answer_that_shows_a_position_or_a_later_one_counts() {
        let line = |index: u64, time: u64, zxid: u64| {
            format!(
                r#"{{"index":{index},"time":{time},"process":1,"type":"ok","f":"read","value":null,"zxid":{zxid}}}"#
            )
        };
        let text = [line(0, 10, 5), line(1, 20, 9), line(2, 30, 7)].join("\n");
        let positions = Positions::of(&History::parse(&text).unwrap());
        let at = |position| positions.reached(position).map(|arrival| arrival.time);
        assert_eq!(at(5), Some(10));
        assert_eq!(at(6), Some(20));
        assert_eq!(at(7), Some(20));
        assert_eq!(at(9), Some(20));
        assert_eq!(at(10), None);
    }
}
