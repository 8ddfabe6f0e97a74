//! Rendezvous, its bound, sticky, and the tables of Maglev.

use balance::maglev::{BadSize, Table};
use balance::{Candidate, Report, rendezvous, sticky};
use proptest::prelude::*;

use crate::{names, weighing};

proptest! {
    #[test]
    fn who_leaves_takes_nothing_else_along(count in 2_usize..12, gone: prop::sample::Index, key: [u8; 8]) {
        let names = names(count);
        let all = weighing(&names, &vec![3; count]);
        let gone = gone.index(count);
        let mut rest = all.clone();
        rest.remove(gone);
        let before = all[rendezvous::pick(&key, &all).unwrap()].id;
        let after = rest[rendezvous::pick(&key, &rest).unwrap()].id;
        prop_assert!(before == after || before == all[gone].id);
    }

    #[test]
    fn the_order_of_candidates_does_not_matter(count in 1_usize..9, turn in 0_usize..9, key: [u8; 8]) {
        let names = names(count);
        let all = weighing(&names, &[5, 1, 0, 9, 2, 2, 7, 1, 3][..count]);
        let mut turned = all.clone();
        turned.rotate_left(turn % count);
        let one = |index: Option<usize>| index.map(|index| all[index].id);
        let other = |index: Option<usize>| index.map(|index| turned[index].id);
        prop_assert_eq!(one(rendezvous::pick(&key, &all)), other(rendezvous::pick(&key, &turned)));
        let (table, table_turned) = (Table::build(&all, 251).unwrap(), Table::build(&turned, 251).unwrap());
        prop_assert_eq!(one(table.pick(&key)), other(table_turned.pick(&key)));
    }

    #[test]
    fn rank_begins_with_the_pick_and_has_everybody_once(count in 1_usize..9, key: [u8; 8]) {
        let names = names(count);
        let all = weighing(&names, &[5, 1, 0, 9, 2, 2, 7, 1, 3][..count]);
        let rank = rendezvous::rank(&key, &all);
        prop_assert_eq!(rank.first().copied(), rendezvous::pick(&key, &all));
        let mut sorted = rank;
        sorted.sort_unstable();
        let expected: Vec<usize> = (0..count).filter(|index| all[*index].weight > 0).collect();
        prop_assert_eq!(sorted, expected);
    }

    /// Whatever is open, somebody fits, and does not exceed its bound.
    #[test]
    fn a_bound_always_leaves_room(open in prop::collection::vec((0_u32..1_000, 0_u32..5), 1..9), key: [u8; 8], percent in 0_u32..300) {
        let names = names(open.len());
        let candidates: Vec<Candidate<'_>> = names.iter().zip(&open).map(|(id, (in_flight, weight))| Candidate {
            report: Some(Report { others: *in_flight, age_ms: 0 }),
            ..Candidate::new(id).weighing(*weight)
        }).collect();
        let eligible = || open.iter().filter(|(_, weight)| *weight > 0);
        let picked = rendezvous::pick_bounded(&key, &candidates, percent);
        prop_assert_eq!(picked.is_some(), eligible().count() > 0);
        if let Some(picked) = picked {
            let all: u64 = eligible().map(|(in_flight, _)| u64::from(*in_flight)).sum::<u64>() + 1;
            let weights: u64 = eligible().map(|(_, weight)| u64::from(*weight)).sum();
            let (in_flight, weight) = open[picked];
            let bound = (all * u64::from(weight) * u64::from(percent.max(100))).div_ceil(weights * 100);
            prop_assert!(u64::from(in_flight) < bound);
        }
    }
}

