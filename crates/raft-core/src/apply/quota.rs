//! Quotas while commands change the tree: what is refused, what is counted, what is shown.

use crate::data::Data;

use crate::apply::Step;
use crate::ids::ZnodePath;
use crate::limits;
use crate::outcome::{OverQuota, Refusal};
use crate::quota::{self, Limits, Quota, Usage};
use crate::state::State;

impl Step<'_> {
    /// Whether the quotas allow znodes that are to be made, with so many bytes of data each.
    ///
    /// # Errors
    /// [`Refusal::QuotaExceeded`] by a hard limit.
    pub(crate) fn check_quotas<'p>(
        &self,
        made: impl IntoIterator<Item = (&'p ZnodePath, u64)>,
    ) -> Result<(), Refusal> {
        let index = &self.state.index;
        if index.quotas.is_empty() {
            return Ok(());
        }
        let mut added: Vec<(&Quota, Usage)> = Vec::new();
        for (path, data_length) in made {
            let Some(quota) = index.nearest_quota(path) else {
                continue;
            };
            let own = Usage::of(path, data_length);
            // Parents and child count for one quota, or for very few.
            match added.iter_mut().find(|(other, _)| other.path == quota.path) {
                Some((_, usage)) => *usage = usage.plus(own),
                None => added.push((quota, own)),
            }
        }
        added
            .into_iter()
            .try_for_each(|(quota, added)| allows(quota, added))
    }

    /// Whether the quota of `path` allows other data, of this length, in place of the present.
    /// Less data is always allowed, also where there is too much still.
    ///
    /// # Errors
    /// [`Refusal::QuotaExceeded`] by a hard limit.
    pub(crate) fn check_quota_of_data(
        &self,
        path: &ZnodePath,
        data_length: u64,
    ) -> Result<(), Refusal> {
        let Some(quota) = self.state.index.nearest_quota(path) else {
            return Ok(());
        };
        let present = self.state.existing(path)?.data_length();
        let (now, then) = (Usage::of(path, present), Usage::of(path, data_length));
        allows(quota, then.minus(now))
    }

    /// Whether there is room for the quotas that znodes to be made would set: in number, and for
    /// counting what is there already.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`].
    pub(super) fn check_new_quotas<'p>(
        &self,
        made: impl IntoIterator<Item = &'p ZnodePath>,
    ) -> Result<(), Refusal> {
        let (mut quotas, mut counted) = (self.state.index.quotas.len(), self.counted);
        for path in made.into_iter().filter_map(quota::limited_by) {
            quotas = quotas.saturating_add(1);
            if quotas > limits::QUOTAS_MAX {
                return Err(Refusal::limit("quotas", limits::QUOTAS_MAX as u64));
            }
            let left = limits::QUOTA_COUNTED_MAX.saturating_sub(counted);
            let all = self.state.znodes.len() as u64;
            // What is in the subtree is looked at twice only if all there is would be too much.
            let found = if all <= left {
                all
            } else {
                let most = left.saturating_add(1);
                self.state.usage_of_subtree(&path, most).znodes
            };
            counted = counted.saturating_add(found);
            if counted > limits::QUOTA_COUNTED_MAX {
                return Err(Refusal::limit(
                    "znodes counted by one command that sets quotas",
                    limits::QUOTA_COUNTED_MAX,
                ));
            }
        }
        Ok(())
    }

    /// The znode at `path` was made.
    pub(super) fn note_made(&mut self, path: &ZnodePath, data: Option<&Data>) {
        let length = data.map_or(0, |data| data.len() as u64);
        self.note_usage(path, Usage::NONE, Usage::of(path, length));
        let Some(limited) = quota::limited_by(path) else {
            return;
        };
        let all = self.state.usage_of_subtree(&limited, u64::MAX);
        self.counted = self.counted.saturating_add(all.znodes);
        let limits = Limits::parse(data.map(AsRef::as_ref));
        self.state.index.note_quota(limited.clone(), limits, all);
        self.state.show_usage(&limited);
        // What the next quota above it counts has become less.
        if let Some(above) = limited.parent() {
            self.state.show_usage(&above);
        }
    }

    /// The znode at `path`, which had so much data, is gone.
    pub(super) fn note_removed(&mut self, path: &ZnodePath, data_length: u64) {
        if let Some(limited) = quota::limited_by(path) {
            self.state.index.forget_quota(&limited);
            self.state.show_usage(&limited);
        }
        self.note_usage(path, Usage::of(path, data_length), Usage::NONE);
    }

    /// The znode at `path`, which had so much data, has this now.
    pub(super) fn note_rewritten(
        &mut self,
        path: &ZnodePath,
        former_length: u64,
        data: Option<&Data>,
    ) {
        let length = data.map_or(0, |data| data.len() as u64);
        let (gone, come) = (Usage::of(path, former_length), Usage::of(path, length));
        self.note_usage(path, gone, come);
        if let Some(limited) = quota::limited_by(path) {
            let limits = Limits::parse(data.map(AsRef::as_ref));
            self.state.index.note_quota(limited, limits, Usage::NONE);
        }
    }

    /// Counts a change for the nearest quota, and says so where a soft limit is exceeded.
    fn note_usage(&mut self, path: &ZnodePath, gone: Usage, come: Usage) {
        let Some(quota) = self.state.index.nearest_quota_mut(path) else {
            return;
        };
        quota.usage = quota.usage.plus(come).minus(gone);
        let quota = quota.clone();
        self.state.write_usage(&quota);
        let grown = [come.znodes > gone.znodes, come.bytes > gone.bytes];
        let limits = quota.limits.against(quota.usage);
        for ((what, limit, usage), grown) in limits.into_iter().zip(grown) {
            if let Some(limit) = limit.soft.filter(|soft| grown && usage > *soft) {
                self.note_over(OverQuota {
                    quota: quota.path.clone(),
                    what,
                    limit,
                    usage,
                });
            }
        }
    }

    fn note_over(&mut self, over: OverQuota) {
        let same = |other: &&mut OverQuota| other.quota == over.quota && other.what == over.what;
        match self.over_quota.iter_mut().find(same) {
            Some(known) => *known = over,
            None => self.over_quota.push(over),
        }
    }
}

