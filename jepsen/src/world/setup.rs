//! What a world is made from, and what cannot be made here.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::isolation;
use super::node::Launch;
use crate::nemesis::kinds::{KINDS, Kind, Needs};
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

    /// How a node is started at first.
    pub(crate) fn launch(&self, _id: u64, _directory: &Path) -> Result<Launch> {
        Ok(Launch {
            environment: self.environment.clone(),
            monotonic_offset: None,
        })
    }
}

/// The plan's settings as flags.
pub(crate) fn flags(plan: &Plan) -> Vec<String> {
    let settings = plan.settings.iter();
    settings
        .map(|(name, value)| format!("--{name}={value}"))
        .collect()
}

/// Kinds that cannot be made here, and why.
pub(crate) fn missing_faults(_setup: &Setup) -> Vec<Missing> {
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
        Needs::TimeNamespace => (isolated, "it needs root and namespaces"),
        Needs::Network => {
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
        if plan.nemesis.contains(&fault.kind) {
            bail!(
                "the nemesis {} cannot be made here: {}",
                fault.kind,
                fault.why
            );
        }
    }
    Ok(())
}
