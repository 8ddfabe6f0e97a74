//! `fenced-writes` (P-FENCE): *a write that names a fence is done only if that claim holds the lock
//! at the position of the write.*
//!
//! What a client can know. An accepted write has a position; so have the grant and the end of its
//! claim, and the grants of other claims that cannot hold beside it. A write at a position before
//! its claim's grant, at or after its end, or after the grant of a later claim that excludes it,
//! was done although the claim did not hold. Among exclusive claims the accepted fences never fall
//! along the positions; without positions, a write that was *sent* after another one with a larger
//! fence was *answered* must not be accepted.
//!
//! What would be a false alarm: a fence that is refused although its claim holds breaks no promise
//! of P-FENCE (`no-early-end` looks at it). Writes of readers and of permit holders may come in any
//! order of fences, as long as each holds. A resource outside Holdfast compares fences by itself:
//! if it accepts an older one after a newer, the harness is broken, which is `unknown`; what it
//! refuses is counted, since only the fence stopped it.

use crate::facts::RunFacts;
use crate::history::History;
use crate::locks::claims::{Claim, FencedWrite, Lock, Locks, Mode, Target};
use crate::locks::read::report_unreadable;
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct FencedWrites;

impl Checker for FencedWrites {
    fn name(&self) -> &'static str {
        "fenced-writes"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &RunFacts::default());
        let mut report = Report::new(self.name());
        for (name, lock) in &locks.by_name {
            let mut judge = Judge {
                name,
                lock,
                report: &mut report,
                limits,
            };
            judge.within_holds();
            judge.never_falling();
            judge.outside();
        }
        report_unreadable(&locks, limits, &mut report);
        let accepted = report.counts.get("accepted").copied().unwrap_or(0);
        if accepted == 0 {
            let why = "no accepted write under a fence in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

struct Judge<'r> {
    name: &'r str,
    lock: &'r Lock<'r>,
    report: &'r mut Report,
    limits: &'r Limits,
}

impl Judge<'_> {
    fn within_holds(&mut self) {
        let lock = self.lock;
        let by_fence: std::collections::BTreeMap<u64, &Claim<'_>> = lock
            .claims
            .iter()
            .filter_map(|claim| Some((claim.fence()?, claim)))
            .collect();
        let mut grants: Vec<(u64, &Claim<'_>)> = lock
            .claims
            .iter()
            .filter_map(|claim| Some((claim.granted?, claim)))
            .collect();
        grants.sort_by_key(|(granted, _)| *granted);
        for write in writes_to(lock, Target::Znode) {
            if !write.accepted {
                self.report.count("refused", 1);
                continue;
            }
            self.report.count("accepted", 1);
            let (Some(claim), Some(at)) = (by_fence.get(&write.fence), write.zxid) else {
                continue;
            };
            self.within(write, claim, at);
            self.not_after_another(write, claim, (at, &grants));
        }
    }

    fn within(&mut self, write: &FencedWrite, claim: &Claim<'_>, at: u64) {
        if let Some(granted) = claim.granted.filter(|granted| at < *granted) {
            let what = format!(
                "a write to {} under fence {} was done at {at}, before the claim was granted at \
                 {granted}",
                self.name, write.fence
            );
            let events = vec![write.at.event, claim.held_event()];
            self.report.broken(self.limits, what, events);
        }
        if let Some((ended, _, answer)) = claim.ended().filter(|(ended, _, _)| *ended <= at) {
            let what = format!(
                "a write to {} under fence {} was done at {at}, after its claim {} ended at {ended}",
                self.name, write.fence, claim.id
            );
            let events = vec![write.at.event, answer.at.event];
            self.report.broken(self.limits, what, events);
        }
    }

    /// The first grant behind the claim's own is enough: it excludes whoever came before.
    fn not_after_another(
        &mut self,
        write: &FencedWrite,
        claim: &Claim<'_>,
        (at, grants): (u64, &[(u64, &Claim<'_>)]),
    ) {
        let Some(own) = claim.granted else { return };
        let later = grants.partition_point(|(granted, _)| *granted <= own);
        let behind = grants.get(later..).into_iter().flatten();
        let other = behind
            .take_while(|(granted, _)| *granted < at)
            .find(|(_, other)| other.mode.excludes(claim.mode));
        if let Some((granted, other)) = other {
            let what = format!(
                "a write to {} under fence {} was done at {at}, after {} was granted the lock at \
                 {granted}",
                self.name,
                write.fence,
                other.shown()
            );
            let events = vec![write.at.event, other.held_event()];
            self.report.broken(self.limits, what, events);
        }
    }

    fn never_falling(&mut self) {
        let is_exclusive = |claim: &&Claim<'_>| claim.mode == Mode::Exclusive;
        let lock = self.lock;
        let exclusive: std::collections::BTreeSet<u64> = lock
            .claims
            .iter()
            .filter(is_exclusive)
            .filter_map(Claim::fence)
            .collect();
        let mut accepted: Vec<&FencedWrite> = writes_to(lock, Target::Znode)
            .into_iter()
            .filter(|write| write.accepted && exclusive.contains(&write.fence))
            .collect();
        if accepted.iter().all(|write| write.zxid.is_some()) {
            accepted.sort_by_key(|write| write.zxid);
            let mut highest: Option<&FencedWrite> = None;
            for write in accepted {
                if let Some(above) = highest.filter(|above| above.fence > write.fence) {
                    self.falls(write, above);
                } else {
                    highest = Some(write);
                }
            }
        } else {
            for (write, above) in overtaken(&accepted) {
                self.falls(write, above);
            }
        }
    }

    fn falls(&mut self, write: &FencedWrite, above: &FencedWrite) {
        let what = format!(
            "a write to {} under fence {} was accepted after one under the larger fence {}",
            self.name, write.fence, above.fence
        );
        let events = vec![write.at.event, above.at.event];
        self.report.broken(self.limits, what, events);
    }

    fn outside(&mut self) {
        let writes = writes_to(self.lock, Target::Outside);
        let accepted: Vec<&FencedWrite> = writes.iter().copied().filter(|w| w.accepted).collect();
        let refused = writes.len().saturating_sub(accepted.len()) as u64;
        self.report.count("outside refused by the fence", refused);
        self.report.count("outside accepted", accepted.len() as u64);
        for (write, above) in overtaken(&accepted) {
            let what = format!(
                "the harness's own resource behind {} accepted fence {} after {}",
                self.name, write.fence, above.fence
            );
            let events = vec![write.at.event, above.at.event];
            self.report.unknown(self.limits, what, events);
        }
    }
}

fn writes_to<'l>(lock: &'l Lock<'_>, target: Target) -> Vec<&'l FencedWrite> {
    let of_target = |write: &&FencedWrite| write.target == target;
    lock.writes.iter().filter(of_target).collect()
}

/// Writes that were sent after one with a larger fence was answered, each with that one.
fn overtaken<'w>(accepted: &[&'w FencedWrite]) -> Vec<(&'w FencedWrite, &'w FencedWrite)> {
    let mut sent: Vec<&FencedWrite> = accepted.to_vec();
    sent.sort_by_key(|write| write.invoked);
    let mut answered = accepted.iter().copied().peekable();
    let mut highest: Option<&FencedWrite> = None;
    let mut found = Vec::new();
    for write in sent {
        while let Some(one) = answered.next_if(|one| one.at.time < write.invoked) {
            if highest.is_none_or(|above| above.fence < one.fence) {
                highest = Some(one);
            }
        }
        if let Some(above) = highest.filter(|above| above.fence > write.fence) {
            found.push((write, above));
        }
    }
    found
}
