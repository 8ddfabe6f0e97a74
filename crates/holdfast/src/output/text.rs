//! Texts for people.

use std::time::Duration;

use holdfast_client::Effect;

use crate::exit::Failure;

/// Rows under a header, each column as wide as its widest cell, for a terminal.
pub(crate) fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let cells = |row: &Vec<String>| row.iter().map(|cell| clean(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let all = || std::iter::once(&head).chain(&rows);
    let widths: Vec<usize> = (0..columns.len())
        .map(|i| {
            all()
                .filter_map(|row| row.get(i))
                .map(|cell| cell.chars().count())
                .max()
        })
        .map(Option::unwrap_or_default)
        .collect();
    let mut out = String::new();
    for row in all() {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Rows for programs. Tabs and line ends inside a cell would be taken for separators.
pub(crate) fn tabs(rows: &[Vec<String>]) -> String {
    let clean = |cell: &String| cell.replace(['\t', '\n', '\r'], " ");
    rows.iter()
        .map(|row| row.iter().map(clean).collect::<Vec<_>>().join("\t") + "\n")
        .collect()
}

/// A text of somebody else as one line that does nothing to a terminal: no control characters, and none that
/// change the direction of writing or cannot be seen.
pub(crate) fn clean(text: &str) -> String {
    let unseen = |c: char| {
        matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        c if c.is_control() || unseen(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The same of a text of several lines, each with its end.
pub(super) fn clean_lines(text: &str) -> String {
    text.lines().map(|line| clean(line) + "\n").collect()
}

/// A text as one word of a POSIX shell.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A duration as people say it: two units at most.
pub(crate) fn ago(ms: u64) -> String {
    let duration = Duration::from_millis(ms);
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// What, why, what to do, and whether it happened.
pub(super) fn failure(head: &str, failure: &Failure) -> String {
    let mut out = format!("{head}\n  why:     {}\n", clean(&failure.why));
    if let Some(remedy) = &failure.remedy {
        out.push_str(&format!("  do:      {remedy}\n"));
    }
    let outcome = match failure.outcome {
        None => return out,
        Some(Effect::NotApplied) => "it did not happen",
        Some(Effect::Unknown) => "unknown: it may have happened",
        Some(Effect::Applied) => "it happened",
    };
    out.push_str(&format!("  outcome: {outcome}\n"));
    if let Some(check) = failure
        .problem
        .as_ref()
        .and_then(|problem| problem.check.as_ref())
    {
        out.push_str(&format!("  check:   {check}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use holdfast_client::{Error, ErrorCode, Problem};

    use super::*;

    #[test]
    fn durations_are_short() {
        for (ms, text) in [
            (0, "0.0 s"),
            (12_400, "12.4 s"),
            (64_000, "1m04s"),
            (3_660_000, "1h01m"),
            (90_000_000, "1d01h"),
        ] {
            assert_eq!(ago(ms), text);
        }
    }

    #[test]
    fn an_error_says_what_why_what_to_do_and_whether_it_happened() {
        let mut problem = Problem::new(ErrorCode::OutcomeUnknown, "no answer in 5 s");
        problem.check = Some("/v1/nodes/a".into());
        let shown = Failure::from_client("put /a", &Error::Refused(Box::new(problem)));
        let text = failure("error: cannot put /a", &shown);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "error: cannot put /a");
        assert_eq!(lines[1], "  why:     no answer in 5 s");
        assert!(
            lines[2].starts_with("  do:      Repeat the same request"),
            "{text}"
        );
        assert_eq!(lines[3], "  outcome: unknown: it may have happened");
        assert_eq!(lines[4], "  check:   /v1/nodes/a");
    }

    #[test]
    fn what_a_terminal_would_act_on_is_not_shown() {
        for (text, shown) in [
            ("release 2.8.1 für Prüfung", "release 2.8.1 für Prüfung"),
            ("\u{1b}[2Jgone\u{7}", "\u{fffd}[2Jgone\u{fffd}"),
            ("a\u{9b}31mb\u{7f}", "a\u{fffd}31mb\u{fffd}"),
            ("two\nlines\tand\r", "two lines and "),
            ("abc\u{202e}cba\u{200b}", "abc\u{fffd}cba\u{fffd}"),
        ] {
            assert_eq!(clean(text), shown);
        }
    }

    #[test]
    fn cells_cannot_break_the_lines_of_a_program() {
        assert_eq!(tabs(&[vec!["a\tb".into(), "c\nd".into()]]), "a b\tc d\n");
    }
}
