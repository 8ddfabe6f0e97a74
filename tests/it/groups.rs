//! Groups: who is there, whatever happens to the nodes. (P-GROUP)

use std::time::Duration;

use holdfast_tests::cli::Finished;
use holdfast_tests::{Cluster, EventStream, Http, eventually, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const GROUP: &str = "/v1/groups/web/front";

fn join(http: &Http, session: &str) -> Option<Value> {
    let body = json!({"value": format!("at {session}")}).to_string();
    let path = format!("{GROUP}/-/members/{session}");
    let answer = http.session(session).put(&path, body).ok()?;
    matches!(answer.status, 200 | 201).then(|| answer.json())
}

fn ids(http: &Http) -> Option<Vec<String>> {
    let answer = http.get(GROUP).ok()?;
    let group = (answer.status == 200).then(|| answer.json())?;
    let members = group["members"].as_array()?.iter();
    let id = |member: &Value| Some(member["member"].as_str()?.to_owned());
    members.map(id).collect()
}

#[test]
fn members_stay_when_nodes_die_and_go_with_their_sessions() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    for session in ["c", "a", "b"] {
        cluster.open_session(session);
    }
    let leader = cluster.leader();
    let others: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    let (left, right) = (cluster.http(others[0]), cluster.http(others[1]));
    let mut stream = EventStream::open(&right, &format!("{GROUP}/-/events"), None).unwrap();
    let first = join(&left, "c").unwrap();
    join(&right, "a").unwrap();

    // The third joins while the leader of the cluster is killed, and says so until it is answered.
    let third = {
        let http = right.clone();
        std::thread::spawn(move || eventually("the third to join", || join(&http, "b")))
    };
    cluster.kill(leader);
    let third = third.join().unwrap();
    assert_eq!(third["member"], "b");
    let again = eventually("the first to be asked", || join(&left, "c"));
    assert_eq!(again["joined_index"], first["joined_index"]);
    assert_eq!(
        eventually("a linearizable list", || ids(&left)),
        ["c", "a", "b"]
    );

    // One dies: its session ends, and it with it.
    let _ = right.delete("/v1/sessions/a").unwrap().expect(200);
    assert_eq!(ids(&left).unwrap(), ["c", "b"]);
    let told = stream.until(SOON, |event| event.name == "node.deleted");
    let created = told.iter().filter(|event| event.name == "node.created");
    let paths: Vec<&str> = created.map(|event| event.field("path")).collect();
    let expected = ["", "/c", "/a", "/b"].map(|id| format!("/groups/web/front{id}"));
    assert_eq!(paths, expected);

    cluster.restart(leader);
    cluster.wait_digests_agree();
    assert_eq!(ids(&cluster.http(leader)).unwrap(), ["c", "b"]);
}

#[test]
fn a_process_is_a_member_while_its_command_runs() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let http = cluster.http(1);
    let join = |id: &str, command: &[&str]| {
        let words = [
            "group",
            "join",
            "web/front",
            "--id",
            id,
            "--value",
            id,
            "--ttl",
            "2s",
            "--",
        ];
        let words: Vec<&str> = words.iter().chain(command).copied().collect();
        cli.start(&words)
    };
    // It ends by itself when `holdfast` is gone.
    let wait = "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done";
    let mut dies = join("dies", &["sh", "-c", wait]);
    until("the first to be there", || {
        ids(&http).is_some_and(|ids| ids == ["dies"])
    });
    let stays = join("stays", &["sh", "-c", wait]);
    until("both to be there", || {
        ids(&http).is_some_and(|ids| ids == ["dies", "stays"])
    });
    let ends = join(
        "ends",
        &[
            "sh",
            "-c",
            "echo $HOLDFAST_MEMBER of $HOLDFAST_GROUP; exit 3",
        ],
    );
    let ends = Finished::from(ends.wait_with_output().unwrap()).expect(3);
    assert_eq!(ends.stdout, "ends of web/front\n");

    // It dies without a word; the cluster finds out by its silence.
    dies.kill().unwrap();
    dies.wait().unwrap();
    until("it to be missed", || {
        ids(&http).is_some_and(|ids| ids == ["stays"])
    });
    let shown = cli.run(&["groups", "get", "web/front"]).expect(0).stdout;
    assert!(shown.contains("stays"), "{shown}");
    let listed = cli.run(&["groups", "ls"]).expect(0).stdout;
    assert!(listed.contains("web/front"), "{listed}");

    let pid = Pid::from_raw(i32::try_from(stays.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = Finished::from(stays.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    until("nobody to be there", || {
        ids(&http).is_some_and(|ids| ids.is_empty())
    });
}
