//! What the strategies promise.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "tests"
)]

mod expected;
mod hashes;
mod loads;
mod turns;

use balance::Candidate;

/// `count` names.
fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("web-{number}")).collect()
}

/// One candidate of each name with these weights.
fn weighing<'a>(names: &'a [String], weights: &[u32]) -> Vec<Candidate<'a>> {
    let pair = |(name, weight): (&'a String, &u32)| Candidate::new(name).weighing(*weight);
    names.iter().zip(weights).map(pair).collect()
}
