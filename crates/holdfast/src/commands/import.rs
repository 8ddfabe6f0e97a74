//! `holdfast import zookeeper`: copies a tree of a running ensemble into this cluster.
//!
//! Both sides are spoken to in ZooKeeper's protocol. It is the only door through which everything a
//! znode has goes in and comes out again as it is: null data, access lists of people who are not
//! there, containers, times to live; and it takes a thousand changes in one request.

mod arguments;
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

use tokio::time::Instant;

use self::arguments::{doors_of, must_be_two, roots_of, servers};
use self::ensemble::{Access, Ensemble};
use self::kinds::Kinds;
use self::plan::{Counter, Purpose};
use self::progress::Progress;
use self::report::{Counts, Finding, Report};
use self::roots::Roots;
use self::walk::End;
use self::znode::Found;
use super::App;
use crate::args::{CountersArg, ImportCommand, ImportZooKeeperArgs};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Shown};

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
    /// Whether something was in the way of the copy.
    is_stopped: bool,
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
    let ensemble = servers(&args.source)?;
    let doors = if args.door.is_empty() {
        doors_of(app.client.endpoints())
    } else {
        servers(&args.door)?
    };
    must_be_two(&ensemble, &doors, &roots)?;
    let kinds = Kinds::read(&args.kinds)?;
    if kinds.recorded() > 0 {
        let count = kinds.recorded();
        app.out.note(&format!(
            "{count} containers and znodes with a time to live in the snapshot"
        ));
    }
    let report = Report {
        source: ensemble.join(","),
        path: roots.from.clone(),
        to: roots.to.clone(),
        ..Report::default()
    };
    let source = Ensemble::connect(Access {
        name: "the ensemble",
        servers: ensemble,
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
        is_stopped: false,
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
            if counts.verified > 0 {
                text.push_str(&format!("; then compared {}", counts.verified));
            }
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
