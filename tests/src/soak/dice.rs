//! Choices that a number repeats.

/// A sequence of choices: the same seed gives the same one (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Choices for one of many actors of a run.
    #[must_use]
    pub fn of(seed: u64, actor: u64) -> Dice {
        Dice(seed ^ actor.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// One of `0..sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides.max(1)
    }

    /// As [`roll`](Self::roll), as an index.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.roll(len as u64)).unwrap_or(0)
    }
}
