//! Services: whom a pick gives, whatever happens to nodes and instances. (P-PICK)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use holdfast_tests::cli::Finished;
use holdfast_tests::{Cluster, Http, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const SERVICE: &str = "/v1/services/shop/api";
/// Clients that pick at the same time.
const PICKERS: u64 = 4;
/// Picks of each: of all together, many cycles of the weights below.
const PICKS: u64 = 90;
/// Instances with their weights.
const WEIGHTS: [(&str, u64); 3] = [("a", 3), ("b", 2), ("c", 1)];
/// Attempts at one pick: with nodes that are asked in turn, minutes.
const ATTEMPTS_MAX: u64 = 200;

/// One pick: the position of its command, and whom it gave.
type Pick = (u64, String);

struct Picker {
    name: String,
    nodes: Vec<Http>,
    done: Arc<AtomicU64>,
}

impl Picker {
    /// Picks so many times, each under a key of its own that stays until there is an answer.
    fn start(cluster: &Cluster, name: String, done: &Arc<AtomicU64>) -> JoinHandle<Vec<Pick>> {
        let node = |id| cluster.http(id).timeout(Duration::from_secs(15));
        let picker = Picker {
            name,
            nodes: cluster.ids().into_iter().map(node).collect(),
            done: Arc::clone(done),
        };
        std::thread::spawn(move || {
            let mut picks = Vec::new();
            for n in 0..PICKS {
                picks.push(picker.pick(n));
                picker.done.fetch_add(1, Ordering::SeqCst);
            }
            picks
        })
    }

    fn pick(&self, n: u64) -> Pick {
        let path = format!("{SERVICE}/-/pick?cursor=global&reserve=1h");
        for attempt in 0..ATTEMPTS_MAX {
            let at = usize::try_from((n + attempt) % 3).unwrap();
            let key = format!("{}-{n}", self.name);
            let http = self.nodes[at].header("Idempotency-Key", &key);
            let Ok(answer) = http.post(&path, "") else {
                // Down, or killed before it answered: unknown.
                continue;
            };
            if answer.status == 200 {
                let index = answer.header("holdfast-index").unwrap().parse().unwrap();
                let picked = answer.json()["instance"]["id"].as_str().unwrap().to_owned();
                return (index, picked);
            }
            let (code, outcome) = answer.problem();
            let is_repeatable =
                outcome == "unknown" || code == "no_leader" || code == "in_progress";
            let is_passing = matches!(
                code.as_str(),
                "not_caught_up" | "shutting_down" | "overloaded"
            );
            assert!(is_repeatable || is_passing, "{}", answer.text());
        }
        panic!("pick {n} of {} was not answered", self.name);
    }
}

fn register(cluster: &mut Cluster) {
    let http = cluster.http(1);
    for (id, weight) in WEIGHTS {
        cluster.open_session(id);
        let body = json!({"address": "10.0.0.1", "port": 80, "weight": weight}).to_string();
        let path = format!("{SERVICE}/-/instances/{id}");
        let _ = http.session(id).put(&path, body).unwrap().expect(201);
    }
}

/// Open reservations of each instance.
fn reserved(http: &Http) -> BTreeMap<String, u64> {
    let service = http.get(SERVICE).unwrap().expect(200).json();
    let one = |it: &Value| {
        let id = it["id"].as_str().unwrap().to_owned();
        (id, it["reserved"].as_u64().unwrap())
    };
    service["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(one)
        .collect()
}

#[test]
fn turns_and_reservations_survive_the_leader() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    register(&mut cluster);
    let done = Arc::new(AtomicU64::new(0));
    let pickers: Vec<_> = (0..PICKERS)
        .map(|id| Picker::start(&cluster, format!("first-{id}"), &done))
        .collect();
    until("picks to flow", || {
        done.load(Ordering::SeqCst) >= PICKERS * PICKS / 4
            || pickers.iter().any(JoinHandle::is_finished)
    });
    let leader = cluster.leader();
    cluster.kill(leader);
    let mut shares = BTreeMap::new();
    for (_, id) in pickers
        .into_iter()
        .flat_map(|picker| picker.join().unwrap())
    {
        *shares.entry(id).or_insert(0) += 1;
    }
    let cycles = PICKERS * PICKS / 6;
    let expected: BTreeMap<String, u64> = WEIGHTS
        .iter()
        .map(|(id, weight)| ((*id).to_owned(), weight * cycles))
        .collect();
    assert_eq!(shares, expected, "shares by weight, each pick counted once");

    cluster.restart(leader);
    for id in cluster.ids() {
        assert_eq!(reserved(&cluster.http(id)), expected, "reservations");
    }
    cluster.wait_digests_agree();
}

#[test]
fn an_instance_is_never_picked_after_its_session_ended() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    register(&mut cluster);
    let done = Arc::new(AtomicU64::new(0));
    let pickers: Vec<_> = (0..2)
        .map(|id| Picker::start(&cluster, format!("second-{id}"), &done))
        .collect();
    until("picks to flow", || {
        done.load(Ordering::SeqCst) >= PICKS / 3 || pickers.iter().any(JoinHandle::is_finished)
    });
    let ended = cluster.http(2).delete("/v1/sessions/a").unwrap();
    let end: u64 = ended.header("holdfast-index").unwrap().parse().unwrap();
    let _ = ended.expect(200);
    // From here on, whoever is asked, and whatever is asked.
    for id in cluster.ids() {
        let http = cluster.http(id);
        for strategy in [
            "round_robin",
            "random",
            "least_load",
            "p2c",
            "sticky&key=k&previous=a",
        ] {
            let path = format!("{SERVICE}/-/pick?strategy={strategy}&n=3");
            let picked = http.get(&path).unwrap().expect(200).json();
            let others = picked["others"].as_array().unwrap();
            let ids: Vec<&Value> = [&picked["instance"]]
                .into_iter()
                .chain(others)
                .map(|it| &it["id"])
                .collect();
            assert!(
                !ids.contains(&&json!("a")),
                "{strategy} at node {id} gave {ids:?}"
            );
        }
    }
    let leader = cluster.leader();
    cluster.kill(leader);
    let picks: Vec<Pick> = pickers
        .into_iter()
        .flat_map(|p| p.join().unwrap())
        .collect();
    let late = picks.iter().filter(|(index, _)| *index > end);
    let late: Vec<&Pick> = late.collect();
    assert!(
        !late.is_empty(),
        "nothing was picked after the session ended"
    );
    assert!(late.iter().all(|(_, id)| id != "a"), "{late:?}");
    cluster.restart(leader);
    let kept: u64 = picks
        .iter()
        .filter(|(_, id)| id != "a")
        .count()
        .try_into()
        .unwrap();
    let left = reserved(&cluster.http(leader));
    assert_eq!(
        left.values().sum::<u64>(),
        kept,
        "its reservations went with it: {left:?}"
    );
    assert!(!left.contains_key("a"));
    cluster.wait_digests_agree();
}

