//! Who may import whom, read from `cargo metadata`. ARCHITECTURE.md draws what this table says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Crate, ours it may depend on, and third-party crates it must never depend on directly.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    // Planted bugs: constants, unless somebody asks for them. Beside the list here it imports nothing at
    // all, which a test of its own checks.
    ("mutant", &[], &[]),
    // Pure, so that a choice may become part of a replicated command.
    (
        "balance",
        &[],
        &["tokio", "openraft", "rocksdb", "axum", "tracing", "rand"],
    ),
    // Sockets and results; which instances there are, and where verdicts go, it is told.
    ("checks", &[], &["openraft", "rocksdb", "axum", "reqwest"]),
    // A storage service takes it alone.
    (
        "fence-token",
        &[],
        &["tokio", "openraft", "rocksdb", "axum", "reqwest", "rand"],
    ),
    (
        "raft-core",
        &["balance", "mutant"],
        &["tokio", "openraft", "rocksdb", "axum", "tracing", "rand"],
    ),
    (
        "raft-types",
        &["raft-core"],
        &["rocksdb", "axum", "reqwest"],
    ),
    (
        "storage",
        &["mutant", "raft-types", "raft-core"],
        &["axum", "reqwest"],
    ),
    (
        "membership",
        &["mutant", "raft-types", "raft-core"],
        &["rocksdb"],
    ),
    (
        "node",
        &[
            "checks",
            "mutant",
            "membership",
            "fence-token",
            "raft-types",
            "raft-core",
        ],
        &["axum", "rocksdb", "reqwest"],
    ),
    ("http-types", &[], &["axum", "tokio", "openraft", "reqwest"]),
    (
        "http-api",
        &[
            "mutant",
            "node",
            "http-types",
            "fence-token",
            "raft-types",
            "raft-core",
        ],
        &["openraft", "rocksdb"],
    ),
    (
        "zookeeper",
        &["mutant", "node", "raft-core"],
        &["axum", "rocksdb", "openraft", "reqwest"],
    ),
    (
        "holdfast-client",
        &["mutant", "http-types"],
        &["openraft", "rocksdb", "axum"],
    ),
    // The load generator speaks to sockets: of ours only the bytes of ZooKeeper's protocol.
    (
        "load",
        &["zookeeper"],
        &["openraft", "rocksdb", "axum", "reqwest"],
    ),
    // What is compared runs in processes of its own: peers are spoken to, Holdfast is not linked.
    ("compare", &["load"], &["openraft", "rocksdb", "axum"]),
    (
        "holdfast",
        &[
            "balance",
            "fence-token",
            "load",
            "mutant",
            "storage",
            "membership",
            "node",
            "raft-types",
            "raft-core",
            "http-api",
            "http-types",
            "zookeeper",
            "holdfast-client",
        ],
        &["rocksdb", "openraft"],
    ),
    (
        "sim",
        &[
            "fence-token",
            "mutant",
            "node",
            "membership",
            "storage",
            "raft-types",
            "raft-core",
            "checker",
        ],
        &["rocksdb", "axum", "reqwest"],
    ),
    (
        "checker",
        &[],
        &["tokio", "openraft", "rocksdb", "axum", "reqwest"],
    ),
    (
        "jepsen",
        &["checker", "holdfast-client", "mutant"],
        &["openraft", "rocksdb", "axum"],
    ),
    (
        "holdfast-tests",
        &["zookeeper"],
        &["openraft", "rocksdb", "axum", "reqwest", "tokio"],
    ),
];

/// What `raft-core` must not reach through anybody.
const NEVER_BELOW_THE_CORE: &[&str] = &[
    "tokio",
    "openraft",
    "rocksdb",
    "librocksdb-sys",
    "axum",
    "hyper",
    "tracing",
    "rand",
];

/// Normal dependencies of every package, by name.
struct Graph {
    direct: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<String>,
}

impl Graph {
    fn read() -> Graph {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // What other systems need is not downloaded, and would be asked for.
        let platform = format!("--filter-platform={}", host());
        let output = Command::new(cargo)
            .args([
                "metadata",
                "--format-version=1",
                "--locked",
                "--offline",
                &platform,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("run cargo metadata");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names: BTreeMap<String, String> = list(&metadata["packages"])
            .iter()
            .map(|p| (text(&p["id"]), text(&p["name"])))
            .collect();
        let name = |id: &Value| names.get(&text(id)).cloned().unwrap_or_default();
        let members = list(&metadata["workspace_members"])
            .iter()
            .map(name)
            .collect();
        let mut direct: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            // Tests may use what the code may not.
            let normal = list(&node["deps"]).into_iter().filter(|dep| {
                list(&dep["dep_kinds"])
                    .iter()
                    .any(|kind| kind["kind"].is_null())
            });
            let deps = normal.map(|dep| name(&dep["pkg"]));
            direct.entry(name(&node["id"])).or_default().extend(deps);
        }
        Graph { direct, members }
    }

    fn below(&self, package: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![package.to_owned()];
        while let Some(package) = open.pop() {
            for dep in self.direct.get(&package).into_iter().flatten() {
                if found.insert(dep.clone()) {
                    open.push(dep.clone());
                }
            }
        }
        found
    }
}

/// The platform these tests were built on, as cargo names it.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("run rustc");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

#[test]
fn no_crate_imports_what_the_arrows_forbid() {
    let graph = Graph::read();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(
        graph.members, listed,
        "every crate of the workspace has a line in this table"
    );
    let mut wrong = Vec::new();
    for (package, ours, never) in ARROWS {
        for dep in &graph.direct[*package] {
            if graph.members.contains(dep) && !ours.contains(&dep.as_str()) {
                wrong.push(format!("{package} -> {dep}"));
            }
            if never.contains(&dep.as_str()) {
                wrong.push(format!("{package} -> {dep}"));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden: {}", wrong.join(", "));
}

#[test]
fn the_core_is_pure_and_the_client_links_no_server_code() {
    let graph = Graph::read();
    let core = graph.below("raft-core");
    for name in NEVER_BELOW_THE_CORE {
        assert!(!core.contains(*name), "raft-core reaches {name}");
    }
    let client = graph.below("holdfast-client");
    for name in [
        "axum",
        "openraft",
        "rocksdb",
        "raft-core",
        "node",
        "storage",
        "membership",
    ] {
        assert!(!client.contains(name), "holdfast-client reaches {name}");
    }
    assert!(
        graph.below("mutant").is_empty(),
        "planted bugs bring nothing along"
    );
    assert!(
        graph.below("storage").contains("rocksdb"),
        "this test reads the graph wrongly"
    );
    for name in ["membership", "node", "http-api"] {
        assert!(
            !graph.below(name).contains("rocksdb"),
            "{name} reaches RocksDB"
        );
    }
}
