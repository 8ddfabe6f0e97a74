//! A leader has every entry that was committed before its term. Raft paper, figure 3: Leader
//! Completeness; with it nothing acknowledged is ever lost.

use std::collections::BTreeSet;

use super::{Invariant, View};

#[derive(Default)]
pub(super) struct LeaderCompleteness {
    /// The furthest commit seen, and in which term it was seen.
    committed: Option<(u64, u64)>,
    seen: BTreeSet<u64>,
}

impl Invariant for LeaderCompleteness {
    fn name(&self) -> &'static str {
        "leader-completeness"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for seen in view.running {
            let leadership = seen.status.leadership;
            if !leadership.is_leader() || !self.seen.insert(leadership.term) {
                continue;
            }
            if let Some((committed, term)) = self.committed
                && leadership.term > term
                && seen.status.log.last < Some(committed)
            {
                return Err(format!(
                    "{} leads term {} with a log that ends at {:?}, but {committed} was committed in term {term} or before",
                    seen.id, leadership.term, seen.status.log.last
                ));
            }
        }
        for seen in view.running {
            let Some(committed) = seen.status.log.committed else {
                continue;
            };
            if self.committed.is_none_or(|(known, _)| known < committed) {
                self.committed = Some((committed, seen.status.leadership.term));
            }
        }
        Ok(())
    }
}
