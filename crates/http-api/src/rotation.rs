//! What a node keeps for picks that change nothing: whose turn it is, and tables. Not replicated, and gone
//! when the node stops.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use raft_core::ids::ServiceName;
use raft_core::query::pick::{Cursor, Ring};

use crate::limits::{LOCAL_CURSORS_MAX, RINGS_KEPT_MAX};

/// Whose turn it is in each service, by this node's count.
#[derive(Debug, Default)]
pub(crate) struct LocalCursors(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// Each with the number of the pick it was used for last.
    cursors: BTreeMap<ServiceName, (u64, Cursor)>,
    picks: u64,
}

impl LocalCursors {
    /// Picks with the cursor of a service. Where too many services are counted, the one that was picked
    /// from longest ago is forgotten: its next cycle begins anew.
    pub(crate) fn with<T>(&self, service: &ServiceName, pick: impl FnOnce(&mut Cursor) -> T) -> T {
        let mut counted = self.0.lock();
        let Counted { cursors, picks } = &mut *counted;
        *picks = picks.saturating_add(1);
        if !cursors.contains_key(service) && cursors.len() >= LOCAL_CURSORS_MAX {
            let oldest = cursors.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                cursors.remove(&oldest);
            }
        }
        let (used, cursor) = cursors.entry(service.clone()).or_default();
        *used = *picks;
        pick(cursor)
    }
}

/// The tables that were built last, by their versions.
#[derive(Debug, Default)]
pub(crate) struct Rings(Mutex<VecDeque<(u128, Arc<Ring>)>>);

impl Rings {
    /// The table of this version, if it is kept.
    pub(crate) fn get(&self, version: u128) -> Option<Arc<Ring>> {
        let rings = self.0.lock();
        let found = rings.iter().find(|(other, _)| *other == version);
        found.map(|(_, ring)| Arc::clone(ring))
    }

    /// Keeps a table; the oldest goes for it.
    pub(crate) fn keep(&self, version: u128, ring: Ring) -> Arc<Ring> {
        let ring = Arc::new(ring);
        let mut rings = self.0.lock();
        if rings.len() >= RINGS_KEPT_MAX {
            rings.pop_front();
        }
        rings.push_back((version, Arc::clone(&ring)));
        ring
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> ServiceName {
        ServiceName::parse(&format!("s{number}")).unwrap()
    }

    #[test]
    fn the_service_not_picked_from_for_longest_is_forgotten() {
        let cursors = LocalCursors::default();
        for number in 0..LOCAL_CURSORS_MAX {
            cursors.with(&name(number), |_| ());
        }
        cursors.with(&name(0), |_| ());
        cursors.with(&name(LOCAL_CURSORS_MAX), |_| ());
        let counted = cursors.0.lock();
        assert_eq!(counted.cursors.len(), LOCAL_CURSORS_MAX);
        assert!(counted.cursors.contains_key(&name(0)));
        assert!(!counted.cursors.contains_key(&name(1)));
    }

    #[test]
    fn only_so_many_tables_are_kept() {
        let rings = Rings::default();
        for version in 0..=RINGS_KEPT_MAX as u128 {
            rings.keep(version, Ring::build(&[], 3).unwrap());
        }
        assert!(rings.get(0).is_none());
        assert!(rings.get(1).is_some());
    }
}
