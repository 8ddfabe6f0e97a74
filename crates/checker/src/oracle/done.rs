//! What was done, by what it is recognised by.

use std::collections::{BTreeMap, BTreeSet};

use super::agree::Agreed;
use super::log::Command;
use super::mark::{Kind, Mark, effects};
use crate::history::{Call, Outcome};

/// Where in the log something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) zxid: u64,
    /// Whether its entry is known to be committed.
    pub(super) certain: bool,
    /// Whether it was done there; otherwise there or before, where the log says nothing: an element
    /// of the first list that a purged log has of a key.
    pub(super) exact: bool,
}

/// What was done, by what it is recognised by.
pub(super) struct Done {
    pub(super) places: BTreeMap<Mark, Vec<Place>>,
    /// What stands at each position, in words.
    words: BTreeMap<u64, String>,
    /// Before this position the log says nothing.
    pub(super) known_from: u64,
    pub(super) whole: bool,
    /// Positions whose values are not shown whole.
    cut: BTreeSet<u64>,
}

/// The position a client was told.
pub(super) fn position(call: &Call<'_>) -> Option<u64> {
    call.complete?.number("zxid")
}

impl Done {
    pub(super) fn of(agreed: &Agreed<'_>, calls: &[Call<'_>]) -> Done {
        // An answer is given for what is committed: it proves everything up to its place.
        let answered = calls.iter().filter(|call| call.outcome() == Outcome::Ok);
        let answered = answered.filter_map(position).max().unwrap_or(0);
        let mut done = Done {
            places: BTreeMap::new(),
            words: BTreeMap::new(),
            known_from: agreed
                .base_zxid
                .map_or(u64::MAX, |zxid| zxid.saturating_add(1)),
            whole: agreed.is_whole(),
            cut: BTreeSet::new(),
        };
        let mut elements: BTreeSet<Mark> = BTreeSet::new();
        let mut lists: BTreeMap<String, u64> = BTreeMap::new();
        for entry in &agreed.entries {
            if entry.index < agreed.known_from {
                continue;
            }
            let committed = agreed.committed >= Some(entry.index);
            for command in &entry.commands {
                let Some(zxid) = command.zxid else { continue };
                done.known_from = done.known_from.min(zxid);
                let certain = committed || zxid <= answered;
                done.words.insert(zxid, words(command));
                let mut values = command.done().into_iter().filter_map(|op| op.data.as_ref());
                if command.is_applied() && values.any(|data| data.cut) {
                    done.cut.insert(zxid);
                }
                for mark in effects(command) {
                    // An element stays in the list: what counts is when it came.
                    let is_list = mark.kind == Kind::Append;
                    let first = lists.entry(mark.object.clone());
                    let exact = !is_list || done.whole || *first.or_insert(zxid) != zxid;
                    if !is_list || elements.insert(mark.clone()) {
                        let places = done.places.entry(mark).or_default();
                        places.push(Place {
                            zxid,
                            certain,
                            exact,
                        });
                    }
                }
            }
        }
        done
    }

    pub(super) fn places(&self, mark: &Mark) -> &[Place] {
        self.places.get(mark).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn at(&self, zxid: u64) -> &str {
        self.words.get(&zxid).map_or("nothing", String::as_str)
    }

    /// Whether an operation that is not there would be, had it been done.
    pub(super) fn would_show(&self, call: &Call<'_>) -> bool {
        match position(call) {
            Some(zxid) => zxid >= self.known_from && !self.cut.contains(&zxid),
            None => self.shows_all(),
        }
    }

    /// Whether what is not here was not done.
    pub(super) fn shows_all(&self) -> bool {
        self.whole && self.cut.is_empty()
    }
}

fn words(command: &Command) -> String {
    let op = &command.op;
    let parts = [&op.path, &op.lock, &op.claim].into_iter().flatten();
    let parts = parts.fold(op.command.clone(), |words, part| format!("{words} {part}"));
    let data = op.data.as_ref().and_then(|data| data.text.as_deref());
    let data = data.map_or_else(String::new, |data| {
        format!(" {:?}", data.get(..40).unwrap_or(data))
    });
    let outcome = command.outcome.as_deref().unwrap_or("not applied anew");
    format!("{parts}{data} ({outcome})")
}
