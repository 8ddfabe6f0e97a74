//! The history held against the log: acknowledged once, failed never, unknown resolved.

use std::collections::{BTreeMap, BTreeSet};

use super::agree::Agreed;
use super::done::{Done, Place, position};
use super::mark::{Asked, Kind, Mark, asked};
use super::{Fate, Resolution};
use crate::history::{Call, History, Outcome};
use crate::verdict::{Limits, Report};

/// The operations recognised by one mark.
#[derive(Default)]
struct Group<'a> {
    ok: Vec<Call<'a>>,
    fail: Vec<Call<'a>>,
    info: Vec<Call<'a>>,
}

/// Judges every operation that writes, and says what became of those nobody knew.
pub(crate) fn judge(
    history: &History,
    agreed: &Agreed<'_>,
    limits: &Limits,
    report: &mut Report,
) -> Vec<Resolution> {
    let calls = history.calls();
    let done = Done::of(agreed, &calls);
    let mut groups: BTreeMap<Mark, Group<'_>> = BTreeMap::new();
    let mut several = Vec::new();
    for call in &calls {
        let marks = match asked(call) {
            Asked::Nothing => continue,
            Asked::Nameless => {
                report.count("operations not recognisable", 1);
                continue;
            }
            Asked::Marks(marks) => marks,
        };
        report.count("operations that write", 1);
        match <[Mark; 1]>::try_from(marks) {
            Ok([mark]) if mark.kind != Kind::Append => groups.entry(mark).or_default().add(*call),
            Ok(marks) => several.push((*call, marks.to_vec())),
            Err(marks) => several.push((*call, marks)),
        }
    }
    let mut judge = Judge {
        done,
        limits,
        report,
        resolutions: Vec::new(),
    };
    judge.nobody_asked(&groups);
    for (mark, group) in &groups {
        if mark.kind.repeats() {
            judge.repeated(mark, group);
        } else {
            judge.counted(mark, group);
        }
    }
    for (call, marks) in &several {
        judge.together(call, marks);
    }
    judge.resolutions
}

impl<'a> Group<'a> {
    fn add(&mut self, call: Call<'a>) {
        match call.outcome() {
            Outcome::Ok => self.ok.push(call),
            Outcome::Fail => self.fail.push(call),
            Outcome::Info | Outcome::Invoke => self.info.push(call),
        }
    }
}

fn events(call: &Call<'_>) -> Vec<u64> {
    let complete = call.complete.map(|event| event.index);
    complete.into_iter().chain([call.invoke.index]).collect()
}

pub(super) struct Judge<'a> {
    pub(super) done: Done,
    limits: &'a Limits,
    pub(super) report: &'a mut Report,
    resolutions: Vec<Resolution>,
}

