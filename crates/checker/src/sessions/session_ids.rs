//! `session-ids` (P-SESS): a session that ended accepts nothing any more, and *its number is never
//! used again*.
//!
//! What a client can know. A session has ended once any client was told so: by the answer to a
//! close, by `session_expired`, or on a stream. A request that is *sent* after that and names the
//! session must not be done. Where the position of the end is known, no write of the session has a
//! later one, whenever it was sent. Numbers of sessions, where answers tell them, differ; so do the
//! names that a sequential creation was given.
//!
//! What would be a false alarm: requests that were on their way when the session ended; a close
//! that is repeated, which is answered as the first one (P-RETRY); the name of a session that ended
//! more than 15 minutes ago, which may be opened again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::{RunFacts, nanos, shown};
use crate::history::{History, Outcome};
use crate::locks::claims::Locks;
use crate::sessions::lives::Life;
use crate::verdict::{Checker, Limits, Report};

/// How long the name of an ended session is remembered.
const REMEMBERED_MS: u64 = 15 * 60 * 1_000;

/// Digits at the end of a sequential name.
const SEQUENCE_DIGITS: usize = 10;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct SessionIds;

impl Checker for SessionIds {
    fn name(&self) -> &'static str {
        "session-ids"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &RunFacts::default());
        let mut report = Report::new(self.name());
        let mut numbers: BTreeMap<u64, (&str, u64)> = BTreeMap::new();
        for (name, life) in &locks.lives.by_name {
            report.count("sessions", 1);
            silent_after_end(name, life, (limits, &mut report));
            for (number, event) in &life.numbers {
                let (other, known) = *numbers.entry(*number).or_insert((name, *event));
                if other != *name {
                    let what = format!("sessions {other} and {name} both have number {number}");
                    report.broken(limits, what, vec![*event, known]);
                }
            }
        }
        sequences(history, (limits, &mut report));
        if report
            .counts
            .get("sessions seen to end")
            .copied()
            .unwrap_or(0)
            == 0
        {
            let why = "no session was seen to end in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

fn silent_after_end(name: &str, life: &Life<'_>, (limits, report): (&Limits, &mut Report)) {
    let Some(first) = life.deaths.first() else {
        return;
    };
    report.count("sessions seen to end", 1);
    let forgotten = first.at.time.saturating_add(nanos(REMEMBERED_MS));
    let later = life.deeds.iter().find(|deed| deed.invoked > first.at.time);
    if let Some(deed) = later.filter(|deed| deed.f != "session" || deed.invoked < forgotten) {
        let what = format!(
            "session {name} had ended by {}, and its {} of {} was done all the same",
            shown(first.at.time),
            deed.f,
            shown(deed.invoked)
        );
        report.broken(limits, what, vec![deed.at.event, first.at.event]);
        return;
    }
    let ended = life
        .deaths
        .iter()
        .filter_map(|death| Some((death.zxid?, death.at.event)));
    let Some((ended, event)) = ended.min() else {
        return;
    };
    let behind = |zxid: &Option<u64>| zxid.is_some_and(|zxid| zxid > ended);
    if let Some(deed) = life.deeds.iter().find(|deed| behind(&deed.zxid)) {
        let what = format!(
            "session {name} ended at {ended}, and its {} was done at {}",
            deed.f,
            deed.zxid.unwrap_or(0)
        );
        report.broken(limits, what, vec![deed.at.event, event]);
    }
}

/// Names that the service made out of a counter never come twice.
fn sequences(history: &History, (limits, report): (&Limits, &mut Report)) {
    let mut names: BTreeMap<&str, u64> = BTreeMap::new();
    for call in history.calls() {
        let is_create = call.invoke.f == "create";
        let Some(done) = call
            .complete
            .filter(|done| done.outcome == Outcome::Ok && is_create)
        else {
            continue;
        };
        let asked = call.invoke.value.get("path").and_then(Value::as_str);
        let Some(given) = done.value.get("path").and_then(Value::as_str) else {
            continue;
        };
        let sequence = given.get(given.len().saturating_sub(SEQUENCE_DIGITS)..);
        let is_number = sequence.is_some_and(|s| s.bytes().all(|b| b.is_ascii_digit()));
        if !is_number || asked == Some(given) {
            continue;
        }
        report.count("sequential names", 1);
        if let Some(known) = names.insert(given, done.index) {
            let what = format!("{given} was given to two creations");
            report.broken(limits, what, vec![done.index, known]);
        }
    }
}
