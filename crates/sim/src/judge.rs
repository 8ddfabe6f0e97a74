//! The verdict of the history checkers.

use checker::{Checker, History, Limits, Verdict};

use crate::plan::Workload;
use crate::summary::Summary;
use crate::world::Stop;

fn checkers(workload: Workload) -> Vec<Box<dyn Checker>> {
    let _ = workload;
    Vec::new()
}

/// Has the checkers of a workload judge what its clients saw.
///
/// # Errors
/// The first promise that was broken.
pub fn judge(workload: Workload, history: &History, summary: &mut Summary) -> Result<(), Stop> {
    for checker in checkers(workload) {
        let report = checker.check(history, &Limits::default());
        let what = report.findings.first().map(|finding| finding.what.clone());
        match report.verdict {
            Verdict::Valid => {}
            Verdict::Unknown => {
                *summary.unknown.entry(report.checker).or_default() += 1;
            }
            Verdict::Invalid => {
                let what = format!("{}: {}", workload.name(), what.unwrap_or_default());
                return Err(Stop::broken(checker.name(), what));
            }
        }
    }
    Ok(())
}
