//! Reads what clients saw of claims out of a history.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::RunFacts;
use crate::history::{Call, Event, History, Outcome};
use crate::locks::claims::{
    Answer, Claim, End, Extend, FencedWrite, Lock, Locks, Mode, Said, Target,
};
use crate::positions::arrival;
use crate::sessions::lives::Lives;
use crate::verdict::{Limits, Report};

impl<'a> Locks<'a> {
    /// Collects what a history says of locks.
    pub(crate) fn of(history: &'a History, facts: &RunFacts) -> Locks<'a> {
        let calls = history.calls();
        let mut reading = Reading {
            locks: Locks {
                lives: Lives::of(&calls, history, facts),
                ..Locks::default()
            },
            places: BTreeMap::new(),
            breaks: Vec::new(),
        };
        for call in &calls {
            if let Err(why) = reading.read(call) {
                reading.locks.unreadable.push((call.invoke.index, why));
            }
        }
        reading.finish()
    }
}

struct Reading<'a> {
    locks: Locks<'a>,
    /// Where a claim stands in the list of its lock.
    places: BTreeMap<(&'a str, &'a str), usize>,
    /// Attempts to break: lock, fence, when.
    breaks: Vec<(&'a str, u64, u64)>,
}

impl<'a> Reading<'a> {
    fn read(&mut self, call: &Call<'a>) -> Result<(), String> {
        match call.invoke.f.as_str() {
            "acquire" => self.acquire(call),
            "check" | "extend" | "release" => self.dispose(call),
            "break" => self.broken(call),
            "fenced-write" => self.fenced(call, Target::Znode),
            "outside-write" => self.fenced(call, Target::Outside),
            _ => Ok(()),
        }
    }

    fn acquire(&mut self, call: &Call<'a>) -> Result<(), String> {
        let (lock, id) = (lock_of(call)?, text(&call.invoke.value, "claim")?);
        let asked = &call.invoke.value;
        let lock_seen = self.locks.by_name.entry(lock).or_default();
        let place = *self.places.entry((lock, id)).or_insert_with(|| {
            lock_seen.claims.push(Claim::asked(id, asked));
            lock_seen.claims.len() - 1
        });
        if let Some(claim) = lock_seen.claims.get_mut(place) {
            claim.attempts.push(*call);
            answer(claim, call);
        }
        Ok(())
    }

    /// What else is done with a claim. One that was never asked for is somebody else's.
    fn dispose(&mut self, call: &Call<'a>) -> Result<(), String> {
        let Some(claim) = self.claim(lock_of(call)?, text(&call.invoke.value, "claim")?) else {
            return Ok(());
        };
        let sent = call.invoke.time;
        match call.invoke.f.as_str() {
            "check" => claim.attempts.push(*call),
            "extend" if may_have_happened(call) => {
                claim.extends.push(Extend {
                    sent,
                    ttl_ms: number(&call.invoke.value, "ttl_ms"),
                    is_in_doubt: call.outcome() != Outcome::Ok,
                });
            }
            "release" if may_have_happened(call) || was_done_by_an_earlier_try(call) => {
                claim.released.get_or_insert(sent);
            }
            _ => {}
        }
        answer(claim, call);
        Ok(())
    }

    fn broken(&mut self, call: &Call<'a>) -> Result<(), String> {
        let fence = number(&call.invoke.value, "fence").ok_or("no fence to break")?;
        if may_have_happened(call) {
            self.breaks.push((lock_of(call)?, fence, call.invoke.time));
        }
        Ok(())
    }

    fn fenced(&mut self, call: &Call<'a>, target: Target) -> Result<(), String> {
        let lock = lock_of(call)?;
        let asked = &call.invoke.value;
        let fence = number(asked, "fence").ok_or("a fenced write without its fence")?;
        let Some(done) = call.complete else {
            return Ok(());
        };
        let accepted = match (target, done.outcome) {
            (Target::Znode, outcome) => outcome == Outcome::Ok,
            (Target::Outside, _) => done.value.get("accepted") == Some(&Value::Bool(true)),
        };
        let is_refused = done.outcome == Outcome::Fail && done.text("error") == Some("fence_stale");
        let is_known = match target {
            Target::Znode => accepted || is_refused,
            Target::Outside => done.outcome == Outcome::Ok,
        };
        if !is_known {
            return Ok(());
        }
        if target == Target::Znode
            && let Ok(id) = text(asked, "claim")
            && let Some(claim) = self.claim(lock, id)
        {
            let said = if accepted {
                Said::Held {
                    granted: None,
                    safe_ms: None,
                }
            } else {
                Said::Stale
            };
            claim.answers.push(told(call, done, said));
        }
        let writes = &mut self.locks.by_name.entry(lock).or_default().writes;
        writes.push(FencedWrite {
            invoked: call.invoke.time,
            at: arrival(done),
            zxid: done.number("zxid"),
            fence,
            target,
            accepted,
        });
        Ok(())
    }

