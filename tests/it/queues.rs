//! Work queues: every item is done by one consumer, whoever dies meanwhile. (P-QUEUE)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use holdfast_tests::cli::Finished;
use holdfast_tests::{Cluster, Http, until};
use serde_json::{Value, json};

/// Producers, and consumers, that work at the same time.
const WORKERS: u64 = 3;
/// Items of each producer. Many enough to be under way when the leader dies.
const ITEMS: u64 = 80;
/// Items in all; one is there from the beginning.
const TOTAL: u64 = WORKERS * ITEMS + 1;
/// Attempts at one request: with nodes that are asked in turn, minutes.
const ATTEMPTS_MAX: u64 = 200;
const QUEUE: &str = "/v1/queues/mail/out";

/// A client of the whole cluster, which asks one node after the other.
struct Worker {
    id: String,
    nodes: Vec<Http>,
    sent: u64,
}

impl Worker {
    fn new(cluster: &Cluster, id: String, session: bool) -> Worker {
        let node = |node| {
            let http = cluster.http(node).timeout(Duration::from_secs(15));
            if session { http.session(&id) } else { http }
        };
        let nodes = cluster.ids().into_iter().map(node).collect();
        Worker { id, nodes, sent: 0 }
    }

    /// Asks under a key of its own, which stays until there is an answer: what is unknown is asked again.
    fn post(&mut self, path: &str, body: &str, more: &[(&str, &str)]) -> Value {
        self.sent += 1;
        let key = format!("{}-{}", self.id, self.sent);
        for attempt in 0..ATTEMPTS_MAX {
            let at = usize::try_from((self.sent + attempt) % 3).unwrap();
            let mut http = self.nodes[at].header("Idempotency-Key", &key);
            for (name, value) in more {
                http = http.header(name, value);
            }
            let Ok(answer) = http.post(path, body) else {
                // Down, or killed before it answered: unknown.
                continue;
            };
            if matches!(answer.status, 200 | 201) {
                return answer.json();
            }
            let (code, outcome) = answer.problem();
            let is_passing = matches!(
                code.as_str(),
                "no_leader" | "in_progress" | "not_caught_up" | "shutting_down" | "overloaded"
            );
            assert!(outcome == "unknown" || is_passing, "{}", answer.text());
        }
        panic!("{path} of {} was not answered", self.id);
    }

    fn produce(mut self) {
        for n in 0..ITEMS {
            let item = format!("{}-{n}", self.id);
            self.post(&format!("{QUEUE}/-/items"), &item, &[]);
        }
    }

    /// Takes and acknowledges until all are done; gives back what it did.
    fn consume(mut self, done: &AtomicU64) -> Vec<String> {
        let mut values = Vec::new();
        while done.load(Ordering::SeqCst) < TOTAL {
            let taken = self.post(
                &format!("{QUEUE}/-/take"),
                r#"{"n": 2}"#,
                &[("Prefer", "wait=1")],
            );
            assert!(taken.get("ended").is_none(), "{taken}");
            for delivery in taken["deliveries"].as_array().unwrap() {
                let item = delivery["item"].as_str().unwrap();
                let body = json!({"delivery": delivery["delivery"]}).to_string();
                self.post(&format!("{QUEUE}/-/items/{item}/ack"), &body, &[]);
                values.push(delivery["value"].as_str().unwrap().to_owned());
                done.fetch_add(1, Ordering::SeqCst);
            }
        }
        values
    }
}

