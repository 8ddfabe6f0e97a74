//! The planted bugs.

/// What is known of a planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub mutant: Mutant,
    /// `m01` to `m30`.
    pub id: &'static str,
    /// What it breaks.
    pub breaks: &'static str,
    /// The promise that is broken.
    pub promise: &'static str,
    /// The checker that must fire.
    pub checker: &'static str,
    /// The workload that must show it.
    pub workload: &'static str,
    /// The faults under which it must show.
    pub nemesis: &'static str,
    /// Where it is planted, and how it differs from its name.
    pub planted: &'static str,
}

macro_rules! catalogue {
    ($($name:ident {
        $id:literal, $breaks:literal, $promise:literal, $checker:literal,
        $workload:literal, $nemesis:literal, $planted:literal $(,)?
    })*) => {
        /// A planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant {
            $(
                #[doc = concat!("`", $id, "`: ", $breaks)]
                #[doc = ""]
                #[doc = concat!(
                    "Breaks ", $promise, "; `", $checker, "` must fire. Workload: ", $workload,
                    "; faults: ", $nemesis, "."
                )]
                #[doc = ""]
                #[doc = $planted]
                $name,
            )*
        }

        const CATALOGUE: &[About] = &[$(About {
            mutant: Mutant::$name,
            id: $id,
            breaks: $breaks,
            promise: $promise,
            checker: $checker,
            workload: $workload,
            nemesis: $nemesis,
            planted: $planted,
        }),*];

        impl Mutant {
            /// `m01` to `m30`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Mutant::$name => $id,)*
                }
            }
        }
    };
}

impl Mutant {
    /// The whole catalogue, in order.
    #[must_use]
    pub const fn all() -> &'static [About] {
        CATALOGUE
    }

    /// The one of this id.
    #[must_use]
    pub fn by_id(id: &str) -> Option<Mutant> {
        let about = CATALOGUE.iter().find(|about| about.id == id)?;
        Some(about.mutant)
    }
}

