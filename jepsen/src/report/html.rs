//! Text into HTML and SVG. Values come from clients and files: everything is escaped, always.

/// Characters of one value shown in a page; the history has all of it.
pub(crate) const VALUE_CHARS_MAX: usize = 160;

/// Text as it may stand between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// At most so many characters, and a sign that there was more.
pub(crate) fn clip(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// Clipped and escaped.
pub(crate) fn shown(text: &str, chars_max: usize) -> String {
    escape(&clip(text, chars_max))
}

/// A whole number with thin spaces between its thousands, as in `1 204 311`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A duration in milliseconds, with as many digits as say something.
pub(crate) fn duration(ms: f64) -> String {
    match ms {
        ms if ms >= 10_000.0 => format!("{:.1} s", ms / 1000.0),
        ms if ms >= 1_000.0 => format!("{:.2} s", ms / 1000.0),
        ms if ms >= 100.0 => format!("{ms:.0} ms"),
        ms if ms >= 1.0 => format!("{ms:.1} ms"),
        ms => format!("{:.0} µs", ms * 1000.0),
    }
}

/// A time of the run, to the microsecond.
pub(crate) fn time(ns: u64) -> String {
    format!("{}.{:06}", ns / 1_000_000_000, ns / 1_000 % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_value_is_markup() {
        let evil = "</title><script>alert('x')</script>\"onload=\u{0}&amp;";
        let safe = escape(evil);
        assert!(!safe.contains(['<', '>', '"', '\'', '\u{0}']), "{safe}");
        assert!(safe.ends_with("&amp;amp;"), "{safe}");
    }

    #[test]
    fn a_clipped_text_ends_between_characters() {
        assert_eq!(clip("äöü", 2), "äö…");
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(shown("<<<", 1), "&lt;…");
    }

    #[test]
    fn numbers_are_readable() {
        let numbers = [0, 999, 1000, 1_204_311].map(grouped);
        assert_eq!(
            numbers,
            ["0", "999", "1\u{202f}000", "1\u{202f}204\u{202f}311"]
        );
        let durations = [0.25, 7.04, 310.4, 1_500.0, 61_000.0].map(duration);
        assert_eq!(
            durations,
            ["250 µs", "7.0 ms", "310 ms", "1.50 s", "61.0 s"]
        );
        assert_eq!(time(61_000_204_999), "61.000204");
    }
}
