//! Random numbers from a seed that the caller brings.

use crate::logarithm::{DIGITS, negated_log2};

/// A sequence of numbers that looks random and is the same for the same seed on every machine: `SplitMix64`
/// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). Not for secrets.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// The next number of the sequence.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0, each as likely (up to one in 2^64 / `bound`).
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(u64::MAX)
    }

    /// A number from the exponential distribution with this mean, rounded down: the time between requests
    /// that do not know of each other.
    pub fn exponential(&mut self, mean: u32) -> u64 {
        /// The natural logarithm of 2, in 2^-32.
        const LN_2: u128 = 2_977_044_472;
        let log = u128::from(negated_log2(self.next()));
        let number = (log * LN_2 * u128::from(mean)) >> (DIGITS + 32);
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}
