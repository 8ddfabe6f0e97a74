use std::fs;

use checker::{History, Verdict};
use expect_test::expect;
use serde_json::json;

use super::results::{Results, exit_code, together};
use super::{make_again, page, sample, suite, write};

/// A page is no larger, whatever the run was.
const PAGE_BYTES_MAX: usize = 3 << 20;

/// To look at the pages: `HF_JEPSEN_SAMPLE=DIR cargo test -p jepsen sample`.
#[test]
fn the_pages_of_a_sample_are_the_same_when_made_again() {
    let history = sample::history(6_000, 60);
    let results = sample::results(&history, 60);
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("HF_JEPSEN_SAMPLE");
    let dir = kept.as_ref().map_or(temporary.path(), |dir| dir.as_ref());
    write(dir, &results, &history).unwrap();
    let first = fs::read_to_string(dir.join("report.html")).unwrap();
    assert_eq!(make_again(dir).unwrap(), results);
    assert_eq!(fs::read_to_string(dir.join("report.html")).unwrap(), first);
    assert!(first.len() < PAGE_BYTES_MAX, "{} bytes", first.len());
    for words in [
        "WORKLOAD=register",
        "partition-leader n2",
        "P-LIN",
        "term 4",
        "#16",
        "nodes/1/stderr.log",
    ] {
        assert!(first.contains(words), "{words} is not in the page");
    }
    assert!(
        !first.contains("http://") && !first.contains("https://"),
        "the page needs the network"
    );
}

