//! From the operations of a history to those of the search.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asked, Came, Input, Output, Register, RegisterCall, RegisterCalls, UNSEEN, ValueId};
use crate::wgl::{Op, Part};

/// One part per register. Left out: what certainly failed, reads without an answer, and reads that
/// asked for less than linearizability.
#[must_use]
pub fn parts(registers: &BTreeMap<String, RegisterCalls<'_>>) -> Vec<Part<Register>> {
    let part = |(name, register): (&String, &RegisterCalls<'_>)| {
        let calls: Vec<_> = register
            .calls
            .iter()
            .filter(|call| call.is_linearizable())
            .collect();
        let versions = calls.iter().any(|call| call.version.is_some());
        let seen = Seen::of(&calls);
        let mut ops: Vec<_> = calls
            .iter()
            .filter_map(|call| op(call, versions, &seen))
            .collect();
        // What nobody saw and nothing could notice need not be placed anywhere.
        let noticed = versions || calls.iter().any(|call| call.came == Came::Refused);
        ops.retain(|op| noticed || op.ret.is_some() || !puts_unseen(op.input));
        Part {
            name: name.clone(),
            model: Register { versions },
            ops,
        }
    };
    registers.iter().map(part).collect()
}

/// What is known of the values of one register.
struct Seen {
    /// Values that were read, or named as the old one.
    named: BTreeSet<ValueId>,
    /// Versions with which a value was read.
    versions: BTreeMap<ValueId, BTreeSet<u64>>,
    /// How many operations put it there.
    puts: BTreeMap<ValueId, usize>,
}

impl Seen {
    fn of(calls: &[&RegisterCall<'_>]) -> Seen {
        let mut seen = Seen {
            named: BTreeSet::new(),
            versions: BTreeMap::new(),
            puts: BTreeMap::new(),
        };
        for call in calls {
            if let Asked::Cas { old: Some(old), .. } = call.asked {
                seen.named.insert(old);
            }
            if let Some(value) = call.saw {
                seen.named.insert(value);
                if let Some(version) = call.version {
                    seen.versions.entry(value).or_default().insert(version);
                }
            }
            if let Some(value) = call.puts().filter(|_| call.came != Came::Failed) {
                *seen.puts.entry(value).or_default() += 1;
            }
        }
        seen
    }

    /// Nobody saw it: which value an unknown write put there does not matter then, and unknown
    /// writes become the same to the search.
    fn blur(&self, value: ValueId) -> ValueId {
        if self.named.contains(&value) {
            value
        } else {
            UNSEEN
        }
    }

    /// The version that an unknown write of this value must have made, if it happened: the value is
    /// of no other write and was seen with one version only.
    fn version(&self, value: ValueId) -> Option<u64> {
        let versions = self
            .versions
            .get(&value)
            .filter(|versions| versions.len() == 1)?;
        let only = self.puts.get(&value) == Some(&1);
        versions.first().copied().filter(|_| only)
    }
}

fn puts_unseen(input: Input) -> bool {
    matches!(input, Input::Write(UNSEEN) | Input::Cas { new: UNSEEN, .. })
}

fn op(call: &RegisterCall<'_>, versions: bool, seen: &Seen) -> Option<Op<Register>> {
    let unknown = call.came == Came::Unknown;
    let named = |value| if unknown { seen.blur(value) } else { value };
    let input = match call.asked {
        Asked::Read => Input::Read,
        Asked::Write(value) => Input::Write(named(value)),
        Asked::Cas { old, expect, new } => Input::Cas {
            old,
            expect,
            new: named(new),
        },
    };
    let output = match (call.came, call.saw) {
        (Came::Failed, _) => return None,
        (Came::Refused, _) => Some(Output::Refused),
        (Came::Done, Some(value)) => Some(Output::Saw {
            value,
            version: call.version,
        }),
        (Came::Done, None) => Some(Output::Wrote {
            version: call.version,
        }),
        (Came::Unknown, _) => {
            let version = seen.version(call.puts()?).filter(|_| versions);
            version.map(|version| Output::Wrote {
                version: Some(version),
            })
        }
    };
    Some(Op {
        input,
        output,
        call: call.start(),
        ret: call.end(),
        event: call.call.invoke.index,
    })
}
