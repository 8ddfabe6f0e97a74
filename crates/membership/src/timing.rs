//! How long things may take, and the relations that must hold between those times.

use std::time::Duration;

/// Shortest sensible heartbeat: openraft's tick is a fifth of it.
const HEARTBEAT_MIN: Duration = Duration::from_millis(10);

/// The times that decide how fast a lost leader is replaced and how easily a living one is
/// suspected. Every node of a cluster should use the same.
///
/// The leader lease of openraft equals [`election_max`](Timing::election_max): without the shortcut
/// for a dead process, a follower waits the lease and then a random time between
/// [`election_min`](Timing::election_min) and `election_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// A leader sends one to each follower per interval; idle connections send a keep-alive.
    pub heartbeat: Duration,
    /// Lower bound of the random wait before a follower campaigns.
    pub election_min: Duration,
    /// Upper bound of it, and the leader lease.
    pub election_max: Duration,
    /// For a peer connection to be made and both sides to be identified.
    pub connect_timeout: Duration,
    /// A peer connection on which nothing arrives for this long is dropped. Both sides send a
    /// keep-alive every [`heartbeat`](Timing::heartbeat), so a slow disk never trips this; a
    /// half-open connection does.
    pub peer_idle_timeout: Duration,
    /// For the answer to one AppendEntries, disk included, and for one write to a peer's socket.
    /// A peer that is alive but does not get on is dropped after it, which frees log purge.
    pub append_timeout: Duration,
    /// For one whole snapshot transfer including its installation.
    pub install_snapshot_timeout: Duration,
}

/// A named set of timings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Nodes in one place, local disks.
    #[default]
    Lan,
    /// Slow disks or links of tens of milliseconds.
    Wan,
}

impl Profile {
    /// The timings of this profile.
    pub const fn timing(self) -> Timing {
        match self {
            Profile::Lan => Timing {
                heartbeat: Duration::from_millis(50),
                election_min: Duration::from_millis(250),
                election_max: Duration::from_millis(500),
                connect_timeout: Duration::from_millis(200),
                peer_idle_timeout: Duration::from_millis(1000),
                append_timeout: Duration::from_secs(10),
                install_snapshot_timeout: Duration::from_secs(600),
            },
            Profile::Wan => Timing {
                heartbeat: Duration::from_millis(250),
                election_min: Duration::from_millis(1500),
                election_max: Duration::from_millis(3000),
                connect_timeout: Duration::from_millis(1200),
                peer_idle_timeout: Duration::from_millis(5000),
                append_timeout: Duration::from_secs(30),
                install_snapshot_timeout: Duration::from_secs(1800),
            },
        }
    }
}

impl std::str::FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "lan" => Ok(Profile::Lan),
            "wan" => Ok(Profile::Wan),
            other => Err(UnknownProfile(other.to_owned())),
        }
    }
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timing profile {0:?} is unknown; use lan or wan")]
pub struct UnknownProfile(String);

/// A relation between two times does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{relation} does not hold ({left:?} and {right:?}): {reason}")]
pub struct TimingError {
    /// The relation, by the names of the settings.
    pub relation: &'static str,
    /// What goes wrong without it.
    pub reason: &'static str,
    /// Value of its left side.
    pub left: Duration,
    /// Value of its right side.
    pub right: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Profile::Lan.timing()
    }
}

impl Timing {
    /// Checks every relation and reports the first that does not hold.
    ///
    /// # Errors
    /// The relation with both values and what goes wrong without it.
    pub fn check(&self) -> Result<(), TimingError> {
        let relations = [
            (
                "heartbeat >= 10ms",
                self.heartbeat,
                HEARTBEAT_MIN,
                "the timer that drives elections ticks at a fifth of it",
            ),
            (
                "election_min >= 3 * heartbeat",
                self.election_min,
                self.heartbeat.saturating_mul(3),
                "two lost or late heartbeats must not start an election",
            ),
            (
                "election_max >= election_min + heartbeat",
                self.election_max,
                self.election_min.saturating_add(self.heartbeat),
                "without spread the followers campaign together and split the vote",
            ),
            (
                "election_min >= connect_timeout",
                self.election_min,
                self.connect_timeout,
                "a vote request must be able to connect before it expires",
            ),
            (
                "connect_timeout >= 10ms",
                self.connect_timeout,
                HEARTBEAT_MIN,
                "no connection could be made",
            ),
            (
                "peer_idle_timeout >= 3 * heartbeat",
                self.peer_idle_timeout,
                self.heartbeat.saturating_mul(3),
                "keep-alives are sent once per heartbeat and may be late",
            ),
            (
                "append_timeout >= election_max",
                self.append_timeout,
                self.election_max,
                "a slow disk must not tear down replication while its node is trusted",
            ),
            (
                "install_snapshot_timeout >= append_timeout",
                self.install_snapshot_timeout,
                self.append_timeout,
                "a snapshot takes longer than an append; cut short it would be sent for ever",
            ),
        ];
        for (relation, left, right, reason) in relations {
            if left < right {
                return Err(TimingError {
                    relation,
                    reason,
                    left,
                    right,
                });
            }
        }
        Ok(())
    }

    /// How long a leader may be without an acknowledgement of a quorum before it must not be
    /// trusted: openraft's leader lease.
    pub const fn leader_lease(&self) -> Duration {
        self.election_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_profiles_satisfy_every_relation() {
        assert_eq!(Profile::Lan.timing().check(), Ok(()));
        assert_eq!(Profile::Wan.timing().check(), Ok(()));
    }

    #[test]
    fn each_relation_is_refused_by_its_name() {
        let ms = Duration::from_millis;
        let broken = |change: fn(&mut Timing)| {
            let mut timing = Timing::default();
            change(&mut timing);
            timing.check().unwrap_err().relation
        };
        assert_eq!(
            broken(|t| t.heartbeat = Duration::ZERO),
            "heartbeat >= 10ms"
        );
        assert_eq!(
            broken(|t| t.heartbeat = Duration::from_millis(200)),
            "election_min >= 3 * heartbeat"
        );
        assert_eq!(
            broken(|t| t.election_max = t.election_min),
            "election_max >= election_min + heartbeat"
        );
        assert_eq!(
            broken(|t| t.connect_timeout = Duration::from_secs(1)),
            "election_min >= connect_timeout"
        );
        assert_eq!(
            broken(|t| t.connect_timeout = Duration::ZERO),
            "connect_timeout >= 10ms"
        );
        assert_eq!(
            broken(|t| t.peer_idle_timeout = t.heartbeat),
            "peer_idle_timeout >= 3 * heartbeat"
        );
        assert_eq!(
            broken(|t| t.append_timeout = t.heartbeat),
            "append_timeout >= election_max"
        );
        assert_eq!(
            broken(|t| t.install_snapshot_timeout = Duration::from_millis(200)),
            "install_snapshot_timeout >= append_timeout"
        );
        let error = Timing {
            election_min: ms(1000),
            ..Timing::default()
        }
        .check()
        .unwrap_err();
        assert!(error.to_string().contains("split the vote"), "{error}");
    }

    #[test]
    fn profiles_are_found_by_name() {
        assert_eq!("wan".parse(), Ok(Profile::Wan));
        assert_eq!("lan".parse(), Ok(Profile::Lan));
        assert!(
            "moon"
                .parse::<Profile>()
                .unwrap_err()
                .to_string()
                .contains("moon")
        );
    }
}
