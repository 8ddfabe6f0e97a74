//! Locks: no false alarms over thousands of runs, and every bug is noticed by its checker.

use std::collections::BTreeMap;

use checker::locks::exclusion::Exclusion;
use checker::locks::fenced_writes::FencedWrites;
use checker::locks::fences::Fences;
use checker::locks::fifo::Fifo;
use checker::locks::ghosts::Ghosts;
use checker::locks::no_early_end::NoEarlyEnd;
use checker::locks::starvation::Starvation;
use checker::sessions::session_ids::SessionIds;
use checker::{History, Report, RunFacts, Verdict};

use crate::clients::{Kind, run};
use crate::record::{assert_none_broken, fired, judge};
use crate::service::Bug;

const RUNS: u64 = 700;

fn all(history: &History) -> Vec<Report> {
    let facts = RunFacts {
        ack_slack_ms: 700,
        ..RunFacts::default()
    };
    judge(
        &[
            &Fences,
            &FencedWrites,
            &NoEarlyEnd::default(),
            &Exclusion::default(),
            &Fifo,
            &Ghosts { facts },
            &Starvation::default(),
            &SessionIds,
        ],
        history,
    )
}

fn valid_runs(kind: Kind, looked_at: &[&str]) {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..RUNS {
        let history = run(seed, kind, Bug::None, 6_000);
        let reports = all(&history);
        assert_none_broken(seed, &reports);
        for report in reports
            .iter()
            .filter(|report| report.verdict == Verdict::Valid)
        {
            *counts.entry(report.checker.clone()).or_default() += 1;
        }
    }
    for checker in looked_at {
        let valid = counts.get(*checker).copied().unwrap_or(0);
        assert!(
            valid > RUNS / 2,
            "{checker} found something to look at in {valid} runs only"
        );
    }
}

const OF_LOCKS: [&str; 5] = [
    "fences",
    "fenced-writes",
    "no-early-end",
    "exclusion",
    "fifo",
];

#[test]
fn a_correct_lock_service_raises_no_alarm() {
    valid_runs(Kind::Lock, &OF_LOCKS);
    valid_runs(Kind::Lock, &["ghosts", "session-ids"]);
}

#[test]
fn a_correct_read_write_lock_raises_no_alarm() {
    valid_runs(Kind::ReadWrite, &OF_LOCKS);
    valid_runs(Kind::ReadWrite, &["starvation"]);
}

#[test]
fn a_correct_semaphore_raises_no_alarm() {
    valid_runs(Kind::Semaphore, &OF_LOCKS);
}

/// Runs a bug under many seeds: `meant` fires in at least the given share of them (per cent), and
/// nobody fires but `meant` and `also`.
fn is_noticed(bug: Bug, kind: Kind, (meant, per_cent): (&str, u64), also: &[&str]) {
    let runs = 60;
    let mut times: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..runs {
        let history = run(seed, kind, bug, 8_000);
        let reports = all(&history);
        for checker in fired(&reports) {
            *times.entry(checker.to_owned()).or_default() += 1;
            let finding = reports.iter().find(|report| report.checker == checker);
            let finding = finding.and_then(|report| report.findings.first());
            let is_expected = checker == meant || also.contains(&checker);
            assert!(
                is_expected,
                "seed {seed}: {bug:?} made {checker} fire: {finding:?}"
            );
        }
    }
    println!("{bug:?} on {kind:?}: {times:?} of {runs} runs");
    let caught = times.get(meant).copied().unwrap_or(0);
    assert!(
        caught * 100 >= per_cent * runs,
        "{bug:?}: {meant} fired in {caught} of {runs} runs"
    );
}

#[test]
fn a_lock_given_to_two_is_noticed() {
    let also = ["no-early-end", "fenced-writes", "ghosts"];
    is_noticed(Bug::DoubleGrant, Kind::Lock, ("exclusion", 95), &also);
}

#[test]
fn a_fence_given_twice_is_noticed() {
    // A break by a fence that two claims have ends both; and what is done under it cannot be told
    // apart.
    let also = ["fenced-writes", "no-early-end", "exclusion"];
    is_noticed(Bug::FenceReuse, Kind::Lock, ("fences", 95), &also);
}

#[test]
fn a_queue_served_from_its_end_is_noticed() {
    let also = ["fences", "fenced-writes"];
    is_noticed(Bug::LastInFirstOut, Kind::Lock, ("fifo", 95), &also);
}

#[test]
fn readers_let_in_before_a_waiting_writer_are_noticed() {
    let also = ["fifo", "fences"];
    is_noticed(
        Bug::ReadersFirst,
        Kind::ReadWrite,
        ("starvation", 90),
        &also,
    );
}

