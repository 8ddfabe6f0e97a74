//! What happens when, from a seed.
//!
//! Kinds take turns; now and then two that do not get into each other's way come together. Each
//! fault ends, a gap for recovery follows, and the last seconds are free of faults.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::kinds::{self, KINDS, Kind, Needs, Weight};
use super::lot::Lot;
use crate::plan::Fault;
use crate::world::Missing;

/// Load alone, before the first fault.
const FIRST_MS: u64 = 1500;
/// Without faults, at the end.
const LAST_MS: u64 = 5000;
/// What a fault that is over at once takes all the same.
const AT_ONCE_MS: u64 = 2500;
/// Shortest fault.
const SHORTEST_MS: u64 = 300;
/// Most faults of a schedule.
const FAULTS_MAX: usize = 10_000;
/// Chance, in a hundred, that a second fault comes with a first.
const PAIRS_PERCENT: u64 = 25;

/// Names that stand for several kinds.
const CLASSES: &[(&str, &[&str])] = &[
    (
        "process",
        &["kill", "term", "pause", "restart-all", "kill-all"],
    ),
    (
        "partition",
        &[
            "partition-leader",
            "partition-halves",
            "partition-majority-ring",
            "partition-bridge",
            "partition-one-way-in",
            "partition-one-way-out",
            "partition-clients",
            "partition-peers",
            "flapping",
        ],
    ),
    ("network", &["loss", "delay", "big-packets", "reset"]),
    ("clock", &["clock-jump", "clock-drift", "monotonic-epoch"]),
    (
        "disk",
        &[
            "disk-full",
            "disk-slow",
            "lost-writes",
            "torn-tail",
            "bit-flip",
        ],
    ),
    ("admin", &["leader-transfer", "snapshot-storm"]),
    ("client", &["client-pause", "client-kill"]),
];

/// What a schedule is made from.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The run's seed.
    pub seed: u64,
    /// Length of the faulty phase.
    pub seconds: u64,
    /// Voters.
    pub nodes: u64,
    /// Kinds, classes, `all` or `none`.
    pub nemesis: &'a [String],
    /// Left out of `all` and of classes.
    pub missing: &'a [Missing],
}