impl Judge<'_> {
    pub(super) fn broken(&mut self, call: &Call<'_>, what: String) {
        self.report.broken(self.limits, what, events(call));
    }

    pub(super) fn resolve(&mut self, call: &Call<'_>, fate: Fate) {
        let name = match fate {
            Fate::Applied(_) => "unknown resolved: applied",
            Fate::NotApplied => "unknown resolved: not applied",
            Fate::Unknown => "unknown not resolved",
        };
        self.report.count(name, 1);
        let invoke = call.invoke.index;
        self.resolutions.push(Resolution { invoke, fate });
    }

    /// What was acknowledged must be there; whether it was judged.
    pub(super) fn lost(&mut self, call: &Call<'_>, mark: &Mark) {
        if !self.done.would_show(call) {
            return self.report.count("acknowledged, not to be judged", 1);
        }
        let places: Vec<u64> = self.done.places(mark).iter().map(|p| p.zxid).collect();
        let at = position(call).map_or_else(String::new, |zxid| {
            format!(" at {zxid}, where the log has {}", self.done.at(zxid))
        });
        let what = format!(
            "{} {mark} was acknowledged{at}; the log has it at {places:?}",
            call.invoke.f
        );
        self.broken(call, what);
    }

    /// Operations of which each must stand for a place of its own.
    fn counted(&mut self, mark: &Mark, group: &Group<'_>) {
        let mut left = self.done.places(mark).to_vec();
        // Those that name their place first.
        let (placed, others): (Vec<&Call<'_>>, Vec<&Call<'_>>) =
            group.ok.iter().partition(|call| position(call).is_some());
        for call in placed.into_iter().chain(others) {
            let at = match position(call) {
                Some(zxid) => left.iter().position(|place| place.zxid == zxid),
                None => (!left.is_empty()).then_some(0),
            };
            match at {
                Some(at) => {
                    left.remove(at);
                    self.report.count("acknowledged and found", 1);
                }
                None => self.lost(call, mark),
            }
        }
        self.report
            .count("failed and looked for", group.fail.len() as u64);
        if left.len() > group.info.len() {
            self.too_many(mark, group, &left);
        }
        self.resolve_all(group, &left);
    }

    /// More was done than was asked for.
    fn too_many(&mut self, mark: &Mark, group: &Group<'_>, left: &[Place]) {
        // These have other causes as well: a session's end, a reset, a write that makes its znode, and
        // an unknown operation that could not be recognised.
        if matches!(
            mark.kind,
            Kind::Create | Kind::Delete | Kind::Taken | Kind::Sequential
        ) {
            return;
        }
        let places: Vec<u64> = left.iter().map(|place| place.zxid).collect();
        let asked = group.info.len();
        if let Some(call) = group.fail.first() {
            let what = format!(
                "{} {mark} was reported as failed; the log has it at {places:?}",
                call.invoke.f
            );
            return self.broken(call, what);
        }
        if let Some(call) = group.ok.first().or(group.info.first()) {
            let what = format!(
                "{} {mark} was done more often than asked for: besides what was acknowledged at \
                 {places:?}, and {asked} are unknown",
                call.invoke.f
            );
            self.broken(call, what);
        }
    }

    /// What became of those nobody knew, where the log leaves no choice.
    fn resolve_all(&mut self, group: &Group<'_>, left: &[Place]) {
        let certain = left.iter().all(|place| place.certain);
        for (at, call) in group.info.iter().enumerate() {
            let fate = match left.len() {
                0 if self.done.shows_all() => Fate::NotApplied,
                _ if !certain => Fate::Unknown,
                1 if group.info.len() == 1 => Fate::Applied(left.get(at).map(|place| place.zxid)),
                // As many as asked: all of them, in an order nobody knows.
                n if n > 0 && n == group.info.len() => Fate::Applied(None),
                _ => Fate::Unknown,
            };
            self.resolve(call, fate);
        }
    }

    /// Operations that may be asked for many times and are done once.
    fn repeated(&mut self, mark: &Mark, group: &Group<'_>) {
        let places = self.done.places(mark).to_vec();
        for call in &group.ok {
            // A release of what had ended otherwise says so and is no release.
            let ended = call
                .complete
                .and_then(|event| event.value.get("how")?.as_str());
            let otherwise = ended.is_some_and(|how| how != "released" && how != "left");
            if places.is_empty() && !otherwise {
                self.lost(call, mark);
            } else {
                self.report.count("acknowledged and found", 1);
            }
        }
        self.report
            .count("failed and looked for", group.fail.len() as u64);
        self.fences(mark, group, &places);
        // The name of a session that ended may be used again.
        if places.len() > 1 && !matches!(mark.kind, Kind::Open | Kind::Close) {
            let zxids: Vec<u64> = places.iter().map(|place| place.zxid).collect();
            let what =
                format!("{mark} was done at each of {zxids:?}: repeating must change nothing");
            let any = group.ok.iter().chain(&group.info).chain(&group.fail).next();
            if let Some(call) = any {
                self.broken(call, what);
            }
        }
        self.refused(mark, group, &places);
        for call in &group.info {
            let fate = match places.first() {
                None if self.done.shows_all() => Fate::NotApplied,
                Some(place) if place.certain => Fate::Applied(Some(place.zxid)),
                None | Some(_) => Fate::Unknown,
            };
            self.resolve(call, fate);
        }
    }

    /// The fence a client was given is the position of its claim. (P-FENCE)
    fn fences(&mut self, mark: &Mark, group: &Group<'_>, places: &[Place]) {
        if mark.kind != Kind::Claim || places.is_empty() {
            return;
        }
        for call in &group.ok {
            let told = call
                .complete
                .and_then(|event| event.value.get("fence")?.as_u64());
            if let Some(told) = told
                && places.iter().all(|place| place.zxid != told)
            {
                let zxids: Vec<u64> = places.iter().map(|place| place.zxid).collect();
                let what =
                    format!("{mark} was told fence {told}; the log has the claim at {zxids:?}");
                self.broken(call, what);
            }
        }
    }

    /// Nobody was told that it is or may be done. A claim that was refused may have stood in the
    /// queue; it must not have got the lock.
    fn refused(&mut self, mark: &Mark, group: &Group<'_>, places: &[Place]) {
        if !group.ok.is_empty() || !group.info.is_empty() {
            return;
        }
        let granted = Mark {
            kind: Kind::Grant,
            ..mark.clone()
        };
        let places = if mark.kind == Kind::Claim {
            self.done.places(&granted)
        } else {
            places
        };
        // Of a claim only the answer that it was not got: who was not connected may have asked again.
        let mut failed = group.fail.iter().filter(|call| {
            let error = call.complete.and_then(|event| event.text("error"));
            mark.kind != Kind::Claim || error == Some("lock_held")
        });
        if let (Some(call), Some(place)) = (failed.next(), places.first().copied()) {
            let what = format!(
                "{} {mark} was reported as failed; the log has it at {}",
                call.invoke.f, place.zxid
            );
            self.broken(call, what);
        }
    }

    /// Values on registers of the history that no operation wrote.
    fn nobody_asked(&mut self, groups: &BTreeMap<Mark, Group<'_>>) {
        let registers: BTreeSet<&str> = groups
            .keys()
            .filter(|mark| mark.kind == Kind::Write)
            .map(|mark| mark.object.as_str())
            .collect();
        let strange = self.done.places.iter().filter(|(mark, _)| {
            mark.kind == Kind::Write
                && registers.contains(mark.object.as_str())
                && !groups.contains_key(mark)
        });
        for (mark, places) in strange {
            let at = places.first().map(|place| place.zxid);
            let what = format!("{mark} is in the log at {at:?}, and nobody asked for it");
            self.report.broken(self.limits, what, Vec::new());
        }
    }
}
