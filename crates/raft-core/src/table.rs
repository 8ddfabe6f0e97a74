//! A persistent ordered map that keeps the digest of its content as it changes.
//!
//! Cloning is O(1) and shares structure; that is what makes a snapshot a clone and an undone multi
//! an assignment. The digest is the wrapping sum of a 128-bit hash of every entry, so it does not
//! depend on the order of changes and costs one hash per change.

use std::ops::RangeBounds;

use imbl::OrdMap;
use triomphe::Arc;

/// What an entry contributes to the digest of its table.
pub(crate) trait Fingerprint<K> {
    /// Hash of key and value together.
    fn fingerprint(&self, key: &K) -> u128;
}

/// See the module.
///
/// Values stand beside the nodes of the tree, not in them: nodes are half empty when keys come in order, and are copied
/// whole when something in them changes while a clone of the table lives.
#[derive(Clone, Debug)]
pub(crate) struct Table<K: Ord, V> {
    map: OrdMap<K, Arc<V>>,
    digest: u128,
}

impl<K: Ord + Clone, V: Clone + Fingerprint<K>> Default for Table<K, V> {
    fn default() -> Self {
        Table {
            map: OrdMap::new(),
            digest: 0,
        }
    }
}

impl<K: Ord + Clone, V: Clone + Fingerprint<K>> Table<K, V> {
    /// Sum of the fingerprints of all entries.
    pub(crate) fn digest(&self) -> u128 {
        self.digest
    }

    /// The digest computed anew from every entry: equal to [`Table::digest`], or a bug.
    pub(crate) fn recomputed_digest(&self) -> u128 {
        self.map.iter().fold(0, |sum, (key, value)| {
            sum.wrapping_add(value.fingerprint(key))
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key).map(|value| &**value)
    }

    /// Also the stored key, which shares its text with every clone of it.
    pub(crate) fn get_key_value(&self, key: &K) -> Option<(&K, &V)> {
        let found = self.map.get_key_value(key);
        found.map(|(key, value)| (key, &**value))
    }

    pub(crate) fn last(&self) -> Option<&K> {
        self.map.get_max().map(|(key, _)| key)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.map.contains_key(key)
    }

    /// Inserts or replaces; gives back what was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.digest = self.digest.wrapping_add(value.fingerprint(&key));
        let former = self.map.insert(key.clone(), Arc::new(value))?;
        self.digest = self.digest.wrapping_sub(former.fingerprint(&key));
        Some(Arc::unwrap_or_clone(former))
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let former = self.map.remove(key)?;
        self.digest = self.digest.wrapping_sub(former.fingerprint(key));
        Some(Arc::unwrap_or_clone(former))
    }

    /// Changes the value in place. `None` when there is no such key.
    pub(crate) fn update<R>(&mut self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let value = Arc::make_mut(self.map.get_mut(key)?);
        self.digest = self.digest.wrapping_sub(value.fingerprint(key));
        let result = change(value);
        self.digest = self.digest.wrapping_add(value.fingerprint(key));
        Some(result)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.map.iter().map(|(key, value)| (key, &**value))
    }

    pub(crate) fn range<R: RangeBounds<K>>(
        &self,
        range: R,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let range = self.map.range(range);
        range.map(|(key, value)| (key, &**value))
    }
}