#[test]
fn the_summary_says_what_was_broken_and_how_to_see_it_again() {
    let history = sample::history(400, 60);
    let results = sample::results(&history, 60);
    expect![[r#"
        # INVALID: 20261125T110000Z-register-7

        Broken: linearizable (P-LIN, P-ANSWER).

        - workload register through http, 3 nodes, seed 7, 60 s of faults: kill, partition, clock
        - 400 operations: 377 ok, 15 fail, 8 unknown; 6 ok a second; p50 5.2 ms, p99 67.1 ms
        - faults: 7 planned, 7 injected, 6 observed, 7 healed
        - linearizable invalid: register r0: the read at #859 shows version 41, but version 42 was acknowledged by #860 before it began
        - faults-observed unknown: disk-slow on n2 was not observed
        - again: `make jepsen WORKLOAD=register NEMESIS=kill,partition,clock SECONDS=60 SEED=7 NODES=3 ARGS='--rate=1000 --set=snapshot-entries=100'`
        - look: `report.html`, `results.json`, `history.jsonl`
    "#]].assert_eq(&suite::summary(&results));
}

#[test]
fn the_table_of_a_suite_has_a_row_per_run() {
    let history = sample::history(400, 60);
    let invalid = sample::results(&history, 60);
    let mut valid = invalid.clone();
    valid
        .checkers
        .retain(|report| report.verdict == Verdict::Valid);
    valid.verdict = together(&valid.checkers);
    "zookeeper".clone_into(&mut valid.plan.door);
    expect![[r#"
        run                          workload              nemesis               nodes  seconds  seed   ok  fail  info  faults  verdict
        20261125T110000Z-register-7  register (zookeeper)  kill,partition,clock      3       69     7  377    15     8     6/7  valid
        20261125T110000Z-register-7  register              kill,partition,clock      3       69     7  377    15     8     6/7  INVALID: linearizable
        2 runs: 1 valid, 1 invalid, 0 unknown; 754 operations ok, 12 faults observed
    "#]].assert_eq(&suite::terminal(&[valid.clone(), invalid.clone()]));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("suite.md");
    suite::append(&path, &valid).unwrap();
    suite::append(&path, &invalid).unwrap();
    expect![[r#"
        | run | workload | nemesis | nodes | seconds | seed | ok | fail | info | faults | verdict |
        |---|---|---|---|---|---|---|---|---|---|---|
        | 20261125T110000Z-register-7 | register (zookeeper) | kill,partition,clock | 3 | 69 | 7 | 377 | 15 | 8 | 6/7 | valid |
        | 20261125T110000Z-register-7 | register | kill,partition,clock | 3 | 69 | 7 | 377 | 15 | 8 | 6/7 | INVALID: linearizable |
    "#]].assert_eq(&fs::read_to_string(path).unwrap());
}

#[test]
fn unknown_is_never_a_pass() {
    let history = History::default();
    let mut results = sample::results(&sample::history(100, 60), 60);
    results
        .checkers
        .retain(|report| report.verdict != Verdict::Invalid);
    assert_eq!(together(&results.checkers), Verdict::Unknown);
    assert_eq!(together(&[]), Verdict::Unknown);
    let codes = [Verdict::Valid, Verdict::Invalid, Verdict::Unknown].map(exit_code);
    assert_eq!(codes, [0, 1, 2]);
    // A run in which nothing happened has a page all the same.
    results.checkers.clear();
    results.verdict = together(&results.checkers);
    let page = page::page(&results, &history);
    assert!(page.contains("Nothing was judged"), "{page}");
}

/// Everything that comes from outside, in every place where a page shows something.
fn poisoned(mark: &str) -> (Results, History) {
    let mut history = sample::history(300, 60);
    for event in &mut history.events {
        event.f.push_str(mark);
        event.key = event.key.as_ref().map(|key| format!("{key}{mark}"));
        event.facts.insert("error".to_owned(), json!(mark));
        event.facts.insert(mark.to_owned(), json!({mark: mark}));
        if let Some(value) = event.value.as_object_mut() {
            value.insert("evidence".to_owned(), json!(mark));
            value.insert("targets".to_owned(), json!([mark]));
        } else {
            event.value = json!({"old": mark, mark: [mark]});
        }
    }
    let mut results = sample::results(&history, 60);
    let plan = &mut results.plan;
    for words in [
        &mut plan.workload,
        &mut plan.door,
        &mut plan.nemesis[0],
        &mut results.name,
        &mut results.started,
        &mut results.command,
        &mut results.versions.kernel,
        &mut results.versions.binary_sha256,
    ] {
        words.push_str(mark);
    }
    plan.schedule[0].kind.push_str(mark);
    plan.schedule[0].target.push_str(mark);
    plan.schedule[0].amounts.insert(mark.to_owned(), 1);
    plan.settings.insert(mark.to_owned(), mark.to_owned());
    results.versions.mutant = Some(mark.to_owned());
    results
        .files
        .insert(mark.to_owned(), format!("javascript:{mark}"));
    for report in &mut results.checkers {
        report.checker.push_str(mark);
        report.counts.insert(mark.to_owned(), 1);
        report
            .findings
            .push(sample::finding(mark, vec![0, u64::MAX, 7]));
    }
    (results, history)
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let mark = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
    let (results, history) = poisoned(mark);
    let page = page::page(&results, &history);
    assert!(
        !page.contains("<script") && !page.contains("<img"),
        "markup got through"
    );
    assert!(
        !page.contains("\"'>") && !page.contains("href=\"javascript:"),
        "a quote got through"
    );
    assert!(
        page.matches("&lt;script&gt;").count() > 50,
        "the values are not shown at all"
    );
    // What is left of it is text, or percent signs in a link.
    let tags = page
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'));
    for (tag, _) in tags.filter(|(tag, _)| !tag.starts_with("a href=\"./")) {
        let quiet = tag.replace("&quot;&#39;&gt;", "").replace("&lt;", "");
        assert!(
            !quiet
                .split('"')
                .step_by(2)
                .any(|part| part.contains("onerror")),
            "{tag}"
        );
    }
}

/// The densest run there can be: every cell of every drawing is hit, every list is full.
#[test]
fn a_page_is_bounded_however_long_the_run() {
    let mut history = sample::history(150_000, 600);
    let long = "x<&".repeat(2_000);
    for event in history
        .events
        .iter_mut()
        .filter(|event| event.key.is_some())
    {
        event.facts.insert("fact".to_owned(), json!(long));
        event.value = json!(long);
    }
    let mut results = sample::results(&history, 600);
    let events: Vec<u64> = (20_000..21_000).collect();
    results.checkers = (0..27)
        .map(|number| {
            let mut report = results.checkers[1].clone();
            report.checker = format!("checker-{number}");
            report.findings = vec![sample::finding(&long, events.clone()); 20];
            report
        })
        .collect();
    let page = page::page(&results, &history);
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
}
