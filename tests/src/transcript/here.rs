//! Holdfast's side of the comparison.

use super::compare::{Differences, compare};
use super::record::{Entry, Transcript};
use super::run::Runner;
use super::script::Script;
use crate::Cluster;
use crate::real_zookeeper::SUPER_DIGEST;

/// Nodes of Holdfast.
const NODES: u64 = 3;
/// What Holdfast says at the steps that are marked as answered otherwise.
const OTHERWISE: &str = "otherwise";

/// Runs scripts against three nodes and compares with a recording. Steps that are marked as answered
/// otherwise here are compared with what is kept of Holdfast itself; `UPDATE=1` keeps that anew.
///
/// # Panics
/// When a session that is taken up takes more than the one zxid that is documented.
#[must_use]
pub fn run_here(scripts: &[Script], recorded: &[Transcript]) -> Differences {
    let super_digest = format!("--zookeeper-super-digest={SUPER_DIGEST}");
    let cluster = Cluster::start_with(NODES, &[&super_digest]);
    let nodes = cluster.ids().into_iter();
    let addresses = nodes.map(|id| cluster.zookeeper_address(id)).collect();
    let mut runner = Runner::new(addresses);
    let mut differences = Differences::default();
    let mut otherwise = Transcript {
        script: OTHERWISE.to_owned(),
        entries: Vec::new(),
    };
    for (script, recorded) in scripts.iter().zip(recorded) {
        let mut given = runner.run(script, Some(recorded));
        let mut wanted = recorded.clone();
        take_marked(script, &mut given, Some(&mut otherwise.entries));
        take_marked(script, &mut wanted, None);
        differences.extend(compare(&wanted, &given));
    }
    if std::env::var_os("UPDATE").is_some() {
        super::keep(&otherwise);
    }
    let mut kept = super::golden(OTHERWISE);
    // Of the scripts that were run.
    kept.entries.retain(|entry| {
        let script = entry.step.split(':').next().unwrap_or_default();
        scripts.iter().any(|it| it.name == script)
    });
    differences.extend(compare(&kept, &otherwise));
    differences
}

/// Moves the answers at marked steps elsewhere, and how many zxids were taken by then.
fn take_marked(script: &Script, from: &mut Transcript, mut to: Option<&mut Vec<Entry>>) {
    for (step, entry) in script.steps.iter().zip(&mut from.entries) {
        let Some(reason) = &step.differs else {
            continue;
        };
        let lines = std::mem::take(&mut entry.lines);
        let now = std::mem::take(&mut entry.now);
        if let Some(to) = &mut to {
            let step = format!("{}: {} ({reason})", script.name, step.text);
            to.push(Entry { step, lines, now });
        }
    }
}
