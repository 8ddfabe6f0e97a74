//! The search itself: forward while something fits, back when nothing does.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::bits::{Bits, FastBuild};
use super::{Budget, Exhausted, Model, Op};

/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u64 = 2048;
/// What an entry of a hash table costs beside itself, at its usual load.
const ENTRY_OVERHEAD_BYTES: usize = 24;

/// Why the search stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Placed,
    Impossible,
    Exhausted(Exhausted),
}

/// An operation to place next: a determinate one, or one of unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pick {
    /// Nothing yet: operations that only observe are looked for first.
    Start,
    Settled(usize),
    Open(usize),
}

/// A step that was taken, and what is needed to take it back.
struct Frame {
    pick: Pick,
    state: u32,
    first: usize,
    top: usize,
    /// There is no other choice worth trying here.
    forced: bool,
}

/// A place in the search.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    first: u32,
    state: u32,
    near: [u64; 2],
    open: u64,
    /// What does not fit above; empty as a rule.
    far: Box<[u64]>,
}

pub(super) struct Search<'a, M: Model> {
    model: &'a M,
    /// Determinate operations by their beginning, with their position in the input.
    settled: Vec<(usize, &'a Op<M>, u64)>,
    /// Operations of unknown outcome by their beginning.
    open: Vec<(usize, &'a Op<M>)>,
    /// Of an operation of unknown outcome, the one before it that asks for the same.
    twins: Vec<Option<usize>>,
    done: Bits,
    used: Bits,
    /// First determinate operation not placed.
    first: usize,
    /// Last determinate operation placed.
    top: usize,
    placed: usize,
    furthest: usize,
    state: u32,
    states: Vec<M::State>,
    ids: HashMap<M::State, u32, FastBuild>,
    seen: HashSet<Place, FastBuild>,
    seen_bytes: usize,
    frames: Vec<Frame>,
    steps: u64,
}

impl<'a, M: Model> Search<'a, M> {
    pub(super) fn new(model: &'a M, ops: &'a [Op<M>]) -> Search<'a, M> {
        let all = || ops.iter().enumerate();
        let mut settled: Vec<_> = all()
            .filter_map(|(at, op)| op.ret.map(|ret| (at, op, ret)))
            .collect();
        settled.sort_by_key(|(_, op, ret)| (op.call, *ret));
        let mut open: Vec<_> = all().filter(|(_, op)| op.ret.is_none()).collect();
        open.sort_by_key(|(_, op)| op.call);
        let initial = model.initial();
        Search {
            model,
            twins: twins(&open),
            done: Bits::new(settled.len()),
            used: Bits::new(open.len()),
            settled,
            open,
            first: 0,
            top: 0,
            placed: 0,
            furthest: 0,
            state: 0,
            ids: [(initial.clone(), 0)].into_iter().collect(),
            states: vec![initial],
            seen: HashSet::default(),
            seen_bytes: 0,
            frames: Vec::new(),
            steps: 0,
        }
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The greatest number of determinate operations that were placed at once.
    pub(super) fn furthest(&self) -> usize {
        self.furthest
    }

    /// Goes on until there is an order, or none, or nothing left to spend; or until `goal`
    /// determinate operations are placed and nothing more fits.
    pub(super) fn run(&mut self, budget: &Budget, goal: Option<usize>) -> Stop {
        let mut from = Pick::Start;
        while self.placed < self.settled.len() {
            self.steps += 1;
            if let Some(why) = self.spent(budget) {
                return Stop::Exhausted(why);
            }
            if self.forward(from) {
                from = Pick::Start;
                continue;
            }
            if goal.is_some_and(|goal| self.placed >= goal) {
                return Stop::Impossible;
            }
            match self.back() {
                Some(next) => from = next,
                None => return Stop::Impossible,
            }
        }
        Stop::Placed
    }

    /// The operations placed, in their order, by position in the input.
    pub(super) fn placed(&self) -> Vec<usize> {
        let position = |frame: &Frame| match frame.pick {
            Pick::Start => None,
            Pick::Settled(at) => self.settled.get(at).map(|(at, ..)| *at),
            Pick::Open(at) => self.open.get(at).map(|(at, _)| *at),
        };
        self.frames.iter().filter_map(position).collect()
    }

    /// The determinate operations that may come next as far as time goes.
    pub(super) fn next_in_line(&self) -> Vec<usize> {
        let line = self.line(0);
        line.iter()
            .filter_map(|at| self.settled.get(*at).map(|(at, ..)| *at))
            .collect()
    }

    fn spent(&self, budget: &Budget) -> Option<Exhausted> {
        if self.steps > budget.steps {
            return Some(Exhausted::Steps);
        }
        if self.steps.is_multiple_of(STEPS_PER_LOOK) {
            if budget
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                return Some(Exhausted::Time);
            }
            let states = self.states.len() * (2 * size_of::<M::State>() + ENTRY_OVERHEAD_BYTES);
            if self.seen_bytes + states > budget.memory_bytes {
                return Some(Exhausted::Memory);
            }
        }
        None
    }

    /// Determinate operations that may come next, from a position on: those that began before any
    /// other that is not placed ended.
    fn line(&self, from: usize) -> Vec<usize> {
        let mut line = Vec::new();
        self.each_in_line(|at, _| {
            if at >= from {
                line.push(at);
            }
            false
        });
        line
    }

    /// Calls `visit` with each of them until it says that it is enough.
    fn each_in_line(&self, mut visit: impl FnMut(usize, &'a Op<M>) -> bool) {
        let mut end = u64::MAX;
        let mut at = self.first;
        while let Some((_, op, ret)) = self.settled.get(at) {
            if op.call > end || visit(at, op) {
                return;
            }
            end = end.min(*ret);
            at = self.done.next_clear(at + 1);
        }
    }

    /// When the first of the determinate operations not placed ends.
    fn end(&self) -> u64 {
        let mut end = u64::MAX;
        self.each_in_line(|at, _| {
            end = end.min(self.settled.get(at).map_or(u64::MAX, |(_, _, ret)| *ret));
            false
        });
        end
    }

    /// Places one more operation; `false` if none fits that was not tried.
    fn forward(&mut self, from: Pick) -> bool {
        if from == Pick::Start && self.place_observer() {
            return true;
        }
        self.place_settled(from) || self.place_open(from)
    }

    /// Places an operation that only observes, and fits.
    fn place_observer(&mut self) -> bool {
        let Some(state) = self.states.get(self.state as usize) else {
            return false;
        };
        let mut found = None;
        self.each_in_line(|at, op| {
            let output = op.output.as_ref();
            if self.model.only_observes(&op.input, output)
                && self.model.step(state, &op.input, output).is_some()
            {
                found = Some(at);
            }
            found.is_some()
        });
        let Some(at) = found else { return false };
        self.enter(Pick::Settled(at), self.state, true);
        true
    }

    fn place_settled(&mut self, from: Pick) -> bool {
        let from = match from {
            Pick::Start => 0,
            Pick::Settled(at) => at,
            Pick::Open(_) => return false,
        };
        for at in self.line(from) {
            let Some((_, op, _)) = self.settled.get(at) else {
                continue;
            };
            if self.try_enter(Pick::Settled(at), op) {
                return true;
            }
        }
        false
    }

    fn place_open(&mut self, from: Pick) -> bool {
        if self.open.is_empty() {
            return false;
        }
        let end = self.end();
        let mut at = match from {
            Pick::Open(at) => self.used.next_clear(at),
            Pick::Start | Pick::Settled(_) => self.used.next_clear(0),
        };
        while let Some((_, op)) = self.open.get(at).copied() {
            if op.call > end {
                return false;
            }
            let twin = self.twins.get(at).copied().flatten();
            let its_turn = twin.is_none_or(|twin| self.used.has(twin));
            if its_turn && self.try_enter(Pick::Open(at), op) {
                return true;
            }
            at = self.used.next_clear(at + 1);
        }
        false
    }

    /// Takes the step if it is possible, and leads to a place where the search was not before.
    fn try_enter(&mut self, pick: Pick, op: &Op<M>) -> bool {
        let Some(state) = self.states.get(self.state as usize) else {
            return false;
        };
        let Some(after) = self.model.step(state, &op.input, op.output.as_ref()) else {
            return false;
        };
        if matches!(pick, Pick::Open(_)) && after == *state {
            return false; // as good as if it had never happened
        }
        let after = self.intern(after);
        self.enter(pick, after, false);
        let place = self.place();
        let bytes = size_of::<Place>() + ENTRY_OVERHEAD_BYTES + size_of_val(&*place.far);
        if self.seen.insert(place) {
            self.seen_bytes += bytes;
            return true;
        }
        self.leave();
        false
    }

    fn enter(&mut self, pick: Pick, state: u32, forced: bool) {
        self.frames.push(Frame {
            pick,
            state: self.state,
            first: self.first,
            top: self.top,
            forced,
        });
        self.state = state;
        match pick {
            Pick::Start => {}
            Pick::Settled(at) => {
                self.done.set(at);
                self.first = self.done.next_clear(self.first);
                self.top = self.top.max(at);
                self.placed += 1;
                self.furthest = self.furthest.max(self.placed);
            }
            Pick::Open(at) => self.used.set(at),
        }
    }

    /// Takes the last step back.
    fn leave(&mut self) -> Option<Frame> {
        let frame = self.frames.pop()?;
        match frame.pick {
            Pick::Start => {}
            Pick::Settled(at) => {
                self.done.clear(at);
                self.placed -= 1;
            }
            Pick::Open(at) => self.used.clear(at),
        }
        self.state = frame.state;
        self.first = frame.first;
        self.top = frame.top;
        Some(frame)
    }

    /// Takes steps back up to one that had another choice; says where to go on there.
    fn back(&mut self) -> Option<Pick> {
        loop {
            let frame = self.leave()?;
            if !frame.forced {
                return Some(match frame.pick {
                    Pick::Start => Pick::Start,
                    Pick::Settled(at) => Pick::Settled(at + 1),
                    Pick::Open(at) => Pick::Open(at + 1),
                });
            }
        }
    }

    fn intern(&mut self, state: M::State) -> u32 {
        if let Some(id) = self.ids.get(&state) {
            return *id;
        }
        let id = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        self.ids.insert(state.clone(), id);
        self.states.push(state);
        id
    }

    fn place(&self) -> Place {
        let word = self.first / 64;
        let window = self.done.words(word + 2, self.top / 64);
        let open = self.used.trimmed();
        let far = if window.is_empty() && open.len() <= 1 {
            Box::default()
        } else {
            let len = [window.len() as u64];
            let rest = open.get(1..).unwrap_or(&[]);
            [&len, window, rest].concat().into_boxed_slice()
        };
        Place {
            first: u32::try_from(self.first).unwrap_or(u32::MAX),
            state: self.state,
            near: [self.done.word(word), self.done.word(word + 1)],
            open: self.used.word(0),
            far,
        }
    }
}

/// Of each, the one before it that asks for the same.
fn twins<M: Model>(open: &[(usize, &Op<M>)]) -> Vec<Option<usize>> {
    let mut last = HashMap::new();
    let twin = |(at, (_, op)): (usize, &(usize, &Op<M>))| {
        last.insert((op.input.clone(), op.output.clone()), at)
    };
    open.iter().enumerate().map(twin).collect()
}
