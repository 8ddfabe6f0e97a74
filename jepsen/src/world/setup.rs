//! What a world is made from, and what cannot be made here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::node::Launch;
use super::{isolation, tools};
use crate::nemesis::kinds::{self, KINDS, Kind, Needs};
use crate::plan::Plan;

/// What a world is made from, besides the plan.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where logs, data and everything else of the run is kept.
    pub run_dir: PathBuf,
    /// The `holdfast` binary.
    pub binary: PathBuf,
    /// `hf-jepsen` itself, which is also the losing disk and the delaying queue.
    pub harness: PathBuf,
    /// Environment of every node, like `HOLDFAST_MUTANT`.
    pub environment: Vec<(String, String)>,
}

/// A fault that cannot be made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its kind.
    pub kind: String,
    /// What is missing.
    pub why: String,
}

impl Setup {
    /// With this program as the harness.
    ///
    /// # Errors
    /// When the path of this program cannot be found.
    pub fn new(run_dir: PathBuf, binary: PathBuf) -> Result<Setup> {
        Ok(Setup {
            run_dir,
            binary,
            harness: std::env::current_exe().context("find the path of this program")?,
            environment: Vec::new(),
        })
    }

    /// Everything of a node.
    pub(crate) fn node_directory(&self, id: u64) -> PathBuf {
        self.run_dir.join("nodes").join(format!("n{id}"))
    }

    /// What a node's wall clock is set by.
    pub(crate) fn clock_file(&self, id: u64) -> PathBuf {
        self.node_directory(id).join("clock")
    }

    /// How a node is started at first; with `clock`, its wall clock can be bent.
    pub(crate) fn launch(&self, id: u64, clock: bool) -> Result<Launch> {
        let mut environment = self.environment.clone();
        if let Some(library) = faketime_library().filter(|_| clock) {
            let file = self.clock_file(id);
            std::fs::write(&file, "+0\n").context("write a node's clock")?;
            let pairs = [
                ("LD_PRELOAD", library.display().to_string()),
                ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
                ("FAKETIME_CACHE_DURATION", "1".to_owned()),
                // With a faked monotonic clock tokio stands still; no kernel bends it either.
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
                ("NO_FAKE_STAT", "1".to_owned()),
            ];
            environment.extend(pairs.map(|(name, value)| (name.to_owned(), value)));
        }
        Ok(Launch {
            environment,
            monotonic_offset: None,
        })
    }
}

/// Whether a plan has faults that need something.
pub(crate) fn asks(plan: &Plan, needs: Needs) -> bool {
    let scheduled = plan.schedule.iter().map(|fault| &fault.kind);
    let mut kinds = scheduled
        .chain(&plan.nemesis)
        .filter_map(|name| kinds::find(name));
    kinds.any(|kind| kind.needs == needs)
}

/// The plan's settings as flags.
pub(crate) fn flags(plan: &Plan) -> Vec<String> {
    let settings = plan.settings.iter();
    settings
        .map(|(name, value)| format!("--{name}={value}"))
        .collect()
}

/// Kinds that cannot be made here, and why.
#[must_use]
pub fn missing_faults() -> Vec<Missing> {
    let missing = |kind: &Kind| {
        let why = why_missing(kind.needs)?;
        let kind = kind.name.to_owned();
        Some(Missing { kind, why })
    };
    KINDS.iter().filter_map(missing).collect()
}

/// What a kind needs and this machine does not give.
fn why_missing(needs: Needs) -> Option<String> {
    let isolated = isolation::is_inside();
    let (there, why) = match needs {
        Needs::Nothing => return None,
        Needs::Faketime => (faketime_library().is_some(), "libfaketime is not installed"),
        Needs::Losefs if isolated => (Path::new("/dev/fuse").exists(), "there is no /dev/fuse"),
        Needs::Losefs => (
            false,
            "mounting a disk of our own needs root and namespaces",
        ),
        Needs::Queue if isolated => (tools::is_there("iptables"), "iptables is not installed"),
        Needs::TimeNamespace => (isolated, "it needs root and namespaces"),
        Needs::Network | Needs::Queue => {
            let why = "the nodes share loopback; it needs root, ip, nft and namespaces";
            (isolated, why)
        }
    };
    (!there).then(|| why.to_owned())
}

/// Where distributions put the library that fakes the wall clock.
pub(crate) fn faketime_library() -> Option<PathBuf> {
    let architecture = std::env::consts::ARCH;
    let places = [
        format!("/usr/lib/{architecture}-linux-gnu/faketime/libfaketimeMT.so.1"),
        "/usr/lib/faketime/libfaketimeMT.so.1".to_owned(),
        "/usr/lib64/faketime/libfaketimeMT.so.1".to_owned(),
    ];
    places
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
}

/// A fault that was asked for by name is made, or the run does not begin.
pub(crate) fn refuse_missing(plan: &Plan, missing: &[Missing]) -> Result<()> {
    for fault in missing {
        let scheduled = plan
            .schedule
            .iter()
            .any(|planned| planned.kind == fault.kind);
        if scheduled || plan.nemesis.contains(&fault.kind) {
            bail!(
                "the nemesis {} cannot be made here: {}",
                fault.kind,
                fault.why
            );
        }
    }
    Ok(())
}
