//! Watches: a correct source of events raises no alarm, and what is broken is noticed.

use checker::generate::Seeded;
use checker::watches::before_reply::WatchBeforeReply;
use checker::watches::complete::WatchComplete;
use checker::watches::order::WatchOrder;
use checker::{History, Outcome, Report};
use serde_json::{Value, json};

use crate::record::{MS, Record, assert_none_broken, fired, judge};

/// What is done to the event that is told as the twentieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    Skip,
    Replay,
    OtherValue,
    Invent,
    CutCommit,
}

/// One change as the source has it.
struct Told {
    zxid: u64,
    time: u64,
    value: Value,
}

fn all(history: &History) -> Vec<Report> {
    judge(
        &[
            &WatchOrder,
            &WatchComplete::default(),
            &WatchBeforeReply::default(),
        ],
        history,
    )
}

/// Writers make changes one after the other; some answers get lost.
fn write(random: &mut Seeded, record: &mut Record) -> Vec<Told> {
    let mut versions = [None::<u64>; 3];
    let (mut zxid, mut now) = (100, 10);
    let mut source = Vec::new();
    for n in 0..80u64 {
        let at = usize::try_from(random.below(3)).unwrap();
        let path = format!("/w/{at}");
        zxid += 1 + random.below(3);
        let (invoked, answered) = (now, now + 3 + random.below(5));
        let is_delete = versions[at].is_some() && random.once_in(6);
        let (f, event, version) = match versions[at] {
            Some(_) if is_delete => ("delete", "node.deleted", None),
            Some(version) => ("write", "node.changed", Some(version + 1)),
            None => ("create", "node.created", Some(0)),
        };
        versions[at] = version;
        let process = n % 4;
        let asked = json!({"path": path, "value": n});
        record.event(
            invoked * MS,
            process,
            (Outcome::Invoke, f),
            (None, asked.clone(), Value::Null),
        );
        if random.once_in(8) {
            let facts = json!({"error": "timeout"});
            record.event(
                answered * MS,
                process,
                (Outcome::Info, f),
                (None, Value::Null, facts),
            );
        } else {
            let facts = json!({"version": version, "zxid": zxid, "node": 1});
            record.event(
                answered * MS,
                process,
                (Outcome::Ok, f),
                (None, asked, facts),
            );
        }
        let value = if is_delete {
            Value::Null
        } else {
            json!(n.to_string())
        };
        source.push(Told {
            zxid,
            time: invoked + 1,
            value: json!({"id": format!("{zxid}.0"), "event": event, "path": path,
                "version": version, "value": value, "commit_end": true}),
        });
        now = answered + random.below(10);
    }
    source
}

/// A watcher takes the stream in pieces, at one node after the other.
fn watch(random: &mut Seeded, record: &mut Record, source: &[Told], (process, bug): (u64, Bug)) {
    let mut next = usize::try_from(random.below(10)).unwrap();
    let mut from: Option<String> = None;
    let mut now = source[next].time;
    let mut told = 0;
    let mut is_broken = false;
    while next < source.len() {
        let asked = json!({"prefix": "/w", "from": from, "initial": false});
        record.event(
            now * MS,
            process,
            (Outcome::Invoke, "watch"),
            (None, asked, Value::Null),
        );
        let end = source
            .len()
            .min(next + 1 + usize::try_from(random.below(25)).unwrap());
        for (place, one) in source[next..end].iter().enumerate() {
            now = now.max(one.time) + random.below(4);
            told += 1;
            // The first from the twentieth on whose break can be seen: a deletion tells no value,
            // and a connection may be cut within a commit.
            let is_last = place + 1 == end - next;
            let shows = one.value["event"] != "node.deleted" && !is_last;
            let hit = told >= 20 && shows && !is_broken;
            is_broken |= hit;
            let mut value = one.value.clone();
            match bug {
                Bug::Skip if hit => continue,
                Bug::OtherValue if hit => value["value"] = json!("other"),
                Bug::CutCommit if hit => value["commit_end"] = json!(false),
                _ => {}
            }
            let facts = json!({"zxid": one.zxid, "node": 2});
            let event = (Outcome::Ok, "event");
            record.event(
                now * MS,
                process,
                event,
                (None, value.clone(), facts.clone()),
            );
            if hit && bug == Bug::Replay {
                record.event(
                    now * MS,
                    process,
                    event,
                    (None, value.clone(), facts.clone()),
                );
            }
            if hit && bug == Bug::Invent {
                value["id"] = json!(format!("{}.1", one.zxid));
                value["commit_end"] = json!(true);
                value["value"] = json!("nobody wrote this");
                record.event(now * MS, process, event, (None, value, facts));
            }
            from = one.value["id"].as_str().map(str::to_owned);
        }
        next = end;
        now += 1;
        let done = json!({"next": from});
        record.event(
            now * MS,
            process,
            (Outcome::Ok, "watch"),
            (None, done, Value::Null),
        );
    }
}

