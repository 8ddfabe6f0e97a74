//! Barriers: parties that wait for each other, go on together, and leave together.
//!
//! A barrier is a container below `/barriers`, a party an ephemeral child of it, and it is open while the
//! child `ready` exists: the layout of Curator's `DistributedDoubleBarrier` and kazoo's `DoubleBarrier`.
//! What those do not write down is in the data of the container while a party by
//! [`EnterBarrier`](crate::command::EnterBarrier) is in it: how many are to meet, and at which position
//! the barrier opened. So it is open for all of a round, also when a client removes `ready` early.

use crate::ids::Zxid;

/// Name of the child that says that a barrier is open.
pub const READY: &str = "ready";

/// What the data of a barrier's znode says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// How many are to meet.
    pub(crate) parties: u32,
    /// Position at which they had met.
    pub(crate) opened: Option<Zxid>,
}

impl Round {
    /// Reads `parties=5` or `parties=5 opened=18311`; anything else was written by somebody else.
    pub(crate) fn parse(data: &[u8]) -> Option<Round> {
        let text = std::str::from_utf8(data).ok()?.strip_prefix("parties=")?;
        let (parties, opened) = match text.split_once(" opened=") {
            Some((parties, opened)) => (parties, Some(Zxid(opened.parse().ok()?))),
            None => (text, None),
        };
        let parties = parties.parse().ok()?;
        Some(Round { parties, opened })
    }

    pub(crate) fn text(self) -> String {
        let parties = self.parties;
        match self.opened {
            Some(opened) => format!("parties={parties} opened={opened}"),
            None => format!("parties={parties}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_read_as_it_was_written() {
        for opened in [None, Some(Zxid(18_311))] {
            let round = Round { parties: 5, opened };
            assert_eq!(Round::parse(round.text().as_bytes()), Some(round));
        }
    }

    #[test]
    fn what_others_write_is_no_round() {
        for data in [
            "",
            "5",
            "parties=",
            "parties=x",
            "parties=5 opened=",
            "parties=-1",
        ] {
            assert_eq!(Round::parse(data.as_bytes()), None, "{data:?}");
        }
        assert_eq!(Round::parse(&[0xff]), None);
    }
}
