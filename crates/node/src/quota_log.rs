//! Soft limits of quotas in the log of the node: each now and then, however many writes exceed it.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use raft_core::ids::{LogTime, ZnodePath};
use raft_core::limits;
use raft_core::outcome::{Outcome, OverQuota};
use raft_core::quota::Counted;

/// Time between two lines about one limit, log-time milliseconds.
const EVERY_MS: u64 = 10 * 60_000;
/// Limits remembered: two for each quota there may be at a time. Past it those told long ago are
/// forgotten, or all.
const REMEMBERED_MAX: usize = 2 * limits::QUOTAS_MAX;

/// When each limit was told last.
#[derive(Debug, Default)]
pub(crate) struct QuotaLog {
    told: Mutex<BTreeMap<(ZnodePath, Counted), LogTime>>,
}

impl QuotaLog {
    /// Logs the soft limits that a command exceeded, unless that was logged a short time ago.
    pub(crate) fn note(&self, outcome: &Outcome) {
        for over in &outcome.over_quota {
            if self.is_due(over, outcome.moment.log_time) {
                tracing::warn!(
                    quota = %over.quota,
                    limit = over.limit,
                    usage = over.usage,
                    "more {} than the soft limit of the quota; nothing is refused for it",
                    over.what
                );
            }
        }
    }

    fn is_due(&self, over: &OverQuota, now: LogTime) -> bool {
        let key = (over.quota.clone(), over.what);
        let mut told = self.told.lock();
        if told.get(&key).is_some_and(|at| now < at.after(EVERY_MS)) {
            return false;
        }
        if told.len() >= REMEMBERED_MAX {
            told.retain(|_, at| now < at.after(EVERY_MS));
        }
        if told.len() >= REMEMBERED_MAX {
            told.clear();
        }
        told.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(path: &str, what: Counted) -> OverQuota {
        OverQuota {
            quota: ZnodePath::parse(path).unwrap(),
            what,
            limit: 1,
            usage: 2,
        }
    }

    #[test]
    fn each_limit_is_told_once_in_ten_minutes() {
        let log = QuotaLog::default();
        let is_due = |over: &OverQuota, at: u64| log.is_due(over, LogTime(at));
        let a = over("/a", Counted::Znodes);
        assert!(is_due(&a, 5));
        assert!(!is_due(&a, 5));
        assert!(!is_due(&a, EVERY_MS + 4));
        // Another limit of the same quota, and another quota.
        assert!(is_due(&over("/a", Counted::Bytes), 6));
        assert!(is_due(&over("/b", Counted::Znodes), 6));
        assert!(is_due(&a, EVERY_MS + 5));
        assert!(!is_due(&a, EVERY_MS + 6));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let log = QuotaLog::default();
        for n in 0..=REMEMBERED_MAX {
            assert!(log.is_due(&over(&format!("/q{n}"), Counted::Bytes), LogTime(1)));
            assert!(log.told.lock().len() <= REMEMBERED_MAX);
        }
    }
}
