//! How fast `holdfast import zookeeper` moves a tree from the ensemble at `HOLDFAST_TEST_ZOOKEEPER`
//! into a cluster of three nodes. `make zookeeper-import WHAT=measure` starts a real ZooKeeper for it.

#![expect(
    clippy::print_stdout,
    reason = "a tool whose product is what it prints"
)]
#![expect(
    clippy::expect_used,
    reason = "a tool for developers: a broken expectation ends it"
)]

use std::net::SocketAddr;
use std::time::Instant;

use holdfast_tests::zookeeper::create;
use holdfast_tests::{Cluster, ZooKeeper};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::multi::MultiOp;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::Response;

/// Znodes of the tree, directories not counted, and bytes in each.
const ZNODES: usize = 200_000;
const ZNODE_BYTES: usize = 100;
/// Znodes in a directory.
const PER_DIRECTORY: usize = 1_000;
/// Creates in one multi: ZooKeeper's limit on a request is 1 MiB.
const PER_MULTI: usize = 500;

fn main() {
    let source = std::env::var("HOLDFAST_TEST_ZOOKEEPER").expect("HOLDFAST_TEST_ZOOKEEPER");
    let address: SocketAddr = source.parse().expect("HOST:PORT");
    fill(&mut ZooKeeper::connect(address));
    let cluster = Cluster::start(3);
    let doors = cluster.ids().into_iter();
    let doors: Vec<String> = doors
        .map(|id| cluster.zookeeper_address(id).to_string())
        .collect();
    let doors = format!("--door={}", doors.join(","));
    let import = |what: &str, more: &[&str]| {
        let arguments = [
            "import",
            "zookeeper",
            &source,
            "/measured",
            &doors,
            "-o",
            "json",
        ];
        let began = Instant::now();
        let finished = cluster.cli().run(&[&arguments, more].concat()).expect(0);
        let seconds = began.elapsed().as_secs_f64();
        let report = finished.json();
        let counts = report.get("counts").expect("the importer counts");
        println!("{what}: {seconds:.1} s; {counts}");
    };
    import("dry run", &["--dry-run"]);
    import("first copy", &["--no-verify"]);
    import("verify", &["--verify"]);
    import("second copy, nothing to bring", &["--no-verify"]);
}

fn fill(client: &mut ZooKeeper) {
    let began = Instant::now();
    client.make("/measured");
    let value = "x".repeat(ZNODE_BYTES);
    for directory in 0..ZNODES / PER_DIRECTORY {
        let directory = format!("/measured/d{directory}");
        client.make(&directory);
        for first in (0..PER_DIRECTORY).step_by(PER_MULTI) {
            let numbers = first..first + PER_MULTI;
            let ops = numbers.map(|n| {
                let path = format!("{directory}/node-{n:04}");
                MultiOp::Create(create(&path, &value, CreateMode::Persistent))
            });
            let made = client.done(&Request::Multi(ops.collect()));
            assert!(matches!(made, Response::Multi(_)), "{made:?}");
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("source filled with {ZNODES} znodes of {ZNODE_BYTES} bytes in {seconds:.1} s");
}
