//! What happens when, from a seed.
//!
//! Kinds take turns; now and then two that do not get into each other's way come together. Each
//! fault ends, a gap for recovery follows, and the last seconds are free of faults.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::asked::{Choice, choices, of_network};
use super::kinds::{Kind, Weight};
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

/// What a schedule is made from.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The run's seed.
    pub seed: u64,
    /// Length of the faulty phase.
    pub seconds: u64,
    /// Voters.
    pub nodes: u64,
    /// Kinds, classes, `all` or `none`; what else may be asked of them is told in [`asked`](super::asked).
    pub nemesis: &'a [String],
    /// Left out of `all` and of classes.
    pub missing: &'a [Missing],
}

/// The schedule of a wish; the same wish has the same one for ever.
///
/// # Errors
/// Names that stand for nothing, or too little time for any fault.
pub fn make(wish: &Wish<'_>) -> Result<Vec<Fault>> {
    let choices = choices(wish)?;
    let (timed, mut in_turn): (Vec<_>, Vec<_>) = choices
        .into_iter()
        .partition(|choice| choice.asked.at_ms.is_some());
    let mut lot = Lot::new(wish.seed, "schedule");
    let free_from = (wish.seconds * 1000).saturating_sub(LAST_MS);
    let mut faults = Vec::new();
    for choice in &timed {
        let at = choice.asked.at_ms.unwrap_or(FIRST_MS);
        faults.push(draw(choice, at, free_from, &mut lot));
    }
    let is_wanted = !(timed.is_empty() && in_turn.is_empty());
    lot.shuffle(&mut in_turn);
    take_turns(&in_turn, free_from, &mut lot, &mut faults);
    faults.retain(|fault| fault.at_ms + SHORTEST_MS <= free_from);
    if is_wanted && faults.is_empty() {
        bail!(
            "{} seconds are too short for a fault: at least 7 are needed",
            wish.seconds
        );
    }
    faults.sort_by_key(|fault| fault.at_ms);
    Ok(faults)
}

/// Kind after kind, as long as there is time.
fn take_turns(choices: &[Choice], free_from: u64, lot: &mut Lot, faults: &mut Vec<Fault>) {
    let mut at = FIRST_MS;
    for choice in choices.iter().cycle() {
        if at + SHORTEST_MS > free_from || faults.len() >= FAULTS_MAX {
            break;
        }
        let first = draw(choice, at, free_from, lot);
        let mut end = at + taken(&first);
        let partner = lot
            .percent(PAIRS_PERCENT)
            .then(|| partner(choice.kind, choices, lot))
            .flatten();
        let heavy = is_outage(choice.kind, &first);
        if let Some(partner) = partner.filter(|_| !heavy) {
            let second = draw(partner, at + lot.between(100, 800), free_from, lot);
            if second.at_ms + SHORTEST_MS <= free_from && !is_outage(partner.kind, &second) {
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
fn draw(choice: &Choice, at_ms: u64, free_from: u64, lot: &mut Lot) -> Fault {
    let Choice { kind, asked } = choice;
    let (least, most) = kind.lasts_ms;
    let left = free_from.saturating_sub(at_ms);
    let target = lot.pick(kind.targets).copied().unwrap_or("one");
    let lasts_ms = lot.between(least, most);
    let mut amounts = amounts(kind.name, lot);
    amounts.extend(asked.amounts.clone());
    Fault {
        at_ms,
        lasts_ms: asked.lasts_ms.unwrap_or(lasts_ms).min(left),
        kind: kind.name.to_owned(),
        target: asked.target.clone().unwrap_or_else(|| target.to_owned()),
        amounts,
    }
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

fn partner<'a>(kind: &Kind, choices: &'a [Choice], lot: &mut Lot) -> Option<&'a Choice> {
    let fitting: Vec<_> = choices
        .iter()
        .filter(|other| !same_ground(kind, other.kind))
        .collect();
    lot.pick(&fitting).copied()
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
    use crate::nemesis::kinds::KINDS;

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
    }

    #[test]
    fn what_is_asked_of_a_fault_is_kept() {
        let names = [
            "pause@leader/8000",
            "kill@all/900+4000",
            "kill@one/300+20000",
        ];
        let names = names.map(str::to_owned);
        let made = make(&wish(5, 60, &names)).unwrap();
        let of = |kind: &str| made.iter().filter(|f| f.kind == kind).collect::<Vec<_>>();
        let pauses = of("pause");
        assert!(pauses.len() > 3);
        assert!(
            pauses
                .iter()
                .all(|f| f.target == "leader" && f.lasts_ms <= 8000)
        );
        assert_eq!(pauses.first().unwrap().lasts_ms, 8000);
        let kills: Vec<_> = of("kill").iter().map(|f| (f.at_ms, f.lasts_ms)).collect();
        assert_eq!(kills, [(4000, 900), (20_000, 300)]);
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
