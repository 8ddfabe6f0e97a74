use serde_json::json;

use super::*;

fn event(value: serde_json::Value) -> Event {
    serde_json::from_value(value).unwrap()
}

fn nemesis(f: &str, phase: &str, targets: &[u64]) -> Event {
    event(
        json!({"index": 0, "time": 0, "process": "nemesis", "type": "info", "f": f,
        "value": {"phase": phase, "targets": targets}}),
    )
}

#[test]
fn the_line_tells_counts_rate_leader_and_what_is_wrong_now() {
    let live = Live::default();
    live.phase("faults");
    for kind in ["invoke", "ok", "ok", "fail", "info"] {
        live.hear_line(
            format!(
                r#"{{"time":1,"process":1,"type":"{kind}","f":"write","value":"\"type\":\"ok\""}}"#
            )
            .as_bytes(),
        );
    }
    live.hear_line(br#"{"time":1,"process":1,"type":"ok","f":"event","value":{}}"#);
    live.hear_line(br#"{"time":1,"proce"#);
    for (node, term) in [(3, 7), (1, 6)] {
        live.hear(&event(
            json!({"index": 0, "time": 0, "process": "observer", "type": "ok",
            "f": "leader", "value": {"node": node, "term": term, "state": "leader"}}),
        ));
    }
    live.hear(&nemesis("kill", "start", &[1, 3]));
    live.hear(&nemesis("pause", "start", &[2]));
    live.hear(&nemesis("kill", "end", &[1, 3]));
    assert_eq!(
        live.snapshot().line(Duration::from_secs(42), 731),
        "  42 s  faults  2 ok  1 fail  1 info  731/s  leader n3 (term 7)  now: pause n2"
    );
}
