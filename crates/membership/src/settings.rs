//! How openraft is configured, each override with its why.

use mutant::Mutant;
use openraft::{Config, ConfigError, SnapshotPolicy};
use raft_types::ClusterId;

use crate::timing::Timing;

/// Voters from which a partial partition can leave a leader that has no quorum but keeps a bridging
/// voter from electing another.
const QUORUM_LOSS_PROBE_VOTERS: usize = 5;
/// Entries per storage write.
const APPEND_ENTRIES_MAX: u64 = 4096;
/// Logs removed per purge: with openraft's default of one, every entry is a delete of its own.
const PURGE_BATCH: u64 = 10_000;

/// Sizes and counts of consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftSettings {
    /// A snapshot is built when this many entries were committed since the last one.
    pub snapshot_entries: u64,
    /// Entries kept in the log although a snapshot contains them: what a rebooting node may miss
    /// without needing the snapshot.
    pub entries_kept: u64,
    /// Entries per purge. Never more than are kept (but one): the log is then at most about twice as
    /// long as was asked for, also where little is kept.
    pub purge_batch: u64,
    /// Entries per AppendEntries message.
    pub payload_entries_max: u64,
    /// Size of a snapshot chunk on the wire, in bytes.
    pub snapshot_chunk_bytes: u32,
    /// How many voters the cluster is meant to have; five or more turn on the quorum-loss probe.
    pub expected_voters: usize,
    /// Entries a learner may lack and still count as caught up.
    pub caught_up_entries: u64,
}

impl Default for RaftSettings {
    fn default() -> Self {
        RaftSettings {
            snapshot_entries: 200_000,
            entries_kept: 500_000,
            purge_batch: PURGE_BATCH,
            payload_entries_max: 2048,
            snapshot_chunk_bytes: 1 << 20,
            expected_voters: 3,
            caught_up_entries: 1000,
        }
    }
}

impl RaftSettings {
    /// openraft's configuration for these settings.
    ///
    /// # Errors
    /// openraft's own check; with a checked [`Timing`] only `payload_entries_max` of zero.
    pub(crate) fn config(
        &self,
        cluster: ClusterId,
        timing: &Timing,
    ) -> Result<Config, ConfigError> {
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let probe = self.expected_voters >= QUORUM_LOSS_PROBE_VOTERS;
        let heartbeat = ms(timing.heartbeat);
        let config = Config {
            cluster_name: cluster.to_string(),
            heartbeat_interval: heartbeat,
            election_timeout_min: ms(timing.election_min),
            election_timeout_max: ms(timing.election_max),
            // The default of 200 ms is for a chunk; openraft 0.10 applies it to the whole transfer.
            install_snapshot_timeout: ms(timing.install_snapshot_timeout),
            max_payload_entries: self.payload_entries_max,
            max_append_entries: Some(APPEND_ENTRIES_MAX),
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_entries),
            snapshot_max_chunk_size: u64::from(self.snapshot_chunk_bytes),
            max_in_snapshot_log_to_keep: self.entries_kept,
            purge_batch_size: self.purge_batch.min(self.entries_kept).max(1),
            // Only gates openraft's own blocking add_learner, which is not used here.
            replication_lag_threshold: self.caught_up_entries,
            // A node that cannot win must not raise the term of a cluster that works.
            enable_pre_vote: Some(true),
            // A restarted leader must be elected again: its recovered commit index may be older than
            // what it acknowledged, and a dead leader's process must not lead its old term again
            // (`dead_leader` relies on it).
            enable_leader_restore: Some(false),
            // A follower whose log went back lost acknowledged entries. Never paper over it.
            allow_log_reversion: Some(
                mutant::is(Mutant::QuorumOffByOne) || mutant::is(Mutant::OldConfigQuorum),
            ),
            quorum_loss_probe_interval: probe.then(|| ms(timing.election_max).saturating_mul(2)),
            // First retries come fast (a restarted peer is back in milliseconds), later ones at the
            // rate of elections.
            backoff: format!(
                "{}ms {}ms ...{}ms",
                heartbeat.div_ceil(2),
                heartbeat,
                ms(timing.election_max)
            ),
            ..Config::default()
        };
        config.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::Profile;

    #[test]
    fn both_profiles_make_a_valid_configuration_with_the_required_overrides() {
        for profile in [Profile::Lan, Profile::Wan] {
            let config = RaftSettings::default()
                .config(ClusterId(1), &profile.timing())
                .unwrap();
            assert_eq!(config.enable_pre_vote, Some(true));
            assert_eq!(config.enable_leader_restore, Some(false));
            assert_eq!(config.allow_log_reversion, Some(false));
            assert_eq!(config.purge_batch_size, PURGE_BATCH);
            assert!(config.install_snapshot_timeout >= 600_000);
            assert_eq!(config.quorum_loss_probe_interval, None);
            assert_eq!(
                config.snapshot_policy,
                SnapshotPolicy::LogsSinceLast(200_000)
            );
        }
    }

    #[test]
    fn a_purge_waits_for_no_more_entries_than_are_kept() {
        let batch = |entries_kept| {
            let settings = RaftSettings {
                entries_kept,
                ..RaftSettings::default()
            };
            let config = settings.config(ClusterId(1), &Timing::default());
            config.unwrap().purge_batch_size
        };
        assert_eq!(batch(0), 1);
        assert_eq!(batch(10), 10);
        assert_eq!(batch(1_000_000), PURGE_BATCH);
    }

    #[test]
    fn five_voters_turn_on_the_quorum_loss_probe() {
        let settings = RaftSettings {
            expected_voters: 5,
            ..RaftSettings::default()
        };
        let config = settings.config(ClusterId(1), &Timing::default()).unwrap();
        assert_eq!(config.quorum_loss_probe_interval, Some(1000));
    }
}