/// The kinds that names stand for, in the order of the catalogue.
///
/// # Errors
/// A name that stands for nothing.
pub fn kinds_of(wish: &Wish<'_>) -> Result<Vec<&'static Kind>> {
    let mut names = Vec::new();
    for name in wish.nemesis {
        let class = CLASSES.iter().find(|(class, _)| class == name);
        match (name.as_str(), class) {
            ("none", _) => {}
            ("all", _) => names.extend(KINDS.iter().map(|kind| kind.name)),
            (_, Some((_, members))) => names.extend(members.iter().copied()),
            (name, None) => match kinds::find(name) {
                // Whether it can be made here is for the world to say.
                Some(kind) => names.push(kind.name),
                None => bail!("there is no nemesis {name}; there are: {}", all_names()),
            },
        }
    }
    let asked = |kind: &&Kind| {
        let named = wish.nemesis.iter().any(|name| name == kind.name);
        let missing = wish.missing.iter().any(|missing| missing.kind == kind.name);
        // Two nodes at least must be able to see each other differently.
        let enough = wish.nodes >= 3 || !of_network(kind);
        names.contains(&kind.name) && (named || (!missing && enough))
    };
    Ok(KINDS.iter().filter(asked).collect())
}

fn all_names() -> String {
    let classes = CLASSES.iter().map(|(name, _)| *name);
    let names: Vec<_> = ["all", "none"].into_iter().chain(classes).collect();
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    format!("{}; {}", names.join(", "), kinds.join(", "))
}

/// The schedule of a wish; the same wish has the same one for ever.
///
/// # Errors
/// Names that stand for nothing, or too little time for any fault.
pub fn make(wish: &Wish<'_>) -> Result<Vec<Fault>> {
    let mut kinds = kinds_of(wish)?;
    let mut faults = Vec::new();
    if kinds.is_empty() {
        return Ok(faults);
    }
    let mut lot = Lot::new(wish.seed, "schedule");
    lot.shuffle(&mut kinds);
    let free_from = (wish.seconds * 1000).saturating_sub(LAST_MS);
    let mut at = FIRST_MS;
    for kind in kinds.iter().cycle() {
        if at + SHORTEST_MS > free_from || faults.len() >= FAULTS_MAX {
            break;
        }
        let first = draw(kind, at, free_from, &mut lot);
        let mut end = at + taken(&first);
        let partner = lot
            .percent(PAIRS_PERCENT)
            .then(|| partner(kind, &kinds, &mut lot))
            .flatten();
        let heavy = is_outage(kind, &first);
        if let Some(partner) = partner.filter(|_| !heavy) {
            let second = draw(partner, at + lot.between(100, 800), free_from, &mut lot);
            if second.at_ms + SHORTEST_MS <= free_from && !is_outage(partner, &second) {
                end = end.max(second.at_ms + taken(&second));
                faults.push(second);
            }
        }
        faults.push(first);
        at = end
            + if heavy {
                lot.between(3500, 5500)
            } else {
                lot.between(1500, 3500)
            };
    }
    if faults.is_empty() {
        bail!(
            "{} seconds are too short for a fault: at least 7 are needed",
            wish.seconds
        );
    }
    faults.sort_by_key(|fault| fault.at_ms);
    Ok(faults)
}

fn taken(fault: &Fault) -> u64 {
    if fault.lasts_ms == 0 {
        AT_ONCE_MS
    } else {
        fault.lasts_ms
    }
}

fn is_outage(kind: &Kind, fault: &Fault) -> bool {
    let many = matches!(fault.target.as_str(), "majority" | "all");
    kind.weight == Weight::Outage || (kind.weight == Weight::Minority && many)
}

/// A fault of a kind, its length cut to what is left.
fn draw(kind: &Kind, at_ms: u64, free_from: u64, lot: &mut Lot) -> Fault {
    let (least, most) = kind.lasts_ms;
    let left = free_from.saturating_sub(at_ms);
    let target = lot.pick(kind.targets).copied().unwrap_or("one");
    Fault {
        at_ms,
        lasts_ms: lot.between(least, most).min(left),
        kind: kind.name.to_owned(),
        target: target.to_owned(),
        amounts: amounts(kind.name, lot),
    }
}

fn of_network(kind: &Kind) -> bool {
    matches!(kind.needs, Needs::Network | Needs::Queue)
}

/// Two that get into each other's way: both decide whether a process runs, or both change members.
fn same_ground(a: &Kind, b: &Kind) -> bool {
    let ground = |kind: &Kind| match kind.name {
        "client-pause" | "client-kill" => 0,
        "clock-jump" | "clock-drift" | "disk-slow" | "snapshot-storm" => 1,
        _ if of_network(kind) => 2,
        _ => 3,
    };
    let changes_members = |kind: &Kind| kind.name == "membership";
    let clock = |kind: &Kind| kind.name.starts_with("clock-");
    ground(a) == ground(b)
        // A change of members that nobody hears of in time is refused, and then not seen.
        || (changes_members(a) && ground(b) != 0 && ground(b) != 1)
        || (changes_members(b) && ground(a) != 0 && ground(a) != 1)
        // A node that does not answer shows no clock.
        || (clock(a) && ground(b) == 3)
        || (clock(b) && ground(a) == 3)
        || (a.name == "disk-slow" && ground(b) == 3)
        || (b.name == "disk-slow" && ground(a) == 3)
        || (a.name == "leader-transfer" && ground(b) == 2)
        || (b.name == "leader-transfer" && ground(a) == 2)
}

fn partner<'a>(kind: &Kind, kinds: &[&'a Kind], lot: &mut Lot) -> Option<&'a Kind> {
    let fitting: Vec<_> = kinds
        .iter()
        .filter(|other| !same_ground(kind, other))
        .collect();
    lot.pick(&fitting).map(|kind| **kind)
}

