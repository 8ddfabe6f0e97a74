//! In turn, by weight, with the turns of a heavy candidate spread out: smooth weighted round robin, as nginx
//! does it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Candidate;
use crate::candidate::total_weight;

/// One choice, in the unit of credits.
const CHOICE: u128 = 1 << 64;

/// Whose turn it is. With every choice each candidate's credit grows by its part of that choice (its weight
/// over the sum of weights), and the one with the largest credit is chosen and pays for it. Over as many
/// choices as the sum of weights, beginning with a new cursor, every candidate is chosen exactly as often as
/// its weight says.
///
/// Candidates may come, go and change their weight at any time, and one cursor may serve choices among
/// different subsets: credits of those who are not asked stay as they are. So a change does not begin a new
/// cycle, which would favour the same ones again and again, and how far anybody is from its due stays bounded
/// (the carpool problem: Ajtai and others, "Fairness in scheduling", 1998).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    credits: BTreeMap<Box<str>, i128>,
}

impl Cursor {
    /// Chooses the next one; of equal credits the one with the smallest name. O(candidates · log(credits)).
    pub fn pick(&mut self, candidates: &[Candidate<'_>]) -> Option<usize> {
        let total = u128::from(total_weight(candidates));
        let mut shared_out = 0;
        let mut best: Option<(i128, &str, usize)> = None;
        for (index, candidate) in candidates.iter().enumerate() {
            let part = (CHOICE * u128::from(candidate.weight)).checked_div(total)?;
            let Ok(part @ 1..) = i128::try_from(part) else {
                continue;
            };
            shared_out += part;
            let credit = self.credit(candidate.id);
            *credit = credit.saturating_add(part);
            let better = best.is_none_or(|(most, id, _)| {
                *credit > most || (*credit == most && candidate.id < id)
            });
            if better {
                best = Some((*credit, candidate.id, index));
            }
        }
        let (_, id, index) = best?;
        // What was shared out, not `CHOICE`: parts are rounded down, and nothing may get lost.
        let credit = self.credit(id);
        *credit = credit.saturating_sub(shared_out);
        Some(index)
    }

    /// Forgets the credits of all but these: what keeps the cursor as small as the service.
    pub fn retain(&mut self, mut stays: impl FnMut(&str) -> bool) {
        self.credits.retain(|id, _| stays(id));
    }

    /// Whose credits are kept, in order of name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.credits.keys().map(AsRef::as_ref)
    }

    /// How many credits are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.credits.len()
    }

    /// Whether nothing was chosen yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.credits.is_empty()
    }

    fn credit(&mut self, id: &str) -> &mut i128 {
        if !self.credits.contains_key(id) {
            self.credits.insert(id.into(), 0);
        }
        self.credits.entry(id.into()).or_default()
    }
}
