//! Ids of reservations.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Zxid;

/// Id of a reservation: where it was made, so that it is never used twice, and which of those that the
/// same pick made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ReservationId {
    /// Position of the pick.
    pub zxid: Zxid,
    /// Which of its instances, from 0.
    pub ordinal: u32,
}

impl ReservationId {
    /// What [`Display`](fmt::Display) makes, `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<ReservationId> {
        let (zxid, ordinal) = text.strip_prefix("r_")?.split_once('.')?;
        let id = ReservationId {
            zxid: Zxid(zxid.parse().ok()?),
            ordinal: ordinal.parse().ok()?,
        };
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r_{}.{}", self.zxid, self.ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = ReservationId {
            zxid: Zxid(55),
            ordinal: 2,
        };
        assert_eq!(id.to_string(), "r_55.2");
        assert_eq!(ReservationId::parse("r_55.2"), Some(id));
        for text in ["", "r_55", "55.2", "r_55.02", "r_+5.2", "r_.2", "r_55.2.1"] {
            assert_eq!(ReservationId::parse(text), None, "{text}");
        }
    }
}
