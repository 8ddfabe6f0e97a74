//! Keys, the instances they belong to, and what moves when one of those leaves.

use crate::maglev::Table;
use crate::{Candidate, rendezvous};

/// How keys are given to instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// The hash of the key modulo the number of instances: what people write by hand.
    Modulo,
    /// [`rendezvous::pick`].
    Hash,
    /// [`rendezvous::pick_bounded`] with 125 %, each key being one open request.
    BoundedHash,
    /// [`Table::pick`], with [`maglev::SIZE`](crate::maglev::SIZE) entries.
    Maglev,
}

impl Mapping {
    /// All of them.
    pub const ALL: [Mapping; 4] = [
        Mapping::Modulo,
        Mapping::Hash,
        Mapping::BoundedHash,
        Mapping::Maglev,
    ];

    /// A name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mapping::Modulo => "modulo",
            Mapping::Hash => "hash",
            Mapping::BoundedHash => "hash, bounded=1.25",
            Mapping::Maglev => "maglev",
        }
    }
}

/// What one instance that left changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Keys that belong to another instance than before, in percent of all.
    pub all: f64,
    /// Those among them whose instance had stayed, in percent of all: moved for nothing.
    pub between_remaining: f64,
    /// Keys of the busiest instance before, in percent of the mean.
    pub busiest: f64,
}

/// Gives `keys` keys to `instances` instances, and again after the one at `leaver` has left.
#[must_use]
pub fn moved(mapping: Mapping, instances: usize, leaver: usize, keys: u32) -> Moved {
    let names: Vec<String> = (1..=instances)
        .map(|number| format!("instance-{number}"))
        .collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rest = all.clone();
    let left = (leaver < rest.len()).then(|| rest.remove(leaver));
    let before = assign(mapping, &all, keys);
    let after = assign(mapping, &rest, keys);
    let changed = || before.iter().zip(&after).filter(|(was, is)| was != is);
    let percent = |count: usize| ratio(count, before.len()) * 100.0;
    let most = all
        .iter()
        .map(|name| before.iter().filter(|each| *each == name).count())
        .max();
    #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
    let count = all.len() as f64;
    Moved {
        all: percent(changed().count()),
        between_remaining: percent(changed().filter(|(was, _)| Some(**was) != left).count()),
        busiest: percent(most.unwrap_or(0)) * count,
    }
}

/// The instance of each key.
fn assign<'a>(mapping: Mapping, names: &[&'a str], keys: u32) -> Vec<&'a str> {
    let mut candidates: Vec<Candidate<'a>> =
        names.iter().map(|name| Candidate::new(name)).collect();
    let table = match mapping {
        Mapping::Maglev => Table::build(&candidates, crate::maglev::SIZE).ok(),
        Mapping::Modulo | Mapping::Hash | Mapping::BoundedHash => None,
    };
    let mut assigned = Vec::new();
    for key in 0..keys {
        let key = format!("key-{key}").into_bytes();
        let chosen = match mapping {
            Mapping::Modulo => modulo(&key, candidates.len()),
            Mapping::Hash => rendezvous::pick(&key, &candidates),
            Mapping::BoundedHash => rendezvous::pick_bounded(&key, &candidates, 125),
            Mapping::Maglev => table.as_ref().and_then(|table| table.pick(&key)),
        };
        let Some(candidate) = chosen.and_then(|index| candidates.get_mut(index)) else {
            continue;
        };
        assigned.push(candidate.id);
        candidate.reserved += 1;
    }
    assigned
}

fn modulo(key: &[u8], count: usize) -> Option<usize> {
    let count = u64::try_from(count).ok()?;
    let index = xxhash_rust::xxh3::xxh3_64(key).checked_rem(count)?;
    usize::try_from(index).ok()
}

#[expect(clippy::cast_precision_loss, reason = "keys, up to some millions")]
fn ratio(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}
