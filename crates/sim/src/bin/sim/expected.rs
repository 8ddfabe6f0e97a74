//! What shows a planted bug in the simulation.

use mutant::Mutant;

/// How the simulation relates to a planted bug.
#[derive(Clone, Copy)]
pub(crate) enum Simulated {
    /// The checker of the catalogue fires, or one of these invariants, which look at every step and may
    /// see the same bug before any client does.
    Shows(&'static [&'static str]),
    /// It is planted in a part the simulation does not run, for this reason.
    Absent(&'static str),
}

/// What shows this bug in the simulation.
pub(crate) fn simulated(mutant: Mutant) -> Simulated {
    match mutant {
        Mutant::AckBeforeFsync => Simulated::Shows(&["equal-digests", "committed-on-quorum"]),
        Mutant::VoteNotPersisted => Simulated::Shows(&["votes-on-disk"]),
        Mutant::QuorumOffByOne | Mutant::OldConfigQuorum => {
            Simulated::Shows(&["committed-on-quorum"])
        }
        Mutant::FenceNotInSnapshot | Mutant::SnapshotWithoutSessions => {
            Simulated::Shows(&["snapshot-is-the-state", "equal-digests"])
        }
        Mutant::GrantToDeadSession
        | Mutant::CloseLeavesOne
        | Mutant::PermitReturnedTwice
        | Mutant::ReadersPassWriters
        | Mutant::RetryAppliedTwice => Simulated::Shows(&["state"]),
        Mutant::ChecksumNotVerified => Simulated::Shows(&["damage-refused"]),
        Mutant::FenceFromLocalCounter => Simulated::Absent("planted at the HTTP door"),
        Mutant::WriteErrorSwallowed => Simulated::Shows(&["committed-on-quorum", "equal-digests"]),
        Mutant::RepeatsWithoutKey => Simulated::Absent("planted in the client library"),
        Mutant::StaleRead
        | Mutant::LeaderReadsAlone
        | Mutant::ReadBeforeReplay
        | Mutant::AckBeforeCommit
        | Mutant::LocksForgotten
        | Mutant::OldLeaderExpires
        | Mutant::DeadlinesNotExtended
        | Mutant::WallClockExpiry
        | Mutant::WatchGap
        | Mutant::WatchReplays
        | Mutant::CasIgnoresVersion
        | Mutant::TxnNotAtomic
        | Mutant::SequenceReused
        | Mutant::ApplyUsesLocalTime
        | Mutant::FollowerKeepsAlive => Simulated::Shows(&[]),
    }
}
