//! A snapshot is the state it was taken of: reading it gives a state that writes the same bytes and
//! has the digest that the nodes had after that entry.

use std::collections::BTreeMap;
use std::io::Read;

use raft_core::state::State;
use raft_types::snapshot::SnapshotStore;
use raft_types::{LogId, NodeId};

use super::{Invariant, View};

#[derive(Default)]
pub(super) struct Snapshots {
    looked_at: BTreeMap<NodeId, LogId>,
    by_index: BTreeMap<u64, u128>,
}

impl Invariant for Snapshots {
    fn name(&self) -> &'static str {
        "snapshot-is-the-state"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for seen in view.running {
            let index = seen.node.status().applied_index;
            self.by_index.insert(index, seen.state.digest());
        }
        for (id, machine) in view.machines {
            let current = machine.snapshots.current().map_err(|e| e.to_string())?;
            let Some(snapshot) = current else { continue };
            let Some(last) = snapshot.meta().last_log_id else {
                continue;
            };
            if self.looked_at.insert(*id, last) == Some(last) {
                continue;
            }
            let mut bytes = Vec::new();
            let read = snapshot
                .open()
                .and_then(|mut from| from.read_to_end(&mut bytes));
            read.map_err(|e| format!("the snapshot of {id} cannot be read: {e}"))?;
            self.compare(*id, last.index, &bytes)?;
        }
        Ok(())
    }
}

impl Snapshots {
    fn compare(&self, id: NodeId, index: u64, bytes: &[u8]) -> Result<(), String> {
        let state = State::restore(&mut &bytes[..])
            .map_err(|e| format!("the snapshot of {id} cannot be restored: {e}"))?;
        let mut again = Vec::with_capacity(bytes.len());
        let written = state.encode_snapshot(&mut |part| {
            again.extend_from_slice(part);
            Ok(())
        });
        written.map_err(|e| e.to_string())?;
        if again != bytes {
            return Err(format!(
                "the snapshot of {id} of entry {index} is written differently after a restore"
            ));
        }
        match self.by_index.get(&index) {
            Some(known) if *known != state.digest() => Err(format!(
                "the snapshot of {id} of entry {index} has another digest than the nodes had there"
            )),
            Some(_) | None => Ok(()),
        }
    }
}