/// 20,000 keys over weights 1, 2 and 5: each within a twentieth of its part.
#[test]
fn shares_follow_the_weights() {
    let names = names(4);
    let weights = [1, 2, 5, 0];
    let candidates = weighing(&names, &weights);
    let table = Table::build(&candidates, 65_537).unwrap();
    let mut counts = [[0_u32; 4]; 2];
    for key in 0..20_000_u32 {
        let key = key.to_le_bytes();
        counts[0][rendezvous::pick(&key, &candidates).unwrap()] += 1;
        counts[1][table.pick(&key).unwrap()] += 1;
    }
    for counts in counts {
        for (count, weight) in counts.iter().zip(weights) {
            let expected = f64::from(20_000 * weight) / 8.0;
            let off = (f64::from(*count) - expected).abs();
            assert!(off <= expected * 0.05, "{counts:?}");
        }
    }
}

/// Clients compute the same: these choices are part of the contract and never change.
#[test]
fn choices_are_the_same_in_every_build() {
    let names = names(5);
    let candidates = weighing(&names, &[1, 1, 1, 2, 3]);
    let table = Table::build(&candidates, 251).unwrap();
    let mut choices = String::new();
    for key in 0..16 {
        let key = format!("user-{key}");
        let hash = rendezvous::pick(key.as_bytes(), &candidates).unwrap();
        let maglev = table.pick(key.as_bytes()).unwrap();
        choices.push_str(&format!("{hash}{maglev} "));
    }
    assert_eq!(choices, "24 14 24 43 30 12 44 32 41 41 22 34 13 34 43 43 ");
}

#[test]
fn several_from_a_table_begin_with_its_choice_and_differ() {
    let names = names(5);
    let candidates = weighing(&names, &[1, 1, 0, 2, 3]);
    let table = Table::build(&candidates, 251).unwrap();
    for key in 0..100 {
        let key = format!("user-{key}");
        let mut several = table.pick_several(key.as_bytes(), 3);
        assert_eq!(several.first().copied(), table.pick(key.as_bytes()));
        assert_eq!(several.len(), 3);
        several.sort_unstable();
        several.dedup();
        assert_eq!(several.len(), 3);
        let mut all = table.pick_several(key.as_bytes(), 9);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 3, 4]);
    }
}

#[test]
fn sticky_stays_and_falls_back_to_the_hash() {
    let names = names(3);
    let candidates = weighing(&names, &[1, 1, 0]);
    let hash = rendezvous::pick(b"k", &candidates);
    for (previous, expected) in [
        (Some("web-1"), Some(0)),
        (Some("web-2"), Some(1)),
        (Some("web-3"), hash), // drained
        (Some("web-9"), hash), // gone
        (None, hash),
    ] {
        assert_eq!(sticky::pick(previous, b"k", &candidates), expected);
    }
}

#[test]
fn of_nobody_nothing_is_chosen() {
    let none = [Candidate::new("web-1").weighing(0)];
    for candidates in [&[][..], &none] {
        assert_eq!(rendezvous::pick(b"k", candidates), None);
        assert_eq!(rendezvous::pick_bounded(b"k", candidates, 125), None);
        assert_eq!(sticky::pick(Some("web-1"), b"k", candidates), None);
        assert_eq!(Table::build(candidates, 251).unwrap().pick(b"k"), None);
    }
}

#[test]
fn a_table_has_a_prime_number_of_entries() {
    let candidates = [Candidate::new("web-1")];
    for size in [0, 1, 2, 4, 65_536, 655_377, u32::MAX] {
        assert_eq!(Table::build(&candidates, size), Err(BadSize), "{size}");
    }
    for size in [3, 251, 65_537] {
        let table = Table::build(&candidates, size).unwrap();
        assert_eq!(table.entries().len(), usize::try_from(size).unwrap());
    }
}

#[test]
fn the_heaviest_weights_do_not_overflow() {
    let names = names(3);
    let candidates = weighing(&names, &[u32::MAX, u32::MAX, 1]);
    assert!(rendezvous::pick_bounded(b"k", &candidates, u32::MAX).is_some());
    let table = Table::build(&candidates, 251).unwrap();
    assert_eq!(
        table.entries().iter().filter(|entry| **entry == 2).count(),
        1
    );
}
