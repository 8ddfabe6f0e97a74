//! A line in the form asked for: JSON for programs, a short text for people.

use serde_json::{Map, Value};

use super::lines::{End, Entry, Line};
use crate::args::globals::Format;
use crate::exit::{Exit, Failure};
use crate::output::quote;

pub(super) fn render(line: &Line, format: Format) -> Result<String, Failure> {
    match format {
        Format::Json | Format::Ndjson => json(line),
        Format::Table | Format::Name | Format::Env => match line {
            Line::Begin(_) => json(line).map(|json| format!("# {json}")),
            Line::Entry(entry) => Ok(entry_text(entry)),
            Line::End(end) => Ok(end_text(end)),
        },
    }
}

fn json(line: &Line) -> Result<String, Failure> {
    serde_json::to_string(line)
        .map_err(|error| Failure::new(Exit::Internal, "print a log entry", error))
}

fn entry_text(entry: &Entry) -> String {
    let unknown = if entry.committed {
        ""
    } else {
        " (committed? not known here)"
    };
    let head = format!(
        "{} term {} {}{unknown}",
        entry.index, entry.term, entry.kind
    );
    let commands = entry.commands.iter().map(command_text);
    [head]
        .into_iter()
        .chain(commands)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What was asked and what came of it, on one line.
fn command_text(command: &Map<String, Value>) -> String {
    let field = |name: &str| match command.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    let mut text = format!(
        "    zxid {}",
        field("zxid").unwrap_or_else(|| "?".to_owned())
    );
    for name in [
        "command", "path", "lock", "claim", "closes", "expires", "name",
    ] {
        if let Some(value) = field(name) {
            text = format!("{text} {}", quote(&value));
        }
    }
    for name in ["outcome", "code"] {
        if let Some(value) = field(name) {
            text = format!("{text} {value}");
        }
    }
    text
}

fn end_text(end: &End) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut text = format!(
        "# purged {} committed {} zxid {} digest {}",
        number(end.purged),
        number(end.committed),
        number(end.zxid),
        end.digest.as_deref().unwrap_or("-"),
    );
    for torn in &end.torn_tails {
        text = format!("{text}\n# torn tail, never acknowledged: {torn}");
    }
    if let Some(problem) = &end.problem {
        text = format!("{text}\n# PROBLEM {problem}");
    }
    text
}
