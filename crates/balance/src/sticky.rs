//! Where it was before, as long as that is there.

use crate::{Candidate, rendezvous};

/// The candidate named `previous`, if it is still among these and has a weight; otherwise what
/// [`rendezvous::pick`] chooses for the key, so that who comes back after a failure finds the same one.
#[must_use]
pub fn pick(previous: Option<&str>, key: &[u8], candidates: &[Candidate<'_>]) -> Option<usize> {
    let stays = |previous: &str| {
        candidates
            .iter()
            .position(|each| each.id == previous && each.weight > 0)
    };
    previous
        .and_then(stays)
        .or_else(|| rendezvous::pick(key, candidates))
}
