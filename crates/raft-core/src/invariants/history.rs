//! I-10 and I-11 where they concern the histories of locks. Look-ups and deadlines are compared with a
//! rebuild by the parent module.

use crate::history::{History, PastHold};
use crate::ids::{LogTime, Zxid};
use crate::limits;
use crate::state::State;

/// Checks them all.
pub(super) fn check(state: &State) -> Result<(), String> {
    for (lock, history) in state.histories.iter() {
        check_history(state, history).map_err(|why| format!("{why}, in the history of {lock}"))?;
    }
    ensure(
        state.index.past_holds <= limits::HISTORY_MAX,
        "I-11: too many holds are remembered",
    )
}

fn ensure(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

fn check_history(state: &State, history: &History) -> Result<(), String> {
    let remembered = history.remembered() as usize;
    ensure(remembered > 0, "I-11: a record of nothing")?;
    ensure(
        remembered <= limits::HISTORY_PER_LOCK_MAX,
        "I-11: too many holds",
    )?;
    ensure(
        history.count() >= u64::from(history.remembered()),
        "I-4: count of holds",
    )?;
    ensure(history.is_summed(), "I-10: the sum of its holds")?;
    let (mut later, mut last) = (state.clock.zxid, LogTime(0));
    for hold in history.newest_first() {
        check_hold(hold, later).map_err(|why| format!("{why}, at fence {}", hold.fence))?;
        later = hold.ended.zxid;
        last = last.max(hold.ended.log_time);
    }
    ensure(
        history.forget_at >= last.after(limits::HISTORY_MS),
        "I-4: it is forgotten too early",
    )
}

/// `later`: when the next one ended.
fn check_hold(hold: &PastHold, later: Zxid) -> Result<(), String> {
    ensure(hold.ended.zxid <= later, "I-4: holds out of order")?;
    ensure(
        hold.queued.zxid <= hold.granted.zxid && hold.granted.zxid <= hold.ended.zxid,
        "I-1: it ended before it began",
    )?;
    let texts = [&hold.owner, &hold.reason, &hold.end_reason];
    let longest = texts.into_iter().flatten().map(|text| text.len()).max();
    ensure(
        longest.unwrap_or(0) <= limits::HISTORY_TEXT_BYTES_MAX,
        "I-11: a text is too long",
    )
}
