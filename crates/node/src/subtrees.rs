//! Digests of subtrees, so that replicas whose states differ can be compared part by part.
//!
//! The digest of a subtree is the wrapping sum of what each znode in it contributes to the digest of
//! the state: it depends on nothing but path and content of these znodes. It is computed when asked
//! for, by a walk over a clone of the state, which costs apply nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use raft_core::ids::ZnodePath;
use raft_core::state::State;
use raft_core::znode::Znode;
use raft_types::seam::offload;
use tokio_util::sync::CancellationToken;

/// Children looked up at a time: what one level of a walk keeps in memory.
const PAGE: usize = 128;

/// Which subtrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubtreesAsked {
    /// The top.
    pub path: ZnodePath,
    /// Levels below it that are listed; 0: the top alone.
    pub depth: usize,
    /// Subtrees listed at most.
    pub limit: usize,
}

/// One subtree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// Its top.
    pub path: ZnodePath,
    /// Znodes in it, the top among them.
    pub znodes: u64,
    /// Their digest.
    pub digest: u128,
}

/// The digests asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subtrees {
    /// Level by level, in order of path within a level. Those not listed count in those above them.
    pub listed: Vec<Subtree>,
    /// Whether there are more than were to be listed.
    pub truncated: bool,
}

/// The walk was not at its end in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the digests were not computed within {} ms", .waited.as_millis())]
pub struct SubtreesNotInTime {
    /// How long the caller waited.
    pub waited: Duration,
}

/// The digests of the subtrees of `state`, computed off the async workers; `None` when there is no
/// such znode. Visits every znode below the path. Cancel safe: the walk ends with its caller.
///
/// # Errors
/// When it takes longer than `within`.
pub async fn subtrees(
    state: State,
    asked: SubtreesAsked,
    within: Duration,
) -> Result<Option<Subtrees>, SubtreesNotInTime> {
    let given_up = CancellationToken::new();
    let _guard = given_up.clone().drop_guard();
    let walk = offload(move || walked(&state, &asked, &|| given_up.is_cancelled()));
    match tokio::time::timeout(within, walk).await {
        Ok(Ok(Some(found))) => Ok(found),
        // The walk is given up, or its runtime ends.
        Ok(Ok(None) | Err(_)) | Err(_) => Err(SubtreesNotInTime { waited: within }),
    }
}

/// Sum over some znodes.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    znodes: u64,
    digest: u128,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.znodes = self.znodes.saturating_add(other.znodes);
        self.digest = self.digest.wrapping_add(other.digest);
    }
}

/// A znode whose children are being visited.
struct Visit {
    path: ZnodePath,
    sum: Sum,
    /// Children still to visit, the next one last.
    names: Vec<String>,
    /// The last child looked up; `None` when there are no more to look up.
    after: Option<String>,
}

impl Visit {
    fn of(state: &State, path: ZnodePath, znode: &Znode) -> Visit {
        let digest = znode.fingerprint_at(&path);
        let mut visit = Visit {
            path,
            sum: Sum { znodes: 1, digest },
            names: Vec::new(),
            after: None,
        };
        if znode.num_children() > 0 {
            visit.look_up(state);
        }
        visit
    }

    /// The next child.
    fn next(&mut self, state: &State) -> Option<String> {
        if self.names.is_empty() && self.after.is_some() {
            self.look_up(state);
        }
        self.names.pop()
    }

    fn look_up(&mut self, state: &State) {
        let found = state.children(&self.path, self.after.as_deref(), PAGE);
        let found = found.unwrap_or_default();
        let is_full = found.len() == PAGE;
        self.names = found.into_iter().rev().map(|(name, _)| name).collect();
        self.after = self.names.first().cloned().filter(|_| is_full);
    }
}

/// `None` when it was given up; inside, `None` when there is no such znode.
fn walked(
    state: &State,
    asked: &SubtreesAsked,
    is_given_up: &dyn Fn() -> bool,
) -> Option<Option<Subtrees>> {
    let most = asked.limit.saturating_add(1);
    let Some(mut listed) = state.subtree(&asked.path, asked.depth, most) else {
        return Some(None);
    };
    let truncated = listed.len() > asked.limit;
    listed.truncate(asked.limit);
    let mut sums: BTreeMap<ZnodePath, Sum> = listed
        .into_iter()
        .map(|(path, _)| (path, Sum::default()))
        .collect();
    walk(state, asked, &mut |path, sum| {
        if let Some(listed) = sums.get_mut(path) {
            *listed = sum;
        }
        !is_given_up()
    })?;
    // Paths are ordered by depth first: that is level by level.
    let listed = sums.into_iter().map(|(path, sum)| Subtree {
        path,
        znodes: sum.znodes,
        digest: sum.digest,
    });
    Some(Some(Subtrees {
        listed: listed.collect(),
        truncated,
    }))
}

/// Visits every znode of the subtree, children before parents; `done` takes the sum of each subtree
/// and says whether to go on.
fn walk(
    state: &State,
    asked: &SubtreesAsked,
    done: &mut dyn FnMut(&ZnodePath, Sum) -> bool,
) -> Option<()> {
    let top = state.znode(&asked.path)?;
    let mut open = vec![Visit::of(state, asked.path.clone(), top)];
    while let Some(visit) = open.last_mut() {
        let child = visit
            .next(state)
            .and_then(|name| visit.path.child(&name).ok());
        if let Some(path) = child {
            if let Some(znode) = state.znode(&path) {
                open.push(Visit::of(state, path, znode));
            }
            continue;
        }
        let Visit { path, sum, .. } = open.pop()?;
        if !done(&path, sum) {
            return None;
        }
        if let Some(parent) = open.last_mut() {
            parent.sum.add(sum);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
