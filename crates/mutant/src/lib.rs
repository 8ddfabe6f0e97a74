//! Bugs planted on purpose, to prove that the tests under faults would find them.
//!
//! Where the product makes a decision that matters, one line asks [`is`] whether the decision is to be
//! made wrong. Without the feature `planted` that is a constant `false`: the compiler removes the branch,
//! and the product is what it would be without the line. With it, the process reads `HOLDFAST_MUTANT=m04`
//! once, and has that one bug, or none when the variable is not set.
//!
//! [`Mutant`] is the catalogue: what each breaks, the promise of `docs/guarantees.md` that is broken, the
//! checker of `jepsen/histories.md` that must fire, and the run that must show it.

mod catalogue;
#[cfg(not(feature = "planted"))]
mod clean;
#[cfg(feature = "planted")]
mod planted;

pub use catalogue::{About, Mutant};
#[cfg(not(feature = "planted"))]
pub use clean::{UnknownMutant, active, is, local_millis, marker};
#[cfg(feature = "planted")]
pub use planted::{UnknownMutant, active, is, local_millis, marker};
