//! Runs made up from seeds: right ones are never alarmed about, and each kind of wrong is found in all.

use checker::oracle::Fate;
use checker::oracle::log::Command;
use checker::{Outcome, Verdict};

use crate::fixture::{Run, applied};
use crate::world::{Random, run};

const SEEDS: u64 = 100;
const OPERATIONS: u64 = 120;

#[test]
fn right_runs_are_valid_and_their_unknowns_are_told_truly() {
    let mut unknown = 0;
    for seed in 0..SEEDS {
        let run = run(seed, OPERATIONS);
        let judgement = run.judge();
        let report = &judgement.report;
        assert_eq!(report.verdict, Verdict::Valid, "seed {seed}: {report:#?}");
        for resolution in &judgement.resolutions {
            unknown += u64::from(resolution.fate == Fate::Unknown);
        }
        let resolved = Run {
            history: judgement.resolved.clone(),
            logs: run.logs.clone(),
        };
        let again = resolved.judge();
        assert_eq!(
            again.report.verdict,
            Verdict::Valid,
            "seed {seed}: {:#?}",
            again.report
        );
    }
    // Common values that were written by one of several: rare.
    assert!(unknown < SEEDS, "{unknown} not resolved");
}

/// Makes one thing wrong at a place the seed chooses; `false`: there is none in this run.
type Wrong = fn(&mut Run, &mut Random) -> bool;

fn choose<T: Clone>(random: &mut Random, of: &[T]) -> Option<T> {
    let at = random.below((of.len() as u64).max(1));
    of.get(at as usize).cloned()
}

/// Positions of commands that fit.
fn positions(run: &Run, fits: impl Fn(&Command) -> bool) -> Vec<u64> {
    let longest = run.logs.iter().max_by_key(|log| log.entries.len()).unwrap();
    let commands = longest.entries.iter().flat_map(|entry| &entry.commands);
    commands
        .filter(|c| fits(c))
        .filter_map(|c| c.zxid)
        .collect()
}

/// Indices of answers that fit.
fn answers(run: &Run, f: &[&str], outcome: Outcome) -> Vec<u64> {
    let events = run.history.events.iter();
    let fits = events.filter(|e| e.outcome == outcome && f.contains(&e.f.as_str()));
    fits.map(|event| event.index).collect()
}

fn at(run: &mut Run, index: u64) -> &mut checker::Event {
    &mut run.history.events[index as usize]
}

fn lost_write(run: &mut Run, random: &mut Random) -> bool {
    let Some(answer) = choose(
        random,
        &answers(run, &["write", "cas", "acquire"], Outcome::Ok),
    ) else {
        return false;
    };
    let zxid = at(run, answer).number("zxid").unwrap();
    for entry in run.logs.iter_mut().flat_map(|log| &mut log.entries) {
        entry.commands.retain(|command| command.zxid != Some(zxid));
    }
    true
}

fn other_value(run: &mut Run, random: &mut Random) -> bool {
    let puts = positions(run, |c| applied(c) && c.op.command == "put");
    let Some(zxid) = choose(random, &puts) else {
        return false;
    };
    run.command(zxid, |c| {
        c.op.data.as_mut().unwrap().text = Some("nobody's".to_owned())
    });
    true
}

/// Of a common value another write may stand at the other place.
fn is_unique(run: &Run, answer: u64) -> bool {
    let value = &run.history.events[answer as usize].value;
    value.as_u64().is_none_or(|value| value >= 3)
}

fn wrong_position(run: &mut Run, random: &mut Random) -> bool {
    let mut candidates = answers(run, &["write", "cas"], Outcome::Ok);
    candidates.retain(|&answer| is_unique(run, answer));
    let Some(answer) = choose(random, &candidates) else {
        return false;
    };
    let event = at(run, answer);
    let zxid = event.number("zxid").unwrap();
    event.facts.insert("zxid".to_owned(), (zxid + 1).into());
    true
}

fn failed_but_done(run: &mut Run, random: &mut Random) -> bool {
    // A claim may never have got its turn.
    let mut candidates = answers(run, &["write", "cas", "release"], Outcome::Ok);
    candidates.retain(|&answer| is_unique(run, answer));
    let Some(answer) = choose(random, &candidates) else {
        return false;
    };
    at(run, answer).outcome = Outcome::Fail;
    true
}

fn another_entry(run: &mut Run, random: &mut Random) -> bool {
    let shortest = run
        .logs
        .iter()
        .map(|log| log.entries.len() as u64)
        .min()
        .unwrap();
    let index = random.below(shortest) as usize;
    let node = random.below(3) as usize;
    run.logs[node].entries[index].hash = "another".to_owned();
    true
}

fn another_state(run: &mut Run, random: &mut Random) -> bool {
    let shortest = run
        .logs
        .iter()
        .map(|log| log.entries.len() as u64)
        .min()
        .unwrap();
    let index = random.below(shortest) as usize;
    let node = random.below(3) as usize;
    run.logs[node].entries[index].digest = Some("another".to_owned());
    true
}

fn version_skipped(run: &mut Run, random: &mut Random) -> bool {
    let changes = positions(run, |c| c.changes.iter().any(|c| c.event == "node.changed"));
    let Some(zxid) = choose(random, &changes) else {
        return false;
    };
    run.command(zxid, |c| {
        c.changes[0].version = c.changes[0].version.map(|v| v + 1)
    });
    true
}

fn hand_over_forgotten(run: &mut Run, random: &mut Random) -> bool {
    let handed = positions(run, |c| c.changes.iter().any(|c| c.handed_over));
    let Some(zxid) = choose(random, &handed) else {
        return false;
    };
    run.command(zxid, |c| {
        c.changes.pop();
        c.events -= 1;
    });
    true
}

fn granted_too_soon(run: &mut Run, random: &mut Random) -> bool {
    let queued = positions(run, |c| c.changes.iter().any(|c| c.event == "lock.queued"));
    let Some(zxid) = choose(random, &queued) else {
        return false;
    };
    run.command(zxid, |c| c.changes[0].event = "lock.granted".to_owned());
    true
}

fn request_repeated(run: &mut Run, random: &mut Random) -> bool {
    let all = positions(run, |_| true);
    let (Some(one), Some(two)) = (choose(random, &all), choose(random, &all)) else {
        return false;
    };
    let request = format!("1-a-{one}");
    run.command(two, |c| c.request.clone_from(&request));
    one != two
}

#[test]
fn every_kind_of_wrong_is_found_wherever_it_is() {
    let kinds: [(&str, Wrong); 10] = [
        ("a lost write", lost_write),
        ("another value", other_value),
        ("a wrong position", wrong_position),
        ("a failure that was done", failed_but_done),
        ("another entry", another_entry),
        ("another state", another_state),
        ("a version skipped", version_skipped),
        ("a hand-over forgotten", hand_over_forgotten),
        ("a grant too soon", granted_too_soon),
        ("a request repeated", request_repeated),
    ];
    for (name, wrong) in kinds {
        let mut made = 0;
        for seed in 0..SEEDS {
            let mut run = run(seed, OPERATIONS);
            if !wrong(&mut run, &mut Random(seed ^ 0xbad)) {
                continue;
            }
            made += 1;
            let report = run.judge().report;
            assert_eq!(
                report.verdict,
                Verdict::Invalid,
                "{name}, seed {seed}: {report:#?}"
            );
        }
        assert!(made > SEEDS / 2, "{name} was made {made} times only");
    }
}
