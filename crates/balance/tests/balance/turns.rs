//! Round robin.

use balance::Candidate;
use balance::round_robin::Cursor;
use proptest::prelude::*;

use crate::{names, weighing};

fn sequence(cursor: &mut Cursor, candidates: &[Candidate<'_>], count: u32) -> Vec<usize> {
    (0..count)
        .map(|_| cursor.pick(candidates).unwrap())
        .collect()
}

/// The example of nginx, whose heavy one is spread out.
#[test]
fn turns_of_a_heavy_one_are_spread_out() {
    let names = names(3);
    let candidates = weighing(&names, &[5, 1, 1]);
    let mut cursor = Cursor::default();
    assert_eq!(sequence(&mut cursor, &candidates, 7), [0, 0, 1, 0, 2, 0, 0]);
    assert_eq!(sequence(&mut cursor, &candidates, 7), [0, 0, 1, 0, 2, 0, 0]);
}

proptest! {
    #[test]
    fn over_a_cycle_shares_are_exact(weights in prop::collection::vec(0_u32..20, 1..8)) {
        let names = names(weights.len());
        let candidates = weighing(&names, &weights);
        let total: u32 = weights.iter().sum();
        let mut cursor = Cursor::default();
        for _ in 0..2 {
            let mut counts = vec![0; weights.len()];
            for _ in 0..total {
                counts[cursor.pick(&candidates).unwrap()] += 1;
            }
            prop_assert_eq!(&counts, &weights);
        }
        prop_assert_eq!(total == 0, cursor.pick(&candidates).is_none());
    }

    /// Also when candidates come and go: nobody is ever further from its due than one choice for each other.
    #[test]
    fn changes_favour_nobody(present in prop::collection::vec(1_usize..16, 1..300)) {
        let names = names(4);
        let mut cursor = Cursor::default();
        let (mut got, mut due) = ([0.0_f64; 4], [0.0_f64; 4]);
        for present in present {
            let there: Vec<usize> = (0..4).filter(|index| present & (1 << index) != 0).collect();
            let candidates: Vec<Candidate<'_>> = there.iter().map(|index| Candidate::new(&names[*index])).collect();
            got[there[cursor.pick(&candidates).unwrap()]] += 1.0;
            for index in &there {
                due[*index] += 1.0 / there.len() as f64;
            }
        }
        for (got, due) in got.iter().zip(due) {
            prop_assert!((got - due).abs() <= 4.0, "{got} of {due}");
        }
    }
}

#[test]
fn a_cursor_forgets_who_left() {
    let names = names(3);
    let mut cursor = Cursor::default();
    assert!(cursor.is_empty());
    cursor.pick(&weighing(&names, &[1, 1, 1]));
    assert_eq!(cursor.len(), 3);
    cursor.retain(|id| id != "web-2");
    assert_eq!(cursor.len(), 2);
}
