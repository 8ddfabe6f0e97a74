//! The candidate with the least to do, for its size.

use crate::{Candidate, Draw};

/// How long a report is believed. Up to `fresh_ms` old it counts in full; from there on it counts less and
/// less, and the mean of what the others report more and more, until at `stale_ms` it counts nothing: an
/// instance that is silent is taken to be as busy as the rest, neither idle, which would draw all work to it,
/// nor full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ageing {
    /// A report of at most this age counts in full, in milliseconds.
    pub fresh_ms: u64,
    /// From this age on it counts nothing, in milliseconds. At least `fresh_ms`.
    pub stale_ms: u64,
}

impl Default for Ageing {
    /// 5 s and 15 s.
    fn default() -> Ageing {
        Ageing {
            fresh_ms: 5_000,
            stale_ms: 15_000,
        }
    }
}

/// Trust in full.
const FULL: u64 = 1_000;
/// One request on a candidate with weight and capacity 1. A power of two so large that what is lost by
/// dividing does not matter, and so small that 2^32 requests fit.
const ONE: u64 = 1 << 30;

impl Ageing {
    /// How much a report of this age counts, of `FULL`.
    fn trust(self, age_ms: u64) -> u64 {
        if age_ms <= self.fresh_ms {
            return FULL;
        }
        let left = self.stale_ms.saturating_sub(age_ms);
        let span = self.stale_ms.saturating_sub(self.fresh_ms).max(1);
        left.saturating_mul(FULL) / span
    }
}

/// How busy a candidate would be with one request more: requests over capacity and weight. Smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u64);

impl Score {
    /// As requests for each unit of capacity and weight, in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u64 {
        self.0 / (ONE / 1000)
    }
}

/// The score of every candidate, `None` for those of weight 0. O(candidates).
#[must_use]
pub fn scores(candidates: &[Candidate<'_>], ageing: Ageing) -> Vec<Option<Score>> {
    let mean = mean_reported(candidates, ageing);
    let score = |candidate: &Candidate<'_>| {
        let reported = candidate.report.map_or(mean, |report| {
            let trust = ageing.trust(report.age_ms);
            let own = per_unit(candidate, u64::from(report.others));
            weighted(own, trust) + weighted(mean, FULL - trust)
        });
        let ours = per_unit(candidate, u64::from(candidate.reserved) + 1);
        (candidate.weight > 0).then_some(Score(reported.saturating_add(ours)))
    };
    candidates.iter().map(score).collect()
}

/// Chooses one with the smallest score; of several, any. O(candidates).
#[must_use]
pub fn pick(candidates: &[Candidate<'_>], ageing: Ageing, draw: &mut Draw) -> Option<usize> {
    let scores = scores(candidates, ageing);
    let least = scores.iter().flatten().min()?;
    let ties = || {
        scores
            .iter()
            .enumerate()
            .filter(|(_, score)| score.as_ref() == Some(least))
    };
    let ties_count = u64::try_from(ties().count()).unwrap_or(1);
    let nth = usize::try_from(draw.below(ties_count)).unwrap_or(0);
    ties().nth(nth).map(|(index, _)| index)
}

/// What the candidates report on average, each as much as its report is trusted.
fn mean_reported(candidates: &[Candidate<'_>], ageing: Ageing) -> u64 {
    let (mut sum, mut trusts) = (0_u128, 0_u128);
    for candidate in candidates.iter().filter(|each| each.weight > 0) {
        if let Some(report) = candidate.report {
            let trust = u128::from(ageing.trust(report.age_ms));
            sum += u128::from(per_unit(candidate, u64::from(report.others))) * trust;
            trusts += trust;
        }
    }
    u64::try_from(sum.checked_div(trusts).unwrap_or(0)).unwrap_or(u64::MAX)
}

fn per_unit(candidate: &Candidate<'_>, requests: u64) -> u64 {
    let units = u64::from(candidate.capacity.max(1)) * u64::from(candidate.weight.max(1));
    requests.saturating_mul(ONE) / units
}

fn weighted(score: u64, trust: u64) -> u64 {
    let part = u128::from(score) * u128::from(trust) / u128::from(FULL);
    u64::try_from(part).unwrap_or(u64::MAX)
}
