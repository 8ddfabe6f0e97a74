//! What is known of the cluster: the last answer to each question, how old it is, and what is wrong with asking.
//! A question that is not answered leaves the last answer where it is, marked as old.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_client::http_types::v1::cluster::Cluster;
use holdfast_client::http_types::v1::deadlocks::Deadlock;
use holdfast_client::http_types::v1::elections::ElectionList;
use holdfast_client::http_types::v1::health::Health;
use holdfast_client::http_types::v1::locks::HotLock;

use super::counts::{Counts, Looks, Rates};
use super::poll::{NodeReading, Read, Reading, Sessions};

const NO_RATES: &str = "no node answered twice";

/// The last answer to a question.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    /// With when it came, counted from when this program began.
    pub(super) last: Option<(Duration, T)>,
    /// Why the last time brought none.
    pub(super) error: Option<String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept {
            last: None,
            error: None,
        }
    }
}

impl<T> Kept<T> {
    fn take(&mut self, at: Duration, read: Read<T>) {
        match read {
            Ok(value) => {
                self.last = Some((at, value));
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// The last answer, however old.
    pub(super) fn value(&self) -> Option<&T> {
        self.last.as_ref().map(|(_, value)| value)
    }

    /// That the question was not answered the last time, and how old the answer is that is shown instead.
    pub(super) fn trouble(&self, now: Duration) -> Option<(&str, Option<Duration>)> {
        let error = self.error.as_deref()?;
        let age = self.last.as_ref().map(|(at, _)| now.saturating_sub(*at));
        Some((error, age))
    }
}

/// What is known of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) health: Kept<Health>,
    counts: Kept<Counts>,
    /// What it had counted before, if both of the last two times brought an answer.
    before: Option<(Duration, Counts)>,
}

impl Node {
    fn take(&mut self, at: Duration, read: NodeReading) {
        self.before = self.counts.last.take();
        self.counts.take(at, read.counts);
        self.health.take(at, read.health);
    }

    fn looks(&self, leads: bool) -> Option<Looks<'_>> {
        let (then, before) = self.before.as_ref()?;
        let (now, after) = self.counts.last.as_ref()?;
        Some(Looks {
            before,
            after,
            between: now.saturating_sub(*then),
            leads,
        })
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    /// When the last reading came.
    pub(super) read_at: Option<Duration>,
    pub(super) cluster: Kept<Cluster>,
    /// By name.
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) rates: Kept<Rates>,
    pub(super) hot: Kept<Vec<HotLock>>,
    pub(super) sessions: Kept<Sessions>,
    pub(super) elections: Kept<ElectionList>,
    pub(super) deadlocks: Kept<Vec<Deadlock>>,
}

impl Board {
    /// Takes what was read at a time.
    pub(super) fn take(&mut self, at: Duration, read: Reading) {
        self.read_at = Some(at);
        self.cluster.take(at, read.cluster);
        self.hot.take(at, read.hot);
        self.sessions.take(at, read.sessions);
        self.elections.take(at, read.elections);
        self.deadlocks.take(at, read.deadlocks);
        self.nodes.retain(|id, _| read.nodes.contains_key(id));
        for (id, node) in read.nodes {
            self.nodes.entry(id).or_default().take(at, node);
        }
        let leader = self.cluster.value().and_then(|c| c.leader.as_deref());
        let looks = self.nodes.iter().filter_map(|(id, node)| {
            let leads = leader == Some(id.as_str());
            node.looks(leads)
        });
        let rates = Rates::of(looks).ok_or_else(|| NO_RATES.to_owned());
        self.rates.take(at, rates);
    }

    /// Whether everything was answered that is asked of the cluster as a whole.
    pub(super) fn is_whole(&self) -> bool {
        self.cluster.error.is_none()
            && self.hot.error.is_none()
            && self.sessions.error.is_none()
            && self.elections.error.is_none()
            && self.deadlocks.error.is_none()
    }

    /// Nodes that find that replicas differ, and what they say of it.
    pub(super) fn divergence(&self) -> Vec<(&str, &str)> {
        let health = self.nodes.iter().filter_map(|(id, node)| {
            let checks = &node.health.value()?.checks;
            let failed = checks
                .iter()
                .find(|c| c.name == "replicas_equal" && !c.ok)?;
            Some((id.as_str(), failed.detail.as_str()))
        });
        health.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_is_not_answered_stays_and_is_old() {
        let mut board = Board::default();
        board.take(Duration::from_secs(1), sample::reading());
        let mut silent = sample::reading();
        silent.hot = Err("no leader".to_owned());
        board.take(Duration::from_secs(4), silent);
        assert_eq!(board.hot.value().unwrap().len(), 3, "not zero");
        let age = Some(Duration::from_secs(5));
        let trouble = board.hot.trouble(Duration::from_secs(6));
        assert_eq!(trouble, Some(("no leader", age)));
        assert_eq!(board.sessions.trouble(Duration::from_secs(6)), None);
        board.take(Duration::from_secs(6), sample::reading());
        assert_eq!(board.hot.trouble(Duration::from_secs(7)), None);
    }

    #[test]
    fn a_rate_is_of_two_answers_one_after_the_other() {
        let mut board = Board::default();
        let at = Duration::from_secs;
        board.take(at(1), sample::reading_with_writes(100));
        assert!(board.rates.value().is_none());
        board.take(at(3), sample::reading_with_writes(300));
        let rates = board.rates.value().unwrap();
        assert_eq!((rates.writes, rates.nodes), (Some(100.0), 3));
        let mut silent = sample::reading_with_writes(500);
        silent.nodes.get_mut("n2").unwrap().counts = Err("no answer".to_owned());
        board.take(at(5), silent);
        let rates = board.rates.value().unwrap();
        assert_eq!((rates.writes, rates.nodes), (None, 2), "n2 leads");
    }
}