#[test]
fn a_process_is_an_instance_while_its_command_runs() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let said = |words: &[&str]| cli.run(words).expect(0).stdout;
    // It ends by itself when `holdfast` is gone.
    let wait = "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done";
    let register = |id: &str, port: &str, command: &[&str]| {
        let words = [
            "service", "register", "api", id, "--port", port, "--tag", "v2", "--ttl", "2s", "--",
        ];
        let words: Vec<&str> = words.iter().chain(command).copied().collect();
        cli.start(&words)
    };
    let stays = register("web-1", "8001", &["sh", "-c", wait]);
    let mut dies = register("web-2", "8002", &["sh", "-c", wait]);
    until("both to serve", || {
        said(&["service", "list"]) == "api\t2\t0\n"
    });
    let command = "echo $HOLDFAST_INSTANCE of $HOLDFAST_SERVICE; exit 3";
    let once = register("web-3", "8003", &["sh", "-c", command]);
    let once = Finished::from(once.wait_with_output().unwrap()).expect(3);
    assert_eq!(once.stdout, "web-3 of api\n");

    // It dies without a word; the cluster finds out by its silence.
    dies.kill().unwrap();
    dies.wait().unwrap();
    until("it to be missed", || {
        said(&["service", "list"]) == "api\t1\t0\n"
    });
    let picked = said(&["service", "pick", "api", "--tag", "v2", "-o", "env"]);
    for line in ["HOLDFAST_INSTANCE=web-1", "HOLDFAST_PORT=8001"] {
        assert!(picked.contains(line), "{picked}");
    }
    let deregistered = said(&["service", "deregister", "api", "web-1"]);
    assert_eq!(deregistered, "deregistered web-1 of api\n");
    assert_eq!(said(&["service", "list"]), "");
    let pid = Pid::from_raw(i32::try_from(stays.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = Finished::from(stays.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
}

#[test]
fn the_command_line_picks_reports_and_drains() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let said = |words: &[&str]| cli.run(words).expect(0).stdout;
    for (id, port) in [("web-1", 8001), ("web-2", 8002)] {
        let body = json!({"address": "127.0.0.1", "port": port, "ttl": "1h"}).to_string();
        let path = format!("/v1/services/api/-/instances/{id}");
        let _ = cluster.http(1).put(&path, body).unwrap().expect(201);
    }
    let reserve = [
        "service",
        "pick",
        "api",
        "--strategy",
        "least-load",
        "--reserve",
        "1h",
    ];
    let picks = [said(&reserve), said(&reserve)];
    for id in ["web-1\t127.0.0.1:8001\tr_", "web-2\t127.0.0.1:8002\tr_"] {
        assert!(picks.iter().any(|pick| pick.starts_with(id)), "{picks:?}");
    }
    let reservation = picks[0].trim_end().rsplit('\t').next().unwrap();
    let release = ["service", "release", "api", reservation];
    assert_eq!(said(&release), format!("released {reservation}\n"));
    assert_eq!(said(&release), format!("{reservation} was not open\n"));

    let drained = said(&["service", "drain", "api", "web-1"]);
    assert_eq!(drained, "web-1 is draining\n");
    let explained = said(&["service", "pick", "api", "--explain"]);
    assert_eq!(explained, "web-1\tno\t-\tis draining\nweb-2\tyes\t-\t\n");
    for _ in 0..5 {
        let _ = said(&["service", "report", "api", "web-2", "failed"]);
    }
    let nobody = cli.run(&["service", "pick", "api"]).expect(75).stderr;
    assert!(nobody.contains("web-1 is draining"), "{nobody}");
    let _ = said(&["service", "report", "api", "web-2", "ok"]);
    let _ = said(&["service", "drain", "api", "web-1", "--undo"]);
    let _ = said(&["service", "load", "api", "web-1", "12", "--capacity", "64"]);
    let shown = said(&["service", "show", "api"]);
    assert!(shown.contains("web-1\t127.0.0.1:8001\t1\t12/64"), "{shown}");
    let _ = cli
        .run(&["service", "pick", "api", "--tag", "v3"])
        .expect(75);
}
