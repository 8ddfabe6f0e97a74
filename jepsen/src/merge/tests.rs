use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn event(time: u64, process: u64, outcome: Outcome) -> Event {
    Event {
        index: 0,
        time,
        process: Process::Client(process),
        outcome,
        f: "write".to_owned(),
        key: None,
        value: json!(process),
        facts: BTreeMap::new(),
    }
}

fn merged(sources: Vec<Vec<Event>>) -> Result<Merged> {
    let named = |(number, events)| Source::of(&format!("worker-{number}"), events);
    merge(sources.into_iter().enumerate().map(named).collect(), 0)
}

fn order(merged: &Merged) -> Vec<(Process, Outcome)> {
    let pair = |event: &Event| (event.process.clone(), event.outcome);
    merged.history.events.iter().map(pair).collect()
}

#[test]
fn at_equal_times_invocations_come_first_but_never_before_what_their_process_did_before() {
    use Outcome::{Invoke, Ok};
    let first = vec![
        event(1, 0, Invoke),
        event(5, 0, Ok),
        event(5, 0, Invoke),
        event(6, 0, Ok),
    ];
    let second = vec![event(5, 1, Invoke), event(6, 1, Ok)];
    let third = vec![event(2, 2, Invoke), event(5, 2, Ok)];
    let merged = merged(vec![first, third, second]).unwrap();
    let who = |process, outcome| (Process::Client(process), outcome);
    assert_eq!(
        order(&merged),
        [
            who(0, Invoke),
            who(2, Invoke),
            who(1, Invoke),
            who(0, Ok),
            who(2, Ok),
            who(0, Invoke),
            who(0, Ok),
            who(1, Ok)
        ]
    );
}

#[test]
fn time_counts_from_the_start_and_indices_from_0() {
    let source = Source::of(
        "worker",
        vec![
            event(1_000, 0, Outcome::Invoke),
            event(1_007, 0, Outcome::Fail),
        ],
    );
    let merged = merge(vec![source], 993).unwrap();
    let seen: Vec<_> = merged
        .history
        .events
        .iter()
        .map(|e| (e.index, e.time))
        .collect();
    assert_eq!(seen, [(0, 7), (1, 14)]);
}

const LINES: &str = concat!(
    r#"{"time":10,"process":4,"type":"invoke","f":"cas","key":"r1","value":{"old":1,"new":2},"expect":3}"#,
    "\n\n",
    r#"{"time":12,"process":4,"type":"ok","f":"cas","key":"r1","value":{"old":1,"new":2},"version":4,"zxid":9}"#,
    "\n",
    r#"{"time":13,"process":4,"type":"invoke","f":"read","key":"r1","val"#,
);

#[test]
fn the_torn_last_line_of_a_killed_worker_is_dropped_and_counted() {
    let source = Source::read("worker-1", true, LINES.as_bytes()).unwrap();
    let merged = merge(vec![source], 0).unwrap();
    assert_eq!(
        (merged.history.events.len(), merged.torn_lines, merged.open),
        (2, 1, 0)
    );
    assert_eq!(merged.history.events[1].facts["version"], json!(4));
    assert_eq!(merged.history.events[0].key.as_deref(), Some("r1"));
}

#[test]
fn a_torn_line_of_a_worker_that_was_not_killed_is_a_broken_harness() {
    let Err(error) = Source::read("worker-1", false, LINES.as_bytes()) else {
        panic!("accepted");
    };
    assert!(
        format!("{error:#}").starts_with("worker-1, line 4: "),
        "{error:#}"
    );
    let middle = LINES.replacen("\"time\":12", "\"time\":", 1);
    assert!(Source::read("worker-1", true, middle.as_bytes()).is_err());
}

#[test]
fn what_was_begun_by_a_killed_worker_stays_open() {
    let merged = merged(vec![vec![event(1, 0, Outcome::Invoke)]]).unwrap();
    assert_eq!(
        (merged.history.calls()[0].outcome(), merged.open),
        (Outcome::Info, 1)
    );
}

