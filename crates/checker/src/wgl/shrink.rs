//! Cuts a violation to its core, by cuts that cannot make a violation of what was none.

use std::time::{Duration, Instant};

use super::{Answer, Budget, Model, Op, search};

/// Steps of one trial.
const STEPS_MAX: u64 = 2_000_000;

/// The core of a violation. Positions are those in the history that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// The operations that are left.
    pub ops: Vec<usize>,
    /// The longest beginning of an order of these.
    pub longest: Vec<usize>,
    /// What cannot follow it.
    pub stuck: Vec<usize>,
}

struct Trial<M: Model> {
    at: Vec<usize>,
    ops: Vec<Op<M>>,
    core: Core,
}

/// Cuts the history off as early as it is still a violation, then drops the groups of operations
/// which the model says can be dropped, as long as it still is one. `None` if no trial came to a
/// result in time.
#[must_use]
pub fn shrink<M: Model>(model: &M, ops: &[Op<M>], time_max: Duration) -> Option<Core> {
    let shrinker = Shrinker {
        model,
        deadline: Instant::now().checked_add(time_max),
    };
    let mut best = shrinker.cut_end(ops)?;
    let mut chunk = usize::MAX;
    while chunk > 0 {
        let groups = model.groups(&best.ops);
        chunk = chunk.min(groups.len());
        let before = best.ops.len();
        best = shrinker.drop_groups(best, &groups, chunk);
        if best.ops.len() == before || chunk > 1 {
            chunk /= 2;
        }
    }
    Some(best.core)
}

struct Shrinker<'a, M: Model> {
    model: &'a M,
    deadline: Option<Instant>,
}

impl<M: Model> Shrinker<'_, M> {
    /// The history as it was at the earliest moment at which it was a violation: what had not ended
    /// by then is of unknown outcome, what had not begun is not there.
    fn cut_end(&self, ops: &[Op<M>]) -> Option<Trial<M>> {
        let all: Vec<usize> = (0..ops.len()).collect();
        let mut ends: Vec<u64> = ops.iter().filter_map(|op| op.ret).collect();
        ends.sort_unstable();
        ends.dedup();
        let mut best = self.violates(all, ops.to_vec());
        let (mut low, mut high) = (0, ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let end = ends.get(middle).copied()?;
            let at: Vec<usize> = ops
                .iter()
                .enumerate()
                .filter(|(_, op)| op.call <= end)
                .map(|(at, _)| at)
                .collect();
            match self.violates(
                at.clone(),
                at.iter().filter_map(|at| cut(ops, *at, end)).collect(),
            ) {
                Some(trial) => {
                    best = Some(trial);
                    high = middle;
                }
                None => low = middle + 1,
            }
        }
        best
    }

    fn drop_groups(&self, mut best: Trial<M>, groups: &[Vec<usize>], chunk: usize) -> Trial<M> {
        // Groups name positions in the history before the first drop: follow them by event.
        let events: Vec<Vec<u64>> = groups
            .iter()
            .map(|group| {
                group
                    .iter()
                    .filter_map(|at| best.ops.get(*at))
                    .map(|op| op.event)
                    .collect()
            })
            .collect();
        for dropped in events.chunks(chunk.max(1)) {
            let keeps = |op: &Op<M>| !dropped.iter().any(|group| group.contains(&op.event));
            let kept: Vec<(usize, Op<M>)> = (best.at.iter().copied().zip(best.ops.iter().cloned()))
                .filter(|(_, op)| keeps(op))
                .collect();
            if kept.len() < best.ops.len() {
                let (at, ops) = kept.into_iter().unzip();
                best = self.violates(at, ops).unwrap_or(best);
            }
        }
        best
    }

    fn violates(&self, at: Vec<usize>, ops: Vec<Op<M>>) -> Option<Trial<M>> {
        let budget = Budget {
            steps: STEPS_MAX,
            deadline: self.deadline,
            memory_bytes: usize::MAX,
        };
        let (answer, _) = search(self.model, &ops, &budget);
        let Answer::Violation { longest, stuck } = answer else {
            return None;
        };
        let name = |found: Vec<usize>| found.iter().filter_map(|i| at.get(*i).copied()).collect();
        let core = Core {
            ops: at.clone(),
            longest: name(longest),
            stuck: name(stuck),
        };
        Some(Trial { at, ops, core })
    }
}

/// The operation as it looked at that moment.
fn cut<M: Model>(ops: &[Op<M>], at: usize, end: u64) -> Option<Op<M>> {
    let mut op = ops.get(at)?.clone();
    op.ret = op.ret.filter(|ret| *ret <= end);
    Some(op)
}
