//! Durations as people write them: `"30s"`, `"1500ms"`, `"1m30s"`.
//!
//! Requests carry durations as text, so that nobody has to guess the unit; answers carry integers
//! in fields that end in `_ms`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// A duration in whole milliseconds, written as text with a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextDuration(u64);

impl TextDuration {
    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> TextDuration {
        TextDuration(ms)
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// As the standard library's duration.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl From<Duration> for TextDuration {
    /// Rounds down to whole milliseconds.
    fn from(duration: Duration) -> TextDuration {
        TextDuration(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

impl From<TextDuration> for Duration {
    fn from(text: TextDuration) -> Duration {
        text.as_duration()
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDuration {
    text: String,
}

impl fmt::Display for InvalidDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a duration: write a whole number and a unit of ms, s, m, h or d, \
             for example \"1500ms\", \"30s\" or \"1m30s\"",
            self.text
        )
    }
}

impl std::error::Error for InvalidDuration {}

impl std::str::FromStr for TextDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<TextDuration, InvalidDuration> {
        parse(text)
            .map(TextDuration)
            .ok_or_else(|| InvalidDuration {
                text: text.to_owned(),
            })
    }
}

/// Milliseconds, or `None` when the text is malformed or too large. Every part needs its unit: a
/// bare number would be read as seconds by some and as milliseconds by others.
fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(letters)?;
        let (_, scale) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(scale)?)?;
        rest = after;
    }
    Some(total)
}

impl fmt::Display for TextDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, scale) in UNITS {
            let count = rest / scale;
            rest %= scale;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for TextDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TextDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TextDuration, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = TextDuration;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit as text, for example \"30s\" or \"1500ms\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<TextDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_milliseconds_agree() {
        for (text, ms) in [
            ("30s", 30_000),
            ("1500ms", 1_500),
            ("1m30s", 90_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(
                text.parse::<TextDuration>().map(TextDuration::as_millis),
                Ok(ms),
                "{text}"
            );
        }
        assert_eq!(TextDuration::from_millis(90_500).to_string(), "1m30s500ms");
        assert_eq!(TextDuration::from_millis(0).to_string(), "0s");
    }

    #[test]
    fn what_has_no_unit_or_overflows_is_refused() {
        for text in [
            "",
            "30",
            "s",
            "30 s",
            "-1s",
            "1.5s",
            "3x",
            "99999999999999999999s",
            "1é",
        ] {
            assert!(text.parse::<TextDuration>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<TextDuration>("30").is_err());
    }

    #[test]
    fn every_millisecond_count_survives_its_text() {
        for ms in (0..200_000).step_by(37).chain([u64::MAX]) {
            let text = TextDuration::from_millis(ms).to_string();
            assert_eq!(
                text.parse::<TextDuration>().unwrap().as_millis(),
                ms,
                "{text}"
            );
        }
    }
}
