//! The loop on virtual time: probes and reports are stand-ins that take as long as they are told to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::*;
use crate::limits::REPORT_AGAIN_AFTER;
use crate::target::{Kind, Spec};

const INTERVAL: Duration = Duration::from_secs(10);

fn target(key: usize) -> Target<usize> {
    Target {
        key,
        address: "10.0.0.7".to_owned(),
        port: 8080,
        spec: Spec {
            kind: Kind::Tcp,
            interval: INTERVAL,
            timeout: Duration::from_secs(1),
            fail_after: 2,
            pass_after: 1,
        },
        known: Some(true),
    }
}

fn targets(count: usize) -> Vec<Target<usize>> {
    (0..count).map(target).collect()
}

fn passed() -> Outcome {
    Outcome::Passed("passed".to_owned())
}

fn failed() -> Outcome {
    Outcome::Failed("refused".to_owned())
}

/// The list at any moment, and each change of it.
struct List(watch::Sender<Vec<Target<usize>>>);

impl List {
    fn of(targets: Vec<Target<usize>>) -> List {
        List(watch::channel(targets).0)
    }

    fn changes(&self) -> impl Stream<Item = Vec<Target<usize>>> {
        let receiver = self.0.subscribe();
        futures::stream::unfold((receiver, true), |(mut receiver, is_first)| async move {
            if !is_first {
                receiver.changed().await.ok()?;
            }
            let list = receiver.borrow_and_update().clone();
            Some((list, (receiver, false)))
        })
    }

    fn show(&self, key: usize, passing: bool) {
        self.0.send_modify(|list| {
            let shown = list.iter_mut().find(|target| target.key == key);
            shown.unwrap().known = Some(passing);
        });
    }
}

/// Runs the loop for so long.
async fn drive_for<R: Future<Output = ()>, P: Future<Output = Outcome>>(
    time: Duration,
    list: &List,
    report: impl Fn(Verdict<usize>) -> R,
    probe: impl Fn(Target<usize>) -> P,
) {
    let ended = timeout(time, drive(list.changes(), report, probe)).await;
    assert!(ended.is_err(), "it ends only when the lists do");
}

async fn report_nothing(verdict: Verdict<usize>) {
    panic!("nothing changed, but told was {verdict:?}");
}

/// When each target was probed.
#[derive(Default)]
struct Visits(RefCell<BTreeMap<usize, Vec<Instant>>>);

impl Visits {
    fn note(&self, key: usize) {
        let mut visits = self.0.borrow_mut();
        visits.entry(key).or_default().push(Instant::now());
    }

    fn of(&self, key: usize) -> Vec<Instant> {
        self.0.borrow().get(&key).cloned().unwrap_or_default()
    }

