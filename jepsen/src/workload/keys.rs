//! Keys that a few clients share and leave behind after a while, so that no checker has to search a
//! history that is too long or too wide.

use crate::client::Client;

/// Most clients of one key: what a search can bear.
pub(super) const CLIENTS_MAX: u64 = 10;

/// The keys of one client.
pub(super) struct Keys {
    letter: char,
    group: u64,
    /// Operations of this client on one key before it takes the next.
    share: u64,
    /// Of each of the keys in use: how many were used up before it, and operations on it.
    slots: Vec<(u64, u64)>,
}

impl Keys {
    /// Keys of which so many are in use at a time, each for so many operations of all its clients.
    pub(super) fn new(letter: char, number: u64, in_use: u64, operations: u64) -> Keys {
        Keys {
            letter,
            group: number / CLIENTS_MAX,
            share: (operations / CLIENTS_MAX).max(1),
            slots: vec![(0, 0); usize::try_from(in_use.max(1)).unwrap_or(1)],
        }
    }

    /// The key of the next operation, and the one it takes the place of.
    pub(super) fn next(&mut self, client: &mut Client) -> (String, Option<String>) {
        let count = u64::try_from(self.slots.len()).unwrap_or(1);
        let at = client.random.below(count);
        let slot = usize::try_from(at)
            .ok()
            .and_then(|at| self.slots.get_mut(at));
        let (mut generation, mut used_up) = (0, None);
        if let Some((before, operations)) = slot {
            *operations += 1;
            if *operations > self.share {
                used_up = Some(*before);
                (*before, *operations) = (*before + 1, 1);
            }
            generation = *before;
        }
        let name = |generation| format!("{}{}-{at}-{generation}", self.letter, self.group);
        let key = name(generation);
        client.shared.touch(&key);
        (key, used_up.map(name))
    }
}

/// A number that no other client of a run makes: the `count`-th of client `number`.
pub(super) fn unique(number: u64, count: u64) -> u64 {
    /// Room for each client; all together fit into what JSON keeps exactly.
    const EACH: u64 = 10_000_000;
    number
        .saturating_add(1)
        .saturating_mul(EACH)
        .saturating_add(count)
}
