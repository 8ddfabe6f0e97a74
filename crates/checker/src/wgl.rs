//! Linearizability of any object that a [`Model`] describes, by the search of Wing and Gong with
//! Lowe's memory of where it has been.
//!
//! A history of one object is linearizable if its operations can be put in one order in which each
//! answer is what the model says, and in which an operation that ended before another began comes
//! first. An operation of unknown outcome has a beginning and no end: it may come anywhere after its
//! beginning, or never. One that certainly failed is not given to the search at all. Times that are
//! equal order nothing.
//!
//! Three things keep the search short:
//! - a place in it is remembered as (first operation not yet placed, the few placed beyond it, the
//!   unknown ones used, state), not as a set over the whole history;
//! - an operation that only observes, and fits, is placed at once, with no way back: whatever can
//!   follow without it can follow with it;
//! - of unknown operations that ask for the same, the earliest is used first.
//!
//! Objects are searched apart from each other, all with a small budget of steps first and with a
//! larger one for those that need it, so that one hard object does not hide a plain violation of
//! another.

mod all;
mod bits;
mod search;
mod shrink;

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Instant;

pub use all::{Judged, Part, check_parts};
pub use shrink::{Core, shrink};

use search::{Search, Stop};

/// What an object does, one operation after the other.
pub trait Model {
    /// State of the object.
    type State: Clone + Eq + Hash + Debug;
    /// What is asked of it.
    type Input: Clone + Eq + Hash + Debug;
    /// What it answers.
    type Output: Clone + Eq + Hash + Debug;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// The state after `input` was answered with `output` (`None`: the answer is not known), or
    /// `None` if in this state that cannot be the answer.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;

    /// Whether the operation can never change a state. One that merely would not change this state
    /// does not count: later it may be needed to bring the state back.
    fn only_observes(&self, input: &Self::Input, output: Option<&Self::Output>) -> bool;

    /// Groups of operations, by position, each of which can be dropped without making a history
    /// impossible that was not: operations that only observe, each for itself; a write together
    /// with all that saw it. Used to cut a violation to its core.
    fn groups(&self, ops: &[Op<Self>]) -> Vec<Vec<usize>>
    where
        Self: Sized;
}

/// One operation on the object.
#[derive(Debug)]
pub struct Op<M: Model> {
    /// What was asked.
    pub input: M::Input,
    /// What was answered, as far as it is known.
    pub output: Option<M::Output>,
    /// When it began.
    pub call: u64,
    /// When it ended; `None`: perhaps never, perhaps it never happened.
    pub ret: Option<u64>,
    /// Index of the event with which it began.
    pub event: u64,
}

impl<M: Model> Clone for Op<M> {
    fn clone(&self) -> Self {
        Op {
            input: self.input.clone(),
            output: self.output.clone(),
            ..*self
        }
    }
}

/// How much one search may spend.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Steps.
    pub steps: u64,
    /// Not beyond this.
    pub deadline: Option<Instant>,
    /// Bytes for the memory of where it has been.
    pub memory_bytes: usize,
}

/// Why a search came to no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// Its steps.
    Steps,
    /// Its time.
    Time,
    /// Its memory.
    Memory,
}

/// What a search found. Positions are those of the operations in the slice that was searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is an order.
    Linearizable,
    /// There is none.
    Violation {
        /// The longest beginning of an order that was found.
        longest: Vec<usize>,
        /// Operations of which one has to come next, and cannot.
        stuck: Vec<usize>,
    },
    /// Nobody can say.
    Unknown(Exhausted),
}

/// Searches an order of the operations of one object; also says how many steps it took.
#[must_use]
pub fn search<M: Model>(model: &M, ops: &[Op<M>], budget: &Budget) -> (Answer, u64) {
    let mut first = Search::new(model, ops);
    let stop = first.run(budget, None);
    let steps = first.steps();
    let answer = match stop {
        Stop::Placed => Answer::Linearizable,
        Stop::Exhausted(why) => Answer::Unknown(why),
        Stop::Impossible => {
            // The same search again, up to its furthest point, to see what stands there.
            let mut again = Search::new(model, ops);
            again.run(budget, Some(first.furthest()));
            Answer::Violation {
                longest: again.placed(),
                stuck: again.next_in_line(),
            }
        }
    };
    (answer, steps)
}