#[test]
fn ends_before_their_time_are_noticed() {
    for kind in [Kind::Lock, Kind::ReadWrite, Kind::Semaphore] {
        let also = ["exclusion"];
        is_noticed(Bug::EarlyExpiry, kind, ("no-early-end", 90), &also);
    }
}

#[test]
fn a_write_under_an_old_fence_is_noticed() {
    is_noticed(
        Bug::StaleWrite,
        Kind::Lock,
        ("fenced-writes", 90),
        &["exclusion"],
    );
}

/// A ghost: c2 was granted the lock when c1 released it, and its client is gone; c3 waits on.
fn with_ghost(taken_back_ms: u64) -> Report {
    use crate::record::{MS, Record};
    use checker::Outcome::{Invoke, Ok};
    use serde_json::{Value, json};
    let mut record = Record::default();
    let mut say = |ms: u64, who: u64, what, value: Value, zxid: u64| {
        record.event(
            ms * MS,
            who,
            what,
            (Some("l"), value, json!({"zxid": zxid})),
        );
    };
    let ask =
        |c: &str| json!({"claim": c, "mode": "exclusive", "session": "s", "ack_within_ms": 200});
    let waits =
        |c: &str, at: u64| json!({"claim": c, "state": "waiting", "fence": at, "queued": at});
    let holds = |c: &str, at: u64, granted: u64| json!({"claim": c, "state": "held", "fence": at, "queued": at, "granted": granted});
    say(0, 1, (Invoke, "acquire"), ask("c1"), 0);
    say(1, 1, (Ok, "acquire"), holds("c1", 1, 1), 1);
    say(2, 2, (Invoke, "acquire"), ask("c2"), 0);
    say(3, 2, (Ok, "acquire"), waits("c2", 2), 2);
    say(4, 3, (Invoke, "acquire"), ask("c3"), 0);
    say(10, 1, (Invoke, "release"), json!({"claim": "c1"}), 0);
    let released = json!({"claim": "c1", "fence": 1, "ended": 4, "held": true, "how": "released"});
    say(11, 1, (Ok, "release"), released, 4);
    say(11 + taken_back_ms, 3, (Ok, "acquire"), holds("c3", 3, 5), 5);
    say(9_000, 1, (Invoke, "pause"), json!({"ms": 1}), 0);
    let facts = RunFacts {
        ack_slack_ms: 700,
        ..RunFacts::default()
    };
    judge(&[&Ghosts { facts }], &record.finish()).remove(0)
}

#[test]
fn a_grant_that_nobody_takes_back_is_noticed() {
    assert_eq!(with_ghost(880).verdict, Verdict::Valid);
    assert_eq!(with_ghost(2_000).verdict, Verdict::Invalid);
}

#[test]
fn one_permit_more_than_there_are_is_noticed() {
    is_noticed(Bug::OnePermitMore, Kind::Semaphore, ("exclusion", 95), &[]);
}

#[test]
fn a_session_that_is_served_after_its_end_is_noticed() {
    let also = ["no-early-end", "exclusion"];
    is_noticed(Bug::UndeadSession, Kind::Lock, ("session-ids", 80), &also);
}

/// A promise that reaches 1 ms beyond the known end is broken; one that reaches exactly to it is
/// not.
#[test]
fn an_end_one_millisecond_early_is_noticed() {
    let template = |safe_ms: u64| {
        let ask = r#"{"claim":"c","session":null,"mode":"exclusive","ttl_ms":100}"#;
        let held = format!(
            r#"{{"claim":"c","state":"held","fence":5,"granted":5,"queued":5,"safe_ms":{safe_ms}}}"#
        );
        let ended =
            r#"{"claim":"c","state":"ended","how":"expired","held":true,"fence":5,"ended":9}"#;
        let line = |index: u64, ms: u64, kind: &str, f: &str, value: &str| {
            let time = ms * 1_000_000;
            format!(
                r#"{{"index":{index},"time":{time},"process":1,"type":"{kind}","f":"{f}","key":"l","value":{value},"zxid":{}}}"#,
                index + 5
            )
        };
        [
            line(0, 1000, "invoke", "acquire", ask),
            line(1, 1005, "ok", "acquire", &held),
            line(2, 1090, "invoke", "check", r#"{"claim":"c"}"#),
            line(4, 1100, "ok", "check", ended),
        ]
        .join("\n")
    };
    let verdict = |safe_ms: u64| {
        let history = History::parse(&template(safe_ms)).unwrap();
        judge(&[&NoEarlyEnd::default()], &history)[0].verdict
    };
    assert_eq!(verdict(100), Verdict::Valid);
    assert_eq!(verdict(101), Verdict::Invalid);
}
