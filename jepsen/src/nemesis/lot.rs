//! Random choices from the run's seed: SplitMix64, a stream of its own for each purpose.

/// A stream of choices; the same seed and purpose give the same choices for ever.
#[derive(Clone, Debug)]
pub struct Lot {
    state: u64,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Lot {
    /// The stream of a purpose.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Lot {
        let mut lot = Lot { state: seed };
        for byte in purpose.bytes() {
            lot.state ^= u64::from(byte);
            lot.state = lot.draw();
        }
        lot
    }

    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound; 0 where the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let at = self.below(among.len() as u64);
        among.get(usize::try_from(at).unwrap_or_default())
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or_default();
            items.swap(last, other);
        }
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}
