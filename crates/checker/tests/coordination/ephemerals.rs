//! Ephemerals: they go with their session, all at once, for ever; and what is broken is noticed.

use std::collections::BTreeSet;

use checker::generate::Seeded;
use checker::sessions::atomic_vanish::AtomicVanish;
use checker::sessions::no_resurrection::NoResurrection;
use checker::sessions::session_ids::SessionIds;
use checker::{History, Outcome, Report};
use serde_json::{Value, json};

use crate::record::{MS, Record, assert_none_broken, fired, judge};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    None,
    /// One of a session's ephemerals stays.
    LeftBehind,
    /// They go one by one.
    OneByOne,
    /// A node shows again what had gone.
    Resurrected,
    /// A session goes on creating after its end.
    Undead,
}

fn all(history: &History) -> Vec<Report> {
    judge(&[&AtomicVanish, &NoResurrection, &SessionIds], history)
}

/// One session after the other; nodes show the state of any position so far.
fn run(seed: u64, bug: Bug) -> History {
    let mut random = Seeded::new(seed);
    let mut record = Record::default();
    let mut states: Vec<(u64, BTreeSet<(String, String)>)> = vec![(100, BTreeSet::new())];
    let (mut zxid, mut now) = (100u64, 1u64);
    for n in 0..12u64 {
        let session = format!("s{n}");
        let mut own = Vec::new();
        for e in 0..3 + random.below(3) {
            zxid += 1;
            now += 5;
            let path = format!("/e/{}/{n}-{e}", random.below(2));
            let asked = json!({"session": session, "path": path, "ephemeral": true});
            record.event(
                now * MS,
                n,
                (Outcome::Invoke, "create"),
                (None, asked, Value::Null),
            );
            let mut state = states.last().unwrap().1.clone();
            state.insert((path.clone(), session.clone()));
            states.push((zxid, state));
            if random.once_in(10) {
                record.event(
                    (now + 2) * MS,
                    n,
                    (Outcome::Info, "create"),
                    (None, Value::Null, Value::Null),
                );
            } else {
                let told = (None, json!({"path": path}), json!({"zxid": zxid}));
                record.event((now + 2) * MS, n, (Outcome::Ok, "create"), told);
            }
            own.push(path);
            list(&mut random, &mut record, &states, now + 3);
        }
        end(
            &mut record,
            &mut states,
            (&session, &own),
            (&mut zxid, &mut now, bug),
        );
        for _ in 0..4 {
            now += 5;
            list(&mut random, &mut record, &states, now);
        }
    }
    // Every node is asked for what it has at last.
    for _ in 0..6 {
        now += 5;
        let last = states[states.len() - 1..].to_vec();
        list(&mut random, &mut record, &last, now);
    }
    record.finish()
}

fn end(
    record: &mut Record,
    states: &mut Vec<(u64, BTreeSet<(String, String)>)>,
    (session, own): (&str, &[String]),
    (zxid, now, bug): (&mut u64, &mut u64, Bug),
) {
    *now += 5;
    *zxid += 1;
    let mut state = states.last().unwrap().1.clone();
    let kept = if bug == Bug::LeftBehind {
        &own[..1]
    } else {
        &own[..0]
    };
    if bug == Bug::OneByOne {
        state.retain(|(path, _)| path != &own[0]);
        states.push((*zxid, state.clone()));
        *zxid += 1;
    }
    let gone: Vec<String> = own
        .iter()
        .filter(|path| !kept.contains(path) && state.iter().any(|(known, _)| known == *path))
        .cloned()
        .collect();
    state.retain(|(path, _)| !gone.contains(path));
    states.push((*zxid, state.clone()));
    let value = json!({"session": session, "zxid": *zxid, "reason": "expired", "paths": gone});
    for watcher in [70, 71] {
        record.event(
            *now * MS,
            watcher,
            (Outcome::Ok, "gone"),
            (None, value.clone(), Value::Null),
        );
    }
    if bug == Bug::Resurrected {
        *zxid += 1;
        state.insert((own[0].clone(), session.to_owned()));
        states.push((*zxid, state.clone()));
    }
    if bug == Bug::Undead {
        *zxid += 1;
        let asked = json!({"session": session, "path": "/e/0/late", "ephemeral": true});
        let path = format!("/e/9/{session}");
        record.event(
            (*now + 1) * MS,
            90,
            (Outcome::Invoke, "create"),
            (None, asked, Value::Null),
        );
        let told = (None, json!({"path": path}), json!({"zxid": *zxid}));
        record.event((*now + 2) * MS, 90, (Outcome::Ok, "create"), told);
    }
}

/// A node shows a directory as it was at some position of late.
fn list(
    random: &mut Seeded,
    record: &mut Record,
    states: &[(u64, BTreeSet<(String, String)>)],
    now: u64,
) {
    let behind = usize::try_from(random.below(4)).unwrap();
    let (zxid, state) = &states[states.len().saturating_sub(1 + behind)];
    let parent = format!("/e/{}", random.below(2));
    let asked = json!({"parent": parent});
    record.event(
        now * MS,
        80,
        (Outcome::Invoke, "list"),
        (None, asked, Value::Null),
    );
    let inside = state
        .iter()
        .filter(|(path, _)| path.starts_with(&format!("{parent}/")));
    let found: Vec<Value> = inside
        .map(|(path, owner)| json!({"path": path, "owner": owner}))
        .collect();
    let told = (None, json!(found), json!({"zxid": zxid, "node": 1}));
    record.event((now + 1) * MS, 80, (Outcome::Ok, "list"), told);
}

#[test]
fn correct_sessions_raise_no_alarm() {
    for seed in 0..2000 {
        assert_none_broken(seed, &all(&run(seed, Bug::None)));
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
fn an_ephemeral_left_behind_is_noticed() {
    is_noticed(Bug::LeftBehind, "atomic-vanish", &[]);
}

#[test]
fn ephemerals_that_go_one_by_one_are_noticed() {
    is_noticed(Bug::OneByOne, "atomic-vanish", &[]);
}

#[test]
fn an_ephemeral_that_comes_back_is_noticed() {
    is_noticed(Bug::Resurrected, "no-resurrection", &[]);
}

#[test]
fn a_session_that_goes_on_after_its_end_is_noticed() {
    is_noticed(Bug::Undead, "session-ids", &[]);
}