#[test]
fn the_impossible_is_an_error_that_says_who_and_what() {
    use Outcome::{Info, Invoke, Ok};
    let other = Event {
        f: "read".to_owned(),
        ..event(2, 0, Ok)
    };
    let cases = [
        (vec![vec![event(1, 0, Ok)]], "did not begin"),
        (
            vec![vec![event(1, 0, Invoke), event(2, 0, Invoke)]],
            "not completed",
        ),
        (vec![vec![event(1, 0, Invoke), other]], "did not begin"),
        (
            vec![vec![event(5, 0, Invoke), event(4, 0, Ok)]],
            "goes back in time by 1 ns",
        ),
        (
            vec![vec![
                event(1, 0, Invoke),
                event(2, 0, Info),
                event(3, 0, Invoke),
            ]],
            "after its unknown outcome",
        ),
        (
            vec![vec![event(1, 0, Invoke)], vec![event(2, 0, Ok)]],
            "two workers at once",
        ),
    ];
    for (sources, words) in cases {
        let error = format!("{:#}", merged(sources).unwrap_err());
        assert!(
            error.contains(words) && error.contains("process 0"),
            "{error}"
        );
    }
    let early = merge(vec![Source::of("worker", vec![event(1, 0, Invoke)])], 2).unwrap_err();
    assert!(
        early.to_string().contains("before the run began"),
        "{early}"
    );
}

#[test]
fn a_watcher_is_told_events_while_its_stream_is_open_and_after() {
    let watch = |time, outcome, f: &str| Event {
        f: f.to_owned(),
        ..event(time, 0, outcome)
    };
    let merged = merged(vec![vec![
        watch(1, Outcome::Invoke, "watch"),
        watch(2, Outcome::Ok, "event"),
        watch(2, Outcome::Ok, "event"),
        watch(3, Outcome::Ok, "watch"),
        watch(4, Outcome::Ok, "fired"),
    ]]);
    assert_eq!(merged.unwrap().open, 0);
}

/// Up to six processes that begin and complete at times with many ties.
fn sources() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let process = prop::collection::vec(0_u64..3, 0..30);
    prop::collection::vec(process, 1..6).prop_map(|processes| {
        let timed = |(process, steps): (usize, Vec<u64>)| {
            let mut time = 0;
            let mut said = |(place, step): (usize, u64)| {
                time += step;
                let outcome = [Outcome::Invoke, Outcome::Ok][place % 2];
                let mut event = event(time, process as u64, outcome);
                event.value = Value::from(place);
                event
            };
            steps.into_iter().enumerate().map(&mut said).collect()
        };
        processes.into_iter().enumerate().map(timed).collect()
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_times_never_fall_and_each_process_keeps_its_order(sources in sources()) {
        let total: usize = sources.iter().map(Vec::len).sum();
        let merged = merged(sources.clone()).unwrap();
        let events = &merged.history.events;
        prop_assert_eq!(events.len(), total);
        prop_assert!(events.iter().enumerate().all(|(at, event)| event.index == at as u64));
        prop_assert!(events.windows(2).all(|pair| pair[0].time <= pair[1].time));
        for (process, source) in sources.iter().enumerate() {
            let own = events.iter().filter(|e| e.process == Process::Client(process as u64));
            let own: Vec<_> = own.map(|event| (event.time, &event.value)).collect();
            let said: Vec<_> = source.iter().map(|event| (event.time, &event.value)).collect();
            prop_assert_eq!(own, said);
        }
    }

    /// What a checker concludes from a completion before an invocation of another process is true
    /// by their times; and it is concluded from equal times only where that cannot be avoided:
    /// that invocation follows a completion of its own process in the same nanosecond.
    #[test]
    fn no_order_is_claimed_that_was_not_measured(sources in sources()) {
        let merged = merged(sources).unwrap();
        let events = &merged.history.events;
        for (at, done) in events.iter().enumerate().filter(|(_, e)| e.outcome == Outcome::Ok) {
            for begun in &events[at + 1..] {
                if begun.outcome != Outcome::Invoke || begun.process == done.process
                    || begun.time > done.time {
                    continue;
                }
                prop_assert_eq!(begun.time, done.time);
                let own = |e: &&Event| e.process == begun.process && e.time == begun.time
                    && e.outcome == Outcome::Ok && e.index < begun.index;
                prop_assert!(events.iter().find(own).is_some());
            }
        }
    }

    /// Whatever is left of a killed worker's output is taken, and is a beginning of it.
    #[test]
    fn output_cut_anywhere_is_taken(cut in 0_usize..LINES.len()) {
        let source = Source::read("worker", true, &LINES.as_bytes()[..cut]).unwrap();
        let merged = merge(vec![source], 0).unwrap();
        prop_assert!(merged.history.events.len() <= 2);
        prop_assert!(merged.torn_lines <= 1);
    }
}
