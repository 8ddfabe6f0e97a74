use std::fs;

use expect_test::expect;
use serde_json::json;

use super::*;

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn history() -> History {
    let lines = [
        json!({"index": 0, "time": 5, "process": 1, "type": "invoke", "f": "write", "key": "r\"1",
            "value": {"a": [1, null, "é"]}}),
        json!({"index": 1, "time": 6, "process": "nemesis", "type": "info", "f": "kill",
            "value": {"phase": "start", "targets": [1], "observed": true}}),
        json!({"index": 2, "time": 7, "process": 1, "type": "ok", "f": "write", "key": "r\"1",
            "value": null, "version": 3, "node": 2, "door": "http"}),
    ];
    let events = lines.map(|line| serde_json::from_value(line).unwrap());
    History {
        events: events.into(),
    }
}

#[test]
fn what_was_written_is_read_and_is_what_serde_reads() {
    let dir = dir();
    let path = dir.path().join("history.jsonl");
    write(&path, &history()).unwrap();
    assert_eq!(read(&path).unwrap(), history());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(History::parse(&text).unwrap(), history());
}

#[test]
fn a_history_with_a_hole_is_refused_by_line() {
    let dir = dir();
    let path = dir.path().join("history.jsonl");
    let mut broken = history();
    broken.events.remove(1);
    write(&path, &broken).unwrap();
    let error = format!("{:#}", read(&path).unwrap_err()).replace(&path.display().to_string(), "F");
    expect!["F, line 2: the event has index 2 where 1 is next: lines are missing or twice"]
        .assert_eq(&error);
    fs::write(&path, "{\"index\":0,\"time\":1,\"process\":-1}\n").unwrap();
    let error = format!("{:#}", read(&path).unwrap_err()).replace(&path.display().to_string(), "F");
    expect!["F, line 1: invalid type: integer `-1`, expected the number of a client, or a name at line 1 column 32"].assert_eq(&error);
}

#[test]
fn keys_become_names_of_directories_that_cannot_meet_or_escape() {
    let names = ["r1", "", "..", "a/b", "a%2Fb", "history.edn", "ü"].map(file_name);
    assert_eq!(
        names,
        [
            "r1",
            "",
            "%2E%2E",
            "a%2Fb",
            "a%252Fb",
            "history%2Eedn",
            "%C3%BC"
        ]
    );
    let (one, other) = (file_name(&"x".repeat(300)), file_name(&"x".repeat(301)));
    assert!(one != other && one.len() == NAME_BYTES_MAX && other.len() == NAME_BYTES_MAX);
}

#[test]
fn each_key_has_a_file_that_others_can_judge() {
    let dir = dir();
    let mut history = history();
    history.events[0].value = json!(3);
    history.events[2].value = json!(3);
    write_edn(dir.path(), &history).unwrap();
    let own = fs::read_to_string(dir.path().join("independent/r%221/history.edn")).unwrap();
    expect![[r#"
        {:index 0, :time 5, :type :invoke, :process 1, :f :write, :value 3}
        {:index 1, :time 7, :type :ok, :process 1, :f :write, :value 3}
    "#]]
    .assert_eq(&own);
    let all = fs::read_to_string(dir.path().join("history.edn")).unwrap();
    assert_eq!(all.lines().count(), history.events.len());
}
