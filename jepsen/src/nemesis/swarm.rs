//! Settings that each seed draws for itself: what one set of them never meets another does.

use std::collections::BTreeMap;

use super::lot::Lot;

/// Heartbeat, least and most wait for an election, wait for a connection: they must fit each other.
const TIMINGS: &[[&str; 4]] = &[
    ["100ms", "500ms", "1s", "400ms"],
    ["60ms", "300ms", "600ms", "200ms"],
    ["150ms", "700ms", "1500ms", "500ms"],
];
const SNAPSHOT_ENTRIES: &[&str] = &["50", "100", "1000", "20000"];
const LOG_ENTRIES_KEPT: &[&str] = &["20", "100", "1000", "50000"];
const EVENT_COMMITS: &[&str] = &["2000", "20000", "100000"];

/// Flags of every node for a seed.
#[must_use]
pub fn settings(seed: u64) -> BTreeMap<String, String> {
    let mut lot = Lot::new(seed, "settings");
    let [heartbeat, least, most, connect] = lot
        .pick(TIMINGS)
        .copied()
        .unwrap_or(["100ms", "500ms", "1s", "400ms"]);
    let mut choose = |among: &[&'static str]| lot.pick(among).copied().unwrap_or_default();
    let chosen = [
        ("heartbeat", heartbeat),
        ("election-min", least),
        ("election-max", most),
        ("connect-timeout", connect),
        ("snapshot-entries", choose(SNAPSHOT_ENTRIES)),
        ("log-entries-kept", choose(LOG_ENTRIES_KEPT)),
        ("event-commits-max", choose(EVENT_COMMITS)),
        // Sessions of ZooKeeper clients that end within a run.
        ("zookeeper-session-min", "1s"),
    ];
    let owned = chosen.map(|(name, value)| (name.to_owned(), value.to_owned()));
    owned.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_its_settings_and_others_have_others() {
        assert_eq!(settings(7), settings(7));
        let distinct: std::collections::BTreeSet<_> = (0..100).map(settings).collect();
        assert!(distinct.len() > 20, "{}", distinct.len());
    }
}
