//! Many objects: a little for each first, more for those that need it, and the first violation ends it.

use std::time::Instant;

use super::{Answer, Budget, Exhausted, Model, Op, search};
use crate::verdict::Limits;

/// Steps of the first round beside those for the operations themselves.
const STEPS_FIRST: u64 = 10_000;
/// Steps of the first round for each operation.
const STEPS_PER_OP: u64 = 4;
/// By how much more each round may spend than the one before.
const STEPS_FACTOR: u64 = 16;

/// The history of one object.
#[derive(Debug)]
pub struct Part<M: Model> {
    /// Name of the object.
    pub name: String,
    /// What it does.
    pub model: M,
    /// What was done to it, but not what certainly failed.
    pub ops: Vec<Op<M>>,
}

/// What came of all of them.
#[derive(Debug)]
pub enum Judged<'a, M: Model> {
    /// Every object has an order.
    Linearizable,
    /// This one has none; others may not have been looked at to the end.
    Violation {
        /// The object.
        part: &'a Part<M>,
        /// Longest beginning of an order.
        longest: Vec<usize>,
        /// What cannot follow it.
        stuck: Vec<usize>,
    },
    /// Of these nobody can say; the others have an order.
    Unknown(Vec<(&'a str, Exhausted)>),
}

/// Searches an order for every object; `time_max` is for all of them together. Also says how many
/// steps it took.
#[must_use]
pub fn check_parts<'a, M: Model>(parts: &'a [Part<M>], limits: &Limits) -> (Judged<'a, M>, u64) {
    let deadline = Instant::now().checked_add(limits.time_max);
    let mut pending: Vec<&Part<M>> = parts.iter().collect();
    let mut unknown = Vec::new();
    let (mut factor, mut steps) = (1_u64, 0_u64);
    while !pending.is_empty() {
        let mut next = Vec::new();
        for part in pending {
            let first = STEPS_FIRST + STEPS_PER_OP * part.ops.len() as u64;
            let budget = Budget {
                steps: first.saturating_mul(factor),
                deadline,
                memory_bytes: limits.memory_bytes_max,
            };
            let (answer, spent) = search(&part.model, &part.ops, &budget);
            steps += spent;
            match answer {
                Answer::Linearizable => {}
                Answer::Unknown(Exhausted::Steps) => next.push(part),
                Answer::Unknown(why) => unknown.push((part.name.as_str(), why)),
                Answer::Violation { longest, stuck } => {
                    return (
                        Judged::Violation {
                            part,
                            longest,
                            stuck,
                        },
                        steps,
                    );
                }
            }
        }
        pending = next;
        factor = factor.saturating_mul(STEPS_FACTOR);
    }
    let judged = if unknown.is_empty() {
        Judged::Linearizable
    } else {
        Judged::Unknown(unknown)
    };
    (judged, steps)
}
