//! Which part of a representation a GET asks for (RFC 9110, section 14).

use axum::http::{HeaderMap, header};

/// What to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: 200.
    Whole,
    /// These bytes, the last one included: 206.
    Part {
        /// The first, from 0.
        first: u64,
        /// The last.
        last: u64,
    },
    /// What was asked for begins behind the end: 416.
    Nothing(String),
}

/// What a GET of a representation with this strong entity tag and length asks for.
///
/// Asking for several ranges, for another unit or for no range at all gives the whole, as the RFC
/// permits; so does an `If-Range` that names another representation.
pub(crate) fn wanted(headers: &HeaderMap, etag: &str, len: u64) -> Wanted {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Wanted::Whole;
    };
    let Some(range) = value.to_str().ok().and_then(parse) else {
        return Wanted::Whole;
    };
    if !is_current(headers, etag) {
        return Wanted::Whole;
    }
    match range.within(len) {
        Some((first, last)) => Wanted::Part { first, last },
        None => Wanted::Nothing(value.to_str().unwrap_or_default().to_owned()),
    }
}

/// Whether `If-Range` is absent or names exactly this representation. A weak tag never does, and a
/// date neither: no `Last-Modified` is ever sent.
fn is_current(headers: &HeaderMap, etag: &str) -> bool {
    let mut named = headers.get_all(header::IF_RANGE).iter();
    named.all(|named| named.as_bytes().trim_ascii() == etag.as_bytes())
}

/// One range of bytes as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From this byte to the end.
    From(u64),
    /// From one byte to another, both included.
    Between(u64, u64),
    /// So many bytes at the end.
    Last(u64),
}

impl Range {
    /// First and last byte of the part of `len` bytes it stands for, if there is any.
    fn within(self, len: u64) -> Option<(u64, u64)> {
        let end = len.checked_sub(1)?;
        let (first, last) = match self {
            Range::From(first) => (first, end),
            Range::Between(first, last) => (first, last.min(end)),
            Range::Last(0) => return None,
            Range::Last(count) => (len.saturating_sub(count), end),
        };
        (first <= last).then_some((first, last))
    }
}

/// Reads `bytes=0-499`, `bytes=500-` or `bytes=-500`; everything else is to be ignored.
fn parse(value: &str) -> Option<Range> {
    let (unit, set) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    match (first, last) {
        ("", count) => Some(Range::Last(position(count)?)),
        (first, "") => Some(Range::From(position(first)?)),
        (first, last) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(Range::Between(first, last))
        }
    }
}

/// Digits of any number; one too large for us lies behind every end all the same.
fn position(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const ETAG: &str = "\"1-5\"";

    fn asked(pairs: &[(header::HeaderName, &str)], len: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        wanted(&headers, ETAG, len)
    }

    fn range(value: &str, len: u64) -> Wanted {
        asked(&[(header::RANGE, value)], len)
    }

    #[test]
    fn one_range_is_a_part() {
        for (value, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=2-5", 2, 5),
            ("bytes=2-", 2, 9),
            ("bytes=-3", 7, 9),
            ("bytes=-30", 0, 9),
            ("bytes=9-99999999999999999999999", 9, 9),
            ("Bytes= 0-9 ", 0, 9),
        ] {
            assert_eq!(range(value, 10), Wanted::Part { first, last }, "{value}");
        }
    }

    #[test]
    fn what_begins_behind_the_end_is_not_satisfiable() {
        for value in [
            "bytes=10-",
            "bytes=10-20",
            "bytes=-0",
            "bytes=18446744073709551616-",
        ] {
            assert_eq!(range(value, 10), Wanted::Nothing(value.to_owned()));
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Nothing("bytes=0-".to_owned()));
    }

    #[test]
    fn several_ranges_other_units_and_garbage_give_the_whole() {
        for value in [
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "lines=0-1",
            "bytes=5-2",
            "bytes=-",
            "bytes=",
            "bytes",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0-1-2",
            "",
        ] {
            assert_eq!(range(value, 10), Wanted::Whole, "{value}");
        }
        let twice = [(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=3-4")];
        assert_eq!(asked(&twice, 10), Wanted::Whole);
        assert_eq!(asked(&[], 10), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_representation_gives_the_whole() {
        let of = |tag| asked(&[(header::RANGE, "bytes=2-"), (header::IF_RANGE, tag)], 10);
        assert_eq!(of(ETAG), Wanted::Part { first: 2, last: 9 });
        for other in [
            "\"1-6\"",
            "W/\"1-5\"",
            "1-5",
            "Sun, 04 Oct 2026 09:12:01 GMT",
        ] {
            assert_eq!(of(other), Wanted::Whole, "{other}");
        }
        let behind = [
            (header::RANGE, "bytes=99-"),
            (header::IF_RANGE, "\"other\""),
        ];
        assert_eq!(asked(&behind, 10), Wanted::Whole);
    }

    proptest::proptest! {
        #[test]
        fn a_part_lies_within(value in ".{0,20}", len: u64) {
            for value in [value.clone(), format!("bytes={value}")] {
                if let Ok(header) = HeaderValue::from_str(&value) {
                    let mut headers = HeaderMap::new();
                    headers.insert(header::RANGE, header);
                    if let Wanted::Part { first, last } = wanted(&headers, ETAG, len) {
                        assert!(first <= last && last < len);
                    }
                }
            }
        }
    }
}
