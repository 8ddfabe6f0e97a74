//! Look-ups derived from the znodes of work queues.

use crate::ids::ZnodePath;
use crate::path;
use crate::queue::{Part, Place};
use crate::state::{Index, State};

/// Adds to `index` everything that the znodes of work queues imply.
pub(super) fn rebuild(state: &State, index: &mut Index) {
    let Ok(top) = ZnodePath::parse(path::QUEUES) else {
        return;
    };
    for (path, _) in state.within(&top) {
        let is_free = |place: Place<'_>| {
            let taken = place.sibling(Part::Taken);
            place.part == Part::Entries
                && taken.is_some_and(|path| !state.znodes.contains_key(&path))
        };
        if Place::of(path).is_some_and(is_free) {
            index.free_items.insert(path.clone());
        }
    }
}
