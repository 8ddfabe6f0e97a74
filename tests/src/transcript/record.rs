//! What came of a script.

use std::fmt;
use std::fmt::Write as _;

/// Stands before the line of a step in a golden file.
const STEP: &str = "== ";
/// Stands before the zxids taken so far, behind what was said.
const NOW: &str = "now ";

/// What was said at one step, in order: each frame as a line of words and, indented, its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The step.
    pub step: String,
    /// The lines.
    pub lines: Vec<String>,
    /// How many zxids the script had taken then.
    pub now: i64,
}

/// What was said at every step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Name of the script.
    pub script: String,
    /// The steps.
    pub entries: Vec<Entry>,
}

impl Entry {
    pub(super) fn new(step: &str) -> Entry {
        Entry {
            step: step.to_owned(),
            lines: Vec::new(),
            now: 0,
        }
    }

    /// Something that is not a frame.
    pub(super) fn note(&mut self, client: &str, what: &str) {
        self.lines.push(format!("{client} {what}"));
    }

    /// A frame that went (`>`) or came (`<`).
    pub(super) fn frame(&mut self, client: &str, way: char, words: &str, bytes: &[u8]) {
        self.lines.push(format!("{client}{way} {words}"));
        let mut digits = String::from("   ");
        for byte in bytes {
            let _ = write!(digits, "{byte:02x}");
        }
        self.lines.push(digits);
    }
}

impl Transcript {
    /// Reads what [`Display`](fmt::Display) has written; lines before the first step are skipped.
    #[must_use]
    pub fn parse(script: &str, text: &str) -> Transcript {
        let mut entries: Vec<Entry> = Vec::new();
        for line in text.lines() {
            if let Some(step) = line.strip_prefix(STEP) {
                entries.push(Entry::new(step));
            } else if let Some(entry) = entries.last_mut() {
                if let Some(now) = line.strip_prefix(NOW) {
                    entry.now = now.parse().unwrap_or(i64::MIN);
                    continue;
                }
                entry.lines.push(line.to_owned());
            }
        }
        Transcript {
            script: script.to_owned(),
            entries,
        }
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{STEP}{}", entry.step)?;
            for line in &entry.lines {
                writeln!(f, "{line}")?;
            }
            writeln!(f, "{NOW}{:+}", entry.now)?;
        }
        Ok(())
    }
}
