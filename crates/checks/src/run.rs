//! The one loop. Everything that is under way lives in it, so that nothing goes on when it ends.

use std::pin::pin;

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt as _};
use tokio::time::{Instant, sleep_until};

use crate::limits::{PROBES_IN_FLIGHT_MAX, REPORTS_IN_FLIGHT_MAX};
use crate::probe::{Outcome, Prober};
use crate::schedule::Schedule;
use crate::target::{Target, Verdict};

/// Checks the targets of the newest list until the lists end.
///
/// `lists` gives the whole list each time it may have changed. `report` tells a verdict, and returns when that was tried;
/// whether it came about is seen in the list. A verdict that the list does not show is told again and again, one at
/// a time for each target: `report` must be bounded in time itself.
///
/// Runs on the task that polls it and spawns none (names are looked up on tokio's threads for what blocks). Cancel
/// safe: dropping it closes every connection; verdicts being told may or may not have been.
pub async fn run<K, F>(lists: impl Stream<Item = Vec<Target<K>>>, report: impl Fn(Verdict<K>) -> F)
where
    K: Ord + Clone,
    F: Future<Output = ()>,
{
    let prober = Prober::default();
    let prober = &prober;
    let probe = move |target: Target<K>| async move { prober.probe(&target).await };
    drive(lists, report, probe).await;
}

/// [`run()`] with a way to probe.
async fn drive<K, R, P>(
    lists: impl Stream<Item = Vec<Target<K>>>,
    report: impl Fn(Verdict<K>) -> R,
    probe: impl Fn(Target<K>) -> P,
) where
    K: Ord + Clone,
    R: Future<Output = ()>,
    P: Future<Output = Outcome>,
{
    let mut lists = pin!(lists);
    let mut schedule = Schedule::default();
    let mut probes = FuturesUnordered::new();
    let mut reports = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        while probes.len() < PROBES_IN_FLIGHT_MAX
            && let Some((ticket, target)) = schedule.take_probe(now)
        {
            let probe = probe(target);
            probes.push(async move { (ticket, probe.await) });
        }
        while reports.len() < REPORTS_IN_FLIGHT_MAX
            && let Some((ticket, verdict)) = schedule.take_report(now)
        {
            let report = report(verdict);
            reports.push(async move {
                report.await;
                ticket
            });
        }
        // What is due and has no room waits for something to end, not for a time.
        let next_probe = (probes.len() < PROBES_IN_FLIGHT_MAX).then(|| schedule.next_probe());
        let next_report = (reports.len() < REPORTS_IN_FLIGHT_MAX).then(|| schedule.next_report());
        let wake = [next_probe, next_report]
            .into_iter()
            .flatten()
            .flatten()
            .min();
        tokio::select! {
            list = lists.next() => match list {
                Some(list) => schedule.follow(Instant::now(), list, &mut rand::rng()),
                None => return,
            },
            Some((ticket, outcome)) = probes.next() => {
                schedule.note(Instant::now(), &ticket, outcome);
            }
            Some(ticket) = reports.next() => schedule.reported(Instant::now(), &ticket),
            () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
        }
    }
}

#[cfg(test)]
mod tests;
