//! EDN as Jepsen's tools take it, and back.

use checker::edn::{read_history, write, write_by_key};
use checker::linearizable::Linearizable;
use checker::{Checker, History, Limits, Verdict};

use crate::golden::all;

#[test]
fn every_golden_history_comes_back_from_edn_as_it_was() {
    for golden in all() {
        let text = write(&golden.history);
        let back = read_history(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
        assert_eq!(back, golden.history, "{}", golden.path.display());
    }
}

const REGISTER: &str = r#"
{"index":0,"time":5,"process":0,"type":"invoke","f":"read","key":"r1","value":null}
{"index":1,"time":6,"process":0,"type":"ok","f":"read","key":"r1","value":"absent","zxid":1}
{"index":2,"time":7,"process":1,"type":"invoke","f":"cas","key":"r1","value":{"old":1,"new":2},"expect":0}
{"index":3,"time":8,"process":2,"type":"invoke","f":"read","key":"r1","value":null,"consistency":"stale"}
{"index":4,"time":9,"process":2,"type":"ok","f":"read","key":"r1","value":1}
{"index":5,"time":9,"process":1,"type":"info","f":"cas","key":"r1","value":{"old":1,"new":2},"error":"timeout"}
{"index":6,"time":9,"process":"nemesis","type":"info","f":"kill","value":{"phase":"start","targets":[1]}}
"#;

#[test]
fn a_register_has_a_file_as_knossos_takes_it() {
    let history = History::parse(REGISTER).unwrap();
    let files = write_by_key(&history);
    let wanted = "\
{:index 0, :time 0, :type :invoke, :process 999999999, :f :write, :value :absent}
{:index 1, :time 0, :type :ok, :process 999999999, :f :write, :value :absent}
{:index 2, :time 5, :type :invoke, :process 0, :f :read, :value nil}
{:index 3, :time 6, :type :ok, :process 0, :f :read, :value :absent}
{:index 4, :time 7, :type :invoke, :process 1, :f :cas, :value [1 2]}
{:index 5, :time 9, :type :info, :process 1, :f :cas, :value [1 2]}
";
    assert_eq!(files.get("r1").unwrap(), wanted);
    let last = write(&history);
    let nemesis = "{:index 6, :time 9, :type :info, :process :nemesis, :f :kill, :value {:phase \"start\", :targets [1]}}\n";
    assert!(last.ends_with(nemesis), "{last}");
}

#[test]
fn transactions_and_sets_have_the_forms_of_elle() {
    let lines = r#"
{"index":0,"time":5,"process":0,"type":"ok","f":"txn","value":[["append","a1",2],["r","a2",[1,3]]]}
{"index":1,"time":6,"process":0,"type":"ok","f":"read","value":[1,2]}
{"index":2,"time":7,"process":0,"type":"ok","f":"read","value":[1,1]}
"#;
    let text = write(&History::parse(lines).unwrap());
    assert!(
        text.contains(":f :txn, :value [[:append \"a1\" 2] [:r \"a2\" [1 3]]]"),
        "{text}"
    );
    assert!(text.contains(":value #{1 2}"), "{text}");
    // With an element twice it could not be read as a set.
    assert!(text.contains(":value [1 1]"), "{text}");
}

#[test]
fn a_history_in_jepsens_form_is_judged() {
    let text = "
; written by others: no times, no keys
{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :cas, :value [1 2]}
{:process 1, :type :ok, :f :cas, :value [1 2]}
{:process 0, :type :invoke, :f :read, :value nil}
{:process 0, :type :ok, :f :read, :value %}
";
    for (read, verdict) in [
        ("2", Verdict::Valid),
        ("1", Verdict::Invalid),
        ("nil", Verdict::Invalid),
    ] {
        let history = read_history(&text.replace('%', read)).unwrap();
        let report = Linearizable.check(&history, &Limits::default());
        assert_eq!(report.verdict, verdict, "read {read}: {report:#?}");
    }
}

#[test]
fn what_is_no_edn_is_refused_with_its_place() {
    for text in [
        "{:a",
        "[1 2",
        "{:a}",
        "\"abc",
        "]",
        "\"\\q\"",
        &"[".repeat(100),
    ] {
        let error = read_history(text).expect_err(text);
        assert!(error.starts_with("byte "), "{error}");
    }
}

/// Knossos refuses a completion of what was never invoked.
#[test]
fn what_nobody_asked_for_completes_nothing() {
    let text = r#"{"index":0,"time":1,"process":"observer","type":"ok","f":"leader","value":{"node":1}}
{"index":1,"time":2,"process":7,"type":"invoke","f":"watch","value":{"prefix":"/a"}}
{"index":2,"time":3,"process":7,"type":"ok","f":"watch","value":{"next":"4.0"}}
{"index":3,"time":4,"process":7,"type":"ok","f":"event","value":{"id":"5.0"}}
"#;
    let history = History::parse(text).unwrap();
    let text = write(&history);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains(":type :info, :process :observer"),
        "{text}"
    );
    assert!(lines[0].contains(":told :ok"), "{text}");
    assert!(lines[2].contains(":type :ok, :process 7"), "{text}");
    assert!(lines[3].contains(":type :info, :process :stream"), "{text}");
    assert!(lines[3].contains(":told :ok, :client 7"), "{text}");
    assert_eq!(read_history(&text).unwrap(), history);
}
