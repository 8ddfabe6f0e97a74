//! A real ZooKeeper, from the jars that `scripts/zookeeper-jars.sh` fetches.

use std::fmt::Write as _;
use std::fs::{File, create_dir_all, write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::ports::free_port;
use crate::wait::within;
use crate::zookeeper::four_letters;

/// Password `test`, as kazoo's own harness sets it up.
pub const SUPER_DIGEST: &str = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";
/// For a virtual machine to come up where others are busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// Containers are looked at so rarely that none goes while a script runs, milliseconds.
const CONTAINER_CHECK_MS: u32 = 3_600_000;
const MAIN_CLASS: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";

/// Its servers; they end with it.
#[derive(Debug)]
pub struct RealZooKeeper {
    servers: Vec<Child>,
    addresses: Vec<SocketAddr>,
    _directory: TempDir,
}

#[derive(Clone, Copy)]
struct Ports {
    client: u16,
    quorum: u16,
    election: u16,
}

impl RealZooKeeper {
    /// Starts so many servers (one: standalone) from the jars in this folder, and waits until all serve.
    ///
    /// # Panics
    /// When they do not.
    #[must_use]
    pub fn start(size: usize, jars: &Path) -> RealZooKeeper {
        let directory = tempfile::Builder::new()
            .prefix("holdfast-zookeeper-")
            .tempdir();
        let directory = directory.expect("a temporary directory");
        let ports: Vec<Ports> = (0..size).map(|_| Ports::free()).collect();
        let server = |id| start(id, &ports, directory.path(), jars);
        let mut real = RealZooKeeper {
            servers: (1..=size).map(server).collect(),
            addresses: ports.iter().map(Ports::address).collect(),
            _directory: directory,
        };
        for at in 0..size {
            real.wait_serving(at);
        }
        real
    }

    /// Where they listen for clients.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    fn wait_serving(&mut self, at: usize) {
        let address = self.addresses[at];
        let server = &mut self.servers[at];
        within(PATIENCE, "a real ZooKeeper to serve", || {
            let ended = server.try_wait().expect("ask for the state of a child");
            assert!(
                ended.is_none(),
                "ZooKeeper ended: {ended:?}; is Java 17 there?"
            );
            let answer = four_letters(address, "srvr").unwrap_or_default();
            answer.contains("Mode: ").then_some(())
        });
    }
}

impl Drop for RealZooKeeper {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Ports {
    fn free() -> Ports {
        Ports {
            client: free_port(),
            quorum: free_port(),
            election: free_port(),
        }
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.client))
    }
}

fn start(id: usize, ports: &[Ports], directory: &Path, jars: &Path) -> Child {
    let data = directory.join(format!("server-{id}"));
    create_dir_all(&data).expect("a data directory");
    write(data.join("myid"), id.to_string()).expect("myid");
    let file = directory.join(format!("server-{id}.cfg"));
    write(&file, configuration(id, ports, &data)).expect("a configuration");
    let log = File::create(directory.join(format!("server-{id}.log"))).expect("a log");
    Command::new("java")
        .arg("-Xmx256m")
        .arg("-Dzookeeper.extendedTypesEnabled=true")
        .arg("-Dzookeeper.admin.enableServer=false")
        .arg(format!(
            "-Dznode.container.checkIntervalMs={CONTAINER_CHECK_MS}"
        ))
        .arg(format!(
            "-Dzookeeper.DigestAuthenticationProvider.superDigest={SUPER_DIGEST}"
        ))
        .arg("-cp")
        .arg(jars.join("*"))
        .arg(MAIN_CLASS)
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle of the log"))
        .stderr(log)
        .spawn()
        .expect("start java; install Java 17, e.g. openjdk-17-jre-headless")
}

fn configuration(id: usize, ports: &[Ports], data: &Path) -> String {
    let client = ports[id - 1].client;
    let mut text = format!(
        "dataDir={}\nclientPort={client}\nclientPortAddress=127.0.0.1\ntickTime=2000\n\
         4lw.commands.whitelist=*\nmaxClientCnxns=0\n",
        data.display()
    );
    if ports.len() > 1 {
        text.push_str("initLimit=10\nsyncLimit=5\n");
        for (at, ports) in ports.iter().enumerate() {
            let (quorum, election) = (ports.quorum, ports.election);
            let _ = writeln!(text, "server.{}=127.0.0.1:{quorum}:{election}", at + 1);
        }
    }
    text
}
