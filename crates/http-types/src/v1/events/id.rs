//! Positions in the stream.

use std::fmt;

/// Position of an event: the commit, and the place within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// Position of the commit.
    pub index: u64,
    /// Place within it, from 0.
    pub ordinal: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.ordinal)
    }
}

/// A text is not an event id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEventId(String);

impl fmt::Display for InvalidEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an event id: write index.ordinal, for example 18261.0",
            self.0
        )
    }
}

impl std::error::Error for InvalidEventId {}

impl std::str::FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<EventId, InvalidEventId> {
        let read = || {
            let (index, ordinal) = text.split_once('.')?;
            Some(EventId {
                index: index.parse().ok()?,
                ordinal: ordinal.parse().ok()?,
            })
        };
        read().ok_or_else(|| InvalidEventId(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_and_survive_the_way() {
        let id = EventId {
            index: 18_261,
            ordinal: 1,
        };
        assert_eq!("18261.1".parse(), Ok(id));
        assert_eq!(id.to_string(), "18261.1");
        assert!(id < "18261.10".parse().unwrap());
        for bad in ["", "1", "1.", ".1", "1.x", "1.1.1", "-1.0"] {
            assert!(bad.parse::<EventId>().is_err(), "{bad}");
        }
    }
}
