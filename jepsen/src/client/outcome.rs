//! What a client may conclude from what it saw: the one table. `jepsen/outcomes.md` explains it.
//!
//! An error here poisons every verdict: a write called `fail` that happened is a false alarm, a
//! write called `info` that failed for certain hides bugs, an `info` called `ok` is a lie.

use checker::Outcome;

/// What an operation does when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It changes nothing: without an answer nothing was learned and nothing happened.
    Read,
    /// It may change something.
    Write,
}

/// What stands in `outcome` of a problem document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// `applied`
    Applied,
    /// `not-applied`
    NotApplied,
    /// `unknown`, or a word not known here.
    Unknown,
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Not one byte of it left this machine: refused, unreachable, or the connection was dead.
    NotSent,
    /// At least one byte was sent, and no whole answer came: time-out, reset, end of stream.
    NoAnswer,
    /// An answer over HTTP.
    Http {
        /// Its status.
        status: u16,
        /// What its problem document says, if it is one.
        said: Option<Said>,
    },
    /// An answer through the ZooKeeper door, by its error code; 0 is success.
    ZooKeeper(i32),
    /// What the client library says of a call that it could not complete.
    Library(Said),
}

/// Codes of ZooKeeper from here down are refusals of a request that was understood.
const API_ERRORS: i32 = -100;
/// MARSHALLINGERROR, UNIMPLEMENTED, BADARGUMENTS: refused before anything was done.
const REFUSED_AT_ONCE: [i32; 3] = [-5, -6, -8];

/// The table.
#[must_use]
pub fn of(nature: Nature, seen: Seen) -> Outcome {
    match (seen, nature) {
        (Seen::NotSent, _) => Outcome::Fail,
        (
            Seen::Http {
                status: 200..=299 | 304,
                said: None,
            },
            _,
        )
        | (Seen::ZooKeeper(0), _) => Outcome::Ok,
        // A problem that says so is believed, whatever its status: that is P-ANSWER, under test.
        (
            Seen::Http {
                said: Some(Said::NotApplied),
                ..
            }
            | Seen::Library(Said::NotApplied),
            _,
        ) => Outcome::Fail,
        (Seen::ZooKeeper(code), _) if code <= API_ERRORS || REFUSED_AT_ONCE.contains(&code) => {
            Outcome::Fail
        }
        (_, Nature::Read) => Outcome::Fail,
        // It happened, but what came of it was not told: not `ok`, which would need an answer.
        (
            Seen::NoAnswer | Seen::Http { .. } | Seen::ZooKeeper(_) | Seen::Library(_),
            Nature::Write,
        ) => Outcome::Info,
    }
}

/// Codes that tell how a claim stands, whatever became of an earlier sending of the same request.
const DEFINITE: [&str; 2] = ["lock_held", "claim_ended"];

/// The outcome of an operation whose request was sent more than once (P-RETRY), from the last
/// answer and whether an earlier sending was left unknown.
#[must_use]
pub fn of_repeated(earlier_unknown: bool, last: Outcome, code: Option<&str>) -> Outcome {
    let is_definite = code.is_some_and(|code| DEFINITE.contains(&code));
    match last {
        // "Not now" says nothing about the sending before.
        Outcome::Fail if earlier_unknown && !is_definite => Outcome::Info,
        Outcome::Invoke | Outcome::Ok | Outcome::Fail | Outcome::Info => last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Nature::{Read, Write};
    use Outcome::{Fail, Info, Ok};

    fn http(status: u16, said: Option<Said>) -> Seen {
        Seen::Http { status, said }
    }

    #[test]
    fn the_table_row_by_row() {
        let rows = [
            (Seen::NotSent, Fail, Fail),
            (Seen::NoAnswer, Fail, Info),
            (http(200, None), Ok, Ok),
            (http(201, None), Ok, Ok),
            (http(202, None), Ok, Ok),
            (http(204, None), Ok, Ok),
            (http(304, None), Ok, Ok),
            (http(404, Some(Said::NotApplied)), Fail, Fail),
            (http(412, Some(Said::NotApplied)), Fail, Fail),
            (http(500, Some(Said::Unknown)), Fail, Info),
            (http(503, Some(Said::NotApplied)), Fail, Fail),
            (http(504, Some(Said::Unknown)), Fail, Info),
            (http(504, Some(Said::NotApplied)), Fail, Fail),
            // A status without a document is nobody's promise.
            (http(500, None), Fail, Info),
            (http(503, None), Fail, Info),
            (http(400, None), Fail, Info),
            (http(307, None), Fail, Info),
            (http(409, Some(Said::Applied)), Fail, Info),
            // A success that contradicts itself proves nothing.
            (http(200, Some(Said::Unknown)), Fail, Info),
            (http(200, Some(Said::NotApplied)), Fail, Fail),
            (Seen::ZooKeeper(0), Ok, Ok),
            (Seen::ZooKeeper(-4), Fail, Info),
            (Seen::ZooKeeper(-7), Fail, Info),
            (Seen::ZooKeeper(-1), Fail, Info),
            (Seen::ZooKeeper(-5), Fail, Fail),
            (Seen::ZooKeeper(-6), Fail, Fail),
            (Seen::ZooKeeper(-8), Fail, Fail),
            (Seen::ZooKeeper(-101), Fail, Fail),
            (Seen::ZooKeeper(-103), Fail, Fail),
            (Seen::ZooKeeper(-112), Fail, Fail),
            (Seen::ZooKeeper(-118), Fail, Fail),
            (Seen::Library(Said::NotApplied), Fail, Fail),
            (Seen::Library(Said::Unknown), Fail, Info),
            (Seen::Library(Said::Applied), Fail, Info),
        ];
        for (seen, read, write) in rows {
            assert_eq!(of(Read, seen), read, "a read that met {seen:?}");
            assert_eq!(of(Write, seen), write, "a write that met {seen:?}");
        }
    }

    #[test]
    fn every_status_and_every_code_is_one_of_three_and_no_write_fails_unsaid() {
        for status in 100..600 {
            let seen = http(status, None);
            assert_ne!(of(Write, seen), Fail, "{seen:?}");
            assert_ne!(of(Read, seen), Info, "{seen:?}");
        }
        for code in -200..=0 {
            assert_ne!(of(Read, Seen::ZooKeeper(code)), Info, "{code}");
        }
    }

    #[test]
    fn a_repeat_that_is_put_off_leaves_what_was_unknown_unknown() {
        assert_eq!(of_repeated(true, Fail, Some("no_leader")), Info);
        assert_eq!(of_repeated(true, Fail, None), Info);
        assert_eq!(of_repeated(true, Fail, Some("lock_held")), Fail);
        assert_eq!(of_repeated(true, Fail, Some("claim_ended")), Fail);
        assert_eq!(of_repeated(false, Fail, Some("no_leader")), Fail);
        assert_eq!(of_repeated(true, Ok, None), Ok);
        assert_eq!(of_repeated(false, Info, None), Info);
    }
}
