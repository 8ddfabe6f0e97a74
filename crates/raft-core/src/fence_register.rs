//! Fence registers: the highest fence that a resource outside Holdfast was shown.
//!
//! Whoever writes to such a resource shows its fence here first, and does not write when a higher one
//! was shown before. A register is no znode: it has no access list, counts for no quota and belongs to
//! no session. It stays until somebody forgets it.

use serde::{Deserialize, Serialize};

use crate::command::Moment;
use crate::ids::Fence;

/// What is kept of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceRegister {
    /// The highest fence that was ever shown for it, since it was last forgotten.
    pub highest: Fence,
    /// When that fence was shown first.
    pub moved: Moment,
}
