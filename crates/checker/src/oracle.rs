//! The oracle on disk: what the logs of all nodes say after a run, held against each other, against a
//! model, and against what clients were told.
//!
//! It reads what `holdfast log DIR -o ndjson` printed of each node ([`log::NodeLog`]). The flags of the
//! nodes decide how much there is to read: with `--log-entries-kept` larger than the run is long (the
//! default, 500,000, is for all but the longest) the logs begin at the first entry and everything is
//! judged; snapshots may be as frequent as one likes. Of a part that was purged on all nodes only the snapshots' digests
//! are left; what it would have to show is counted as not judged, and when that is everything the
//! verdict is unknown.
//!
//! Reading order: [`log`] (what is read), `agree` (do the nodes agree), `model` (does the log make
//! sense), `mark` (how an operation is recognised), `done`
//! (what the log has by that), `matching` and `together` (was every answer true).

mod agree;
mod done;
pub mod log;
mod mark;
mod matching;
mod model;
mod resolved;
mod together;

use self::agree::{Agreed, agree};
use self::log::NodeLog;
use self::model::Model;
use crate::history::History;
use crate::verdict::{Checker, Limits, Report, Verdict};

/// Judges a run by the logs it left.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    /// The log of each node.
    pub logs: Vec<NodeLog>,
    /// Whether the run damaged files on purpose. Otherwise damage is a broken promise.
    pub damage_expected: bool,
}

/// What became of an operation whose outcome nobody knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was done, at this position; `None`: at one of several.
    Applied(Option<u64>),
    /// It was not, and no log has it.
    NotApplied,
    /// The logs do not tell.
    Unknown,
}

/// An unknown operation, by its invocation's index, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Index of the invocation.
    pub invoke: u64,
    /// What became of it.
    pub fate: Fate,
}

/// The verdict, and the history with fewer unknowns.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub report: Report,
    /// What became of each operation nobody knew.
    pub resolutions: Vec<Resolution>,
    /// For a second pass of the checkers: what was done is `ok`, with its position, at the end of the
    /// history (it has no return time); what was not is `fail`; the rest is as before.
    pub resolved: History,
}

impl Oracle {
    /// Judges.
    #[must_use]
    pub fn judge(&self, history: &History, limits: &Limits) -> Judgement {
        let mut report = Report::new("oracle");
        report.count("logs", self.logs.len() as u64);
        self.damage(limits, &mut report);
        let agreed = agree(&self.logs, limits, &mut report);
        follow(&agreed, limits, &mut report);
        let resolutions = matching::judge(history, &agreed, limits, &mut report);
        nothing_judged(&agreed, limits, &mut report);
        let resolved = resolved::resolve(history, &resolutions);
        Judgement {
            report,
            resolutions,
            resolved,
        }
    }

    /// What could not be read.
    fn damage(&self, limits: &Limits, report: &mut Report) {
        for log in &self.logs {
            let snapshot = log.snapshots.iter().find_map(|s| s.problem.as_ref());
            let cut = (!log.ended).then(|| "its last line is missing".to_owned());
            let problem = log.problem.as_ref().or(snapshot).cloned().or(cut);
            let Some(problem) = problem else { continue };
            report.count("damaged logs", 1);
            let what = format!(
                "the log of node {} cannot be read to its end: {problem}",
                log.node
            );
            if !self.damage_expected {
                report.broken(limits, what, Vec::new());
            }
        }
        let damaged = report.counts.get("damaged logs").copied().unwrap_or(0);
        let whole = (self.logs.len() as u64).saturating_sub(damaged);
        if whole.saturating_mul(2) <= self.logs.len() as u64 {
            let what = format!(
                "{whole} of {} logs can be read to their end",
                self.logs.len()
            );
            report.unknown(limits, what, Vec::new());
        }
    }
}

impl Checker for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        self.judge(history, limits).report
    }
}

/// The log by itself: a model follows it to the first thing that cannot be.
fn follow(agreed: &Agreed<'_>, limits: &Limits, report: &mut Report) {
    let mut model = Model::new(agreed.is_whole());
    let known = agreed.entries.iter();
    let known = known.filter(|entry| entry.index >= agreed.known_from);
    'log: for entry in known {
        for command in &entry.commands {
            report.count("commands followed", 1);
            if let Err(wrong) = model.follow(command) {
                let at = command.zxid.unwrap_or_default();
                let what = format!(
                    "entry {}, zxid {at}, {}: {wrong}",
                    entry.index, command.op.command
                );
                report.broken(limits, what, Vec::new());
                break 'log;
            }
        }
    }
    report.count("changes followed", model.changes);
    report.count("grants followed", model.grants);
}

/// Nothing looked at is no pass.
fn nothing_judged(agreed: &Agreed<'_>, limits: &Limits, report: &mut Report) {
    let count = |report: &Report, what: &str| report.counts.get(what).copied().unwrap_or(0);
    if !agreed.is_whole() {
        report.count("entries purged or not applied anew", agreed.known_from);
    }
    let judged = ["acknowledged and found", "violations"];
    let judged: u64 = judged.iter().map(|what| count(report, what)).sum();
    if judged == 0 && report.verdict == Verdict::Valid {
        let what = format!(
            "no acknowledged operation could be looked for: the logs tell what came of entries from {} \
             on, and {} operations write",
            agreed.known_from,
            count(report, "operations that write")
        );
        report.unknown(limits, what, Vec::new());
    }
    if count(report, "entries compared") == 0 && report.verdict == Verdict::Valid {
        let what = "no entry is in the logs of two nodes".to_owned();
        report.unknown(limits, what, Vec::new());
    }
}
