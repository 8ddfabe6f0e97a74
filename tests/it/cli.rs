//! The command line against a cluster: what scripts and people rely on.

use std::io::Read as _;

use holdfast_tests::locks::{acquire, holding, stand_in_queue, waiting};
use holdfast_tests::{Cluster, eventually, until};
use rustix::process::{Pid, test_kill_process};
use serde_json::json;

#[test]
fn a_command_runs_while_the_lock_is_held_and_its_exit_code_is_passed_on() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let done = cli.run(&[
        "lock",
        "deploy/prod",
        "--",
        "sh",
        "-c",
        "echo $HOLDFAST_LOCK $HOLDFAST_FENCE",
    ]);
    let done = done.expect(0);
    let mut words = done.stdout.split_whitespace();
    assert_eq!(words.next(), Some("deploy/prod"));
    assert!(words.next().unwrap().parse::<u64>().unwrap() > 0);
    assert!(
        holding(&cluster.http(1), "deploy/prod").is_empty(),
        "released at the end"
    );
    let _ = cli
        .run(&["lock", "deploy/prod", "--", "sh", "-c", "exit 7"])
        .expect(7);
    let _ = cli
        .run(&["lock", "deploy/prod", "--", "/does/not/exist"])
        .expect(66);
    assert!(holding(&cluster.http(1), "deploy/prod").is_empty());
}

#[test]
fn a_held_lock_is_exit_code_75_and_a_wait_is_served() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    cluster.open_session("a");
    stand_in_queue(&cluster.http(1), "a", "deploy", "c1");
    let busy = cli.run(&["lock", "-n", "deploy", "--", "true"]).expect(75);
    assert!(busy.stderr.contains("deploy"), "{}", busy.stderr);
    let _ = cli
        .run(&["lock", "-n", "-E", "3", "deploy", "--", "true"])
        .expect(3);
    let _ = cli
        .run(&["lock", "-w", "300ms", "deploy", "--", "true"])
        .expect(75);
    let waiter = cli.start(&["lock", "-w", "30s", "deploy", "--", "echo", "mine"]);
    until("the command to queue", || {
        waiting(&cluster.http(2), "deploy").len() == 1
    });
    let _ = cluster
        .http(3)
        .session("a")
        .delete("/v1/locks/deploy/-/claims/c1")
        .unwrap()
        .expect(200);
    let output = waiter.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stdout, b"mine\n");
}

#[test]
fn a_lost_lock_stops_the_whole_process_group() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    // The shell's child is the one that would survive if only the shell were told.
    let script = "sleep 600 & echo $!; wait";
    let mut child = cli.start(&["lock", "--grace", "1s", "group", "--", "sh", "-c", script]);
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    let pid: i32 = eventually("the inner process to start", || {
        let mut byte = [0];
        while stdout.read(&mut byte).ok()? == 1 && byte[0] != b'\n' {
            text.push(char::from(byte[0]));
        }
        text.trim().parse().ok()
    });
    let lock = cluster
        .http(2)
        .get("/v1/locks/group")
        .unwrap()
        .expect(200)
        .json();
    let fence = lock["holders"][0]["fence"].as_u64().unwrap();
    let breaking = cluster.http(2).header("If-Match", &format!("\"f{fence}\""));
    let reason = json!({"reason": "test"}).to_string();
    let _ = breaking
        .post("/v1/locks/group/-/break", reason)
        .unwrap()
        .expect(200);
    let status = eventually("the command to end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(80));
    let pid = Pid::from_raw(pid).unwrap();
    until("the inner process to be gone", || {
        test_kill_process(pid).is_err()
    });
}

#[test]
fn a_killed_holder_loses_the_lock_when_its_session_expires() {
    let cluster = Cluster::start(3);
    cluster.open_session("heir");
    let mut holder = cluster
        .cli()
        .start(&["lock", "--ttl", "2s", "mine", "--", "sleep", "600"]);
    until("the lock to be held", || {
        holding(&cluster.http(1), "mine").len() == 1
    });
    assert_eq!(
        acquire(&cluster.http(1), "heir", "mine", "h")
            .unwrap()
            .status,
        202
    );
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("the heir to hold", || {
        holding(&cluster.http(1), "mine") == ["h"]
    });
}

#[test]
fn znodes_are_read_and_written() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let _ = cli.run(&["put", "/cfg", "one"]).expect(0);
    assert_eq!(cli.run(&["get", "/cfg"]).expect(0).stdout.trim_end(), "one");
    let _ = cli.run_with_input(&["put", "/cfg", "-"], b"two").expect(0);
    assert_eq!(cli.run(&["get", "/cfg"]).expect(0).stdout.trim_end(), "two");
    let _ = cli.run(&["create", "/cfg/child", "x"]).expect(0);
    assert_eq!(
        cli.run(&["ls", "/cfg"]).expect(0).stdout.trim_end(),
        "child"
    );
    let stat = cli.run(&["-o", "json", "stat", "/cfg"]).expect(0).json();
    assert!(stat.to_string().contains("\"version\":1"), "{stat}");
    let missing = cli.run(&["get", "/nothing"]).expect(66);
    assert!(missing.stderr.contains("/nothing"), "{}", missing.stderr);
    let _ = cli.run(&["rm", "/cfg"]).expect(82);
    let _ = cli.run(&["rm", "-r", "/cfg"]).expect(0);
    let _ = cli.run(&["get", "/cfg"]).expect(66);
}

#[test]
fn the_cluster_is_shown_and_a_wrong_command_is_explained() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let status = cli.run(&["cluster", "status"]).expect(0);
    for id in cluster.ids() {
        assert!(
            status.stdout.contains(&cluster.url(id)),
            "{}",
            status.stdout
        );
    }
    let json = cli
        .run(&["-o", "json", "cluster", "status"])
        .expect(0)
        .json();
    assert_eq!(json["leader"], format!("n{}", cluster.leader()));
    let _ = cli.run(&["lokc", "x"]).expect(64);
    let _ = cli.run(&["lock"]).expect(64);
    let nobody = holdfast_tests::cli::Cli::to(&["http://127.0.0.1:9".to_owned()]);
    let _ = nobody.run(&["--timeout", "1s", "get", "/x"]).expect(69);
}
