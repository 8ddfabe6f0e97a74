//! Fences as clients see them.

use std::sync::OnceLock;

use mutant::Mutant;
use raft_core::ids::{Fence, Zxid};

/// Of a planted bug: the position at which this process started. Never set in other builds.
static COUNTED_FROM: OnceLock<u64> = OnceLock::new();

/// A fence, outward.
pub(crate) fn shown(fence: Fence) -> u64 {
    if mutant::is(Mutant::FenceFromLocalCounter) {
        // Fences from before the start were given out by a counter that is gone.
        return fence
            .0
            .checked_sub(counted_from())
            .filter(|own| *own > 0)
            .unwrap_or(fence.0);
    }
    fence.0
}

/// A fence, inward.
pub(crate) fn meant(fence: u64) -> Fence {
    if mutant::is(Mutant::FenceFromLocalCounter) {
        return Fence(fence.saturating_add(counted_from()));
    }
    Fence(fence)
}

/// `m09`: the door opens at this position.
pub(crate) fn count_from(applied: Zxid) {
    let _ = COUNTED_FROM.set(applied.0);
}

fn counted_from() -> u64 {
    COUNTED_FROM.get().copied().unwrap_or(0)
}
