//! A whole run, by somebody who loses patience: what it has is judged, and is no pass.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::holdfast;

/// For a cluster to be founded and to answer, on a busy machine; and for a run to end.
const PATIENCE: Duration = Duration::from_secs(120);

fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let began = Instant::now();
    while !look() {
        assert!(began.elapsed() < PATIENCE, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_interrupted_run_is_judged_and_unknown() {
    let harness = PathBuf::from(env!("CARGO_BIN_EXE_hf-jepsen"));
    let place = tempfile::tempdir().unwrap();
    let run_dir = place.path().join("run");
    let mut run = Command::new(&harness)
        .args(["run", "--workload=set", "--nemesis=pause", "--seed=1"])
        .args(["--seconds=3600", "--binary"])
        .arg(holdfast())
        .arg("--run-dir")
        .arg(&run_dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = run_dir.join("clients/worker-0-0.jsonl");
    let acknowledged = || {
        let said = fs::read_to_string(&said).unwrap_or_default();
        said.matches(r#""type":"ok""#).count() > 20
    };
    eventually("work", acknowledged);
    let pid = Pid::from_child(&run);
    kill_process(pid, Signal::INT).unwrap();
    let mut status = None;
    eventually("the end of the run", || {
        status = run.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(2));
    let results = fs::read_to_string(run_dir.join("results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    assert_eq!(results["verdict"], "unknown");
    let history = fs::read_to_string(run_dir.join("history.jsonl")).unwrap();
    assert!(history.lines().count() > 40);
    assert!(run_dir.join("report.html").is_file());
}
