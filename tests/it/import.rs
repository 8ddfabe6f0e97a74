//! `holdfast import zookeeper`, run as a person would. The source is another Holdfast, through its
//! ZooKeeper port; with `HOLDFAST_TEST_ZOOKEEPER=HOST:PORT` it is the server there, which is how
//! `make zookeeper-import` runs the same tests against a real ZooKeeper.

mod differences;
mod interrupted;
mod limits;
mod tree;

use std::net::SocketAddr;

use bytes::Bytes;
use holdfast_tests::cli::Finished;
use holdfast_tests::zookeeper::create;
use holdfast_tests::{Cluster, ZooKeeper};
use serde_json::Value;
use zookeeper::proto::acl::{Acl, Id, Perms};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::multi::{MultiOp, OpResult};
use zookeeper::proto::request::Request;
use zookeeper::proto::response::Response;

/// The super user of the target: `super:secret`.
const SUPER: &str = "--zookeeper-super-digest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=";
/// Creates in one multi.
const PER_MULTI: usize = 500;

/// The ensemble to move away from.
struct Source {
    address: SocketAddr,
    /// Everything of the test is below this znode, which exists.
    root: String,
    _cluster: Option<Cluster>,
}

/// A new home of three nodes, and an ensemble to leave.
fn begin(name: &str) -> (Cluster, Source) {
    let target = Cluster::start_with(3, &[SUPER]);
    let given = std::env::var("HOLDFAST_TEST_ZOOKEEPER").ok();
    let (address, cluster) = match given {
        Some(address) => (address.parse().expect("HOST:PORT"), None),
        None => {
            let cluster = Cluster::start_beside(&target, 1);
            (cluster.zookeeper_address(1), Some(cluster))
        }
    };
    let root = format!("/{name}-{}", std::process::id());
    ZooKeeper::connect(address).make(&root);
    let source = Source {
        address,
        root,
        _cluster: cluster,
    };
    (target, source)
}

impl Source {
    fn client(&self) -> ZooKeeper {
        ZooKeeper::connect(self.address)
    }

    /// A path below the root.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// `holdfast import zookeeper SOURCE ROOT …`, with the ports of the target.
    fn arguments(&self, target: &Cluster, more: &[&str]) -> Vec<String> {
        let doors: Vec<String> = target
            .ids()
            .iter()
            .map(|&id| target.zookeeper_address(id).to_string())
            .collect();
        let mut arguments = vec![
            "import".to_owned(),
            "zookeeper".to_owned(),
            self.address.to_string(),
            self.root.clone(),
            format!("--door={}", doors.join(",")),
            "--door-auth=digest:super:secret".to_owned(),
        ];
        arguments.extend(more.iter().map(|&flag| flag.to_owned()));
        arguments
    }

    /// Runs it, and returns what it reports.
    #[track_caller]
    fn import(&self, target: &Cluster, code: i32, more: &[&str]) -> Report {
        let arguments = self.arguments(target, &[&["-o", "json"], more].concat());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Report::of(target.cli().run(&arguments).expect(code))
    }
}

/// What an import reports.
struct Report(Value);

impl Report {
    fn of(finished: Finished) -> Report {
        Report(finished.json())
    }

    fn count(&self, name: &str) -> u64 {
        self.0["counts"][name].as_u64().unwrap()
    }

    /// What was found, as `kind path`, in order.
    fn found(&self) -> Vec<String> {
        let findings = self.0["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut found: Vec<String> = findings
            .map(|finding| format!("{} {}", text(&finding["kind"]), text(&finding["path"])))
            .collect();
        found.sort();
        found
    }
}

fn entry(perms: Perms, scheme: &str, id: &str) -> Acl {
    Acl {
        perms,
        id: Id {
            scheme: scheme.to_owned(),
            id: id.to_owned(),
        },
    }
}

/// A create with all there is to say.
fn create_as(path: &str, data: Option<&[u8]>, acl: Vec<Acl>) -> Request {
    let mut fields = create(path, "", CreateMode::Persistent);
    fields.data = data.map(Bytes::copy_from_slice);
    fields.acl = acl;
    Request::Create(fields)
}

/// Makes `count` znodes in directories of 500 below `top`, which it makes too.
fn fill(client: &mut ZooKeeper, top: &str, count: usize) {
    client.make(top);
    for first in (0..count).step_by(PER_MULTI) {
        let directory = format!("{top}/d{}", first / PER_MULTI);
        let path = |n| format!("{directory}/n{n}");
        let make =
            |path: &str, data: &str| MultiOp::Create(create(path, data, CreateMode::Persistent));
        let mut ops = vec![make(&directory, "directory")];
        let numbers = first..(first + PER_MULTI).min(count);
        ops.extend(numbers.map(|n| make(&path(n), &format!("value {n}"))));
        match client.done(&Request::Multi(ops)) {
            Response::Multi(results) => {
                let failed = results.iter().any(|one| matches!(one, OpResult::Error(_)));
                assert!(!failed, "{results:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Znodes that [`fill`] makes, besides the top.
fn filled(count: usize) -> u64 {
    (count + count.div_ceil(PER_MULTI)) as u64
}
