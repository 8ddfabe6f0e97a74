//! One thing made wrong in a real run: each must be found, and named.

use checker::oracle::Oracle;
use checker::oracle::log::NodeLog;
use checker::{History, Limits, Outcome, Verdict};

use crate::fixture::{Run, applied, ok, run};

fn is(command: &'static str) -> impl Fn(&checker::oracle::log::Command) -> bool {
    move |found| found.op.command == command && applied(found)
}

#[track_caller]
fn broken(run: &Run, part: &str) {
    run.expect(Verdict::Invalid, part);
}

#[test]
fn nodes_that_hold_different_entries() {
    let mut one = run("register");
    one.logs[1].entries[50].hash = "another".to_owned();
    broken(&one, "one leader wrote two entries to one place");
    one.logs[1].entries[50].term = 9;
    one.logs[1].entries[51..]
        .iter_mut()
        .for_each(|e| e.term = 9);
    broken(&one, "both were committed");
    for entry in &mut one.logs[1].entries[50..] {
        entry.committed = false;
    }
    broken(&one, "a later leader lacked a committed entry");
}

#[test]
fn nodes_that_made_different_states_of_the_same_entries() {
    let mut one = run("lock");
    one.logs[2].entries[20].digest = Some("another".to_owned());
    broken(&one, "with digest another");
}

#[test]
fn a_term_that_goes_back_and_a_hole() {
    let mut one = run("register");
    one.everywhere(40, |entry| entry.term = 0);
    broken(&one, "entry 40 has term 0");
    let mut one = run("register");
    one.logs[0].entries.remove(40);
    broken(&one, "entry 41 follows entry 39");
}

#[test]
fn a_snapshot_of_another_state() {
    let mut one = run("register");
    one.logs[1].snapshots = vec![checker::oracle::log::Snapshot {
        index: Some(70),
        digest: Some("another".to_owned()),
        ..Default::default()
    }];
    broken(
        &one,
        "the snapshot of entry 70 on node 2 has digest another",
    );
}

#[test]
fn an_acknowledged_write_that_is_in_no_log() {
    let mut one = run("register");
    let zxid = one.answer(ok("write")).number("zxid").unwrap();
    for log in &mut one.logs {
        for entry in &mut log.entries {
            entry.commands.retain(|command| command.zxid != Some(zxid));
        }
    }
    broken(&one, "was acknowledged at");
    broken(&one, "where the log has nothing");
    // The end of all logs is gone, too.
    let mut one = run("register");
    for log in &mut one.logs {
        log.entries.truncate(100);
        log.committed = Some(99);
    }
    broken(&one, "where the log has nothing");
}

#[test]
fn an_acknowledged_write_that_the_log_refused_or_has_elsewhere() {
    let mut one = run("register");
    let answer = one.answer(ok("cas"));
    let zxid = answer.number("zxid").unwrap();
    answer.facts.insert("zxid".to_owned(), (zxid + 1).into());
    broken(&one, &format!("was acknowledged at {}", zxid + 1));
    let mut one = run("register");
    one.command(zxid, |command| {
        command.outcome = Some("refused".to_owned());
        (command.events, command.changes) = (0, Vec::new());
    });
    broken(&one, "(refused); the log has it at []");
}

#[test]
fn a_failed_write_that_was_done() {
    let mut one = run("register");
    one.answer(ok("write")).outcome = Outcome::Fail;
    broken(&one, "was reported as failed; the log has it at");
    let mut one = run("lock");
    one.answer(ok("release")).outcome = Outcome::Fail;
    broken(&one, "was reported as failed; the log has it at");
}

#[test]
fn a_claim_reported_as_not_got_that_got_the_lock() {
    let mut one = run("lock");
    let claim = {
        let answer = one.answer(ok("acquire"));
        answer.outcome = Outcome::Fail;
        answer.facts.insert("error".to_owned(), "lock_held".into());
        answer.value["claim"].clone()
    };
    broken(
        &one,
        &format!("{} was reported as failed", claim.as_str().unwrap()),
    );
}

/// As a client library would do that repeats what it must not.
#[test]
fn a_write_that_was_done_twice() {
    let mut one = run("register");
    let zxid = one
        .answer(|e| ok("write")(e) && e.value.as_u64() > Some(20))
        .number("zxid")
        .unwrap();
    let mut again = one.logs[0]
        .entries
        .iter()
        .flat_map(|e| &e.commands)
        .find(|c| c.zxid == Some(zxid))
        .unwrap()
        .clone();
    again.request = "another".to_owned();
    let last = one.logs[0].entries.last().unwrap().zxid.unwrap();
    again.zxid = Some(last + 1);
    let index = one.logs[0].entries.last().unwrap().index;
    one.everywhere(index, |entry| entry.commands.push(again.clone()));
    broken(&one, "was done more often than asked for");
}

#[test]
fn a_request_that_was_applied_twice() {
    let mut one = run("register");
    let first = one.logs[0].entries[5].commands[0].request.clone();
    one.everywhere(9, |entry| entry.commands[0].request.clone_from(&first));
    broken(&one, "is in the log twice");
}

