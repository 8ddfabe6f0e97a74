//! Judges what was seen as soon as the ledger knows enough.

use super::ledger::Ledger;
use super::notes::{Notes, Seen};

/// Records, judged and waiting.
#[derive(Debug, Default)]
pub struct Court {
    waiting: Vec<Seen>,
    /// Everything but the records.
    pub notes: Notes,
    /// Records judged.
    pub judged: u64,
}

impl Court {
    /// Takes what was written down, and judges what can be judged.
    pub fn hear(&mut self, mut notes: Notes, ledger: &Ledger) {
        self.waiting.append(&mut notes.records);
        self.notes.absorb(notes);
        for seen in std::mem::take(&mut self.waiting) {
            if !seen.record.is_ripe(ledger) {
                self.waiting.push(seen);
                continue;
            }
            self.judged += 1;
            if let Err(what) = seen.record.judge(ledger) {
                let Seen {
                    record,
                    client,
                    session,
                    node,
                } = seen;
                self.notes.wrong(format!(
                    "client {client}, session {session:#x} at node {}: {what}; {record:?}",
                    node + 1
                ));
            }
        }
    }

    /// Records nobody can judge yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
