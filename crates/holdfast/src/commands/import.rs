//! `holdfast import zookeeper`: copies a tree of a running ensemble into this cluster.
//!
//! Both sides are spoken to in ZooKeeper's protocol. It is the only door through which everything a
//! znode has goes in and comes out again as it is: null data, access lists of people who are not
//! there, containers, times to live; and it takes a thousand changes in one request.

mod check;
mod compare;
mod counters;
mod ensemble;
mod kinds;
mod plan;
mod progress;
mod report;
mod roots;
mod walk;
mod wire;
mod write;
mod znode;

use std::time::Duration;

use raft_core::path;
use tokio::time::Instant;

use self::ensemble::{Access, Ensemble};
use self::kinds::Kinds;
use self::plan::{Counter, Purpose};
use self::progress::Progress;
use self::report::{Counts, Finding, Report};
use self::roots::{Roots, SYSTEM};
use self::walk::End;
use self::znode::Found;
use super::App;
use crate::args::{CountersArg, ImportCommand, ImportZooKeeperArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Shown};

/// ZooKeeper's port.
const PORT: u16 = 2181;
/// Servers of one side.
const SERVERS_MAX: usize = 64;

/// What was asked for.
#[derive(Debug)]
struct Settings {
    roots: Roots,
    kinds: Kinds,
    overwrite: bool,
    delete: bool,
    counters: CountersArg,
    counter_steps: u32,
    /// Longest request this cluster takes.
    frame_bytes_max: usize,
}

/// An import under way.
#[derive(Debug)]
struct Import {
    source: Ensemble,
    target: Ensemble,
    settings: Settings,
    report: Report,
    progress: Progress,
    out: Output,
    /// To be raised when everything is copied.
    counters: Vec<Counter>,
}

pub(super) async fn run(app: &App, command: ImportCommand) -> Result<u8, Failure> {
    let ImportCommand::ZooKeeper(args) = command;
    let mut import = begin(app, &args).await?;
    let ended = import.run(&args).await;
    import.progress.end();
    import.source.close().await;
    import.target.close().await;
    let end = ended?;
    import.report.complete = end == End::Reached;
    import.show()?;
    Ok(import.report.exit())
}

async fn begin(app: &App, args: &ImportZooKeeperArgs) -> Result<Import, Failure> {
    let roots = roots_of(args)?;
    let servers = servers(&args.source)?;
    let doors = if args.door.is_empty() {
        doors_of(app.client.endpoints())
    } else {
        self::servers(&args.door)?
    };
    must_be_two(&servers, &doors, &roots)?;
    let kinds = Kinds::read(&args.kinds)?;
    if kinds.recorded() > 0 {
        let count = kinds.recorded();
        app.out.note(&format!(
            "{count} containers and znodes with a time to live in the snapshot"
        ));
    }
    let report = Report {
        source: servers.join(","),
        path: roots.from.clone(),
        to: roots.to.clone(),
        ..Report::default()
    };
    let source = Ensemble::connect(Access {
        name: "the ensemble",
        servers,
        auth: args.auth.clone(),
        read_only: args.read_only,
    });
    let source = source.await?;
    let target = Ensemble::connect(Access {
        name: "this cluster's ZooKeeper port",
        servers: doors,
        auth: args.door_auth.clone(),
        read_only: false,
    });
    Ok(Import {
        source,
        target: target.await?,
        settings: Settings {
            roots,
            kinds,
            overwrite: args.mode.overwrite,
            delete: args.mode.delete,
            counters: args.counters,
            counter_steps: args.counter_steps,
            frame_bytes_max: args.jute_maxbuffer,
        },
        report,
        progress: Progress::new(app.out),
        out: app.out,
        counters: Vec::new(),
    })
}

