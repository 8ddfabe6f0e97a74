//! Which checker answers for which promise, in the words of `jepsen/histories.md`.

/// Checker, promises by name, and what is judged.
const PROMISES: &[(&str, &str, &str)] = &[
    (
        "linearizable",
        "P-LIN, P-ANSWER",
        "every read and write fits into one order that agrees with real time, per key",
    ),
    (
        "versions",
        "P-LIN",
        "versions order the writes, and every read shows its version's value",
    ),
    (
        "bounded-staleness",
        "P-LIN",
        "weaker reads are no older than they may be",
    ),
    (
        "fences",
        "P-FENCE",
        "a fence is larger than those of all earlier grants, and unique",
    ),
    (
        "fenced-writes",
        "P-FENCE",
        "no write under an older fence follows one under a newer",
    ),
    (
        "no-early-end",
        "P-SESS, P-LOCK",
        "nothing ends before the time it was promised for",
    ),
    (
        "exclusion",
        "P-LOCK",
        "certain holds never overlap, permits are never exceeded",
    ),
    ("fifo", "P-LOCK", "grants come in the order of the queue"),
    (
        "ghosts",
        "P-LOCK",
        "a grant nobody picks up does not block for longer than it may",
    ),
    (
        "starvation",
        "P-LOCK",
        "a waiting writer is not overtaken by later readers",
    ),
    (
        "set-full",
        "P-DUR, P-LIN",
        "nothing acknowledged is lost, nothing is invented or doubled, no read is stale",
    ),
    (
        "unique-ids",
        "P-ORDER",
        "numbers are unique, and later ones are larger",
    ),
    (
        "queue",
        "P-DUR, P-LIN",
        "nothing is lost, nothing is taken twice, and in order",
    ),
    ("cycles", "P-TXN", "transactions are strictly serializable"),
    (
        "watch-order",
        "P-WATCH, P-ORDER",
        "events are in order and told once",
    ),
    (
        "watch-complete",
        "P-WATCH",
        "every change is told, none is invented, commits are whole",
    ),
    (
        "watch-before-reply",
        "P-WATCH",
        "an event comes before an answer that shows its effect",
    ),
    (
        "atomic-vanish",
        "P-SESS",
        "all ephemerals of a session go in one step",
    ),
    (
        "no-resurrection",
        "P-SESS",
        "what went never comes back, on no node",
    ),
    (
        "session-ids",
        "P-SESS",
        "a session that ended accepts nothing any more",
    ),
    (
        "one-leader",
        "P-FAIL",
        "at most one leader per term, and terms grow",
    ),
    (
        "failover-time",
        "P-FAIL",
        "a leader within the promised time once a majority is healthy",
    ),
    (
        "availability",
        "P-FAIL, P-ANSWER",
        "enough was done, and after healing every key works again",
    ),
    (
        "faults-observed",
        "the harness",
        "every fault of the schedule was injected and seen",
    ),
    (
        "equal-digests",
        "P-EQUAL",
        "all nodes agree at equal positions",
    ),
    (
        "oracle",
        "P-DUR, P-ANSWER",
        "the logs on disk agree with each other and with the answers",
    ),
    (
        "server-logs",
        "all",
        "no node panicked or logged an unexpected error",
    ),
];

/// The promises a checker answers for, and what it judges.
#[must_use]
pub fn of(checker: &str) -> (&'static str, &'static str) {
    let found = PROMISES.iter().find(|(name, _, _)| *name == checker);
    found.map_or(("–", ""), |(_, promise, words)| (promise, words))
}
