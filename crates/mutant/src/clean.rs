//! A build without planted bugs: nothing is left of them.

use crate::Mutant;

/// There are no wrong names where nothing has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownMutant {}

impl std::fmt::Display for UnknownMutant {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for UnknownMutant {}

/// What a build with planted bugs says of itself: nothing.
#[must_use]
#[inline(always)]
pub const fn marker() -> Option<&'static str> {
    None
}

/// Whether this process has the bug: never.
#[must_use]
#[inline(always)]
pub const fn is(_: Mutant) -> bool {
    false
}

/// The bug this process has: none.
///
/// # Errors
/// None.
pub const fn active() -> Result<Option<Mutant>, UnknownMutant> {
    Ok(None)
}

/// Stands where a planted bug would read this machine's clock.
#[must_use]
#[inline(always)]
pub const fn local_millis() -> u64 {
    0
}
