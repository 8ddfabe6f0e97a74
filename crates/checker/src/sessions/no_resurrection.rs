//! `no-resurrection` (P-SESS): what went with its session never comes back, on no node; also not
//! after a snapshot was installed or the leader changed.
//!
//! What a client can know. An ephemeral has gone once a stream told that its session's end took it,
//! or once a listing from a position after its creation did not show it. No listing from a later
//! position, of any node, may show it again with the same owner.
//!
//! What would be a false alarm: a stale listing that arrives late but shows an *earlier* position;
//! a path that was created anew by another session (the owner tells), or perhaps was, because a
//! creation has no answer; an ephemeral that never went (that is `atomic-vanish`).

use crate::history::History;
use crate::sessions::ephemerals::{Ephemeral, Ephemerals};
use crate::verdict::{Checker, Limits, Report};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct NoResurrection;

impl Checker for NoResurrection {
    fn name(&self) -> &'static str {
        "no-resurrection"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let seen = Ephemerals::of(history);
        let mut report = Report::new(self.name());
        let all = seen.created.values().flatten();
        for ephemeral in all.filter(|ephemeral| !seen.meddled.contains(ephemeral.path)) {
            let Some((went, why, went_event)) = went(ephemeral, &seen) else {
                continue;
            };
            report.count("ephemerals that went", 1);
            let listings = seen.listings_of(ephemeral.path);
            let begin = listings.partition_point(|listing| listing.zxid < went);
            for listing in listings.get(begin..).into_iter().flatten() {
                report.count("later listings", 1);
                let owner = listing.found.get(ephemeral.path);
                let is_its = |owner: &&Option<&str>| owner.is_none_or(|o| o == ephemeral.session);
                if owner.filter(is_its).is_some() {
                    let what = format!(
                        "{} showed {} of session {} again, which {why} at {went}",
                        listing.shown(),
                        ephemeral.path,
                        ephemeral.session
                    );
                    let events = vec![listing.event, went_event, ephemeral.event];
                    report.broken(limits, what, events);
                    break;
                }
            }
        }
        seen.count(&mut report);
        seen.report_unplaced(limits, &mut report);
        if report.counts.get("later listings").copied().unwrap_or(0) == 0 {
            let why = "no listing after an ephemeral went in this history";
            report.unknown(limits, why.to_owned(), Vec::new());
        }
        report
    }
}

/// From which position on an ephemeral is gone, why, and the event that shows it.
fn went(ephemeral: &Ephemeral<'_>, seen: &Ephemerals<'_>) -> Option<(u64, &'static str, u64)> {
    let of_session = seen.gone.iter().filter(|g| g.session == ephemeral.session);
    let told = of_session
        .filter(|gone| gone.paths.contains(ephemeral.path))
        .map(|gone| (gone.zxid, "went with it", gone.event));
    let unseen = seen.listings_of(ephemeral.path).iter();
    let unseen = unseen
        .filter(|l| l.zxid >= ephemeral.created && !l.found.contains_key(ephemeral.path))
        .map(|listing| (listing.zxid, "was not there", listing.event));
    told.chain(unseen).min()
}
