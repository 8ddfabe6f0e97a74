//! applied <= committed <= last, and within one process none of them goes back. Raft paper, figure
//! 2: commitIndex and lastApplied increase monotonically.

use std::collections::BTreeMap;

use raft_core::ids::Zxid;
use raft_types::NodeId;

use super::{Invariant, View};

#[derive(Clone, Copy, Default)]
struct Last {
    boot: u64,
    term: u64,
    committed: Option<u64>,
    applied: Option<u64>,
    zxid: Zxid,
}

#[derive(Default)]
pub(super) struct Positions {
    last: BTreeMap<NodeId, Last>,
}

impl Invariant for Positions {
    fn name(&self) -> &'static str {
        "positions"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for seen in view.running {
            let log = seen.status.log;
            if log.applied > log.committed || log.committed > log.last {
                return Err(format!("node {}: {log:?}", seen.id));
            }
            let now = Last {
                boot: seen.boot,
                term: seen.status.leadership.term,
                committed: log.committed,
                applied: log.applied,
                zxid: seen.state.last_zxid(),
            };
            let was = self.last.insert(seen.id, now).unwrap_or_default();
            let same = was.boot == now.boot;
            let back = now.term < was.term
                || now.committed < was.committed
                || now.applied < was.applied
                || now.zxid < was.zxid;
            if same && back {
                return Err(format!(
                    "node {} went back: term {} -> {}, committed {:?} -> {:?}, applied {:?} -> {:?}, zxid {} -> {}",
                    seen.id,
                    was.term,
                    now.term,
                    was.committed,
                    now.committed,
                    was.applied,
                    now.applied,
                    was.zxid,
                    now.zxid
                ));
            }
        }
        Ok(())
    }
}