#[test]
fn a_write_nobody_asked_for() {
    let mut one = run("register");
    let zxid = one.answer(ok("write")).number("zxid").unwrap();
    one.command(zxid, |command| {
        command.op.data.as_mut().unwrap().text = Some("987654321".to_owned());
    });
    broken(&one, "and nobody asked for it");
}

#[test]
fn a_version_that_jumps_and_a_condition_that_did_not_hold() {
    let mut one = run("register");
    let zxid = one.find(|c| is("put")(c) && c.changes[0].event == "node.changed");
    one.command(zxid, |command| command.changes[0].version = Some(77));
    broken(&one, "to 77");
    let mut one = run("register");
    let zxid = one.find(|c| applied(c) && c.op.expect.is_some());
    one.command(zxid, |command| command.op.expect = Some(99));
    broken(&one, "was written for version 99");
    let mut one = run("register");
    let zxid = one.find(|c| c.code.as_deref() == Some("version_mismatch"));
    let path = one.logs[0].entries.iter().flat_map(|e| &e.commands);
    let path = path
        .clone()
        .find(|c| c.zxid == Some(zxid))
        .unwrap()
        .op
        .path
        .clone();
    let before = one.logs[0].entries.iter().flat_map(|e| &e.commands);
    let mut before = before
        .filter(|c| c.zxid < Some(zxid))
        .flat_map(|c| &c.changes);
    let version = before.rfind(|c| c.path == path).unwrap().version;
    one.command(zxid, |command| command.op.expect = version);
    broken(&one, "it was refused for");
}

#[test]
fn a_position_that_is_left_out_and_a_refusal_that_changed_something() {
    let mut one = run("register");
    one.command(30, |command| command.zxid = Some(31));
    broken(&one, "it follows position");
    let mut one = run("register");
    let zxid = one.find(|c| c.outcome.as_deref() == Some("refused"));
    one.command(zxid, |command| command.events = 1);
    broken(&one, "it was refused and changed 1 things");
}

/// Position of a hand-over: a command that ended one hold and granted the next.
fn hand_over(run: &Run) -> u64 {
    run.find(|c| {
        c.changes
            .iter()
            .any(|c| c.event == "lock.granted" && c.handed_over)
    })
}

#[test]
fn a_lock_that_nobody_is_given_although_somebody_waits() {
    let mut one = run("lock");
    let zxid = hand_over(&one);
    one.command(zxid, |command| {
        command.changes.retain(|c| c.event != "lock.granted");
        command.events = command.changes.len() as u64;
    });
    broken(&one, "nobody holds it although");
}

#[test]
fn a_lock_given_to_two() {
    let mut one = run("lock");
    let zxid = hand_over(&one);
    one.command(zxid, |command| {
        command.changes.retain(|c| c.event != "lock.released");
        command.events = command.changes.len() as u64;
    });
    broken(&one, "hold it, one of them alone");
}

#[test]
fn a_fence_that_does_not_grow_and_one_that_was_told_wrongly() {
    let mut one = run("lock");
    let zxid = hand_over(&one);
    one.command(zxid, |command| {
        let granted = command
            .changes
            .iter_mut()
            .find(|c| c.event == "lock.granted");
        granted.unwrap().fence = Some(1);
    });
    broken(&one, "granted with fence 1 after fence");
    let mut one = run("lock");
    one.answer(ok("acquire")).value["fence"] = 3.into();
    broken(&one, "was told fence 3");
}

#[test]
fn a_claim_that_outlives_its_session() {
    let mut one = run("lock");
    let zxid = one.find(|c| c.changes.iter().any(|c| c.event == "lock.granted"));
    let owner = one.logs[0].entries.iter().flat_map(|e| &e.commands);
    let owner = owner
        .filter(|c| c.zxid == Some(zxid))
        .flat_map(|c| &c.changes);
    let owner = owner.filter_map(|c| c.owner).next();
    one.command(zxid, |command| {
        command.changes.push(checker::oracle::log::Change {
            event: "session.expired".to_owned(),
            session: owner,
            ..Default::default()
        });
        command.events += 1;
    });
    broken(&one, "ended and its");
}

#[test]
fn damage_nobody_made_is_broken_and_damage_of_the_run_is_counted() {
    let mut one = run("register");
    one.logs[2].problem = Some("record 9 of table log is damaged".to_owned());
    one.logs[2].entries.truncate(9);
    broken(&one, "record 9 of table log is damaged");
    let judge = |logs: &[NodeLog], history: &History| {
        let (logs, damage_expected) = (logs.to_vec(), true);
        let oracle = Oracle {
            logs,
            damage_expected,
        };
        oracle.judge(history, &Limits::default()).report
    };
    let report = judge(&one.logs, &one.history);
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    assert_eq!(report.counts["damaged logs"], 1);
    one.logs[1].ended = false;
    let report = judge(&one.logs, &one.history);
    assert_eq!(report.verdict, Verdict::Unknown, "{report:#?}");
}
