//! The versions of one register, and who made and saw them.

use std::collections::BTreeMap;

use crate::register::{ABSENT, Asked, Came, RegisterCall, RegisterCalls, ValueId};

/// What one register's operations say of its versions.
pub(crate) struct Table<'a> {
    pub(crate) register: &'a RegisterCalls<'a>,
    /// Acknowledged writes and linearizable reads with their version; -1 is absence.
    pub(crate) seen: Vec<(i64, &'a RegisterCall<'a>)>,
    /// Of those the writes, by version; where there are several, the first.
    pub(crate) writes: BTreeMap<i64, &'a RegisterCall<'a>>,
    /// Writes of unknown outcome, by their beginning.
    pub(crate) unknown: Vec<&'a RegisterCall<'a>>,
    /// Answered operations that name no version.
    pub(crate) without: u64,
}

/// The version an answered operation saw or made.
pub(crate) fn version_of(call: &RegisterCall<'_>) -> Option<i64> {
    if call.came != Came::Done {
        return None;
    }
    if call.saw == Some(ABSENT) {
        return Some(-1);
    }
    call.version.and_then(|version| i64::try_from(version).ok())
}

impl<'a> Table<'a> {
    pub(crate) fn of(register: &'a RegisterCalls<'a>) -> Table<'a> {
        let mut table = Table {
            register,
            seen: Vec::new(),
            writes: BTreeMap::new(),
            unknown: Vec::new(),
            without: 0,
        };
        for call in register.calls.iter().filter(|call| call.is_linearizable()) {
            match (call.came, version_of(call)) {
                (Came::Done, Some(version)) => {
                    table.seen.push((version, call));
                    if call.writes() {
                        table.writes.entry(version).or_insert(call);
                    }
                }
                (Came::Done, None) => table.without += 1,
                (Came::Unknown, _) if call.writes() => table.unknown.push(call),
                (Came::Unknown | Came::Refused | Came::Failed, _) => {}
            }
        }
        table
    }

    /// Acknowledged writes that name no version: they may have made any.
    pub(crate) fn writes_without(&self) -> usize {
        let nameless = |call: &&RegisterCall<'_>| {
            call.writes() && call.came == Came::Done && call.version.is_none()
        };
        self.register.calls.iter().filter(nameless).count()
    }

    /// The value that an operation saw or put there.
    pub(crate) fn value(call: &RegisterCall<'_>) -> Option<ValueId> {
        match call.asked {
            Asked::Read => call.saw,
            Asked::Write(value) | Asked::Cas { new: value, .. } => Some(value),
        }
    }
}
