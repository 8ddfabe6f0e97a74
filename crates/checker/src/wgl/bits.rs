//! Sets of positions, and a hash that is fast rather than safe from malice.

use std::hash::{BuildHasherDefault, Hasher};

const WORD: usize = 64;

/// A set of positions below a fixed number.
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(super) fn new(len: usize) -> Bits {
        Bits {
            words: vec![0; len.div_ceil(WORD)],
        }
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.word(at / WORD) >> (at % WORD) & 1 == 1
    }

    pub(super) fn set(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / WORD) {
            *word |= 1 << (at % WORD);
        }
    }

    pub(super) fn clear(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / WORD) {
            *word &= !(1 << (at % WORD));
        }
    }

    /// The first position from `from` on that is not in the set; may lie beyond its end.
    pub(super) fn next_clear(&self, from: usize) -> usize {
        let mut at = from / WORD;
        let mut word = self.word(at) | ((1 << (from % WORD)) - 1);
        while word == u64::MAX && at < self.words.len() {
            at += 1;
            word = self.word(at);
        }
        at * WORD + word.trailing_ones() as usize
    }

    pub(super) fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    /// The words from that of one position to that of another.
    pub(super) fn words(&self, from: usize, to: usize) -> &[u64] {
        self.words
            .get(from.min(self.words.len())..(to + 1).min(self.words.len()))
            .unwrap_or(&[])
    }

    /// All words up to the last that is not zero.
    pub(super) fn trimmed(&self) -> &[u64] {
        let used = self.words.iter().rposition(|word| *word != 0);
        used.and_then(|last| self.words.get(..=last)).unwrap_or(&[])
    }
}

/// Multiply and rotate, as compilers do for their tables.
#[derive(Default)]
pub(super) struct Fast(u64);

pub(super) type FastBuild = BuildHasherDefault<Fast>;

impl Hasher for Fast {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_clear_position_skips_whole_words_and_may_lie_beyond_the_end() {
        let mut bits = Bits::new(200);
        (0..150).for_each(|at| bits.set(at));
        assert_eq!(bits.next_clear(0), 150);
        assert_eq!(bits.next_clear(151), 151);
        bits.clear(70);
        assert_eq!(bits.next_clear(3), 70);
        (0..200).for_each(|at| bits.set(at));
        assert_eq!(bits.next_clear(0), 200);
        let mut even = Bits::new(64);
        (0..64).for_each(|at| even.set(at));
        assert_eq!(even.next_clear(5), 64);
    }
}
