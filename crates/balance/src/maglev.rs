//! The same candidate for the same key, by looking it up in a table: Maglev (Eisenbud and others, "Maglev: a
//! fast and reliable software network load balancer", 2016, section 3.4), with weights as in Envoy.
//!
//! A look-up is O(1) and needs no more than the table, so clients can take it along. For that, a few more
//! keys move than with [`rendezvous`](crate::rendezvous) when candidates come and go.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::Candidate;

/// Entries of a table unless named: 1 % of difference between shares with 100 candidates (section 5.3).
pub const SIZE: u32 = 65_537;
/// The most entries of a table.
pub const SIZE_MAX: u32 = 655_373;

/// Seeds of the two hashes of a name.
const OFFSET: u64 = 1;
const SKIP: u64 = 2;

/// Which candidate each entry belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    entries: Vec<u32>,
}

/// A table of this size cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSize;

impl std::fmt::Display for BadSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the size of a table is a prime number from 3 to {SIZE_MAX}"
        )
    }
}

impl std::error::Error for BadSize {}

/// A candidate while the table is filled.
struct Turn<'a> {
    id: &'a str,
    index: u32,
    weight: u64,
    /// Grows by the largest weight with each entry; the candidate waits while it is ahead of its weight.
    target: u64,
    /// The next entry it wishes.
    at: u64,
    skip: u64,
}

impl Table {
    /// Builds the table: every candidate has its own order of all entries, and takes the next free one of it
    /// when it is its turn. The order of the candidates does not matter. About `size · log(size)` steps.
    ///
    /// # Errors
    /// The size is not a prime, or out of bounds.
    pub fn build(candidates: &[Candidate<'_>], size: u32) -> Result<Table, BadSize> {
        if size > SIZE_MAX || !is_prime(size) || size < 3 {
            return Err(BadSize);
        }
        let mut turns = turns(candidates, u64::from(size));
        let heaviest = turns.iter().map(|turn| turn.weight).max().unwrap_or(0);
        let mut entries: Vec<Option<u32>> = vec![None; usize::try_from(size).unwrap_or(0)];
        let mut free = if turns.is_empty() { 0 } else { size };
        let mut round = 1_u64;
        while free > 0 {
            for turn in &mut turns {
                if round.saturating_mul(turn.weight) < turn.target || free == 0 {
                    continue;
                }
                turn.target += heaviest;
                turn.take(&mut entries);
                free -= 1;
            }
            round += 1;
        }
        let entries = entries.into_iter().flatten().collect();
        Ok(Table { entries })
    }

    /// The candidate of this key, as an index into what the table was built from.
    #[must_use]
    pub fn pick(&self, key: &[u8]) -> Option<usize> {
        self.entries_from(key).next()
    }

    /// Different candidates for this key, at most `count`: its own, and those that are met first by going on
    /// from its entry.
    #[must_use]
    pub fn pick_several(&self, key: &[u8], count: usize) -> Vec<usize> {
        let mut chosen = Vec::new();
        for index in self.entries_from(key) {
            if chosen.len() >= count {
                break;
            }
            if !chosen.contains(&index) {
                chosen.push(index);
            }
        }
        chosen
    }

    /// All entries, beginning with that of this key.
    fn entries_from(&self, key: &[u8]) -> impl Iterator<Item = usize> {
        let size = u64::try_from(self.entries.len()).unwrap_or(0);
        let entry = xxh3_64(key).checked_rem(size).unwrap_or(0);
        let entry = usize::try_from(entry).unwrap_or(0);
        let around = self
            .entries
            .iter()
            .skip(entry)
            .chain(self.entries.iter().take(entry));
        around.filter_map(|index| usize::try_from(*index).ok())
    }

    /// The candidate of each entry; none where the table was built from nobody.
    #[must_use]
    pub fn entries(&self) -> &[u32] {
        &self.entries
    }
}

impl Turn<'_> {
    /// Takes the next free entry, which there is.
    fn take(&mut self, entries: &mut [Option<u32>]) {
        let size = entries.len();
        loop {
            let wished = usize::try_from(self.at)
                .ok()
                .and_then(|at| entries.get_mut(at));
            self.at = (self.at + self.skip) % u64::try_from(size).unwrap_or(1);
            if let Some(entry @ None) = wished {
                *entry = Some(self.index);
                return;
            }
        }
    }
}

/// Those that have a weight, by name.
fn turns<'a>(candidates: &[Candidate<'a>], size: u64) -> Vec<Turn<'a>> {
    let turn = |(index, each): (u32, &Candidate<'a>)| Turn {
        id: each.id,
        index,
        weight: u64::from(each.weight),
        target: 0,
        at: xxh3_64_with_seed(each.id.as_bytes(), OFFSET) % size,
        skip: xxh3_64_with_seed(each.id.as_bytes(), SKIP) % (size - 1) + 1,
    };
    let mut turns: Vec<Turn<'a>> = (0_u32..).zip(candidates).map(turn).collect();
    turns.retain(|turn| turn.weight > 0);
    turns.sort_unstable_by(|one, other| one.id.cmp(other.id));
    turns
}

fn is_prime(number: u32) -> bool {
    number > 1
        && (2..)
            .take_while(|factor| factor * factor <= number)
            .all(|factor| !number.is_multiple_of(factor))
}