impl State {
    /// What a client that writes `data` to the znode at `path` leaves there: something else only
    /// where a quota shows its usage.
    pub(super) fn data_to_keep(&self, path: &ZnodePath, data: Option<Data>) -> Option<Data> {
        let shown = quota::shown_by(path).and_then(|shown| self.index.quotas.get(shown));
        shown.map_or(data, |quota| Some(quota.usage.text()))
    }

    /// What the subtree of `top` uses, quotas or not; counts `most` znodes at most. Nothing when there
    /// is no such znode.
    fn usage_of_subtree(&self, top: &ZnodePath, most: u64) -> Usage {
        let found = self
            .within(top)
            .map(|(path, znode)| Usage::of(path, znode.data_length()));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        found.take(most).fold(Usage::NONE, Usage::plus)
    }

    /// Shows the usage of the quota that `path` counts for.
    fn show_usage(&mut self, path: &ZnodePath) {
        if let Some(quota) = self.index.nearest_quota(path).cloned() {
            self.write_usage(&quota);
        }
    }

    /// Shows the usage of every quota: after the tree was changed by other ways than a step.
    pub(super) fn show_all_usage(&mut self) {
        let quotas: Vec<Quota> = self.index.quotas.values().cloned().collect();
        for quota in &quotas {
            self.write_usage(quota);
        }
    }

    /// Writes what a quota counts into its stats znode, if there is one. Only its data changes:
    /// ZooKeeper neither takes a zxid nor fires a watch for it.
    fn write_usage(&mut self, quota: &Quota) {
        let text = quota.usage.text();
        let _ = self.update_znode(&quota.stats, |znode| {
            znode.data = Some(text);
        });
    }
}

/// Whether a quota has room for this much more.
fn allows(quota: &Quota, added: Usage) -> Result<(), Refusal> {
    let wanted = quota.usage.plus(added);
    let now = quota.limits.against(quota.usage);
    for ((what, limit, usage), (.., wanted)) in now.into_iter().zip(quota.limits.against(wanted)) {
        if let Some(limit) = limit.hard.filter(|hard| wanted > usage && wanted > *hard) {
            return Err(Refusal::QuotaExceeded {
                quota: quota.path.clone(),
                what,
                limit,
                usage,
                wanted,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::apply::tree::tests::step;
    use crate::ids::ZnodePath;
    use crate::limits;
    use crate::outcome::Refusal;
    use crate::state::State;

    /// As far as a command may go that has counted much already. What is not there costs nothing.
    #[test]
    fn one_command_counts_only_so_many_znodes_for_new_quotas() {
        let mut state = State::new();
        let mut step = step(&mut state);
        let path = |text: &str| ZnodePath::parse(text).unwrap();
        let on_three = path("/zookeeper/quota/zookeeper/zookeeper_limits");
        let on_nothing = path("/zookeeper/quota/none/zookeeper_limits");
        step.counted = limits::QUOTA_COUNTED_MAX - 3;
        assert_eq!(step.check_new_quotas([&on_three, &on_nothing]), Ok(()));
        step.counted += 1;
        assert_eq!(step.check_new_quotas([&on_nothing]), Ok(()));
        let refused = step.check_new_quotas([&on_nothing, &on_three]);
        let Err(Refusal::LimitReached { limit, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(limit, limits::QUOTA_COUNTED_MAX);
    }

    #[test]
    fn a_command_counts_what_its_quotas_cost() {
        let mut state = State::new();
        let mut step = step(&mut state);
        let limits = ZnodePath::parse("/zookeeper/quota/zookeeper/zookeeper_limits").unwrap();
        step.note_made(&limits, None);
        assert_eq!(step.counted, 3);
    }
}