/// Numbers of a kind.
fn amounts(kind: &str, lot: &mut Lot) -> BTreeMap<String, i64> {
    let mut of = |name: &str, among: &[i64]| {
        let value = lot.pick(among).copied().unwrap_or_default();
        (name.to_owned(), value)
    };
    match kind {
        "loss" => BTreeMap::from([of("percent", &[2, 5, 10, 20, 40])]),
        "delay" => BTreeMap::from([
            of("ms", &[5, 15, 30, 60, 120]),
            of("jitter", &[1, 10, 30, 100]),
        ]),
        "clock-jump" => BTreeMap::from([of("seconds", &[-288, -60, -10, 10, 30, 120, 288])]),
        "clock-drift" => BTreeMap::from([of("percent", &[20, 200, 300, 400])]),
        "monotonic-epoch" => BTreeMap::from([of("seconds", &[1000, 100_000, 1_000_000])]),
        "disk-slow" => BTreeMap::from([of("ms", &[30, 100, 300, 600])]),
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish<'a>(seed: u64, seconds: u64, nemesis: &'a [String]) -> Wish<'a> {
        Wish {
            seed,
            seconds,
            nodes: 3,
            nemesis,
            missing: &[],
        }
    }

    #[test]
    fn a_seed_has_one_schedule_and_another_has_another() {
        let all = ["all".to_owned()];
        let made = make(&wish(7, 300, &all)).unwrap();
        assert_eq!(made, make(&wish(7, 300, &all)).unwrap());
        assert_ne!(made, make(&wish(8, 300, &all)).unwrap());
    }

    #[test]
    fn all_kinds_take_turns_and_the_end_is_free() {
        let all = ["all".to_owned()];
        for seed in 0..50 {
            let made = make(&wish(seed, 400, &all)).unwrap();
            for kind in KINDS {
                assert!(
                    made.iter().any(|f| f.kind == kind.name),
                    "{} of seed {seed}",
                    kind.name
                );
            }
            assert!(made.iter().all(|f| f.at_ms + f.lasts_ms <= 395_000));
            assert!(made.iter().all(|f| f.at_ms >= FIRST_MS));
        }
    }

    #[test]
    fn no_more_than_two_come_together_and_after_an_outage_there_is_a_pause() {
        let all = ["all".to_owned()];
        for seed in 0..50 {
            let made = make(&wish(seed, 400, &all)).unwrap();
            for fault in &made {
                let over = |other: &&Fault| {
                    other.at_ms < fault.at_ms + taken(fault)
                        && fault.at_ms < other.at_ms + taken(other)
                };
                assert!(
                    made.iter().filter(over).count() <= 2,
                    "{fault:?} of seed {seed}"
                );
            }
        }
    }

    #[test]
    fn classes_stand_for_their_kinds_and_unknown_names_are_told() {
        let names = ["partition".to_owned(), "kill".to_owned()];
        let made = make(&wish(3, 120, &names)).unwrap();
        let fits = |f: &Fault| {
            f.kind.starts_with("partition-") || f.kind == "kill" || f.kind == "flapping"
        };
        assert!(made.iter().all(fits), "{made:?}");
        let error = make(&wish(3, 120, &["earthquake".to_owned()])).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("there is no nemesis earthquake")
        );
        assert!(
            make(&wish(3, 120, &["none".to_owned()]))
                .unwrap()
                .is_empty()
        );
        let classes = CLASSES.iter().flat_map(|(_, kinds)| kinds.iter());
        assert!(classes.clone().all(|name| kinds::find(name).is_some()));
    }

    #[test]
    fn what_is_missing_is_left_out_of_all() {
        let all = ["all".to_owned()];
        let missing = [Missing {
            kind: "loss".to_owned(),
            why: "no nft".to_owned(),
        }];
        let wish = Wish {
            missing: &missing,
            ..wish(1, 400, &all)
        };
        assert!(
            make(&wish)
                .unwrap()
                .iter()
                .all(|fault| fault.kind != "loss")
        );
    }
}
