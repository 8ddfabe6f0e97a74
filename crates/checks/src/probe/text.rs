//! Texts for people, out of parts that strangers chose: of bounded length, and without control characters.

use std::fmt::Display;

use crate::limits::{FINDING_BYTES_MAX, SUBJECT_BYTES_MAX};
use crate::target::{Kind, Target};

/// An address without the brackets IPv6 has in URLs.
pub(super) fn bare(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// `10.0.0.7:8080`, `[::1]:8080`.
pub(super) fn host_and_port(host: &str, port: u16) -> String {
    let host = bare(host);
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// What is probed.
pub(super) fn describe<K>(target: &Target<K>) -> String {
    let place = host_and_port(&target.address, target.port);
    match &target.spec.kind {
        Kind::Http { path, host: None } => format!("GET http://{place}{path}"),
        Kind::Http {
            path,
            host: Some(host),
        } => format!("GET http://{place}{path} (Host: {host})"),
        Kind::Tcp => format!("TCP {place}"),
    }
}

/// What was probed and what came of it.
pub(super) fn verdict(subject: &str, finding: &dyn Display) -> String {
    let subject = bounded(subject, SUBJECT_BYTES_MAX);
    let finding = bounded(&finding.to_string(), FINDING_BYTES_MAX);
    format!("{subject}: {finding}")
}

/// The beginning of `text`, with a mark where something was left out.
fn bounded(text: &str, bytes_max: usize) -> String {
    const LEFT_OUT: &str = "…";
    // A control character may take one byte, its substitute three.
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut text: String = text.chars().map(printable).collect();
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max.saturating_sub(LEFT_OUT.len())));
        text.push_str(LEFT_OUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::TEXT_BYTES_MAX;

    proptest! {
        #[test]
        fn a_text_is_bounded_and_shows_its_beginnings(subject in "\\PC{0,300}", finding in ".{0,300}") {
            let text = verdict(&subject, &finding);
            prop_assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes", text.len());
            prop_assert!(!text.contains(char::is_control));
            if subject.len() <= SUBJECT_BYTES_MAX {
                prop_assert!(text.starts_with(&subject));
            }
            if finding.len() <= FINDING_BYTES_MAX && !finding.contains(char::is_control) {
                prop_assert!(text.ends_with(&finding));
            }
        }
    }

    #[test]
    fn ipv6_stands_in_brackets_however_it_was_given() {
        assert_eq!(host_and_port("::1", 80), "[::1]:80");
        assert_eq!(host_and_port("[::1]", 80), "[::1]:80");
        assert_eq!(host_and_port("web.internal", 80), "web.internal:80");
    }
}
