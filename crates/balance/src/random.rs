//! Any candidate, as likely as it is heavy.

use crate::candidate::total_weight;
use crate::{Candidate, Draw};

/// Chooses by weight alone. O(candidates).
#[must_use]
pub fn pick(candidates: &[Candidate<'_>], draw: &mut Draw) -> Option<usize> {
    let total = total_weight(candidates);
    if total == 0 {
        return None;
    }
    let mut left = draw.below(total);
    candidates.iter().position(|each| {
        let weight = u64::from(each.weight);
        let here = left < weight;
        left = left.saturating_sub(weight);
        here
    })
}
