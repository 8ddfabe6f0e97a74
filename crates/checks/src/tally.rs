//! From results in a row to a verdict.

use crate::target::Spec;

/// The results of one target, as far as they matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    verdict: Option<bool>,
    /// The last result, and how many of its kind were in a row.
    row: Option<(bool, u32)>,
}

impl Tally {
    /// Goes on from a verdict that was given before. The results that led to it are not known, and do not count.
    #[must_use]
    pub fn from_verdict(verdict: Option<bool>) -> Tally {
        Tally { verdict, row: None }
    }

    /// Whether the target passes; `None`: there were never enough results in a row to say so.
    #[must_use]
    pub fn verdict(&self) -> Option<bool> {
        self.verdict
    }

    /// Takes one more result; says whether it changed the verdict.
    pub fn note(&mut self, passed: bool, spec: &Spec) -> bool {
        let before = match self.row {
            Some((last, length)) if last == passed => length,
            Some(_) | None => 0,
        };
        let length = before.saturating_add(1);
        self.row = Some((passed, length));
        let enough = if passed {
            spec.pass_after
        } else {
            spec.fail_after
        };
        let changes = length >= enough && self.verdict != Some(passed);
        if changes {
            self.verdict = Some(passed);
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::target::Kind;

    fn spec(fail_after: u32, pass_after: u32) -> Spec {
        Spec {
            kind: Kind::Tcp,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            fail_after,
            pass_after,
        }
    }

    /// The verdicts after each result; `+` passed, `-` failed.
    fn verdicts(tally: Tally, spec: &Spec, results: &str) -> String {
        let mut tally = tally;
        let sign = |result| {
            tally.note(result == '+', spec);
            match tally.verdict() {
                Some(true) => '+',
                Some(false) => '-',
                None => '?',
            }
        };
        results.chars().map(sign).collect()
    }

    #[test]
    fn a_verdict_takes_as_many_results_in_a_row_as_asked_for() {
        let fresh = Tally::from_verdict(None);
        assert_eq!(
            verdicts(fresh, &spec(3, 2), "+-++--+---+-++"),
            "???++++++----+"
        );
        assert_eq!(verdicts(fresh, &spec(1, 1), "-+-"), "-+-");
        assert_eq!(verdicts(fresh, &spec(0, 0), "-+-"), "-+-");
    }

    #[test]
    fn what_led_to_an_earlier_verdict_does_not_count_again() {
        let passes = Tally::from_verdict(Some(true));
        assert_eq!(verdicts(passes, &spec(2, 2), "-+--"), "+++-");
        let fails = Tally::from_verdict(Some(false));
        assert_eq!(verdicts(fails, &spec(2, 2), "+-++"), "---+");
    }

    /// The verdict by the latest row that was long enough, found in the whole history.
    fn by_history(before: Option<bool>, spec: &Spec, results: &[bool]) -> Option<bool> {
        let ends = (1..=results.len()).rev();
        ends.filter_map(|end| {
            let last = results[end - 1];
            let enough = if last {
                spec.pass_after
            } else {
                spec.fail_after
            };
            let start = end.checked_sub(enough as usize)?;
            results[start..end]
                .iter()
                .all(|result| *result == last)
                .then_some(last)
        })
        .next()
        .or(before)
    }

    proptest! {
        #[test]
        fn the_verdict_is_that_of_the_latest_row_that_was_long_enough(
            before in proptest::option::of(any::<bool>()),
            results in proptest::collection::vec(any::<bool>(), 0..40),
            fail_after in 1u32..5,
            pass_after in 1u32..5,
        ) {
            let spec = spec(fail_after, pass_after);
            let mut tally = Tally::from_verdict(before);
            for end in 1..=results.len() {
                let earlier = tally.verdict();
                let changed = tally.note(results[end - 1], &spec);
                prop_assert_eq!(tally.verdict(), by_history(before, &spec, &results[..end]));
                prop_assert_eq!(changed, tally.verdict() != earlier);
            }
        }
    }
}
