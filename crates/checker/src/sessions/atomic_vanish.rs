//! `atomic-vanish` (P-SESS): *when a session ends, everything it owns ends in the same step*, and
//! nothing of it before.
//!
//! What a client can know. A stream tells the position at which a session ended and the ephemerals
//! that went in that commit: all that were acknowledged before must be among them, and all who are
//! told of this end are told the same. Every listing has a position: one from before the end shows
//! every ephemeral that was created by then; one at or after it shows none that had not gone
//! before ([`no_resurrection`](super::no_resurrection) looks at those that had). Without a word of
//! the end, listings alone still show whether a session lost one ephemeral and kept another: if one
//! is missing at some position and another one, created by then, is there at the same or a later
//! position, they did not go together.
//!
//! What would be a false alarm: comparing listings by time (a stale one is older than it arrives);
//! ephemerals whose creation has no answer, which a client deletes by itself, or whose path was
//! used before: they are left out.

use std::collections::BTreeMap;

use crate::history::History;
use crate::sessions::ephemerals::{Ephemeral, Ephemerals, Gone, Listing};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct AtomicVanish;

impl Checker for AtomicVanish {
    fn name(&self) -> &'static str {
        "atomic-vanish"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let seen = Ephemerals::of(history);
        let mut judge = Judge {
            seen: &seen,
            limits,
            report: Report::new(self.name()),
            ended: 0,
        };
        judge.one_end_each();
        for (session, ephemerals) in &seen.created {
            judge.session(session, ephemerals);
        }
        let ended = judge.ended;
        let mut report = judge.report;
        seen.count(&mut report);
        seen.report_unplaced(limits, &mut report);
        report.count("sessions seen to end", ended);
        if ended == 0 {
            let why = "no session with ephemerals was seen to end in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

struct Judge<'j> {
    seen: &'j Ephemerals<'j>,
    limits: &'j Limits,
    report: Report,
    ended: u64,
}

impl Judge<'_> {
    fn one_end_each(&mut self) {
        let mut first: BTreeMap<&str, &Gone<'_>> = BTreeMap::new();
        for gone in &self.seen.gone {
            let known = *first.entry(gone.session).or_insert(gone);
            if known.zxid != gone.zxid || known.paths != gone.paths {
                let what = format!(
                    "the end of session {} was told twice and differently: at {} with {} \
                     ephemerals, and at {} with {}",
                    gone.session,
                    known.zxid,
                    known.paths.len(),
                    gone.zxid,
                    gone.paths.len()
                );
                let events = vec![gone.event, known.event];
                self.report.broken(self.limits, what, events);
            }
        }
    }

    fn session(&mut self, session: &str, ephemerals: &[Ephemeral<'_>]) {
        let own: Vec<&Ephemeral<'_>> = ephemerals
            .iter()
            .filter(|ephemeral| !self.seen.meddled.contains(ephemeral.path))
            .collect();
        if let Some(gone) = self.seen.end_of(session) {
            self.ended += 1;
            for ephemeral in own {
                self.against_end(ephemeral, gone);
            }
        } else {
            self.by_listings(session, &own);
        }
    }

    fn against_end(&mut self, ephemeral: &Ephemeral<'_>, gone: &Gone<'_>) {
        let (path, created) = (ephemeral.path, ephemeral.created);
        if created < gone.zxid && !gone.paths.contains(path) {
            let what = format!(
                "session {} ended at {}, and its ephemeral {path} (created at {created}) did not go \
                 in that step",
                gone.session, gone.zxid
            );
            let events = vec![gone.event, ephemeral.event];
            self.report.broken(self.limits, what, events);
        }
        let listings = self.seen.listings_of(path);
        let early = listings.iter().find(|listing| {
            let between = created <= listing.zxid && listing.zxid < gone.zxid;
            between && !listing.found.contains_key(path)
        });
        if let Some(listing) = early {
            let what = format!(
                "{} did not show {path} any more, whose session {} ended only at {}",
                listing.shown(),
                gone.session,
                gone.zxid
            );
            let events = vec![listing.event, gone.event, ephemeral.event];
            self.report.broken(self.limits, what, events);
        }
        if !gone.paths.contains(path) {
            self.left_behind(ephemeral, (gone, listings));
        }
    }

    /// An ephemeral that nobody saw go is still there.
    fn left_behind(&mut self, ephemeral: &Ephemeral<'_>, (gone, all): (&Gone<'_>, &[Listing<'_>])) {
        let mut later = all
            .iter()
            .filter(|l| l.zxid >= gone.zxid.max(ephemeral.created));
        let Some(first) = later
            .next()
            .filter(|l| l.found.contains_key(ephemeral.path))
        else {
            return;
        };
        let what = format!(
            "{} still showed {}, whose session {} had ended at {}",
            first.shown(),
            ephemeral.path,
            gone.session,
            gone.zxid
        );
        let events = vec![first.event, gone.event, ephemeral.event];
        self.report.broken(self.limits, what, events);
    }

    /// The first position at which each ephemeral was missing, and the last at which one was there.
    fn by_listings(&mut self, session: &str, own: &[&Ephemeral<'_>]) {
        let mut missing: Option<(u64, &Ephemeral<'_>, u64)> = None;
        let mut there: Vec<(u64, &Ephemeral<'_>, u64)> = Vec::new();
        for ephemeral in own {
            for listing in self.seen.listings_of(ephemeral.path) {
                if listing.zxid < ephemeral.created {
                    continue;
                }
                let sight = (listing.zxid, *ephemeral, listing.event);
                if listing.found.contains_key(ephemeral.path) {
                    there.push(sight);
                } else if missing.is_none_or(|(known, _, _)| listing.zxid < known) {
                    missing = Some(sight);
                }
            }
        }
        let Some((at, lost, lost_event)) = missing else {
            return;
        };
        self.ended += 1;
        let kept = there
            .into_iter()
            .find(|(seen, kept, _)| *seen >= at && kept.created <= at && kept.path != lost.path);
        if let Some((seen, kept, kept_event)) = kept {
            let what = format!(
                "session {session} had lost {} by position {at} and still had {} at {seen}: they \
                 did not go together",
                lost.path, kept.path
            );
            let events = vec![lost_event, kept_event, lost.event, kept.event];
            self.report.broken(self.limits, what, events);
        }
    }
}
