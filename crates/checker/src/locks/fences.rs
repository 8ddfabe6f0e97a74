//! `fences` (P-FENCE): *a fence is larger than the fences of all earlier holders of the same lock,
//! for ever, also across restarts.*
//!
//! What a client can know. Two grants of one lock are ordered if their positions (`granted`) are,
//! and also without positions if one client was told that it holds before the other one asked for
//! the first time: what is asked for later cannot have been granted earlier. In both cases the
//! later fence must be the larger one. Grants of one position (readers let in together) have no
//! order among themselves, but each its own fence. A claim keeps the fence it was first told, in
//! whatever answer, and no two claims share one.
//!
//! What would be a false alarm: ordering by when answers *arrive* (an answer may be late), and
//! comparing claims that only wait (their fences are told before they hold). Neither is done.

use std::collections::BTreeMap;

use crate::facts::RunFacts;
use crate::history::History;
use crate::locks::claims::{Claim, Lock, Locks};
use crate::locks::read::report_unreadable;
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Fences;

impl Checker for Fences {
    fn name(&self) -> &'static str {
        "fences"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let locks = Locks::of(history, &RunFacts::default());
        let mut report = Report::new(self.name());
        for (name, lock) in &locks.by_name {
            let mut judge = Judge {
                name,
                report: &mut report,
                limits,
            };
            judge.one_fence_per_claim(lock);
            judge.one_claim_per_fence(lock);
            judge.by_position(lock);
            judge.by_time(lock);
        }
        report.count("locks", locks.by_name.len() as u64);
        report.count("grants", locks.granted());
        report_unreadable(&locks, limits, &mut report);
        if locks.granted() == 0 {
            report.unknown(limits, "no grants in this history".to_owned(), Vec::new());
        }
        report
    }
}

struct Judge<'r> {
    name: &'r str,
    report: &'r mut Report,
    limits: &'r Limits,
}

impl Judge<'_> {
    fn one_fence_per_claim(&mut self, lock: &Lock<'_>) {
        for claim in &lock.claims {
            let Some((first, said)) = claim.fences.first() else {
                continue;
            };
            if let Some((other, event)) = claim.fences.iter().find(|(fence, _)| fence != first) {
                let what = format!(
                    "claim {} of {} was told fence {first} and later fence {other}",
                    claim.id, self.name
                );
                self.report.broken(self.limits, what, vec![*event, *said]);
            }
        }
    }

    fn one_claim_per_fence(&mut self, lock: &Lock<'_>) {
        let mut owners: BTreeMap<u64, &Claim<'_>> = BTreeMap::new();
        for claim in &lock.claims {
            let Some((fence, event)) = claim.fences.first() else {
                continue;
            };
            if let Some(owner) = owners.insert(*fence, claim) {
                let what = format!(
                    "claims {} and {} of {} were both told fence {fence}",
                    owner.id, claim.id, self.name
                );
                let other = owner.fences.first().map(|(_, event)| *event);
                let events = [*event].into_iter().chain(other).collect();
                self.report.broken(self.limits, what, events);
            }
        }
    }

    fn by_position(&mut self, lock: &Lock<'_>) {
        let mut grants: Vec<(u64, u64, &Claim<'_>)> = lock
            .claims
            .iter()
            .filter_map(|claim| Some((claim.granted?, claim.fence()?, claim)))
            .collect();
        grants.sort_by_key(|(granted, fence, _)| (*granted, *fence));
        let mut highest: Option<(u64, &Claim<'_>)> = None;
        for group in grants.chunk_by(|one, other| one.0 == other.0) {
            for (_, fence, claim) in group {
                if let Some((above, earlier)) = highest.filter(|(above, _)| above > fence) {
                    self.goes_back((*fence, claim), (above, earlier));
                }
            }
            for (_, fence, claim) in group {
                if highest.is_none_or(|(above, _)| above < *fence) {
                    highest = Some((*fence, claim));
                }
            }
        }
    }

    fn by_time(&mut self, lock: &Lock<'_>) {
        let held = |claim: &&Claim<'_>| claim.first_held().is_some() && claim.fence().is_some();
        let mut told: Vec<&Claim<'_>> = lock.claims.iter().filter(held).collect();
        told.sort_by_key(|claim| claim.first_held().map(|answer| answer.at));
        let mut asked: Vec<&Claim<'_>> = told.clone();
        asked.sort_by_key(|claim| claim.invoked());
        let mut earlier = told.into_iter().peekable();
        let mut highest: Option<(u64, &Claim<'_>)> = None;
        for claim in asked {
            let began = claim.invoked();
            let was_told = |one: &&Claim<'_>| one.first_held().is_some_and(|a| a.at.time < began);
            while let Some(one) = earlier.next_if(|one| was_told(one)) {
                let fence = one.fence().unwrap_or(0);
                if highest.is_none_or(|(above, _)| above < fence) {
                    highest = Some((fence, one));
                }
            }
            let fence = claim.fence().unwrap_or(0);
            if let Some((above, one)) = highest.filter(|(above, _)| *above > fence)
                && (claim.granted.is_none() || one.granted.is_none() || claim.granted < one.granted)
            {
                self.goes_back((fence, claim), (above, one));
            }
        }
    }

    fn goes_back(&mut self, (fence, claim): (u64, &Claim<'_>), (above, one): (u64, &Claim<'_>)) {
        let what = format!(
            "{} of {} got fence {fence} after {} had got the larger fence {above}",
            claim.shown(),
            self.name,
            one.shown()
        );
        let events = vec![claim.held_event(), one.held_event()];
        self.report.broken(self.limits, what, events);
    }
}