catalogue! {
    StaleRead {
        "m01",
        "A read is answered from the state this node has, whatever consistency was asked for.",
        "P-LIN",
        "linearizable",
        "register",
        "partition (leader alone, minority)",
        "`node/src/read.rs`: a linearizable read does not pass the barrier.",
    }
    LeaderReadsAlone {
        "m02",
        "A leader answers linearizable reads without asking a quorum whether it still leads.",
        "P-LIN",
        "linearizable",
        "register",
        "pause or cut off the leader",
        "`node/src/read.rs`: no ReadIndex round on a node that believes to lead; followers that \
         ask it inherit the answer, and so do keep-alives.",
    }
    ReadBeforeReplay {
        "m03",
        "Reads are served before the log was replayed: after a restart, and by a new leader \
         before its first entry is applied.",
        "P-LIN",
        "linearizable",
        "register",
        "kill (all at once), kill the leader",
        "`node/src/read.rs`: while no leader was heard of since the start, or no entry of the \
         present term is applied, reads look at the state as it is. `storage/src/log_store.rs`: \
         after a restart that is the last snapshot.",
    }
    AckBeforeFsync {
        "m04",
        "Log entries are acknowledged before they are synced.",
        "P-DUR",
        "set-full",
        "set",
        "lossy disk: kill a majority and lose what was not synced",
        "`storage/src/writer.rs`: appends are written unsynced; votes still are synced. A killed \
         process alone loses nothing: the fault must lose unsynced writes.",
    }
    AckBeforeCommit {
        "m05",
        "A write is answered as soon as the leader has proposed it, before a quorum has it.",
        "P-DUR",
        "set-full",
        "set",
        "cut off or kill the leader",
        "`node/src/proposer.rs`: the answer comes of a copy of the state that runs ahead of what \
         is committed. Reads may miss the write even without a fault (`linearizable`).",
    }
    VoteNotPersisted {
        "m06",
        "The vote is not written to disk.",
        "P-MEMB",
        "one-leader",
        "election",
        "kill all, kill a majority repeatedly",
        "`storage/src/writer.rs`: votes stay in memory. After a restart a node begins at term 0 \
         again: terms that were used come again, with other leaders. A debug build of openraft \
         panics on that (`server-logs`), so this one needs a release build.",
    }
    QuorumOffByOne {
        "m07",
        "One voter too few is enough to commit.",
        "P-DUR",
        "set-full",
        "set",
        "cut off the leader",
        "`membership/src/peer/forged.rs`: the quorum is the library's, so the leader's own \
         adapter makes one voter's consent up: the one with the lowest number that is not the \
         leader. What was said to be stored there is sent and arrives later, or never. A leader \
         that committed alone cannot follow afterwards: it stays unready, and a debug build of \
         openraft panics. Also `oracle`.",
    }
    LocksForgotten {
        "m08",
        "A change of leader forgets who holds and waits for locks.",
        "P-LOCK",
        "exclusion",
        "lock",
        "kill or cut off the leader",
        "`node/src/replica.rs`: our lock table is replicated and cannot be lost with a leader, so \
         every replica drops all claims when it applies the first entry of a new term. Znodes of \
         the claims stay; `equal-digests` may fire for a moment.",
    }
    FenceFromLocalCounter {
        "m09",
        "Fences come from a counter of the process, which begins anew with it.",
        "P-FENCE",
        "fences",
        "lock",
        "restart, kill",
        "`http-api/src/convert/fence.rs`: what is shown counts from the position at which this \
         process had started, and what clients bring back is read the same way. Nodes that never \
         restarted since the cluster was founded show true fences.",
    }
    FenceNotInSnapshot {
        "m10",
        "The counter that fences are taken from is not in the snapshot.",
        "P-FENCE",
        "fences",
        "lock",
        "snapshots, then kill or a node that lags",
        "`raft-core/src/snapshot/restore.rs`: a restored state goes on from the highest number \
         still in use by a session, a claim or a lock. `equal-digests` fires as well, and \
         positions go back.",
    }
    GrantToDeadSession {
        "m11",
        "A waiter is granted the lock although its session has ended meanwhile.",
        "P-LOCK",
        "ghosts",
        "lock",
        "pause of waiting clients, kill of clients",
        "`raft-core/src/apply/session.rs`: the end of a session leaves its waiting claims in the \
         queue; such a grant waits for nobody to pick it up and blocks all behind it for ever.",
    }
    OldLeaderExpires {
        "m12",
        "An expiry decided by the timer of an earlier leader counts, although the session was \
         heard of since.",
        "P-SESS",
        "no-early-end",
        "lock, session",
        "cut the leader off for longer than a session's timeout",
        "`node/src/session_clock.rs`: the expiry is not bound to its leader's term and outlives \
         it; `raft-core` does not look whether the session acted since.",
    }
    DeadlinesNotExtended {
        "m13",
        "A new leader does not give sessions their full timeout.",
        "P-SESS",
        "no-early-end",
        "session, lock",
        "kill the leader",
        "`node/src/session_clock.rs`: it counts from the opening of each session, so all that are \
         older than their timeout end at once.",
    }
    WallClockExpiry {
        "m14",
        "Sessions and holds are timed by the wall clock.",
        "P-SESS",
        "no-early-end",
        "session, lock",
        "clock jump forward on the leader",
        "`node/src/leader_clock.rs`: log time and the times of sessions come from the wall clock.",
    }
    SnapshotWithoutSessions {
        "m15",
        "Snapshots leave out sessions and what they own.",
        "P-SESS",
        "atomic-vanish",
        "session",
        "snapshots with a follower that lags; kill and restart",
        "`raft-core/src/snapshot.rs`. A node that took one over misses ephemerals of living \
         sessions and answers that those do not exist: `no-early-end`, and `equal-digests` \
         without fail.",
    }
    CloseLeavesOne {
        "m16",
        "The end of a session leaves its last ephemeral behind.",
        "P-SESS",
        "atomic-vanish",
        "session",
        "none",
        "`raft-core/src/apply/session.rs`: the last in order of path stays, and has no owner any \
         more.",
    }
    WatchGap {
        "m17",
        "A watch misses what happened while its client reconnected.",
        "P-WATCH",
        "watch-complete",
        "watch",
        "kill or cut off nodes, so that streams reconnect",
        "`node/src/events.rs`: a resumed stream skips one commit. `zookeeper/src/door/read.rs`: \
         `SetWatches` is ignored.",
    }
    WatchReplays {
        "m18",
        "A resumed watch is told of what it has seen already.",
        "P-WATCH",
        "watch-order",
        "watch",
        "kill or cut off nodes, so that streams reconnect",
        "`node/src/events.rs`: a resumed stream begins two commits early. \
         `zookeeper/src/door/read.rs`: `SetWatches` takes all of history for missed.",
    }
    CasIgnoresVersion {
        "m19",
        "Writes do not look at the version they expect.",
        "P-LIN",
        "linearizable",
        "register",
        "none",
        "`raft-core/src/apply/znode.rs`: every expected version fits.",
    }
    TxnNotAtomic {
        "m20",
        "A transaction that fails leaves a part of itself behind.",
        "P-TXN",
        "cycles",
        "append",
        "none",
        "`raft-core/src/apply.rs`: what was done before the operation that failed stays. `raft- \
         core/src/apply/txn.rs`: the first operation is done before the guards are looked at.",
    }
    SequenceReused {
        "m21",
        "Sequential znodes get numbers that were used before.",
        "docs/concepts: sequential znodes",
        "unique-ids",
        "unique-ids",
        "none (children are deleted)",
        "`raft-core/src/apply/room.rs`: the next number is one more than the highest among the \
         children that are there.",
    }
    RetryAppliedTwice {
        "m22",
        "A request that is repeated is done again.",
        "P-RETRY",
        "set-full",
        "set",
        "pause a follower for longer than its clients wait, resets (requests are repeated)",
        "`raft-core/src/apply/answer.rs`: remembered answers are not looked at. \
         `node/src/inbox.rs`: nor is it looked at whether a request of another node was taken \
         before.",
    }
    ApplyUsesLocalTime {
        "m23",
        "Applying a command looks at the clock of the machine.",
        "P-EQUAL",
        "equal-digests",
        "register",
        "none",
        "`raft-core/src/apply/tree.rs`: the `ctime` of a znode. The server's own comparison \
         reports it within its interval.",
    }
    ChecksumNotVerified {
        "m24",
        "Checksums on disk are not looked at.",
        "P-DUR",
        "equal-digests",
        "register",
        "bit flips in the newest snapshot of a minority, then restart",
        "`storage`: records, snapshot blocks and footers, RocksDB's blocks, and a damaged log \
         ends where the damage begins. `raft-core/src/snapshot/restore.rs`: the digest of a \
         snapshot. Damaged data of a znode is also seen by `linearizable`.",
    }
    WriteErrorSwallowed {
        "m25",
        "A write that the disk refused counts as done.",
        "P-DUR",
        "set-full",
        "set",
        "full disks everywhere, and a kill of all before there is room again",
        "`storage/src/writer.rs`.",
    }
    OldConfigQuorum {
        "m26",
        "The quorum is that of the membership before the change.",
        "P-MEMB",
        "set-full",
        "set",
        "two members join or one is replaced (numbers above three), then cut off the leader",
        "`membership/src/peer/forged.rs`: as m07, the consent of every voter that joined a \
         cluster of three (numbers above three) is made up. One more voter than three is not \
         enough to lose anything by one death: two must have joined, or one in the place of \
         another. Also `oracle`.",
    }
    PermitReturnedTwice {
        "m27",
        "Permits of a semaphore are returned twice when their holder's session expires.",
        "P-LOCK",
        "exclusion",
        "semaphore",
        "pause of holding clients, kill of clients",
        "`raft-core/src/apply/claim/ending.rs`.",
    }
    ReadersPassWriters {
        "m28",
        "Readers are let in before a writer that waits.",
        "P-LOCK",
        "starvation",
        "rwlock",
        "none",
        "`raft-core/src/apply/grant.rs`: a reader joins readers, whoever waits. Order of grants \
         (`fifo`) breaks with it.",
    }
    RepeatsWithoutKey {
        "m29",
        "The client library repeats a request that may have happened, and makes it a new one.",
        "P-RETRY",
        "set-full",
        "set (through the client library)",
        "pause a follower for longer than its clients wait, resets",
        "`holdfast-client/src/transport.rs`: each attempt has an idempotency key of its own, and \
         requests that may be sent only once are sent again. It needs a harness that has it planted.",
    }
    FollowerKeepsAlive {
        "m30",
        "A follower renews sessions by its own idea of time.",
        "P-SESS",
        "no-early-end",
        "session, lock",
        "cut off a follower from the leader, not from its clients",
        "`node/src/keep_alive.rs`: a follower promises its clients time before the leader has \
         heard of them. (Keep-alives carry no time, so that a wrong one could be sent.)",
    }
}

#[cfg(test)]
mod tests {
    use super::Mutant;

    #[test]
    fn ids_run_from_m01_to_m30_and_lead_back() {
        let ids: Vec<String> = Mutant::all()
            .iter()
            .map(|about| about.id.to_owned())
            .collect();
        let expected: Vec<String> = (1..=30).map(|number| format!("m{number:02}")).collect();
        assert_eq!(ids, expected);
        for about in Mutant::all() {
            assert_eq!(Mutant::by_id(about.id), Some(about.mutant));
            assert_eq!(about.mutant.id(), about.id);
        }
        assert_eq!(Mutant::by_id("m31"), None);
        assert_eq!(Mutant::by_id(""), None);
    }
}
