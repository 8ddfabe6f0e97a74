//! A build with planted bugs. The environment is read here and nowhere else.

use std::sync::OnceLock;

use crate::Mutant;

/// Names the bug.
const VARIABLE: &str = "HOLDFAST_MUTANT";

/// What such a build says of itself.
const MARKER: &str = "this build has planted bugs";

/// [`VARIABLE`] names no bug: the process must not start, since whoever set it would take a healthy run
/// for one with a bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMutant {
    /// What it says.
    pub named: String,
}

impl std::fmt::Display for UnknownMutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{VARIABLE}={:?} is no planted bug, so nothing was started; set it to one of m01 to m30, or \
             unset it",
            self.named
        )
    }
}

impl std::error::Error for UnknownMutant {}

/// What a build with planted bugs says of itself, and what other builds do not contain.
#[must_use]
pub const fn marker() -> Option<&'static str> {
    Some(MARKER)
}

static ACTIVE: OnceLock<Result<Option<Mutant>, UnknownMutant>> = OnceLock::new();

fn read() -> Result<Option<Mutant>, UnknownMutant> {
    let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) else {
        return Ok(None);
    };
    let named = named.to_string_lossy().into_owned();
    match Mutant::by_id(&named) {
        Some(mutant) => Ok(Some(mutant)),
        None => Err(UnknownMutant { named }),
    }
}

/// The bug this process has, as the environment said when it was asked first.
///
/// # Errors
/// When the environment names a bug that does not exist: do not start.
pub fn active() -> Result<Option<Mutant>, UnknownMutant> {
    ACTIVE.get_or_init(read).clone()
}

/// Whether this process has the bug.
///
/// # Panics
/// When the environment names none that exists, and nobody asked [`active`] before it mattered.
#[must_use]
#[expect(
    clippy::panic,
    reason = "a run whose bug is misspelt proves nothing and must not go on"
)]
pub fn is(mutant: Mutant) -> bool {
    match ACTIVE.get_or_init(read) {
        Ok(active) => *active == Some(mutant),
        Err(unknown) => panic!("{unknown}"),
    }
}

/// Milliseconds since 1970 by this machine's clock, where nothing may look at one.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "going round the seam is the planted bug"
)]
pub fn local_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