impl Import {
    async fn run(&mut self, args: &ImportZooKeeperArgs) -> Result<End, Failure> {
        self.must_be_there().await?;
        let mode = &args.mode;
        self.report.mode = match (mode.dry_run, mode.verify) {
            (true, _) => "dry_run",
            (_, true) => "verify",
            (false, false) => "copy",
        };
        if mode.dry_run {
            return self.both(Purpose::DryRun, args.quotas).await;
        }
        if mode.verify {
            return self.verify(args.quotas, false).await;
        }
        let began = Instant::now();
        self.make_parents().await?;
        let end = self.both(Purpose::Copy, args.quotas).await?;
        self.progress.phase("raising counters");
        self.raise_counters().await?;
        self.report.counts.copy_ms = millis(began.elapsed());
        if end == End::InTheWay || mode.no_verify {
            return Ok(end);
        }
        self.verify(args.quotas, true).await
    }

    async fn must_be_there(&mut self) -> Result<(), Failure> {
        let path = self.settings.roots.from.clone();
        let found = znode::read(&mut self.source, std::slice::from_ref(&path)).await?;
        if found.first() == Some(&Found::Missing) {
            let why = format!("the ensemble has no znode {path}");
            return Err(Failure::new(Exit::NotFound, format!("import {path}"), why));
        }
        Ok(())
    }

    /// Walks through the tree, and its quotas behind it: they are to limit what comes later, not
    /// the copy.
    async fn both(&mut self, purpose: Purpose, quotas: bool) -> Result<End, Failure> {
        self.progress.phase(match purpose {
            Purpose::Copy => "copying",
            Purpose::DryRun => "looking",
            Purpose::Verify { .. } => "comparing",
        });
        let end = self.walk(purpose).await?;
        if !quotas || end == End::InTheWay {
            return Ok(end);
        }
        let of_quotas = self.settings.roots.of_quotas();
        let roots = std::mem::replace(&mut self.settings.roots, of_quotas);
        if purpose == Purpose::Copy {
            self.make_parents().await?;
        }
        let end = self.walk(purpose).await;
        self.settings.roots = roots;
        end
    }

    async fn verify(&mut self, quotas: bool, told: bool) -> Result<End, Failure> {
        self.source.catch_up().await?;
        self.target.catch_up().await?;
        let copied = std::mem::take(&mut self.report.counts);
        let end = self.both(Purpose::Verify { told }, quotas).await?;
        let verified = self.report.counts.verified;
        self.report.counts = Counts { verified, ..copied };
        Ok(end)
    }

    fn show(&self) -> Result<(), Failure> {
        let row = |finding: &Finding| {
            let kind = finding.kind.name().to_owned();
            vec![kind, finding.path.clone(), finding.why.clone()]
        };
        let findings = &self.report.findings;
        let shown = Shown::list(findings, &["FOUND", "PATH", "WHY"], row)?.json(&self.report)?;
        self.out.show(&shown)?;
        self.out.note(&self.summary());
        Ok(())
    }

    fn summary(&self) -> String {
        let counts = &self.report.counts;
        let mut text = match self.report.mode {
            "verify" => format!("compared {} znodes", counts.verified),
            mode => {
                let verb = if mode == "dry_run" { "would have " } else { "" };
                format!(
                    "{verb}created {} znodes ({} containers, {} with a time to live), overwritten {}, \
                     removed {}, {} were there already; {} bytes of data",
                    counts.created,
                    counts.containers,
                    counts.ttls,
                    counts.overwritten,
                    counts.removed,
                    counts.unchanged,
                    counts.bytes
                )
            }
        };
        if self.report.mode == "copy" {
            let seconds = Duration::from_millis(counts.copy_ms).as_secs_f64();
            let raised = counts.counters_raised;
            text.push_str(&format!(", {raised} counters raised, in {seconds:.1} s"));
            text.push_str(&format!("; then compared {}", counts.verified));
        }
        if !self.report.complete {
            text.push_str("; stopped, because something is in the way");
        }
        let found = self.report.found_in_words();
        if found.is_empty() {
            text.push_str("; nothing to tell");
        } else {
            text.push_str(&format!("; found: {found}"));
        }
        if self.report.left_out() > 0 {
            text.push_str(&format!(" ({} not listed)", self.report.left_out()));
        }
        text
    }
}

