//! Two transcripts side by side.

use std::fmt;

use super::record::{Entry, Transcript};

/// Steps shown in full; how many more differ is said.
const SHOWN: usize = 40;

/// Steps that were answered differently, in the order of the script.
#[derive(Debug, Default)]
pub struct Differences {
    steps: Vec<Difference>,
}

#[derive(Debug)]
struct Difference {
    script: String,
    step: String,
    wanted: Vec<String>,
    given: Vec<String>,
    /// Zxids taken so far.
    now: (i64, i64),
}

/// Compares step by step and frame by frame.
#[must_use]
pub fn compare(wanted: &Transcript, given: &Transcript) -> Differences {
    let mut differences = Differences::default();
    let mut pairs = wanted.entries.iter().zip(&given.entries);
    if let Some((wanted, given)) = pairs.find(|(wanted, given)| wanted.step != given.step) {
        differences.add(&given_script(given), &out_of_date(wanted), given);
        return differences;
    }
    for (wanted_entry, given_entry) in wanted.entries.iter().zip(&given.entries) {
        if wanted_entry != given_entry {
            differences.add(&given.script, wanted_entry, given_entry);
        }
    }
    if wanted.entries.len() != given.entries.len() {
        let missing = Entry::new("(the two have different numbers of steps)");
        differences.add(&given.script, &missing, &missing);
    }
    differences
}

fn given_script(given: &Entry) -> String {
    format!(
        "the script has changed since it was recorded, from: {}",
        given.step
    )
}

fn out_of_date(wanted: &Entry) -> Entry {
    Entry {
        step: wanted.step.clone(),
        lines: vec![format!("(step: {})", wanted.step)],
        now: wanted.now,
    }
}

impl Differences {
    fn add(&mut self, script: &str, wanted: &Entry, given: &Entry) {
        self.steps.push(Difference {
            script: script.to_owned(),
            step: given.step.clone(),
            wanted: wanted.lines.clone(),
            given: given.lines.clone(),
            now: (wanted.now, given.now),
        });
    }

    /// Takes those of another comparison too.
    pub fn extend(&mut self, other: Differences) {
        self.steps.extend(other.steps);
    }

    /// How many steps differ.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} steps differ", self.len())?;
        for difference in self.steps.iter().take(SHOWN) {
            writeln!(f, "\n{}: {}", difference.script, difference.step)?;
            for line in &difference.wanted {
                let mark = if difference.given.contains(line) {
                    "  "
                } else {
                    "- "
                };
                writeln!(f, "{mark}{line}")?;
            }
            for line in difference
                .given
                .iter()
                .filter(|line| !difference.wanted.contains(line))
            {
                writeln!(f, "+ {line}")?;
            }
            let (wanted, given) = difference.now;
            if wanted != given {
                writeln!(f, "- {wanted} zxids taken by then\n+ {given}")?;
            }
        }
        let more = self.len().saturating_sub(SHOWN);
        if more > 0 {
            writeln!(f, "\nand {more} more")?;
        }
        Ok(())
    }
}