fn run(seed: u64, bug: Bug) -> History {
    let mut random = Seeded::new(seed);
    let mut record = Record::default();
    let source = write(&mut random, &mut record);
    watch(&mut random, &mut record, &source, (50, bug));
    watch(&mut random, &mut record, &source, (51, Bug::None));
    record.finish()
}

#[test]
fn a_correct_source_of_events_raises_no_alarm() {
    for seed in 0..2000 {
        let reports = all(&run(seed, Bug::None));
        assert_none_broken(seed, &reports);
        for report in reports {
            let verdict = report.verdict;
            assert_eq!(verdict, checker::Verdict::Valid, "seed {seed}: {report:?}");
        }
    }
}

fn is_noticed(bug: Bug, meant: &str, also: &[&str]) {
    for seed in 0..100 {
        let reports = all(&run(seed, bug));
        let fired = fired(&reports);
        assert!(
            fired.contains(&meant),
            "seed {seed}: {bug:?} went unnoticed by {meant}"
        );
        let unexpected = fired
            .iter()
            .find(|one| **one != meant && !also.contains(one));
        assert_eq!(unexpected, None, "seed {seed}: {bug:?}: {reports:?}");
    }
}

#[test]
fn an_event_left_out_is_noticed() {
    is_noticed(Bug::Skip, "watch-complete", &[]);
}

#[test]
fn an_event_told_twice_is_noticed() {
    is_noticed(Bug::Replay, "watch-order", &[]);
}

#[test]
fn an_event_with_another_value_is_noticed() {
    is_noticed(Bug::OtherValue, "watch-complete", &[]);
}

#[test]
fn an_event_that_nobody_made_is_noticed() {
    // It stands behind the end of a commit.
    is_noticed(Bug::Invent, "watch-complete", &["watch-order"]);
}

#[test]
fn a_commit_without_its_end_is_noticed() {
    is_noticed(Bug::CutCommit, "watch-complete", &[]);
}

/// Arms a watch of `/a`, which changes; says in which order the client is told.
fn one_shot(is_late: bool, never: bool) -> History {
    let mut record = Record::default();
    let arm = json!({"path": "/a", "kind": "data"});
    let ok = |value: u64, zxid: u64| {
        (
            json!({"value": value}),
            json!({"version": value, "zxid": zxid, "door": "zookeeper"}),
        )
    };
    record.event(
        MS,
        1,
        (Outcome::Invoke, "arm"),
        (None, arm.clone(), Value::Null),
    );
    let (value, facts) = ok(0, 10);
    record.event(2 * MS, 1, (Outcome::Ok, "arm"), (None, value, facts));
    let write = json!({"path": "/a", "value": 1});
    record.event(
        3 * MS,
        2,
        (Outcome::Invoke, "write"),
        (None, write.clone(), Value::Null),
    );
    record.event(
        5 * MS,
        2,
        (Outcome::Ok, "write"),
        (None, write, json!({"version": 1, "zxid": 12})),
    );
    let fired = json!({"event": "changed", "path": "/a", "kind": "data", "zxid": 12});
    let at = if is_late { 9 } else { 6 };
    if !never {
        record.event(
            at * MS,
            1,
            (Outcome::Ok, "fired"),
            (None, fired, Value::Null),
        );
    }
    record.event(
        7 * MS,
        1,
        (Outcome::Invoke, "arm"),
        (None, arm, Value::Null),
    );
    let (value, facts) = ok(1, 12);
    record.event(8 * MS, 1, (Outcome::Ok, "arm"), (None, value, facts));
    record.finish()
}

#[test]
fn an_event_behind_the_answer_is_noticed() {
    assert!(fired(&all(&one_shot(false, false))).is_empty());
    assert_eq!(fired(&all(&one_shot(true, false))), ["watch-before-reply"]);
}

#[test]
fn a_one_shot_watch_that_never_fires_is_noticed() {
    let reports = all(&one_shot(false, true));
    assert_eq!(fired(&reports), ["watch-complete", "watch-before-reply"]);
}
