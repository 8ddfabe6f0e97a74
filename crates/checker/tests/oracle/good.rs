//! What must not alarm.

use checker::oracle::Fate;
use checker::oracle::log::Snapshot;
use checker::{Outcome, Verdict};

use crate::fixture::{applied, ok, run};

#[test]
fn two_real_runs_are_valid_and_leave_nothing_unknown() {
    for (workload, found) in [("register", 148), ("lock", 84)] {
        let judgement = run(workload).judge();
        let report = &judgement.report;
        assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
        assert_eq!(
            report.counts["acknowledged and found"], found,
            "{report:#?}"
        );
        assert!(report.counts["digests compared"] > 300, "{report:#?}");
        assert!(
            judgement
                .resolutions
                .iter()
                .all(|r| r.fate != Fate::Unknown)
        );
    }
    assert!(run("lock").judge().report.counts["grants followed"] > 30);
}

/// An answer that was lost on its way: the log knows that it was done, and where.
#[test]
fn an_unknown_that_was_done_is_acknowledged_at_the_end() {
    let mut run = run("register");
    let answer = run.answer(ok("write"));
    answer.outcome = Outcome::Info;
    let zxid = answer.facts.remove("zxid").unwrap().as_u64();
    answer.facts.remove("version");
    let (process, value) = (answer.process.clone(), answer.value.clone());
    let judgement = run.judge();
    assert_eq!(judgement.report.verdict, Verdict::Valid);
    let fates: Vec<Fate> = judgement.resolutions.iter().map(|r| r.fate).collect();
    assert!(fates.contains(&Fate::Applied(zxid)), "{fates:?}");
    let resolved = &judgement.resolved;
    let last = resolved
        .events
        .iter()
        .find(|e| e.number("zxid") == zxid)
        .unwrap();
    assert_eq!((last.outcome, &last.process), (Outcome::Ok, &process));
    assert_eq!(last.value, value);
    let before = run.history.events.last().unwrap().time;
    assert!(last.time > before, "it has no return time");
    assert_eq!(resolved.events.len(), run.history.events.len());
    for (event, index) in resolved.events.iter().zip(0..) {
        assert_eq!(event.index, index);
    }
}

/// One that no log has never was: for the checkers it failed.
#[test]
fn an_unknown_that_was_not_done_failed() {
    let run = run("register");
    let unknown =
        |events: &[checker::Event]| events.iter().filter(|e| e.outcome == Outcome::Info).count();
    assert_eq!(unknown(&run.history.events), 6);
    let judgement = run.judge();
    assert_eq!(unknown(&judgement.resolved.events), 0);
    let not = judgement
        .resolutions
        .iter()
        .filter(|r| r.fate == Fate::NotApplied);
    let failed = judgement
        .resolved
        .events
        .iter()
        .filter(|e| e.outcome == Outcome::Fail && e.facts.contains_key("resolved"));
    assert_eq!(not.count(), failed.count());
}

/// A client that was killed: an invocation and nothing more.
#[test]
fn an_invocation_without_completion_is_resolved_too() {
    let mut run = run("register");
    let index = run.answer(ok("write")).index;
    run.history.events.retain(|event| event.index != index);
    let judgement = run.judge();
    assert_eq!(judgement.report.verdict, Verdict::Valid);
    let end = judgement.resolved.events.last().unwrap();
    assert_eq!((end.f.as_str(), end.outcome), ("write", Outcome::Ok));
}

/// A node that was cut off kept an entry of an old leader at the end of its log: it was never
/// committed, and the node would replace it when it starts.
#[test]
fn a_stale_end_of_one_log_is_no_conflict() {
    let mut run = run("register");
    for log in &mut run.logs[..2] {
        for entry in log.entries.iter_mut().filter(|e| e.index >= 150) {
            entry.term = 7;
        }
    }
    let cut_off = &mut run.logs[2];
    cut_off.entries.truncate(151);
    let last = cut_off.entries.last_mut().unwrap();
    (last.hash, last.committed) = ("another".to_owned(), false);
    cut_off.committed = Some(149);
    run.expect(Verdict::Valid, "");
}

/// The marker of what is committed is written along with the next entry: it may be behind on all.
#[test]
fn what_was_answered_is_committed_whatever_the_marker_says() {
    let mut run = run("register");
    let answered = run.find(|c| applied(c) && c.op.command == "put");
    for log in &mut run.logs {
        log.committed = Some(10);
        log.entries
            .iter_mut()
            .for_each(|e| e.committed = e.index <= 10);
    }
    assert!(answered < 20);
    run.expect(Verdict::Valid, "");
}

/// The beginning of the log is in snapshots alone: the rest is judged, and what is not is counted.
#[test]
fn a_purged_log_is_judged_as_far_as_it_reaches() {
    let mut run = run("register");
    for log in &mut run.logs {
        let digest = log.entries[60].digest.clone();
        let index = Some(log.entries[60].index);
        let zxid = log.entries[60].zxid;
        log.snapshots = vec![Snapshot {
            index,
            zxid,
            digest,
            problem: None,
        }];
        log.entries.drain(..=60);
        (log.purged, log.from_snapshot) = (index, index);
    }
    let report = run.judge().report;
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert!(report.counts["acknowledged and found"] > 80, "{report:#?}");
    assert!(
        report.counts["acknowledged, not to be judged"] > 30,
        "{report:#?}"
    );
    assert_eq!(report.counts["entries purged or not applied anew"], 61);
    assert_eq!(report.counts["snapshots compared"], 2);
    // One node that has it all is enough.
    run.logs[1] = crate::fixture::run("register").logs.remove(1);
    assert!(
        !run.judge()
            .report
            .counts
            .contains_key("acknowledged, not to be judged")
    );
}

#[test]
fn a_log_purged_to_its_end_is_no_pass() {
    let mut run = run("register");
    for log in &mut run.logs {
        let last = log.entries.last().unwrap();
        log.snapshots = vec![Snapshot {
            index: Some(last.index),
            zxid: last.zxid,
            digest: last.digest.clone(),
            problem: None,
        }];
        (log.purged, log.from_snapshot) = (Some(last.index), Some(last.index));
        log.entries.clear();
    }
    run.expect(
        Verdict::Unknown,
        "no acknowledged operation could be looked for",
    );
}
