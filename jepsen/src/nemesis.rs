//! What hurts a world.

/// Kinds of faults, by what they need.
pub mod kinds;
