//! Any order of lists, probes and reports leaves the queues and the checks in agreement.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

use super::*;
use crate::target::Kind;

#[derive(Clone, Debug)]
enum Step {
    /// Key, port and verdict of each target.
    List(BTreeMap<u8, (u16, Option<bool>)>),
    Wait(Duration),
    /// The next probe that is due begins.
    Probe,
    /// The one among those under way ends.
    Probed(usize, Option<bool>),
    Report,
    Reported(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let target = (1u16..3, proptest::option::of(any::<bool>()));
    let step = prop_oneof![
        proptest::collection::btree_map(0u8..6, target, 0..6).prop_map(Step::List),
        (0u64..8).prop_map(|seconds| Step::Wait(Duration::from_secs(seconds))),
        Just(Step::Probe),
        Just(Step::Probe),
        (0usize..8, proptest::option::of(any::<bool>()))
            .prop_map(|(which, result)| Step::Probed(which, result)),
        Just(Step::Report),
        (0usize..8).prop_map(Step::Reported),
    ];
    proptest::collection::vec(step, 0..120)
}

fn target(key: u8, port: u16, known: Option<bool>) -> Target<u8> {
    Target {
        key,
        address: "::1".to_owned(),
        port,
        spec: Spec {
            kind: Kind::Tcp,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            fail_after: 2,
            pass_after: 2,
        },
        known,
    }
}

/// One of those under way, taken out.
fn end<T>(under_way: &mut Vec<T>, which: usize) -> Option<T> {
    (which < under_way.len()).then(|| under_way.swap_remove(which))
}

fn is_for(ticket: &Ticket<u8>, check: &Check<u8>) -> bool {
    *ticket == check.ticket()
}

fn assert_agrees(schedule: &Schedule<u8>, probing: &[Ticket<u8>], telling: &[Ticket<u8>]) {
    let mut waiting = BTreeSet::new();
    let mut to_tell = BTreeSet::new();
    for (key, check) in &schedule.checks {
        let probes = probing
            .iter()
            .filter(|ticket| is_for(ticket, check))
            .count();
        assert!(probes <= 1, "two probes of {key}");
        if probes == 0 {
            waiting.insert((check.due, *key));
        }
        let told = telling
            .iter()
            .filter(|ticket| is_for(ticket, check))
            .count();
        match check.report {
            Report::None => assert!(check.is_shown() && told == 0, "{key} is not told"),
            Report::UnderWay => assert_eq!(told, 1, "{key}"),
            Report::At(at) => {
                assert!(!check.is_shown() && told == 0, "{key} is told in vain");
                to_tell.insert((at, *key));
            }
        }
    }
    assert_eq!(
        schedule.probes, waiting,
        "whoever is not being probed waits, and nobody else"
    );
    assert_eq!(schedule.reports, to_tell);
}

proptest! {
    #[test]
    fn queues_and_checks_agree_after_every_step(steps in steps(), seed: u64) {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut schedule = Schedule::default();
        let (mut probing, mut telling) = (Vec::new(), Vec::new());
        let mut now = Instant::now();
        for step in steps {
            match step {
                Step::List(list) => {
                    let list = list.into_iter();
                    let list = list.map(|(key, (port, known))| target(key, port, known)).collect();
                    schedule.follow(now, list, &mut rng);
                }
                Step::Wait(time) => now += time,
                Step::Probe => {
                    let due = schedule.next_probe().is_some_and(|due| due <= now);
                    let taken = schedule.take_probe(now);
                    prop_assert_eq!(taken.is_some(), due);
                    probing.extend(taken.map(|(ticket, _)| ticket));
                }
                Step::Probed(which, result) => {
                    let outcome = match result {
                        Some(true) => Outcome::Passed(String::new()),
                        Some(false) => Outcome::Failed(String::new()),
                        None => Outcome::NotProbed(String::new()),
                    };
                    if let Some(ticket) = end(&mut probing, which) {
                        schedule.note(now, &ticket, outcome);
                    }
                }
                Step::Report => {
                    let due = schedule.next_report().is_some_and(|at| at <= now);
                    let taken = schedule.take_report(now);
                    prop_assert_eq!(taken.is_some(), due);
                    telling.extend(taken.map(|(ticket, _)| ticket));
                }
                Step::Reported(which) => {
                    if let Some(ticket) = end(&mut telling, which) {
                        schedule.reported(now, &ticket);
                    }
                }
            }
            assert_agrees(&schedule, &probing, &telling);
        }
    }
}
