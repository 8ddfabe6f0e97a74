//! When a claim held its lock for certain.
//!
//! A client knows that it holds from the moment an answer says so. It knows it no longer than the
//! last promise reaches: `safe_ms`, counted from when it *sent* the request, less what the clocks
//! of the run may have been bent. A claim that lives with its session is carried on by every proof
//! of that session's life; one with a time of its own by its own answers only, and a new time
//! (`extend`) may be shorter than the old one. A new time of unknown outcome may come about at any
//! later moment, so no later promise is worth more than it. An answer without `safe_ms` promises nothing.
//! The client itself ends the certainty with the first request that may release the claim, break
//! it, or close its session: such a request may be done before its answer comes, or without one.

use crate::facts::RunFacts;
use crate::locks::claims::{Claim, Said};
use crate::sessions::lives::Lives;

/// Up to when a claim is promised to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// The answer that said first that it holds.
    pub(crate) from: u64,
    /// The end of the last promise, if nobody ends the claim.
    pub(crate) until: u64,
    /// The event that gave the last promise.
    pub(crate) event: u64,
    /// The first request that may have released it.
    pub(crate) released: Option<u64>,
    /// The first request that may have broken it.
    pub(crate) broken: Option<u64>,
    /// The first request that may have closed its session.
    pub(crate) closed: Option<u64>,
}

impl Promise {
    /// What is known of a claim; `None` for one that nobody was told to hold.
    pub(crate) fn of(claim: &Claim<'_>, lives: &Lives<'_>, facts: &RunFacts) -> Option<Promise> {
        let first = claim.first_held()?;
        let life = claim.session.and_then(|name| lives.by_name.get(name));
        let mut words = Vec::new();
        for answer in &claim.answers {
            if let Said::Held {
                safe_ms: Some(ms), ..
            } = answer.said
            {
                let until = facts.safe_until(answer.invoked, ms);
                words.push((answer.invoked, Word::Own(until, answer.at.event)));
            }
        }
        for extend in &claim.extends {
            let ttl_ms = extend.ttl_ms.or(claim.ttl_ms);
            let worth = ttl_ms.map_or(0, |ms| facts.safe_until(0, ms));
            words.push((extend.sent, Word::NewTime(worth, extend.is_in_doubt)));
        }
        if claim.extends.is_empty() {
            // The last promise is all that counts; sessions have many.
            let last = life.and_then(|life| life.promised);
            words.extend(last.map(|(until, event)| (0, Word::OfSession(until, event))));
        } else {
            let proofs = life.iter().flat_map(|life| &life.proofs);
            words.extend(proofs.map(|p| (p.sent, Word::OfSession(p.until, p.event))));
        }
        words.sort_by_key(|(sent, word)| (*sent, word.rank()));
        let (until, event) = follow(claim, &words)?;
        Some(Promise {
            from: first.at.time,
            until,
            event,
            released: claim.released,
            broken: claim.broken,
            closed: life.and_then(|life| life.closed),
        })
    }

    /// The end of what is certain, whatever may have ended the claim.
    pub(crate) fn certain_until(&self) -> u64 {
        let asked = [self.released, self.broken, self.closed];
        asked.into_iter().flatten().fold(self.until, u64::min)
    }
}

/// Something that moves the end of what is promised.
enum Word {
    /// A new time was asked for: what was promised before is void beyond it. Whether it may come
    /// about later as well.
    NewTime(u64, bool),
    /// A promise about the claim.
    Own(u64, u64),
    /// A promise about its session.
    OfSession(u64, u64),
}

impl Word {
    /// At one moment, a request for a new time comes before its own answer.
    fn rank(&self) -> u8 {
        match self {
            Word::NewTime(..) => 0,
            Word::Own(..) | Word::OfSession(..) => 1,
        }
    }
}

