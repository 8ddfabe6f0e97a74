//! Which run should show which planted bug, and who is meant to see it. What each bug is stands in
//! the catalogue of the crate `mutant`.

/// The run for one bug.
#[derive(Debug)]
pub(super) struct Scenario {
    /// `m01` to `m30`.
    pub(super) mutant: &'static str,
    pub(super) workload: &'static str,
    pub(super) door: &'static str,
    /// Comma-separated.
    pub(super) nemesis: &'static str,
    pub(super) nodes: u64,
    pub(super) seconds: u64,
    /// Flags of the nodes.
    pub(super) settings: &'static [&'static str],
    /// Checkers of which one must fire.
    pub(super) catches: &'static [&'static str],
}

#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
const fn run(
    mutant: &'static str,
    workload: &'static str,
    nemesis: &'static str,
    seconds: u64,
    settings: &'static [&'static str],
    catches: &'static [&'static str],
) -> Scenario {
    Scenario {
        mutant,
        workload,
        door: "http",
        nemesis,
        nodes: 3,
        seconds,
        settings,
        catches,
    }
}

/// Snapshots often, and little of the log kept: what restarts or lags lives from snapshots.
const SNAPSHOTS: &[&str] = &["snapshot-entries=50", "log-entries-kept=10"];
const NO_FLAGS: &[&str] = &[];

/// In order of the catalogue.
pub(super) const SCENARIOS: &[Scenario] = &[
    run(
        "m01",
        "register",
        "partition-leader",
        20,
        NO_FLAGS,
        &["linearizable", "versions"],
    ),
    run(
        "m02",
        "register",
        "partition-leader,pause",
        30,
        NO_FLAGS,
        &["linearizable", "versions"],
    ),
    run(
        "m03",
        "register",
        "kill,restart-all",
        30,
        NO_FLAGS,
        &["linearizable", "versions"],
    ),
    run(
        "m04",
        "set",
        "lost-writes",
        40,
        NO_FLAGS,
        &["set-full", "oracle"],
    ),
    run(
        "m05",
        "set",
        "partition-leader,kill",
        30,
        NO_FLAGS,
        &["set-full", "oracle"],
    ),
    run(
        "m06",
        "election",
        "kill-all,kill",
        40,
        NO_FLAGS,
        &["one-leader"],
    ),
    run(
        "m07",
        "set",
        "partition-leader/5000",
        30,
        NO_FLAGS,
        &["set-full", "oracle"],
    ),
    run(
        "m08",
        "lock",
        "kill,partition-leader",
        30,
        NO_FLAGS,
        &["exclusion", "no-early-end"],
    ),
    run("m09", "lock", "kill,restart-all", 30, NO_FLAGS, &["fences"]),
    run(
        "m10",
        "lock",
        "kill,snapshot-storm",
        40,
        SNAPSHOTS,
        &["fences"],
    ),
    run(
        "m11",
        "lock",
        "client-pause,client-kill",
        40,
        NO_FLAGS,
        &["ghosts", "oracle"],
    ),
    run(
        "m12",
        "lock",
        "partition-leader/4000",
        40,
        NO_FLAGS,
        &["no-early-end"],
    ),
    run("m13", "session", "kill", 30, NO_FLAGS, &["no-early-end"]),
    run(
        "m14",
        "session",
        "clock-jump",
        30,
        NO_FLAGS,
        &["no-early-end"],
    ),
    run(
        "m15",
        "session",
        "snapshot-storm,kill",
        40,
        SNAPSHOTS,
        &["atomic-vanish", "no-early-end", "equal-digests"],
    ),
    run("m16", "session", "none", 15, NO_FLAGS, &["atomic-vanish"]),
    run(
        "m17",
        "watch",
        "kill,partition-clients",
        30,
        NO_FLAGS,
        &["watch-complete"],
    ),
    run(
        "m18",
        "watch",
        "kill,partition-clients",
        30,
        NO_FLAGS,
        &["watch-order"],
    ),
    run(
        "m19",
        "register",
        "none",
        15,
        NO_FLAGS,
        &["linearizable", "versions"],
    ),
    run("m20", "append", "none", 15, NO_FLAGS, &["cycles"]),
    run("m21", "unique-ids", "none", 15, NO_FLAGS, &["unique-ids"]),
    run(
        "m22",
        "set",
        "pause@follower/7000,reset",
        30,
        NO_FLAGS,
        &["set-full", "oracle"],
    ),
    run("m23", "register", "none", 15, NO_FLAGS, &["equal-digests"]),
    run(
        "m24",
        "register",
        "bit-flip:snapshot=1",
        40,
        SNAPSHOTS,
        &["equal-digests", "linearizable"],
    ),
    run(
        "m25",
        "set",
        "disk-full@all/4000:kill=1",
        25,
        NO_FLAGS,
        &["set-full", "oracle"],
    ),
    run(
        "m26",
        "set",
        // Five vote, and whoever leads is cut off from all of them, twice.
        "membership/30000+1500:change=3,partition-leader/5000+9000,partition-leader/5000+18000",
        45,
        NO_FLAGS,
        &["set-full", "oracle"],
    ),
    run(
        "m27",
        "semaphore",
        "client-pause,client-kill",
        40,
        NO_FLAGS,
        &["exclusion"],
    ),
    run("m28", "rwlock", "none", 20, NO_FLAGS, &["starvation"]),
    Scenario {
        door: "sdk",
        ..run(
            "m29",
            "set",
            "pause@follower/7000,reset",
            30,
            NO_FLAGS,
            &["set-full"],
        )
    },
    run(
        "m30",
        "session",
        "partition-one-way-out@follower/4000",
        30,
        NO_FLAGS,
        &["no-early-end"],
    ),
];

#[cfg(test)]
mod tests {
    use mutant::Mutant;

    use super::SCENARIOS;

    #[test]
    fn every_planted_bug_has_a_run_and_its_own_checker_may_catch_it() {
        let ids: Vec<&str> = SCENARIOS.iter().map(|s| s.mutant).collect();
        let all: Vec<&str> = Mutant::all().iter().map(|about| about.id).collect();
        assert_eq!(ids, all);
        for (scenario, about) in SCENARIOS.iter().zip(Mutant::all()) {
            assert!(scenario.catches.contains(&about.checker), "{}", about.id);
        }
    }
}
