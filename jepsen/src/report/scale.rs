//! From values to pixels, and the round numbers beside an axis.

/// From a value to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Span {
    pub(crate) fn length(&self) -> f64 {
        self.to - self.from
    }
}

/// Values to pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) values: Span,
    pub(crate) pixels: Span,
}

impl Scale {
    /// Where a value is; what is outside is at the edge.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let length = self.values.length();
        let share = if length > 0.0 {
            ((value - self.values.from) / length).clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.pixels.from + share * self.pixels.length()
    }
}

/// A step of 1, 2 or 5 times a power of ten, so that there are at most so many of it.
pub(crate) fn round_step(length: f64, steps_max: f64) -> f64 {
    let raw = (length / steps_max).max(1e-9);
    let power = 10_f64.powf(raw.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let enough = |factor: &&f64| **factor * power >= raw * 0.999_999;
    factors.iter().find(enough).unwrap_or(&10.0) * power
}

/// The multiples of a step within a span, with their words.
pub(crate) fn ticks(span: Span, steps_max: f64) -> Vec<(f64, String)> {
    let step = round_step(span.length(), steps_max);
    let digits = cell(-step.log10().floor());
    let digits = usize::try_from(digits).unwrap_or(0).min(9);
    let mut all = Vec::new();
    let mut number = (span.from / step).ceil();
    while number * step <= span.to * 1.000_001 && all.len() < 50 {
        all.push((number * step, format!("{:.digits$}", number * step)));
        number += 1.0;
    }
    all
}

/// The whole number below, for small numbers that are not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what is clamped here is a place in a grid of pixels"
)]
pub(crate) fn cell(x: f64) -> u64 {
    x.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let words = |from, to| -> Vec<String> {
            let ticks = ticks(Span { from, to }, 6.0);
            ticks.into_iter().map(|(_, words)| words).collect()
        };
        assert_eq!(words(0.0, 60.0), ["0", "10", "20", "30", "40", "50", "60"]);
        assert_eq!(
            words(1.0, 1.01),
            ["1.000", "1.002", "1.004", "1.006", "1.008", "1.010"]
        );
        assert_eq!(words(0.0, 0.0).len(), 1);
    }

    #[test]
    fn what_is_outside_is_at_the_edge() {
        let span = |from, to| Span { from, to };
        let scale = Scale {
            values: span(0.0, 10.0),
            pixels: span(100.0, 0.0),
        };
        assert_eq!([-1.0, 5.0, 11.0].map(|x| scale.at(x)), [100.0, 50.0, 0.0]);
        let empty = Scale {
            values: span(3.0, 3.0),
            pixels: span(0.0, 9.0),
        };
        assert!(empty.at(3.0) < 1e-9);
    }
}