#[test]
fn every_item_is_done_once_although_the_leader_and_a_consumer_are_killed() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    // One consumer takes an item into its grave; another one does it when the session has ended.
    let http = cluster.http(1);
    let first = http.post(&format!("{QUEUE}/-/items?priority=0"), "first");
    let _ = first.unwrap().expect(201);
    let cli = cluster.cli();
    let wait = "while kill -0 $PPID 2>/dev/null; do sleep 0.1; done";
    let command = ["sh", "-c", wait];
    let words = ["queue", "work", "mail/out", "--ttl", "2s", "--"];
    let words: Vec<&str> = words.iter().chain(&command).copied().collect();
    let mut dies = cli.start(&words);
    until("it to have the item", || {
        let answer = http.get(QUEUE).ok();
        answer.is_some_and(|answer| answer.json()["taken"] == 1)
    });

    let done = Arc::new(AtomicU64::new(0));
    let producers: Vec<JoinHandle<()>> = (0..WORKERS)
        .map(|id| {
            let worker = Worker::new(&cluster, format!("p{id}"), false);
            std::thread::spawn(move || worker.produce())
        })
        .collect();
    let consumers: Vec<JoinHandle<Vec<String>>> = (0..WORKERS)
        .map(|id| {
            let session = format!("c{id}");
            cluster.open_session(&session);
            let worker = Worker::new(&cluster, session, true);
            let done = Arc::clone(&done);
            std::thread::spawn(move || worker.consume(&done))
        })
        .collect();
    until("items to flow", || {
        done.load(Ordering::SeqCst) >= TOTAL / 4 || consumers.iter().any(JoinHandle::is_finished)
    });
    dies.kill().unwrap();
    dies.wait().unwrap();
    let leader = cluster.leader();
    cluster.kill(leader);
    cluster.restart(leader);
    for producer in producers {
        producer.join().unwrap();
    }
    let values: Vec<String> = consumers
        .into_iter()
        .flat_map(|consumer| consumer.join().unwrap())
        .collect();

    let mut count: BTreeMap<&str, u32> = BTreeMap::new();
    for line in &values {
        *count.entry(line).or_default() += 1;
    }
    let twice: Vec<_> = count.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "done more than once: {twice:?}");
    assert_eq!(count.len() as u64, TOTAL, "items were lost");
    assert!(count.contains_key("first"));
    let left = http.get(QUEUE).unwrap().expect(200).json();
    assert_eq!((&left["items"], &left["taken"]), (&json!(0), &json!(0)));
    cluster.wait_digests_agree();
}

#[test]
fn the_command_line_works_for_a_queue() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let said = |words: &[&str]| cli.run(words).expect(0).stdout;
    let _ = said(&["queue", "set", "jobs", "--max-tries", "2"]);
    assert_eq!(
        said(&["queue", "put", "jobs", "good"]),
        "entry-100-0000000000\n"
    );
    let _ = said(&["queue", "put", "jobs", "bad", "--priority", "7"]);
    // It says what it got, and fails for one of the two: twice, and then that is dead.
    let script = "read item; echo $HOLDFAST_ATTEMPT $item; test $item = good";
    let work = [
        "queue", "work", "jobs", "--wait", "1ms", "--", "sh", "-c", script,
    ];
    assert_eq!(said(&work), "1 bad\n2 bad\n1 good\n");
    assert_eq!(said(&["queue", "ls", "-o", "name"]), "jobs\n");
    let dead = said(&["queue", "dead", "jobs"]);
    assert!(dead.contains("exit status 1"), "{dead}");
    let name = said(&["queue", "dead", "jobs", "-o", "name"]);
    let name = name.trim();
    assert_eq!(said(&["queue", "dead", "jobs", name]).trim(), "bad");
    assert_eq!(
        said(&["queue", "redrive", "jobs", "--all"]),
        "put 1 back, 0 left\n"
    );

    // By hand, under a session that is kept elsewhere.
    cluster.open_session("hand");
    let hand = |words: &[&str]| {
        let words: Vec<&str> = words
            .iter()
            .chain(&["--session", "hand"])
            .copied()
            .collect();
        cli.run(&words)
    };
    let taken = hand(&["queue", "take", "jobs", "-o", "json"])
        .expect(0)
        .json();
    let item = taken[0]["item"].as_str().unwrap();
    let number = taken[0]["delivery"].to_string();
    let back = hand(&["queue", "give-back", "jobs", item, &number]).expect(0);
    assert!(back.stdout.contains("tried 1 times"), "{}", back.stdout);
    let lost: Finished = hand(&["queue", "ack", "jobs", item, &number]);
    assert!(lost.stderr.contains("is over"), "{}", lost.stderr);
    let again = hand(&["queue", "take", "jobs", "-o", "json"])
        .expect(0)
        .json();
    let number = again[0]["delivery"].to_string();
    let _ = hand(&["queue", "ack", "jobs", item, &number]).expect(0);
    let shown = said(&["queue", "show", "jobs", "-o", "json"]);
    assert_eq!(shown.trim(), "[]");
}
