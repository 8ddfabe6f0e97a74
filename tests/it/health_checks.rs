//! Health checks of instances: who does not answer is not picked, and the checks go on when nodes die.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use holdfast_tests::ports::free_port;
use holdfast_tests::{Cluster, Http, eventually, until};
use serde_json::{Value, json};

/// An instance: answers 200 until it is stopped.
struct Server {
    port: u16,
    is_stopping: Arc<AtomicBool>,
    serving: JoinHandle<()>,
}

impl Server {
    fn start(port: u16) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&is_stopping);
        let serving = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                // A node that is killed leaves its connections as they are.
                let _ = answer(&stream.unwrap());
            }
        });
        Server {
            port,
            is_stopping,
            serving,
        }
    }

    /// Closes its port.
    fn stop(self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        // Wakes it, unless a probe has just done so.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.serving.join().unwrap();
    }
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")
}

fn register(http: &Http, id: &str, port: u16) {
    // A busy machine is late once or twice, not five times in a row.
    let check = json!({"http": "/livez", "interval": "500ms", "timeout": "500ms", "fail_after": 5});
    let body = json!({"address": "127.0.0.1", "port": port, "check": check, "ttl": "1h"});
    let path = format!("/v1/services/shop/-/instances/{id}");
    let answer = http.put(&path, body.to_string()).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// What the checks of an instance say, once they say this.
fn verdict(http: &Http, id: &str, passing: bool) -> Value {
    eventually(&format!("{id} to pass: {passing}"), || {
        let service = http.get("/v1/services/shop").ok()?;
        let service = (service.status == 200).then(|| service.json())?;
        let mut instances = service["instances"].as_array()?.iter();
        let verdict = &instances.find(|instance| instance["id"] == id)?["verdict"];
        (verdict["passing"] == passing).then(|| verdict.clone())
    })
}

/// The instances that are picked in several picks in turn.
fn picked(http: &Http) -> BTreeSet<String> {
    let pick = |_| {
        let answer = http.get("/v1/services/shop/-/pick").unwrap();
        answer.expect(200).json()["instance"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    (0..10).map(pick).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn who_does_not_answer_is_not_picked_also_when_the_leader_dies() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let leader = cluster.leader();
    let http = cluster.http(cluster.follower());
    let one = Server::start(free_port());
    let other = Server::start(free_port());
    register(&http, "one", one.port);
    register(&http, "other", other.port);
    verdict(&http, "one", true);
    verdict(&http, "other", true);
    assert_eq!(picked(&http), names(&["one", "other"]));

    let port = one.port;
    one.stop();
    let failing = verdict(&http, "one", false);
    let text = format!("GET http://127.0.0.1:{port}/livez: connection refused");
    assert_eq!(failing["text"], text.as_str());
    assert_eq!(picked(&http), names(&["other"]));

    // The next leader knows the verdict, and goes on checking.
    cluster.kill(leader);
    assert_ne!(cluster.leader(), leader);
    assert_eq!(verdict(&http, "one", false), failing);
    let one = Server::start(port);
    let passing = verdict(&http, "one", true);
    assert!(passing["since_index"].as_u64() > failing["since_index"].as_u64());
    other.stop();
    verdict(&http, "other", false);
    assert_eq!(picked(&http), names(&["one"]));

    // Nobody is left: that is said, with the reasons.
    one.stop();
    verdict(&http, "one", false);
    let none = http.get("/v1/services/shop/-/pick").unwrap();
    assert_eq!(none.problem().0, "no_instance_available");
    assert!(
        none.text().contains("connection refused"),
        "{}",
        none.text()
    );
    cluster.restart(leader);
    cluster.wait_digests_agree();
    until("the node that was down to know the verdicts", || {
        let seen = cluster
            .http(leader)
            .get("/v1/services/shop")
            .unwrap()
            .json();
        seen["available"] == 0
    });
}
