//! The same candidate for the same key: highest random weight (Thaler and Ravishankar, "Using name-based
//! mappings to increase hit rates", 1998), with weights, and with a bound on load (Mirrokni, Thorup,
//! Zadimoghaddam, "Consistent hashing with bounded loads", 2018).
//!
//! When a candidate leaves, exactly its keys move, each to what was second for it; when one comes, it takes
//! exactly its share.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::Candidate;
use crate::candidate::total_weight;
use crate::logarithm::negated_log2;

/// All candidates that have a weight, best for this key first: whoever fails is followed by the next.
/// O(candidates · log(candidates)).
#[must_use]
pub fn rank(key: &[u8], candidates: &[Candidate<'_>]) -> Vec<usize> {
    let key = xxh3_64(key);
    let mut costs: Vec<(u128, &str, usize)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(index, each)| Some((cost(key, each)?, each.id, index)))
        .collect();
    costs.sort_unstable();
    costs.into_iter().map(|(_, _, index)| index).collect()
}

/// The best candidate for this key. O(candidates).
#[must_use]
pub fn pick(key: &[u8], candidates: &[Candidate<'_>]) -> Option<usize> {
    let key = xxh3_64(key);
    candidates
        .iter()
        .enumerate()
        .filter_map(|(index, each)| Some((cost(key, each)?, each.id, index)))
        .min()
        .map(|(_, _, index)| index)
}

/// The best candidate for this key that would not have more than `percent` of its share of all open requests
/// with this one. 100 is perfectly even and moves many keys, 125 is usual; below 100 counts as 100.
/// What is open is what candidates report and what is reserved. O(candidates · log(candidates)).
#[must_use]
pub fn pick_bounded(key: &[u8], candidates: &[Candidate<'_>], percent: u32) -> Option<usize> {
    let weights = u128::from(total_weight(candidates));
    let eligible = candidates.iter().filter(|each| each.weight > 0);
    let open: u128 = eligible.map(|each| u128::from(each.in_flight())).sum();
    let fits = |candidate: &Candidate<'_>| {
        let share = (open + 1) * u128::from(candidate.weight) * u128::from(percent.max(100));
        let bound = share.div_ceil(weights.max(1) * 100);
        u128::from(candidate.in_flight()) < bound
    };
    // Somebody fits: the bounds add up to more than what is open.
    rank(key, candidates)
        .into_iter()
        .find(|index| candidates.get(*index).is_some_and(fits))
}

/// An exponentially distributed number whose rate is the weight, from the hash of both: of several such, each
/// is the smallest with a probability of its part of all weights, and that of one candidate does not depend
/// on who else is there.
fn cost(key: u64, candidate: &Candidate<'_>) -> Option<u128> {
    let hash = xxh3_64_with_seed(candidate.id.as_bytes(), key);
    (u128::from(negated_log2(hash)) << 32).checked_div(u128::from(candidate.weight))
}
