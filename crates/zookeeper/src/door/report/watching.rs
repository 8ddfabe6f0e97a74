//! `wchc` and `wchp`: who watches what on this node. ZooKeeper shows watches on data only; here
//! those on children are among them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{LISTED_MAX, hex};
use crate::door::Door;

/// Paths by session.
pub(crate) fn by_session(door: &Door) -> BTreeMap<u64, BTreeSet<String>> {
    let mut all: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for watch in door.watches.list(LISTED_MAX) {
        all.entry(watch.session.0).or_default().insert(watch.path);
    }
    all
}

/// Sessions by path.
pub(crate) fn by_path(door: &Door) -> BTreeMap<String, BTreeSet<u64>> {
    let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for watch in door.watches.list(LISTED_MAX) {
        all.entry(watch.path).or_default().insert(watch.session.0);
    }
    all
}

/// The text of `wchc`.
pub(crate) fn text_by_session(door: &Door) -> String {
    let mut text = String::new();
    for (session, paths) in by_session(door) {
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(text, "{}", hex(session));
        for path in paths {
            let _ = writeln!(text, "\t{path}");
        }
    }
    ended(door, text)
}

/// The text of `wchp`.
pub(crate) fn text_by_path(door: &Door) -> String {
    let mut text = String::new();
    for (path, sessions) in by_path(door) {
        let _ = writeln!(text, "{path}");
        for session in sessions {
            let _ = writeln!(text, "\t{}", hex(session));
        }
    }
    ended(door, text)
}

fn ended(door: &Door, mut text: String) -> String {
    if door.watches.counts().watches > LISTED_MAX {
        let _ = writeln!(text, "(no more than {LISTED_MAX} watches are listed)");
    }
    // ZooKeeper ends with an empty line.
    text.push('\n');
    text
}

/// The text of `wchs`.
pub(crate) fn summary(door: &Door) -> String {
    let counts = door.watches.counts();
    format!(
        "{} connections watching {} paths\nTotal watches:{}\n",
        counts.connections, counts.paths, counts.watches
    )
}