    fn assert_in_step(&self, key: usize, begin: Instant, count: usize) {
        let visits = self.of(key);
        assert_eq!(visits.len(), count, "target {key}");
        assert!(visits[0] - begin <= INTERVAL);
        for pair in visits.windows(2) {
            // The runtime's timer has steps of a millisecond.
            let apart = pair[1] - pair[0];
            assert!(
                apart.abs_diff(INTERVAL) <= Duration::from_millis(1),
                "{apart:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_target_is_probed_once_in_each_interval_and_not_all_at_once() {
    let list = List::of(targets(100));
    let (visits, begin) = (Visits::default(), Instant::now());
    let probe = async |target: Target<usize>| {
        visits.note(target.key);
        passed()
    };
    drive_for(INTERVAL * 5, &list, report_nothing, probe).await;
    for key in 0..100 {
        visits.assert_in_step(key, begin, 5);
    }
    // A hundred at random over ten seconds: the first half has 50, give or take; 20 would be odd, and 0 a jitter
    // that is none.
    let early = (0..100).filter(|key| visits.of(*key)[0] - begin < INTERVAL / 2);
    let early = early.count();
    assert!(
        (10..=90).contains(&early),
        "{early} of 100 in the first half"
    );
}

#[tokio::test(start_paused = true)]
async fn however_long_probes_take_they_begin_in_step() {
    let list = List::of(targets(10));
    let (visits, begin) = (Visits::default(), Instant::now());
    let probe = async |target: Target<usize>| {
        visits.note(target.key);
        sleep(INTERVAL / 3).await;
        passed()
    };
    drive_for(INTERVAL * 5, &list, report_nothing, probe).await;
    for key in 0..10 {
        visits.assert_in_step(key, begin, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_outlasts_its_interval_is_followed_at_once_and_not_made_up_for() {
    let list = List::of(targets(1));
    let visits = Visits::default();
    let probe = async |target: Target<usize>| {
        visits.note(target.key);
        if visits.of(target.key).len() == 1 {
            sleep(INTERVAL * 4 + INTERVAL / 2).await;
        }
        passed()
    };
    drive_for(INTERVAL * 10, &list, report_nothing, probe).await;
    let visits = visits.of(0);
    let apart: Vec<u64> = visits
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect();
    assert_eq!(apart[..4], [45, 10, 10, 10]);
}

#[tokio::test(start_paused = true)]
async fn targets_that_never_answer_delay_no_others() {
    let list = List::of(targets(100));
    let (visits, begin) = (Visits::default(), Instant::now());
    let probe = async |target: Target<usize>| {
        visits.note(target.key);
        if target.key.is_multiple_of(2) {
            pending::<()>().await;
        }
        passed()
    };
    drive_for(INTERVAL * 5, &list, report_nothing, probe).await;
    for key in (1..100).step_by(2) {
        visits.assert_in_step(key, begin, 5);
        assert_eq!(
            visits.of(key - 1).len(),
            1,
            "one probe of a target at a time"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn probes_are_bounded_and_all_have_their_turn() {
    let count = PROBES_IN_FLIGHT_MAX * 3;
    let list = List::of(targets(count));
    let (visits, under_way, most) = (Visits::default(), Cell::new(0), Cell::new(0));
    let probe = async |target: Target<usize>| {
        visits.note(target.key);
        under_way.set(under_way.get() + 1);
        most.set(most.get().max(under_way.get()));
        sleep(INTERVAL).await;
        under_way.set(under_way.get() - 1);
        passed()
    };
    drive_for(INTERVAL * 9, &list, report_nothing, probe).await;
    assert_eq!(most.get(), PROBES_IN_FLIGHT_MAX);
    for key in 0..count {
        let visits = visits.of(key).len();
        assert!((2..=4).contains(&visits), "target {key}: {visits} times");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_told_until_the_list_shows_it_and_then_no_more() {
    let list = List::of(targets(1));
    let told = RefCell::new(Vec::new());
    let report = async |verdict: Verdict<usize>| {
        assert_eq!((verdict.passing, verdict.text.as_str()), (false, "refused"));
        told.borrow_mut().push(Instant::now());
        if told.borrow().len() == 3 {
            list.show(0, false);
        }
    };
    drive_for(INTERVAL * 10, &list, report, async |_| failed()).await;
    let told = told.borrow();
    assert_eq!(told.len(), 3);
    for pair in told.windows(2) {
        assert_eq!(pair[1] - pair[0], REPORT_AGAIN_AFTER);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_shows_something_else_again_is_told_again() {
    let list = List::of(targets(1));
    let told = Cell::new(0);
    let report = async |verdict: Verdict<usize>| {
        told.set(told.get() + 1);
        list.show(verdict.key, verdict.passing);
    };
    let probes = Cell::new(0);
    let probe = async |target: Target<usize>| {
        probes.set(probes.get() + 1);
        if probes.get() == 5 {
            list.show(target.key, true);
        }
        failed()
    };
    drive_for(INTERVAL * 10, &list, report, probe).await;
    assert_eq!(told.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_report_that_hangs_holds_up_no_other() {
    let list = List::of(targets(10));
    let told = RefCell::new(Vec::new());
    let report = async |verdict: Verdict<usize>| {
        if verdict.key == 0 {
            pending::<()>().await;
        }
        told.borrow_mut().push(verdict.key);
        list.show(verdict.key, verdict.passing);
    };
    drive_for(INTERVAL * 3, &list, report, async |_| failed()).await;
    let mut told = told.into_inner();
    told.sort_unstable();
    assert_eq!(told, (1..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn reports_are_bounded_and_all_have_their_turn() {
    let list = List::of(targets(REPORTS_IN_FLIGHT_MAX * 3));
    let (told, under_way, most) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let report = async |verdict: Verdict<usize>| {
        under_way.set(under_way.get() + 1);
        most.set(most.get().max(under_way.get()));
        sleep(INTERVAL).await;
        under_way.set(under_way.get() - 1);
        told.set(told.get() + 1);
        list.show(verdict.key, verdict.passing);
    };
    drive_for(INTERVAL * 8, &list, report, async |_| failed()).await;
    assert_eq!(most.get(), REPORTS_IN_FLIGHT_MAX);
    assert_eq!(told.get(), REPORTS_IN_FLIGHT_MAX * 3);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_left_the_list_is_not_probed_and_what_was_under_way_says_nothing() {
    let list = List::of(targets(2));
    let visits = Visits::default();
    let probe = async |target: Target<usize>| {
        visits.note(target.key);
        if target.key == 0 {
            list.0
                .send_modify(|list| list.retain(|target| target.key != 0));
            sleep(Duration::from_secs(1)).await;
            return failed();
        }
        passed()
    };
    // One failure would be enough.
    list.0.send_modify(|list| list[0].spec.fail_after = 1);
    drive_for(INTERVAL * 5, &list, report_nothing, probe).await;
    assert_eq!((visits.of(0).len(), visits.of(1).len()), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_moved_is_begun_anew() {
    let list = List::of(targets(1));
    let ports = RefCell::new(Vec::new());
    let probe = async |target: Target<usize>| {
        ports.borrow_mut().push(target.port);
        // Each port fails once: two in a row would be a verdict.
        if ports.borrow().len() <= 2 {
            list.0.send_modify(|list| list[0].port += 1);
            return failed();
        }
        passed()
    };
    drive_for(INTERVAL * 6, &list, report_nothing, probe).await;
    assert_eq!(ports.borrow()[..4], [8080, 8081, 8082, 8082]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_probed_counts_for_nothing() {
    let list = List::of(targets(1));
    let probes = Cell::new(0);
    let probe = async |_| {
        probes.set(probes.get() + 1);
        Outcome::NotProbed("no descriptors".to_owned())
    };
    drive_for(INTERVAL * 5, &list, report_nothing, probe).await;
    assert_eq!(probes.get(), 5);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_lists_whatever_is_under_way() {
    let lists = futures::stream::iter([targets(3)]);
    let stuck = |_| pending::<Outcome>();
    drive(lists, report_nothing, stuck).await;
}
