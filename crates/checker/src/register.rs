//! Registers: what their operations say, read once for all checkers that judge them.

mod model;
mod parts;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Call, History, Outcome};

pub use model::{Input, Output, Register, State};
pub use parts::parts;

/// Numbers for the values of a register, so that comparing them is cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(u32);

/// The register does not exist.
pub const ABSENT: ValueId = ValueId(0);
/// Some value that nobody ever saw or named as the old one: which, does not matter.
pub const UNSEEN: ValueId = ValueId(1);

/// What was asked of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Its value.
    Read,
    /// To take a value.
    Write(ValueId),
    /// To take a value if it is as expected.
    Cas {
        /// Value it must have, if named.
        old: Option<ValueId>,
        /// Version it must have, if named.
        expect: Option<u64>,
        /// Value to take.
        new: ValueId,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It happened.
    Done,
    /// A compare-and-set was refused since the register was not as expected: that is an answer too.
    Refused,
    /// Nobody knows.
    Unknown,
    /// It certainly did not happen.
    Failed,
}

/// One operation on a register.
#[derive(Clone, Debug)]
pub struct RegisterCall<'a> {
    /// Its events.
    pub call: Call<'a>,
    /// What was asked.
    pub asked: Asked,
    /// What came of it.
    pub came: Came,
    /// Value read, of a read that was answered.
    pub saw: Option<ValueId>,
    /// Version read or written, if the answer names it.
    pub version: Option<u64>,
    /// Position of the answer.
    pub zxid: Option<u64>,
}

impl RegisterCall<'_> {
    /// When it began.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.call.invoke.time
    }

    /// When it ended; `None` if its outcome is not known.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        match self.came {
            Came::Unknown => None,
            Came::Done | Came::Refused | Came::Failed => Some(self.call.complete?.time),
        }
    }

    /// Whether it reads with the strongest consistency, or is no read.
    #[must_use]
    pub fn is_linearizable(&self) -> bool {
        self.consistency() == "linearizable"
    }

    /// The consistency that was asked for.
    #[must_use]
    pub fn consistency(&self) -> &str {
        self.call
            .invoke
            .text("consistency")
            .unwrap_or("linearizable")
    }

    /// Whether it would change the register.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.asked != Asked::Read
    }

    /// Value it puts there.
    #[must_use]
    pub fn puts(&self) -> Option<ValueId> {
        match self.asked {
            Asked::Read => None,
            Asked::Write(value) | Asked::Cas { new: value, .. } => Some(value),
        }
    }

    /// Indices of its events.
    #[must_use]
    pub fn events(&self) -> Vec<u64> {
        let complete = self.call.complete.map(|event| event.index);
        [Some(self.call.invoke.index), complete]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// All operations on one register, in order of their beginning.
#[derive(Debug, Default)]
pub struct RegisterCalls<'a> {
    /// The operations.
    pub calls: Vec<RegisterCall<'a>>,
    /// Values by their number.
    pub values: Vec<Value>,
    ids: BTreeMap<String, ValueId>,
    /// Operations that nobody can read.
    pub unreadable: Vec<u64>,
}

impl RegisterCalls<'_> {
    /// The value, for people.
    #[must_use]
    pub fn show(&self, id: ValueId) -> String {
        match id {
            ABSENT => "absent".to_owned(),
            UNSEEN => "a value that was never seen".to_owned(),
            ValueId(id) => self
                .values
                .get(id as usize)
                .map_or_else(String::new, Value::to_string),
        }
    }

    fn id(&mut self, value: &Value) -> ValueId {
        if value == "absent" {
            return ABSENT;
        }
        if self.values.is_empty() {
            self.values.extend([Value::Null, Value::Null]); // places of ABSENT and UNSEEN
        }
        let next = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        let values = &mut self.values;
        *self.ids.entry(value.to_string()).or_insert_with(|| {
            values.push(value.clone());
            next
        })
    }
}

/// The operations on registers, by register.
#[must_use]
pub fn registers(history: &History) -> BTreeMap<String, RegisterCalls<'_>> {
    let mut registers: BTreeMap<String, RegisterCalls<'_>> = BTreeMap::new();
    for call in history.calls() {
        if !matches!(call.invoke.f.as_str(), "read" | "write" | "cas") {
            continue;
        }
        let register = registers
            .entry(call.invoke.key.clone().unwrap_or_default())
            .or_default();
        match register_call(register, call) {
            Some(read) => register.calls.push(read),
            None => register.unreadable.push(call.invoke.index),
        }
    }
    registers
}

fn register_call<'a>(register: &mut RegisterCalls<'_>, call: Call<'a>) -> Option<RegisterCall<'a>> {
    let asked = match call.invoke.f.as_str() {
        "read" => Asked::Read,
        "write" => Asked::Write(register.id(&call.invoke.value)),
        _ => {
            let value = call.invoke.value.as_object()?;
            let old = value.get("old").filter(|old| !old.is_null());
            Asked::Cas {
                old: old.map(|old| register.id(old)),
                expect: call.invoke.number("expect"),
                new: register.id(value.get("new")?),
            }
        }
    };
    let came = came(&call);
    let answer = call.complete.filter(|_| came == Came::Done);
    let saw = match (asked, answer) {
        (Asked::Read, Some(event)) => Some(register.id(&event.value)),
        _ => None,
    };
    Some(RegisterCall {
        call,
        asked,
        came,
        saw,
        version: answer.and_then(|event| event.number("version")),
        zxid: answer.and_then(|event| event.number("zxid")),
    })
}

fn came(call: &Call<'_>) -> Came {
    match call.outcome() {
        Outcome::Ok => Came::Done,
        Outcome::Info | Outcome::Invoke => Came::Unknown,
        Outcome::Fail => {
            let fail = call.complete;
            let mismatch = fail.and_then(|event| event.text("error")) == Some("version_mismatch");
            // A repeated one may have been refused because its first attempt was done.
            let once = fail.and_then(|event| event.number("attempts")).unwrap_or(1) == 1;
            if call.invoke.f == "cas" && mismatch && once {
                Came::Refused
            } else {
                Came::Failed
            }
        }
    }
}
