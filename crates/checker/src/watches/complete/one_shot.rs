//! One-shot watches fire for a change, and for every first change.

use crate::verdict::{Limits, Report};
use crate::watches::changes::{Change, Changes};
use crate::watches::order::shown;
use crate::watches::shots::{Shot, Shots};

pub(super) fn judge(
    shots: &Shots<'_>,
    changes: &Changes<'_>,
    (limits, report): (&Limits, &mut Report),
) {
    for shot in &shots.all {
        missed(shot, (limits, report));
        if has_no_reason(shot, changes) {
            let what = format!(
                "process {} was told of a change of {} ({}), and nobody had made one",
                shown(shot.watcher),
                shot.path,
                shot.kind
            );
            let armed = shot.armed.first().map(|armed| armed.at.event);
            let events = shot.fired.map(|fired| fired.event).into_iter().chain(armed);
            report.broken(limits, what, events.collect());
        }
    }
}

/// A change was seen and never told.
fn missed(shot: &Shot<'_>, (limits, report): (&Limits, &mut Report)) {
    let armed = shot.armed.first();
    if let (Some(overtaken), None, Some(armed)) = (shot.overtaken.first(), shot.fired, armed) {
        let what = format!(
            "process {} saw a change of {} ({}) that it was never told of, though it watched",
            shown(shot.watcher),
            shot.path,
            shot.kind
        );
        report.broken(limits, what, vec![*overtaken, armed.at.event]);
    }
}

fn has_no_reason(shot: &Shot<'_>, changes: &Changes<'_>) -> bool {
    let (Some(armed), Some(fired)) = (shot.armed.first(), shot.fired) else {
        return false;
    };
    let is_subject = |change: &Change<'_>| match shot.kind {
        "child" => {
            let parent = change.path.rsplit_once('/').map(|(parent, _)| parent);
            parent == Some(shot.path.trim_end_matches('/')) || change.path == shot.path
        }
        _ => change.path == shot.path,
    };
    let may_be_after = |change: &Change<'_>| match (change.zxid, armed.zxid) {
        (Some(changed), Some(armed)) => changed > armed,
        _ => change
            .answered
            .is_none_or(|answer| answer.time >= armed.invoked),
    };
    let explains = |change: &Change<'_>| {
        change.invoked.time <= fired.time && is_subject(change) && may_be_after(change)
    };
    let is_watched = |path: &&&str| **path == shot.path || path.starts_with(shot.path);
    let is_known = changes.paths.iter().any(|path| is_watched(&path));
    let after = armed.zxid.map_or(0, |armed| armed.saturating_add(1));
    let acknowledged = changes
        .acknowledged
        .range(after..)
        .map(|(_, change)| change);
    let mut all = acknowledged.chain(&changes.unknown);
    is_known && !all.any(explains)
}
