//! What nodes wrote into their logs, and whether they were allowed to.

use std::path::Path;

/// Lines of a log that a person would have to look at and that no entry of `expected` (a part of
/// the line) announced.
#[must_use]
pub fn unexpected(log: &str, expected: &[String]) -> Vec<String> {
    let alarming = log.lines().filter(|line| is_alarming(line));
    let foreign = alarming.filter(|line| !expected.iter().any(|part| line.contains(part.as_str())));
    foreign.map(str::to_owned).collect()
}

/// `2026-11-23T07:00:00.123Z  WARN n1 …`, and whatever a panic prints.
fn is_alarming(line: &str) -> bool {
    let level = line.split_whitespace().nth(1).unwrap_or_default();
    matches!(level, "WARN" | "ERROR") || line.contains("panicked at")
}

/// The text of a log; empty if there is none.
#[must_use]
pub fn read(path: &Path) -> String {
    // A line cut by kill -9 may end inside a character.
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// The last lines of a log, for the report of a failed test.
#[must_use]
pub fn tail(path: &Path, lines: usize) -> String {
    let text = read(path);
    let all: Vec<&str> = text.lines().collect();
    all.iter()
        .skip(all.len().saturating_sub(lines))
        .map(|line| format!("  {line}\n"))
        .collect()
}
