//! Renewals of sessions that were confirmed a moment ago.
//!
//! A session that was renewed at some moment, and of whose leader a quorum confirmed later that it led, is safe for
//! its whole timeout from that moment on ([`keep_alive`](crate::keep_alive)). So a request need not have
//! another round made for it: what is left of the last one is as certain.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use raft_core::ids::SessionId;
use tokio::time::Instant;

/// How long a renewal is remembered at least; it is forgotten before twice that, as soon as others come.
const KEPT: Duration = Duration::from_secs(1);

/// See the module. One entry for each session that was renewed lately.
#[derive(Debug, Default)]
pub(crate) struct Renewals(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    recent: BTreeMap<SessionId, Instant>,
    former: BTreeMap<SessionId, Instant>,
    turned: Option<Instant>,
}

impl Renewals {
    /// These were renewed by signs of life that had arrived at `at`, and that is confirmed.
    pub(crate) fn note(&self, sessions: impl Iterator<Item = SessionId>, at: Instant) {
        let mut generations = self.0.lock();
        if generations.turned.is_none_or(|turned| at >= turned + KEPT) {
            generations.former = std::mem::take(&mut generations.recent);
            generations.turned = Some(at);
        }
        generations
            .recent
            .extend(sessions.map(|session| (session, at)));
    }

    /// When this one was last renewed, if that is remembered.
    pub(crate) fn last(&self, session: SessionId) -> Option<Instant> {
        let generations = self.0.lock();
        let Generations { recent, former, .. } = &*generations;
        recent
            .get(&session)
            .or_else(|| former.get(&session))
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_renewal_counts_and_old_ones_are_forgotten() {
        let renewals = Renewals::default();
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let (one, two) = (SessionId(1), SessionId(2));
        renewals.note([one, two].into_iter(), at(0));
        renewals.note([one].into_iter(), at(500));
        assert_eq!(renewals.last(one), Some(at(500)));
        assert_eq!(renewals.last(two), Some(at(0)));
        renewals.note([one].into_iter(), at(1000));
        assert_eq!(renewals.last(two), Some(at(0)), "not yet");
        renewals.note([one].into_iter(), at(2000));
        assert_eq!(renewals.last(two), None);
        assert_eq!(renewals.last(one), Some(at(2000)));
    }
}
