//! The better of two that are drawn: nearly as good as the best of all, and where many choose at once with
//! the same old reports they do not all run to the same one (Mitzenmacher, "The power of two choices in
//! randomized load balancing", 2001).

use crate::least_load::{Ageing, scores};
use crate::{Candidate, Draw, random};

/// Draws two different candidates by weight, and chooses the one with the smaller score. O(candidates).
#[must_use]
pub fn pick(candidates: &[Candidate<'_>], ageing: Ageing, draw: &mut Draw) -> Option<usize> {
    let first = random::pick(candidates, draw)?;
    let without: Vec<Candidate<'_>> = candidates
        .iter()
        .enumerate()
        .map(|(index, each)| {
            if index == first {
                each.weighing(0)
            } else {
                *each
            }
        })
        .collect();
    let Some(second) = random::pick(&without, draw) else {
        return Some(first);
    };
    let scores = scores(candidates, ageing);
    let score = |index: usize| scores.get(index).copied().flatten();
    Some(if score(second) < score(first) {
        second
    } else {
        first
    })
}