fn follow(claim: &Claim<'_>, words: &[(u64, Word)]) -> Option<(u64, u64)> {
    let mut has_own_time = claim.ttl_ms.is_some() || claim.session.is_none();
    let mut promised: Option<(u64, u64)> = None;
    let mut worth_at_most = u64::MAX;
    for (sent, word) in words {
        match word {
            Word::Own(until, event) => {
                let until = (*until).min(sent.saturating_add(worth_at_most));
                promised = promised.max(Some((until, *event)));
            }
            Word::OfSession(until, event) if !has_own_time => {
                promised = promised.max(Some((*until, *event)));
            }
            Word::OfSession(..) => {}
            Word::NewTime(worth, is_in_doubt) => {
                has_own_time = true;
                if *is_in_doubt {
                    worth_at_most = worth_at_most.min(*worth);
                }
                let until = sent.saturating_add(*worth);
                promised = promised.map(|(known, event)| (known.min(until), event));
            }
        }
    }
    promised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::locks::claims::Locks;

    const MS: u64 = 1_000_000;

    fn until(lines: &[(u64, &str, &str, &str)], ppm: u64) -> u64 {
        let mut text = String::new();
        for (index, (at_ms, kind, f, value)) in lines.iter().enumerate() {
            let time = at_ms * MS;
            text.push_str(&format!(
                r#"{{"index":{index},"time":{time},"process":1,"type":"{kind}","f":"{f}","key":"l","value":{value}}}"#
            ));
            text.push('\n');
        }
        let history = History::parse(&text).unwrap();
        let facts = RunFacts {
            clock_error_ppm: ppm,
            ..RunFacts::default()
        };
        let locks = Locks::of(&history, &facts);
        let (_, claim) = locks.claims().next().unwrap();
        Promise::of(claim, &locks.lives, &facts)
            .unwrap()
            .certain_until()
            / MS
    }

    const ASK: &str = r#"{"claim":"c","session":"s","mode":"exclusive"}"#;
    const HELD: &str =
        r#"{"claim":"c","session":"s","state":"held","fence":3,"granted":3,"safe_ms":1000}"#;
    const ASK_TTL: &str = r#"{"claim":"c","session":null,"mode":"exclusive","ttl_ms":1000}"#;

    #[test]
    fn safe_ms_counts_from_the_sending() {
        let lines = [(10, "invoke", "acquire", ASK), (500, "ok", "acquire", HELD)];
        assert_eq!(until(&lines, 0), 1010);
        assert_eq!(
            until(&lines, 100_000),
            910,
            "clocks may be a tenth too fast"
        );
    }

    #[test]
    fn a_proof_of_the_session_carries_its_claims_on() {
        let alive = r#"{"session":"s","safe_ms":1000}"#;
        let lines = [
            (10, "invoke", "acquire", ASK),
            (20, "ok", "acquire", HELD),
            (600, "invoke", "keepalive", r#"{"session":"s"}"#),
            (700, "ok", "keepalive", alive),
        ];
        assert_eq!(until(&lines, 0), 1600);
    }

    #[test]
    fn a_shorter_time_voids_the_longer_one_also_when_its_answer_is_lost() {
        let lines = [
            (10, "invoke", "acquire", ASK_TTL),
            (20, "ok", "acquire", HELD),
            (30, "invoke", "extend", r#"{"claim":"c","ttl_ms":100}"#),
            (40, "info", "extend", "null"),
        ];
        assert_eq!(until(&lines, 0), 130);
    }

    #[test]
    fn a_release_or_a_close_on_its_way_ends_what_is_certain() {
        let release = [
            (10, "invoke", "acquire", ASK),
            (20, "ok", "acquire", HELD),
            (50, "invoke", "release", r#"{"claim":"c"}"#),
        ];
        assert_eq!(until(&release, 0), 50);
        let close = [
            (10, "invoke", "acquire", ASK),
            (20, "ok", "acquire", HELD),
            (60, "invoke", "close", r#"{"session":"s"}"#),
        ];
        assert_eq!(until(&close, 0), 60);
    }
}
