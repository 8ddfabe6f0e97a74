//! What watchers were told, against each other and against what clients did.

use std::collections::BTreeMap;

use crate::verdict::{Limits, Report};
use crate::watches::changes::{Changes, same_data};
use crate::watches::streams::{EventId, Streams, Told};

/// Everything told to anybody, by id; all watchers are told the same.
pub(super) fn agreed<'s, 'a>(
    streams: &'s Streams<'a>,
    (limits, report): (&Limits, &mut Report),
) -> BTreeMap<EventId, &'s Told<'a>> {
    let mut union: BTreeMap<EventId, &Told<'a>> = BTreeMap::new();
    let all = streams.all.iter().flat_map(|stream| &stream.told);
    for told in all.filter(|told| !told.is_mark()) {
        let Some(id) = told.id else { continue };
        let first = *union.entry(id).or_insert(told);
        let same_value = match (first.value, told.value) {
            (Some(one), Some(other)) => same_data(one, other),
            _ => true,
        };
        let same = first.deed == told.deed && first.path == told.path && same_value;
        if !same || first.version != told.version {
            let what = format!("two watchers were told different things under event id {id}");
            report.broken(limits, what, vec![told.event, first.event]);
        }
    }
    union
}

/// Every event tells of something that a client did.
pub(super) fn not_invented(
    union: &BTreeMap<EventId, &Told<'_>>,
    changes: &Changes<'_>,
    (limits, report): (&Limits, &mut Report),
) {
    let mut in_doubt: BTreeMap<_, usize> = BTreeMap::new();
    for change in &changes.unknown {
        *in_doubt.entry(change.likeness()).or_default() += 1;
    }
    for (id, told) in union {
        if !changes.paths.contains(told.path) {
            report.count("events of paths nobody named", 1);
            continue;
        }
        if let Some(change) = changes.acknowledged.get(&id.zxid) {
            if change.path != told.path {
                // The commit of a client's change tells of another path that clients change.
                report.count("events beside a client's own", 1);
            } else if !change.fits(told) {
                let what = format!(
                    "event {id} of {} does not tell what the write at {} did",
                    told.path, id.zxid
                );
                report.broken(limits, what, vec![told.event, change.invoked.event]);
            } else if told.event < change.invoked.event {
                let what = format!("event {id} of {} came before its write was sent", told.path);
                report.broken(limits, what, vec![told.event, change.invoked.event]);
            }
            continue;
        }
        let candidate = changes
            .unknown
            .iter()
            .find(|change| change.fits(told) && change.invoked.event < told.event)
            .map(|change| change.likeness());
        let left = candidate.and_then(|likeness| in_doubt.get_mut(&likeness));
        match left.filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => {
                let what = format!(
                    "event {id} of {} tells of a change that no client made, or of one more often \
                     than it was made",
                    told.path
                );
                report.broken(limits, what, vec![told.event]);
            }
        }
    }
}
