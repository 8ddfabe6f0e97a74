//! Least load, two choices, random.

use balance::least_load::{self, Ageing};
use balance::{Candidate, Draw, Report, random, two_choices};

use crate::{names, weighing};

const AGEING: Ageing = Ageing {
    fresh_ms: 1_000,
    stale_ms: 3_000,
};

fn reporting(id: &str, others: u32, age_ms: u64) -> Candidate<'_> {
    Candidate {
        report: Some(Report { others, age_ms }),
        ..Candidate::new(id)
    }
}

fn scores(candidates: &[Candidate<'_>]) -> Vec<Option<u64>> {
    let scores = least_load::scores(candidates, AGEING);
    scores
        .into_iter()
        .map(|score| Some(score?.thousandths()))
        .collect()
}

#[test]
fn a_score_is_requests_with_this_one_over_capacity_and_weight() {
    let large = Candidate {
        capacity: 4,
        weight: 2,
        reserved: 3,
        ..reporting("a", 20, 0)
    };
    let idle = Candidate {
        capacity: 4,
        ..Candidate::new("b").weighing(2)
    };
    assert_eq!(scores(&[large]), [Some(3_000)]);
    // Of which nothing is known: as busy as those that report.
    assert_eq!(scores(&[large, idle]), [Some(3_000), Some(2_625)]);
    assert_eq!(scores(&[idle]), [Some(125)]);
    assert_eq!(scores(&[idle.weighing(0)]), [None]);
    assert_eq!(
        scores(&[Candidate {
            capacity: 0,
            ..idle
        }]),
        [Some(500)]
    );
}

#[test]
fn an_old_report_turns_into_the_mean_of_the_others() {
    let others = [reporting("a", 10, 0), reporting("b", 30, 1_000)];
    let with = |age_ms| scores(&[others[0], others[1], reporting("c", 0, age_ms)])[2].unwrap();
    assert_eq!(with(1_000), 1_000);
    let ages = [1_000, 1_500, 2_000, 2_500, 3_000, 9_000, u64::MAX].map(with);
    assert!(ages.is_sorted(), "{ages:?}");
    assert_eq!(ages[4..], [21_000; 3]);
    // All are silent: what is reserved decides.
    let reserved = Candidate {
        reserved: 1,
        ..reporting("a", 0, 9_000)
    };
    assert_eq!(
        scores(&[reserved, reporting("b", 99, 9_000)]),
        [Some(2_000), Some(1_000)]
    );
}

#[test]
fn of_equals_each_is_chosen() {
    let names = names(3);
    let candidates = weighing(&names, &[1, 1, 1]);
    let mut draw = Draw::new(1);
    let mut counts = [0; 3];
    for _ in 0..3_000 {
        counts[least_load::pick(&candidates, AGEING, &mut draw).unwrap()] += 1;
    }
    assert!(
        counts.iter().all(|count| (900..1_100).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn two_choices_never_take_the_worst_and_never_the_same_twice() {
    let candidates = [
        reporting("a", 9, 0),
        reporting("b", 5, 0),
        reporting("c", 1, 0),
    ];
    let mut draw = Draw::new(1);
    let mut counts = [0; 3];
    for _ in 0..3_000 {
        counts[two_choices::pick(&candidates, AGEING, &mut draw).unwrap()] += 1;
    }
    assert_eq!(counts[0], 0);
    // Of three pairs the best is in two.
    assert!((1_850..2_150).contains(&counts[2]), "{counts:?}");
    assert_eq!(
        two_choices::pick(&candidates[..1], AGEING, &mut draw),
        Some(0)
    );
}

#[test]
fn random_follows_the_weights() {
    let names = names(4);
    let weights = [1, 0, 2, 5];
    let candidates = weighing(&names, &weights);
    let mut draw = Draw::new(1);
    let mut counts = [0_u32; 4];
    for _ in 0..8_000 {
        counts[random::pick(&candidates, &mut draw).unwrap()] += 1;
    }
    for (count, weight) in counts.iter().zip(weights) {
        assert!(count.abs_diff(weight * 1_000) < 200, "{counts:?}");
    }
}

#[test]
fn of_nobody_nothing_is_chosen() {
    let none = [Candidate::new("web-1").weighing(0)];
    for candidates in [&[][..], &none] {
        let mut draw = Draw::new(1);
        assert_eq!(random::pick(candidates, &mut draw), None);
        assert_eq!(two_choices::pick(candidates, AGEING, &mut draw), None);
        assert_eq!(least_load::pick(candidates, AGEING, &mut draw), None);
    }
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let most = Candidate {
        reserved: u32::MAX,
        ..reporting("a", u32::MAX, u64::MAX)
    };
    let fresh = Candidate {
        reserved: u32::MAX,
        ..reporting("b", u32::MAX, 0)
    };
    let zero = Ageing {
        fresh_ms: 9,
        stale_ms: 1,
    };
    let mut draw = Draw::new(1);
    for ageing in [AGEING, zero] {
        assert!(least_load::pick(&[most, fresh], ageing, &mut draw).is_some());
    }
}
