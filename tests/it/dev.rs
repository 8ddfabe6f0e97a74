//! `holdfast dev`: a cluster in one command.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use holdfast_tests::process::command;
use holdfast_tests::wait::within;
use holdfast_tests::{Http, until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// A running `holdfast dev` and the (pid, API address) of each of its nodes; told to stop when
/// dropped.
struct Dev {
    child: Child,
    nodes: Vec<(i32, std::net::SocketAddr)>,
    ready_after: Duration,
}

impl Dev {
    fn start(arguments: &[&str]) -> Dev {
        let began = Instant::now();
        let mut child = command()
            .args(["dev", "--any-port"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut nodes = Vec::new();
        for line in stdout.lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [_, pid, url, _] = words[..]
                && let Some(address) = url.strip_prefix("http://")
            {
                nodes.push((pid.parse().unwrap(), address.parse().unwrap()));
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        Dev {
            child,
            nodes,
            ready_after: began.elapsed(),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn is_alive(pid: i32) -> bool {
        test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn three_nodes_are_ready_at_once_and_end_with_it() {
    let mut dev = Dev::start(&[]);
    eprintln!("ready after {:?}", dev.ready_after);
    assert_eq!(dev.nodes.len(), 3);
    assert!(
        dev.ready_after < Duration::from_secs(20),
        "{:?}",
        dev.ready_after
    );
    let http = Http::to(dev.nodes[1].1);
    let _ = http
        .put("/v1/sessions/me", r#"{"ttl":"10m"}"#)
        .unwrap()
        .expect(201);
    let claim = http
        .session("me")
        .put("/v1/locks/orders/42/-/claims/c1", "{}")
        .unwrap()
        .expect(201);
    assert_eq!(claim.json()["state"], "held");
    // One may be killed; the others go on and it stays dead.
    kill_process(Pid::from_raw(dev.nodes[0].0).unwrap(), Signal::KILL).unwrap();
    until("a write through another node", || {
        http.put("/v1/nodes/x", "y")
            .is_ok_and(|answer| matches!(answer.status, 200 | 201))
    });
    dev.signal(Signal::INT);
    let status = within(Duration::from_secs(30), "dev to end", || {
        dev.child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
    assert!(dev.nodes.iter().all(|(pid, _)| !Dev::is_alive(*pid)));
}

#[test]
fn nodes_end_when_it_is_killed() {
    // Killed, it cannot remove a directory of its own.
    let directory = tempfile::tempdir().unwrap();
    let dev = Dev::start(&[&format!("--data-dir={}", directory.path().display())]);
    dev.signal(Signal::KILL);
    until("all nodes to be gone", || {
        dev.nodes.iter().all(|(pid, _)| !Dev::is_alive(*pid))
    });
}

#[test]
fn data_in_a_named_directory_is_there_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let flag = format!("--data-dir={}", data.display());
    let mut first = Dev::start(&[&flag]);
    let _ = Http::to(first.nodes[0].1)
        .put("/v1/nodes/x", "kept")
        .unwrap()
        .expect(201);
    first.signal(Signal::TERM);
    within(Duration::from_secs(30), "dev to end", || {
        first.child.try_wait().unwrap()
    });
    let second = Dev::start(&[&flag]);
    let read = Http::to(second.nodes[2].1)
        .get("/v1/nodes/x")
        .unwrap()
        .expect(200);
    assert_eq!(read.body, b"kept");
}
