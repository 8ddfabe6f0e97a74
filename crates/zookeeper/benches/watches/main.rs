//! From a change of a znode until everybody who watches it has been told, through the whole door: the
//! tables of watches are its own and cannot be called from here.
//!
//! One node on a simulated disk, so that no sync counts. What counts is proposing and applying the
//! change, finding who watches, an outbox and a task for each, and a socket of loopback; the clients
//! that read the events run in this process too. The same change that nobody watches says how much of
//! it is not the watches. Two open files for each watcher: `ulimit -n` has to allow that.

#![expect(
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

mod client;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use node::{Draft, Node};
use raft_core::acl::AclEntry;
use raft_core::command::{Command, Create, CreateKind, Expect, SetData, ZnodeOp};
use sim::Cluster;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use zookeeper::{Disk, DiskSizes, DoorSettings, Installation, Syncs, ZooKeeperDoor};

const WATCHED: &str = "/watched";
const UNWATCHED: &str = "/not-watched";
/// Nobody's session ends meanwhile.
const SESSION: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_secs(30);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    for watchers in [1_000_usize, 5_000] {
        let mut group = criterion.benchmark_group(format!("watches, with {watchers} watchers"));
        let door = runtime.block_on(Door::open(watchers));
        group.bench_function("change a znode nobody watches", |bench| {
            bench.iter(|| runtime.block_on(door.change(UNWATCHED)));
        });
        group.throughput(Throughput::Elements(watchers as u64));
        group.bench_function("change the znode they watch and tell all", |bench| {
            bench.iter(|| {
                runtime.block_on(async {
                    door.change(WATCHED).await;
                    door.told.all.notified().await;
                });
            });
        });
        group.finish();
        runtime.block_on(door.close());
    }
    criterion.final_summary();
}

/// What the clients have been told.
struct Told {
    bytes: AtomicUsize,
    /// Bytes of one event, told to every client.
    whole: usize,
    all: Notify,
}

impl Told {
    fn add(&self, bytes: usize) {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if (before + bytes) / self.whole > before / self.whole {
            self.all.notify_one();
        }
    }
}

struct Door {
    cluster: Cluster,
    node: Node,
    shutdown: CancellationToken,
    told: Arc<Told>,
}

impl Door {
    async fn open(watchers: usize) -> Door {
        let cluster = Cluster::found(1).await;
        let node = cluster.node(1).clone();
        for path in [WATCHED, UNWATCHED] {
            propose(&node, create(path)).await;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let door = ZooKeeperDoor::new(node.clone(), settings(), installation(address));
        let until = shutdown.clone();
        tokio::spawn(async move { door.serve(listener, until).await });
        let told = Arc::new(Told {
            bytes: AtomicUsize::new(0),
            whole: watchers * client::event_bytes(WATCHED),
            all: Notify::new(),
        });
        let timeout_ms = i32::try_from(SESSION.as_millis()).expect("it fits");
        for _ in 0..watchers {
            let watching = client::watch(address, timeout_ms, WATCHED).await;
            let stream = watching.expect("a session and a watch");
            tokio::spawn(client::count(stream, Arc::clone(&told)));
        }
        Door {
            cluster,
            node,
            shutdown,
            told,
        }
    }

    async fn change(&self, path: &str) {
        let set = SetData {
            path: path.to_owned(),
            data: Some(Bytes::from_static(&[b'v'; 100])),
            content_type: None,
            expect: Expect::Any,
        };
        propose(&self.node, ZnodeOp::SetData(set)).await;
    }

    async fn close(mut self) {
        self.shutdown.cancel();
        self.cluster.stop(1).await;
    }
}

async fn propose(node: &Node, op: ZnodeOp) {
    let draft = Draft {
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command: Command::Znode(op),
    };
    let outcome = node.propose(draft, SOON).await.expect("an outcome");
    outcome.result.expect("it happened");
}

fn create(path: &str) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: None,
        content_type: None,
        acl: vec![AclEntry::open()],
        kind: CreateKind::Persistent,
        sequential: false,
        parents: false,
    })
}

fn settings() -> DoorSettings {
    DoorSettings {
        session_timeout_max: SESSION,
        ..DoorSettings::default()
    }
}

fn installation(client_address: SocketAddr) -> Installation {
    Installation {
        client_address,
        data_dir: PathBuf::new(),
        disk: Arc::new(NoDisk),
    }
}

#[derive(Debug)]
struct NoDisk;

impl Disk for NoDisk {
    fn sizes(&self) -> io::Result<DiskSizes> {
        Ok(DiskSizes::default())
    }

    fn syncs(&self) -> Syncs {
        Syncs::default()
    }
}
