//! `holdfast locks history` and `hot`.

use holdfast_client::http_types::v1::locks::{ClaimEnd, HotLocks, LockHistory, LockStatistics};

use super::{mode_text, who_holds};
use crate::commands::App;
use crate::exit::Failure;
use crate::output::{Shown, ago};

pub(super) fn show(app: &App, history: &LockHistory) -> Result<(), Failure> {
    let columns = [
        "CLAIM", "OWNER", "MODE", "WAITED", "HELD", "END", "ENDED AT", "FENCE", "REASON",
    ];
    let shown = Shown::list(&history.holds, &columns, |hold| {
        vec![
            hold.claim.clone(),
            hold.owner.clone().unwrap_or_else(|| hold.session.clone()),
            mode_text(hold.mode, hold.permits),
            ago(hold.waited_ms),
            ago(hold.held_ms),
            end_text(hold.end).to_owned(),
            hold.ended_at.clone(),
            hold.fence.to_string(),
            hold.reason.clone().unwrap_or_default(),
        ]
    })?
    .foot(summary(&history.lock, history.statistics.as_ref()))
    .json(history)?;
    app.out.show(&shown)
}

pub(super) fn show_hot(app: &App, hot: &HotLocks) -> Result<(), Failure> {
    let columns = [
        "LOCK", "WAITED", "NOW", "QUEUE", "HOLDERS", "HELD BY", "MEDIAN", "95 %",
    ];
    let shown = Shown::list(&hot.locks, &columns, |lock| {
        let holds = lock.statistics.as_ref().map(|of| of.hold_ms);
        let time = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), ago);
        vec![
            lock.lock.clone(),
            ago(lock.waited_ms),
            ago(lock.waiting_ms),
            lock.queue_length.to_string(),
            lock.holder_count.to_string(),
            lock.holder
                .as_ref()
                .map_or_else(|| "-".to_owned(), who_holds),
            time(holds.map(|of| of.p50)),
            time(holds.map(|of| of.p95)),
        ]
    })?
    .json(hot)?;
    app.out.show(&shown)
}

fn summary(lock: &str, statistics: Option<&LockStatistics>) -> String {
    let Some(of) = statistics else {
        return format!("no hold of {lock} is remembered");
    };
    format!(
        "{} holds of {lock} since {}: half of them up to {}, 95 % up to {}; waits {} and {}",
        of.holds,
        of.since,
        ago(of.hold_ms.p50),
        ago(of.hold_ms.p95),
        ago(of.wait_ms.p50),
        ago(of.wait_ms.p95)
    )
}

fn end_text(end: ClaimEnd) -> &'static str {
    match end {
        ClaimEnd::Released => "released",
        ClaimEnd::Left => "left",
        ClaimEnd::WaitElapsed => "wait elapsed",
        ClaimEnd::Expired => "expired",
        ClaimEnd::Abandoned => "abandoned",
        ClaimEnd::Broken => "broken",
        ClaimEnd::SessionClosed => "session closed",
        ClaimEnd::SessionExpired => "session expired",
        ClaimEnd::NodeDeleted => "znode deleted",
    }
}
