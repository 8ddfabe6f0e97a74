//! A value that is rarely another than its default.

use std::ops::{Deref, DerefMut};

/// A value with a default that outlives everything.
pub(crate) trait ConstDefault: Sized + 'static {
    /// The default.
    const DEFAULT: &'static Self;
}

/// A `T` of eight bytes as long as nobody changed it, and a box from then on.
#[derive(Clone, Debug)]
pub(crate) struct Rare<T>(Option<Box<T>>);

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Rare(None)
    }
}

impl<T: ConstDefault> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::DEFAULT)
    }
}

impl<T: ConstDefault + Clone> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::DEFAULT.clone()))
    }
}

/// Also of a value that was changed and changed back.
impl<T: ConstDefault + PartialEq> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ConstDefault + Eq> Eq for Rare<T> {}