    fn claim(&mut self, lock: &'a str, id: &'a str) -> Option<&mut Claim<'a>> {
        let place = *self.places.get(&(lock, id))?;
        self.locks.by_name.get_mut(lock)?.claims.get_mut(place)
    }

    fn finish(mut self) -> Locks<'a> {
        for (lock, fence, sent) in std::mem::take(&mut self.breaks) {
            let claims = self.locks.by_name.get_mut(lock).map(|l| &mut l.claims);
            let hit = claims
                .into_iter()
                .flatten()
                .find(|claim| claim.fence() == Some(fence));
            if let Some(claim) = hit {
                claim.broken = Some(claim.broken.map_or(sent, |known| known.min(sent)));
            }
        }
        for lock in self.locks.by_name.values_mut() {
            lock.finish();
        }
        self.locks
    }
}

impl Lock<'_> {
    fn finish(&mut self) {
        for claim in &mut self.claims {
            claim.answers.sort_by_key(|answer| answer.at);
        }
        self.writes.sort_by_key(|write| write.at);
    }
}

impl<'a> Claim<'a> {
    fn asked(id: &'a str, asked: &'a Value) -> Claim<'a> {
        let mode = match asked.get("mode").and_then(Value::as_str) {
            Some("shared") => Mode::Shared,
            Some("permits") => Mode::Permits {
                wanted: number(asked, "permits").unwrap_or(1),
                limit: number(asked, "limit").unwrap_or(u64::MAX),
            },
            _ => Mode::Exclusive,
        };
        Claim {
            id,
            session: asked.get("session").and_then(Value::as_str),
            mode,
            ttl_ms: number(asked, "ttl_ms"),
            wait_ms: number(asked, "wait_ms"),
            ack_within_ms: number(asked, "ack_within_ms"),
            attempts: Vec::new(),
            answers: Vec::new(),
            extends: Vec::new(),
            released: None,
            broken: None,
            fences: Vec::new(),
            queued: None,
            granted: None,
        }
    }
}

/// Takes up what a completion says of its claim.
fn answer(claim: &mut Claim<'_>, call: &Call<'_>) {
    let Some(done) = call.complete else { return };
    let ended_before = done.outcome == Outcome::Fail && done.text("error") == Some("claim_ended");
    if done.outcome != Outcome::Ok && !ended_before {
        return;
    }
    let value = &done.value;
    if let Some(fence) = number(value, "fence") {
        claim.fences.push((fence, done.index));
    }
    let state = value.get("state").and_then(Value::as_str);
    let said = match (call.invoke.f.as_str(), state) {
        ("release", _) | (_, Some("ended")) => Said::Ended(end(value)),
        _ if ended_before => Said::Ended(end(value)),
        (_, Some("held")) => Said::Held {
            granted: number(value, "granted"),
            safe_ms: number(value, "safe_ms"),
        },
        (_, Some("waiting")) => Said::Waiting,
        _ => return,
    };
    claim.queued = claim.queued.or(number(value, "queued"));
    claim.granted = claim.granted.or(number(value, "granted"));
    claim.answers.push(told(call, done, said));
}

fn told(call: &Call<'_>, done: &Event, said: Said) -> Answer {
    Answer {
        invoked: call.invoke.time,
        at: arrival(done),
        zxid: done.number("zxid"),
        said,
    }
}

fn end(value: &Value) -> End {
    End {
        how: value.get("how").and_then(Value::as_str).map(str::to_owned),
        held: value.get("held").and_then(Value::as_bool).unwrap_or(false),
        position: number(value, "ended"),
    }
}

/// Whether a request may have had its effect.
fn may_have_happened(call: &Call<'_>) -> bool {
    call.outcome() != Outcome::Fail
}

/// A release is repeated within one operation where an answer was lost, and the repeat may be
/// refused because the claim has ended: by the first try, if the refusal says `released` or `left`.
/// An end of any other kind is nobody's wish and explains nothing.
fn was_done_by_an_earlier_try(call: &Call<'_>) -> bool {
    let how = call
        .complete
        .filter(|done| done.text("error") == Some("claim_ended"))
        .and_then(|done| done.value.get("how")?.as_str());
    matches!(how, Some("released" | "left"))
}

fn lock_of<'a>(call: &Call<'a>) -> Result<&'a str, String> {
    let key = call.invoke.key.as_deref();
    key.ok_or_else(|| format!("{} names no lock", call.invoke.f))
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    let found = value.get(field).and_then(Value::as_str);
    found.ok_or_else(|| format!("no {field}"))
}

fn number(value: &Value, field: &str) -> Option<u64> {
    value.get(field).and_then(Value::as_u64)
}

/// What of a history could not be read is never passed over.
pub(crate) fn report_unreadable(locks: &Locks<'_>, limits: &Limits, report: &mut Report) {
    for (event, why) in &locks.unreadable {
        report.unknown(limits, format!("event {event}: {why}"), vec![*event]);
    }
}
