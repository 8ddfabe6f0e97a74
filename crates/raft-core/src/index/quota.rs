//! Which quotas there are, and what counts for each.
//!
//! What the quotas count is a partition: each znode counts for one of them, or for none. So a quota
//! that comes or goes takes what is its own from the next one above it, or gives it back.

use std::ops::Bound;
use std::sync::Arc;

use crate::ids::ZnodePath;
use crate::quota::{self, Limits, Quota, Usage};
use crate::state::{Index, State};

/// Adds to `index` the quotas that the tree sets, each znode counted for the nearest.
pub(super) fn rebuild(state: &State, index: &mut Index) {
    for (path, znode) in state.znodes.iter() {
        if let Some(limited) = quota::limited_by(path) {
            index.note_quota(limited, Limits::parse(znode.data.as_deref()), Usage::NONE);
        }
    }
    if index.quotas.is_empty() {
        return;
    }
    for (path, znode) in state.znodes.iter() {
        let own = Usage::of(path, znode.data_length());
        if let Some(quota) = index.nearest_quota_mut(path) {
            quota.usage = quota.usage.plus(own);
        }
    }
}

impl Index {
    /// The quota `path` counts for.
    pub(crate) fn nearest_quota(&self, path: &ZnodePath) -> Option<&Quota> {
        if self.quotas.is_empty() {
            return None;
        }
        quota::upwards(path).find_map(|text| self.quotas.get(text))
    }

    /// The same to be changed.
    pub(crate) fn nearest_quota_mut(&mut self, path: &ZnodePath) -> Option<&mut Quota> {
        let nearest = self.nearest_quota(path)?.path.clone();
        self.quotas.get_mut(nearest.as_str())
    }

    /// What quotas further down count: their texts begin with `path` and a slash, which `0` follows.
    fn usage_below(&self, path: &ZnodePath) -> Usage {
        let (first, end) = (format!("{path}/"), format!("{path}0"));
        let below = (Bound::Included(&*first), Bound::Excluded(&*end));
        self.quotas
            .range::<(Bound<&str>, Bound<&str>), str>(below)
            .fold(Usage::NONE, |sum, (_, quota)| sum.plus(quota.usage))
    }

    /// There is a quota on `path`, or it has other limits now. `all` is what the whole subtree uses;
    /// of no importance when the quota is there already.
    pub(crate) fn note_quota(&mut self, path: ZnodePath, limits: Limits, all: Usage) {
        if let Some(quota) = self.quotas.get_mut(path.as_str()) {
            quota.limits = limits;
            return;
        }
        let Some(stats) = quota::stats_of(&path) else {
            return;
        };
        let usage = all.minus(self.usage_below(&path));
        if let Some(above) = self.nearest_quota_mut(&path) {
            above.usage = above.usage.minus(usage);
        }
        let quota = Quota {
            stats,
            limits,
            usage,
            path: path.clone(),
        };
        self.quotas.insert(Arc::from(path.as_str()), quota);
    }

    /// There is no quota on `path` any more.
    pub(crate) fn forget_quota(&mut self, path: &ZnodePath) {
        let Some(quota) = self.quotas.remove(path.as_str()) else {
            return;
        };
        if let Some(above) = self.nearest_quota_mut(path) {
            above.usage = above.usage.plus(quota.usage);
        }
    }
}
