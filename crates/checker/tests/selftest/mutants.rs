//! c01 to c10: the checkers with something wrong in their input or in their rule. The golden
//! histories, and some long ones that are correct by construction, must notice every one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use checker::generate::{Seeded, Shape, register_history};
use checker::{Event, History, Limits, Outcome, Process, Verdict};

use crate::golden::{Golden, all, checker, complaint};

enum Wrong {
    /// What the checker is given.
    Input(fn(Vec<Event>) -> Vec<Event>),
    /// What it says.
    Verdict(fn(Verdict) -> Verdict),
}

const MUTANTS: [(&str, &str, Wrong); 10] = [
    (
        "c01",
        "one operation of a hundred is dropped",
        Wrong::Input(drop_some),
    ),
    (
        "c02",
        "times of two completions are swapped",
        Wrong::Input(swap_times),
    ),
    (
        "c03",
        "info is treated as fail",
        Wrong::Input(|e| becomes(e, Outcome::Info, Outcome::Fail)),
    ),
    (
        "c04",
        "fail is treated as ok",
        Wrong::Input(|e| becomes(e, Outcome::Fail, Outcome::Ok)),
    ),
    (
        "c05",
        "reads of absence are ignored",
        Wrong::Input(ignore_absence),
    ),
    (
        "c06",
        "operations of unknown outcome are dropped",
        Wrong::Input(drop_unknown),
    ),
    (
        "c07",
        "completions come before invocations",
        Wrong::Input(complete_early),
    ),
    ("c08", "all keys are one", Wrong::Input(merge_keys)),
    ("c09", "versions are ignored", Wrong::Input(ignore_versions)),
    (
        "c10",
        "unknown counts as valid",
        Wrong::Verdict(unknown_passes),
    ),
];

fn drop_processes_ops(events: Vec<Event>, drops: impl Fn(usize, &Event) -> bool) -> Vec<Event> {
    let mut dropping: BTreeSet<Process> = BTreeSet::new();
    let mut number = 0;
    let mut kept = Vec::new();
    for event in events {
        if event.outcome == Outcome::Invoke {
            dropping.remove(&event.process);
            if drops(number, &event) {
                dropping.insert(event.process.clone());
            }
            number += 1;
        }
        if !dropping.contains(&event.process) {
            kept.push(event);
        }
    }
    kept
}

fn drop_some(events: Vec<Event>) -> Vec<Event> {
    drop_processes_ops(events, |number, _| Seeded::new(number as u64).once_in(100))
}

fn swap_times(mut events: Vec<Event>) -> Vec<Event> {
    let ok: Vec<usize> = (0..events.len())
        .filter(|at| events[*at].outcome == Outcome::Ok)
        .collect();
    if let (Some(first), Some(last)) = (ok.first(), ok.last()) {
        let time = events[*first].time;
        events[*first].time = events[*last].time;
        events[*last].time = time;
    }
    events
}

fn becomes(mut events: Vec<Event>, from: Outcome, to: Outcome) -> Vec<Event> {
    let clients = |event: &&mut Event| matches!(event.process, Process::Client(_));
    for event in events
        .iter_mut()
        .filter(clients)
        .filter(|event| event.outcome == from)
    {
        event.outcome = to;
    }
    events
}

fn ignore_absence(events: Vec<Event>) -> Vec<Event> {
    events
        .into_iter()
        .filter(|event| event.value != "absent")
        .collect()
}

fn drop_unknown(events: Vec<Event>) -> Vec<Event> {
    let mut ends: BTreeMap<&Process, Option<Outcome>> = BTreeMap::new();
    for event in &events {
        let end = (event.outcome != Outcome::Invoke).then_some(event.outcome);
        ends.insert(&event.process, end);
    }
    // A process ends with its unknown operation, so the last event of each is enough.
    let dead: BTreeSet<Process> = ends
        .into_iter()
        .filter(|(_, end)| end.is_none_or(|end| end == Outcome::Info))
        .map(|(process, _)| process.clone())
        .collect();
    let last: BTreeMap<Process, u64> = events
        .iter()
        .filter(|event| event.outcome == Outcome::Invoke && dead.contains(&event.process))
        .map(|event| (event.process.clone(), event.index))
        .collect();
    drop_processes_ops(events, |_, event| {
        last.get(&event.process) == Some(&event.index)
    })
}

fn complete_early(mut events: Vec<Event>) -> Vec<Event> {
    let mut begun: BTreeMap<Process, u64> = BTreeMap::new();
    for event in &mut events {
        if event.outcome == Outcome::Invoke {
            begun.insert(event.process.clone(), event.time);
        } else if let Some(begun) = begun.get(&event.process) {
            event.time = begun.saturating_sub(1);
        }
    }
    events
}

fn merge_keys(mut events: Vec<Event>) -> Vec<Event> {
    events.iter_mut().for_each(|event| event.key = None);
    events
}

fn ignore_versions(mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        event.facts.remove("version");
        event.facts.remove("expect");
    }
    events
}

fn unknown_passes(verdict: Verdict) -> Verdict {
    if verdict == Verdict::Unknown {
        Verdict::Valid
    } else {
        verdict
    }
}

/// Golden histories, and long ones that are correct by construction.
fn judged() -> Vec<Golden> {
    let mut judged = all();
    for (seed, name) in (0..6).zip(["linearizable", "versions"].into_iter().cycle()) {
        let shape = Shape {
            ops: 600,
            keys: 2,
            crashed: 8,
            ..Shape::default()
        };
        judged.push(Golden {
            checker: name,
            path: PathBuf::from(format!("correct by construction, {name}, seed {seed}")),
            verdict: Verdict::Valid,
            expect: None,
            history: register_history(&shape, seed),
        });
    }
    judged
}

fn noticed(wrong: &Wrong, golden: &Golden) -> bool {
    let events = golden.history.events.clone();
    let history = match wrong {
        Wrong::Input(mutate) => History {
            events: mutate(events),
        },
        Wrong::Verdict(_) => History { events },
    };
    let mut report = checker(golden.checker).check(&history, &Limits::default());
    if let Wrong::Verdict(mutate) = wrong {
        report.verdict = mutate(report.verdict);
    }
    complaint(golden, &report).is_some()
}

#[test]
fn every_mutant_of_the_checkers_is_noticed() {
    let judged = judged();
    let mut unnoticed = Vec::new();
    println!("mutant | what is wrong | noticed by | for example");
    for (name, what, wrong) in &MUTANTS {
        let by: Vec<&Golden> = judged
            .iter()
            .filter(|golden| noticed(wrong, golden))
            .collect();
        let example = by.first().map_or(String::new(), |golden| {
            let file = golden.path.file_name().unwrap().to_string_lossy();
            format!("{} of {}", file, golden.checker)
        });
        println!(
            "{name} | {what} | {} of {} histories | {example}",
            by.len(),
            judged.len()
        );
        if by.is_empty() {
            unnoticed.push(name);
        }
    }
    assert!(unnoticed.is_empty(), "not noticed: {unnoticed:?}");
}

#[test]
fn without_a_mutant_nothing_is_noticed() {
    let same = Wrong::Verdict(|verdict| verdict);
    let noticed: Vec<_> = judged()
        .into_iter()
        .filter(|golden| noticed(&same, golden))
        .collect();
    assert!(noticed.is_empty());
}
