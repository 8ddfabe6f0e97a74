//! Committed entries are the same on all disks, for ever. Raft paper, figure 3: Log Matching and
//! State Machine Safety.

use std::collections::BTreeMap;

use raft_types::NodeId;

use super::{Invariant, Seen, View};
use crate::disk::OnDisk;

#[derive(Default)]
pub(super) struct LogMatching {
    /// What a majority of the disks had when somebody took it for committed.
    committed: BTreeMap<u64, OnDisk>,
    /// Up to where each node's process was compared.
    compared: BTreeMap<NodeId, (u64, u64)>,
}

impl Invariant for LogMatching {
    fn name(&self) -> &'static str {
        "log-matching"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for seen in view.running {
            self.learn(view, seen);
        }
        for seen in view.running {
            self.compare(view, seen)?;
        }
        Ok(())
    }
}

impl LogMatching {
    fn learn(&mut self, view: &View<'_>, seen: &Seen) {
        let Some(committed) = seen.status.log.committed else {
            return;
        };
        let known = self.committed.last_key_value().map(|(index, _)| *index);
        for index in known.map_or(0, |index| index + 1)..=committed {
            let variants = view
                .machines
                .values()
                .filter_map(|machine| machine.disk.durable().log.get(&index).copied());
            let safe = variants.filter(|entry| {
                let has = |id| view.has(id, index, entry.term);
                View::is_quorum(&seen.status.members.configs, has)
            });
            // A snapshot does not tell the terms it covers; of two that could be meant it is the one
            // that more logs have.
            let safe = safe.max_by_key(|entry| (in_logs(view, index, *entry), entry.term));
            // One that is nowhere in a majority's logs is for `committed-on-quorum`.
            if let Some(entry) = safe {
                self.committed.insert(index, entry);
            }
        }
    }

    fn compare(&mut self, view: &View<'_>, seen: &Seen) -> Result<(), String> {
        let (Some(machine), Some(committed)) =
            (view.machines.get(&seen.id), seen.status.log.committed)
        else {
            return Ok(());
        };
        let (boot, upto) = self.compared.get(&seen.id).copied().unwrap_or_default();
        let from = if boot == seen.boot { upto } else { 0 };
        let disk = machine.disk.durable();
        let mut reached = from;
        for index in from..committed.saturating_add(1) {
            let Some(known) = self.committed.get(&index) else {
                reached = index + 1;
                continue;
            };
            match disk.log.get(&index) {
                Some(entry) if entry == known => {}
                // The remains of a deposed leader's log, of any other term (paper, figure 8), about
                // to be overwritten: a node learns what is committed before its own sync. In a
                // cluster that has settled there are none. Of the same term they are never another.
                Some(entry) if !view.is_settled && entry.term != known.term => break,
                Some(entry) => {
                    return Err(format!(
                        "committed entry {index} is {known:?} on a majority and {entry:?} on {}",
                        seen.id
                    ));
                }
                // In the snapshot, or not synced yet.
                None if machine
                    .snapshot_last()
                    .is_some_and(|last| last.index >= index) => {}
                None => break,
            }
            reached = index + 1;
        }
        self.compared.insert(seen.id, (seen.boot, reached));
        Ok(())
    }
}

fn in_logs(view: &View<'_>, index: u64, entry: OnDisk) -> usize {
    let disks = view.machines.values().map(|machine| machine.disk.durable());
    disks
        .filter(|disk| disk.log.get(&index) == Some(&entry))
        .count()
}
