//! What fits on a screen: ten lines of a run, and a line per run of a suite.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use checker::Verdict;

use super::html::{clip, duration};
use super::page::{verdict_word, why};
use super::results::Results;

/// Characters of what a finding says in a summary.
const FINDING_CHARS_MAX: usize = 200;

const HEADS: [&str; 11] = [
    "run", "workload", "nemesis", "nodes", "seconds", "seed", "ok", "fail", "info", "faults",
    "verdict",
];

/// `summary.md`: the verdict, what it rests on, and where to look.
#[must_use]
pub fn summary(results: &Results) -> String {
    let (all, faults, plan) = (&results.operations.all, results.all_faults(), &results.plan);
    let mut out = format!(
        "# {}: {}\n\n{}\n\n\
         - workload {} through {}, {} nodes, seed {}, {} s of faults: {}\n\
         - {} operations: {} ok, {} fail, {} unknown; {:.0} ok a second; p50 {}, p99 {}\n\
         - faults: {} planned, {} injected, {} observed, {} healed\n",
        verdict_word(results.verdict).to_uppercase(),
        results.name,
        why(results),
        plan.workload,
        plan.door,
        plan.nodes,
        plan.seed,
        plan.seconds,
        none_of(&plan.nemesis.join(", ")),
        all.total(),
        all.ok,
        all.fail,
        all.info,
        all.ok_per_second,
        duration(all.p50_ms),
        duration(all.p99_ms),
        faults.planned,
        faults.injected,
        faults.observed,
        faults.healed,
    );
    for report in results
        .checkers
        .iter()
        .filter(|one| one.verdict != Verdict::Valid)
    {
        let first = report
            .findings
            .first()
            .map_or("", |finding| finding.what.as_str());
        let first = clip(&first.replace('\n', " "), FINDING_CHARS_MAX);
        out.push_str(&format!(
            "- {} {}: {first}\n",
            report.checker,
            verdict_word(report.verdict)
        ));
    }
    out.push_str(&format!("- again: `{}`\n", results.command));
    out.push_str("- look: `report.html`, `results.json`, `history.jsonl`\n");
    out
}

fn none_of(words: &str) -> &str {
    if words.is_empty() { "none" } else { words }
}

/// A row of the table of a suite, cell by cell.
fn row(results: &Results) -> [String; 11] {
    let (all, faults, plan) = (&results.operations.all, results.all_faults(), &results.plan);
    let door = if plan.door == "http" {
        String::new()
    } else {
        format!(" ({})", plan.door)
    };
    let broken = results
        .checkers
        .iter()
        .filter(|one| one.verdict == results.verdict);
    let broken: Vec<&str> = broken.map(|one| one.checker.as_str()).collect();
    let verdict = match results.verdict {
        Verdict::Valid => "valid".to_owned(),
        Verdict::Invalid | Verdict::Unknown => {
            format!(
                "{}: {}",
                verdict_word(results.verdict).to_uppercase(),
                broken.join(" ")
            )
        }
    };
    [
        results.name.clone(),
        format!("{}{door}", plan.workload),
        none_of(&plan.nemesis.join(",")).to_owned(),
        plan.nodes.to_string(),
        format!("{:.0}", results.seconds),
        plan.seed.to_string(),
        all.ok.to_string(),
        all.fail.to_string(),
        all.info.to_string(),
        format!(
            "{}/{}",
            faults.observed,
            faults.planned.max(faults.injected)
        ),
        verdict,
    ]
}

/// Adds a run to the table of its suite, which is begun where there is none yet.
///
/// # Errors
/// The file cannot be written.
pub fn append(path: &Path, results: &Results) -> Result<()> {
    let words = || format!("add a run to {}", path.display());
    let begun = fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(words)?;
    let mut text = String::new();
    if !begun {
        text.push_str(&markdown(&HEADS.map(str::to_owned)));
        text.push_str(&format!("|{}\n", "---|".repeat(HEADS.len())));
    }
    text.push_str(&markdown(&row(results)));
    file.write_all(text.as_bytes()).with_context(words)
}

fn markdown(cells: &[String]) -> String {
    let cells = cells
        .iter()
        .map(|cell| cell.replace('|', "\\|").replace('\n', " "));
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// The runs of a suite as a table for the terminal, and their sums.
#[must_use]
pub fn terminal(runs: &[Results]) -> String {
    let rows = runs
        .iter()
        .map(row)
        .map(|cells| cells.map(|cell| clip(&cell, 60)));
    let rows: Vec<[String; 11]> = std::iter::once(HEADS.map(str::to_owned))
        .chain(rows)
        .collect();
    let mut widths = [0_usize; 11];
    for cells in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for cells in &rows {
        let mut line = String::new();
        for ((place, cell), width) in cells.iter().enumerate().zip(widths) {
            // Numbers stand at the right: nodes to faults.
            let padded = if (3..10).contains(&place) {
                format!("{cell:>width$}  ")
            } else {
                format!("{cell:<width$}  ")
            };
            line.push_str(&padded);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let count = |verdict| runs.iter().filter(|run| run.verdict == verdict).count();
    out.push_str(&format!(
        "{} runs: {} valid, {} invalid, {} unknown; {} operations ok, {} faults observed\n",
        runs.len(),
        count(Verdict::Valid),
        count(Verdict::Invalid),
        count(Verdict::Unknown),
        runs.iter().map(|run| run.operations.all.ok).sum::<u64>(),
        runs.iter()
            .map(|run| run.all_faults().observed)
            .sum::<u64>(),
    ));
    out
}