fn roots_of(args: &ImportZooKeeperArgs) -> Result<Roots, Failure> {
    let from = args.path.clone();
    let to = args.to.clone().unwrap_or_else(|| from.clone());
    for path in [&from, &to] {
        path::validate(path)
            .map_err(|error| Failure::new(Exit::Usage, format!("import {path}"), error))?;
        if path == SYSTEM || path.starts_with(&format!("{SYSTEM}/")) {
            let why = format!("{SYSTEM} belongs to the server itself");
            return Err(Failure::new(Exit::Usage, format!("import {path}"), why)
                .remedy("--quotas copies the quotas of a tree"));
        }
    }
    Ok(Roots { from, to })
}

fn servers(given: &[String]) -> Result<Vec<String>, Failure> {
    let mut servers = Vec::new();
    for server in given.iter().map(|server| server.trim()) {
        let usage =
            |why: &str| Failure::new(Exit::Usage, format!("use the server {server:?}"), why);
        if server.contains('/') {
            return Err(usage("write HOST:PORT only").remedy("the path is an argument of its own"));
        }
        let has_port = server
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !has_port {
            return Err(usage("write HOST:PORT"));
        }
        servers.push(server.to_owned());
    }
    if servers.is_empty() || servers.len() > SERVERS_MAX {
        let why = format!(
            "{} are given, 1 to {SERVERS_MAX} are possible",
            servers.len()
        );
        return Err(Failure::new(Exit::Usage, "use these servers", why));
    }
    Ok(servers)
}

/// ZooKeeper's port on the hosts of these URLs.
fn doors_of<'a>(endpoints: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut doors: Vec<String> = Vec::new();
    for url in endpoints {
        let authority = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            Some(_) | None => authority,
        };
        let door = format!("{host}:{PORT}");
        if !doors.contains(&door) {
            doors.push(door);
        }
    }
    doors
}

/// A tree that is copied into itself grows without end; and naming the same servers twice is a slip.
fn must_be_two(source: &[String], doors: &[String], roots: &Roots) -> Result<(), Failure> {
    let within = |inner: &str, outer: &str| {
        outer == "/" || inner == outer || inner.starts_with(&format!("{outer}/"))
    };
    let overlap = within(&roots.to, &roots.from) || within(&roots.from, &roots.to);
    match source.iter().find(|server| doors.contains(server)) {
        Some(server) if overlap => {
            let why = format!("{server} is the source and this cluster, and the trees overlap");
            Err(Failure::new(Exit::Usage, "import a tree into itself", why)
                .remedy("name the ZooKeeper ports of this cluster with --door"))
        }
        Some(_) | None => Ok(()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_this_cluster_are_guessed_from_its_endpoints() {
        let urls = [
            "http://10.0.0.1:7401",
            "http://10.0.0.1:7402",
            "http://[::1]:7401",
            "http://h",
        ];
        let urls: Vec<String> = urls.iter().map(|&url| url.to_owned()).collect();
        assert_eq!(doors_of(&urls), ["10.0.0.1:2181", "[::1]:2181", "h:2181"]);
    }

    #[test]
    fn servers_are_host_and_port() {
        let one = |text: &str| servers(&[text.to_owned()]);
        assert!(one("h:2181").is_ok() && one("[::1]:2181").is_ok());
        for wrong in ["", "h", ":2181", "h:x", "h:2181/app"] {
            assert_eq!(one(wrong).unwrap_err().code, 64, "{wrong}");
        }
        assert!(servers(&[]).is_err());
    }

    #[test]
    fn a_tree_is_not_copied_into_itself() {
        let roots = |from: &str, to: &str| Roots {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let servers = ["h:2181".to_owned()];
        for (from, to) in [("/", "/x"), ("/a", "/a"), ("/a/b", "/a"), ("/a", "/a/b")] {
            assert!(
                must_be_two(&servers, &servers, &roots(from, to)).is_err(),
                "{from} {to}"
            );
        }
        assert!(must_be_two(&servers, &servers, &roots("/a", "/ab")).is_ok());
        assert!(must_be_two(&servers, &["i:2181".to_owned()], &roots("/", "/")).is_ok());
    }
}
