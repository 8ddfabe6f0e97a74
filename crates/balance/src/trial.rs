//! Trials: what is expected of the strategies, measured.
//!
//! Everything comes from a seed, so the figures are the same wherever they are made.

pub mod fleet;
pub mod keys;
