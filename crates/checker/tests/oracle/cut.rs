//! Commands that changed more than a log shows.

use checker::oracle::log::{Change, Command, Entry, NodeLog, Op};
use checker::{History, Verdict};
use serde_json::json;

use crate::fixture::Run;

fn change(event: &str, path: &str) -> Change {
    Change {
        event: event.to_owned(),
        path: Some(path.to_owned()),
        version: Some(0),
        ..Change::default()
    }
}

fn entry(index: u64, command: &str, changes: Vec<Change>, events: u64) -> Entry {
    let command = Command {
        request: format!("1-a-{index}"),
        op: Op {
            command: command.to_owned(),
            ..Op::default()
        },
        outcome: Some("applied".to_owned()),
        zxid: Some(index),
        events,
        changes,
        ..Command::default()
    };
    let text = json!({"index": index, "term": 1, "kind": "commands", "committed": true, "hash": index.to_string()});
    Entry {
        commands: if index == 0 {
            Vec::new()
        } else {
            vec![command]
        },
        zxid: Some(index),
        digest: Some(format!("d{index}")),
        ..serde_json::from_value(text).unwrap()
    }
}

fn run(shown: Vec<Change>, events: u64) -> Run {
    let made = |path| vec![change("node.created", path)];
    let entries = vec![
        entry(0, "", Vec::new(), 0),
        entry(1, "create", made("/a"), 1),
        entry(2, "create", made("/a/x"), 1),
        entry(3, "delete-subtree", shown, events),
        entry(4, "create", made("/a"), 1),
    ];
    let of = |node| NodeLog {
        node,
        entries: entries.clone(),
        committed: Some(4),
        ended: true,
        ..NodeLog::default()
    };
    Run {
        logs: (1..=3).map(of).collect(),
        history: History { events: Vec::new() },
    }
}

/// Found by the campaign (unique-ids, seed 4008): of 1,227 znodes that were deleted at once the log
/// shows 1,000, and the parent, which is the last, is not among them.
#[test]
fn what_a_cut_command_changed_besides_is_not_known() {
    // Without a history nobody can pass; nothing is called broken.
    run(vec![change("node.deleted", "/a/x")], 2)
        .expect(Verdict::Unknown, "no acknowledged operation");
}

#[test]
fn a_whole_command_is_held_to_what_it_shows() {
    run(vec![change("node.deleted", "/a/x")], 1)
        .expect(Verdict::Invalid, "/a was made and is there");
}
