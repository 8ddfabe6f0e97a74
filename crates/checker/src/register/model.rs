//! What a register does: a value and a version that grows by one with each write.

use std::collections::BTreeMap;

use super::{ABSENT, UNSEEN, ValueId};
use crate::wgl::{Model, Op};

/// A register, absent at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Register {
    /// Whether the history names versions. Without them they are not part of the state, which lets
    /// the search remember far more places as the same.
    pub versions: bool,
}

/// State of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Its value.
    pub value: ValueId,
    /// Its version; 0 where versions are not followed.
    pub version: u64,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Its value.
    Read,
    /// To take this value.
    Write(ValueId),
    /// To take a value if it is as expected.
    Cas {
        /// Value it must have.
        old: Option<ValueId>,
        /// Version it must have.
        expect: Option<u64>,
        /// Value to take.
        new: ValueId,
    },
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// A read saw this.
    Saw {
        /// The value.
        value: ValueId,
        /// Its version, if named.
        version: Option<u64>,
    },
    /// A write was done.
    Wrote {
        /// Version it made, if named.
        version: Option<u64>,
    },
    /// The register was not as expected.
    Refused,
}

impl Register {
    fn written(self, state: State, value: ValueId, output: Option<&Output>) -> Option<State> {
        let version = if self.versions && state.value != ABSENT {
            state.version + 1
        } else {
            0
        };
        let fits = match output {
            None | Some(Output::Wrote { version: None }) => true,
            Some(Output::Wrote {
                version: Some(named),
            }) => !self.versions || *named == version,
            Some(Output::Saw { .. } | Output::Refused) => false,
        };
        fits.then_some(State { value, version })
    }

    /// Whether a register in this state is as expected.
    fn expected(self, state: State, old: Option<ValueId>, expect: Option<u64>) -> Expected {
        if old == Some(ABSENT) {
            let absent = state.value == ABSENT;
            return Expected {
                surely: absent,
                perhaps: absent,
            };
        }
        let present = state.value != ABSENT;
        let version = expect
            .filter(|_| self.versions)
            .is_none_or(|e| e == state.version);
        let value = old.is_none_or(|old| old == state.value);
        // The service compares versions; that the value fits as well, follows from the reads.
        let compared = if self.versions && expect.is_some() {
            version
        } else {
            value
        };
        Expected {
            surely: present && version && value,
            perhaps: present && compared,
        }
    }
}

struct Expected {
    /// It can have been done.
    surely: bool,
    /// It cannot have been refused.
    perhaps: bool,
}

impl Model for Register {
    type State = State;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> State {
        State {
            value: ABSENT,
            version: 0,
        }
    }

    fn step(&self, state: &State, input: &Input, output: Option<&Output>) -> Option<State> {
        match *input {
            Input::Read => {
                let Some(Output::Saw { value, version }) = output else {
                    return output.is_none().then_some(*state);
                };
                let versions = self.versions && *value != ABSENT;
                let fits = version
                    .filter(|_| versions)
                    .is_none_or(|v| v == state.version);
                (fits && *value == state.value).then_some(*state)
            }
            Input::Write(value) => self.written(*state, value, output),
            Input::Cas { old, expect, new } => {
                let expected = self.expected(*state, old, expect);
                if output == Some(&Output::Refused) {
                    return (!expected.perhaps).then_some(*state);
                }
                expected
                    .surely
                    .then(|| self.written(*state, new, output))
                    .flatten()
            }
        }
    }

    fn only_observes(&self, input: &Input, output: Option<&Output>) -> bool {
        matches!(
            (input, output),
            (Input::Read, _) | (_, Some(Output::Refused))
        )
    }

    fn groups(&self, ops: &[Op<Register>]) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut values: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
        let mut chained = Vec::new();
        for (at, op) in ops.iter().enumerate() {
            match (op.input, op.output) {
                (Input::Read, Some(Output::Saw { value, .. })) => {
                    groups.push(vec![at]);
                    values.entry(value).or_default().push(at);
                }
                (Input::Read, _) | (Input::Cas { .. }, Some(Output::Refused)) => {
                    groups.push(vec![at]);
                }
                (Input::Write(value), _) => values.entry(value).or_default().push(at),
                (Input::Cas { old, new, .. }, _) => chained.extend([old, Some(new)]),
            }
        }
        if !self.versions {
            // A value goes with its writes and all that saw it; not where a compare-and-set hangs on
            // it, and not where dropping it could turn a refusal around.
            let refusals = ops.iter().any(|op| op.output == Some(Output::Refused));
            values.retain(|value, _| {
                !refusals && !chained.contains(&Some(*value)) && ![ABSENT, UNSEEN].contains(value)
            });
            groups.extend(values.into_values());
        }
        groups
    }
}
