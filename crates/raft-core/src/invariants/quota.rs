//! I-12, as far as it is not a comparison of the index with one made anew.

use crate::invariants::same;
use crate::state::State;

pub(super) fn check(state: &State) -> Result<(), String> {
    for (path, quota) in &state.index.quotas {
        same(
            "I-12: path of a quota",
            &path.as_ref(),
            &quota.path.as_str(),
        )?;
        if let Some(stats) = state.znodes.get(&quota.stats) {
            let what = format!("I-12: usage shown for {path}");
            same(&what, &stats.data, &Some(quota.usage.text()))?;
        }
    }
    Ok(())
}
