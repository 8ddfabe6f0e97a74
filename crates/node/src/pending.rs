//! Proposals of this node's clients that have no outcome yet.
//!
//! Every node applies every entry, so the node a request entered by learns its outcome from its
//! own apply and nobody has to send it back. What is left to decide is when a request that was
//! sent can be sent again. The rule: an entry of term T cannot follow one of a later term in any
//! log that commits, so once this node applied an entry of a later term, whatever it sent under T
//! and has not seen applied never will be (Raft, leader completeness). Only then, or when the
//! leader said that it did not append it, the request is sent again.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use parking_lot::Mutex;
use raft_core::outcome::Outcome;
use tokio::sync::{Notify, oneshot};

/// What a caller is told about its proposal.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It was applied, with this outcome.
    Applied(Box<Outcome>),
    /// A snapshot replaced the entries among which it may have been.
    Skipped,
    /// It was not applied and will not be: the term it was meant for is over, or this node stops.
    Dropped,
}

#[derive(Debug)]
struct Proposal {
    bytes: Bytes,
    /// The term whose leader it was sent to; `None`: it is in no log.
    sent: Option<u64>,
    /// Whether that leader may have received it.
    delivered: bool,
    /// Proposed for this term only: a later leader must decide anew (expiry).
    bound: Option<u64>,
    caller: oneshot::Sender<Fate>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    by_sequence: BTreeMap<u64, Proposal>,
    unsent: BTreeSet<u64>,
    closed: bool,
}

impl Table {
    /// Takes out the proposals that are `over` and tells their callers. One that went away needs no
    /// answer.
    fn end(&mut self, over: impl Fn(&Proposal) -> bool, fate: fn() -> Fate) {
        let ended = self
            .by_sequence
            .extract_if(.., |_, proposal| over(proposal));
        for (sequence, proposal) in ended {
            self.unsent.remove(&sequence);
            let _ = proposal.caller.send(fate());
        }
    }
}

/// The table, and the wake-up of the proposer.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    table: Mutex<Table>,
    pub(crate) work: Notify,
}

/// One request to send, in order.
#[derive(Clone, Debug)]
pub(crate) struct ToSend {
    pub(crate) sequence: u64,
    pub(crate) bytes: Bytes,
}

/// Whether a caller that gives up leaves something behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// It is in no log and never will be.
    NeverSent,
    /// It may be in a log.
    MaybeSent,
}

impl Pending {
    /// Registers a proposal under the next sequence number; `encode` makes its bytes from the
    /// number. With `bound` it is dropped when that term is over. `None` when the node stops.
    ///
    /// # Errors
    /// Whatever `encode` says; then nothing is registered.
    pub(crate) fn register<E>(
        &self,
        bound: Option<u64>,
        encode: impl FnOnce(u64) -> Result<Bytes, E>,
    ) -> Result<Option<(u64, oneshot::Receiver<Fate>)>, E> {
        let (caller, receiver) = oneshot::channel();
        let Some(sequence) = self.reserve(bound, caller) else {
            return Ok(None);
        };
        // Encoding may copy a megabyte: outside the lock. The number is in the table already, so
        // that `oldest` never runs past a request that is still to be sent.
        let encoded = encode(sequence);
        let mut table = self.table.lock();
        match encoded {
            Ok(bytes) => {
                if let Some(proposal) = table.by_sequence.get_mut(&sequence) {
                    proposal.bytes = bytes;
                    table.unsent.insert(sequence);
                }
            }
            Err(error) => {
                table.by_sequence.remove(&sequence);
                return Err(error);
            }
        }
        drop(table);
        self.work.notify_one();
        Ok(Some((sequence, receiver)))
    }

    fn reserve(&self, bound: Option<u64>, caller: oneshot::Sender<Fate>) -> Option<u64> {
        let mut table = self.table.lock();
        if table.closed {
            return None;
        }
        table.next = table.next.saturating_add(1);
        let sequence = table.next;
        let proposal = Proposal {
            bytes: Bytes::new(),
            sent: None,
            delivered: false,
            bound,
            caller,
        };
        table.by_sequence.insert(sequence, proposal);
        Some(sequence)
    }

    /// Up to `count` requests of together about `bytes` that are in no log, oldest first, marked
    /// as sent under `term`.
    pub(crate) fn take_unsent(&self, term: u64, count: usize, bytes: usize) -> Vec<ToSend> {
        let mut table = self.table.lock();
        let table = &mut *table;
        let mut taken = Vec::new();
        let mut total = 0usize;
        while taken.len() < count {
            let Some(sequence) = table.unsent.first().copied() else {
                break;
            };
            let Some(proposal) = table.by_sequence.get_mut(&sequence) else {
                table.unsent.remove(&sequence);
                continue;
            };
            total = total.saturating_add(proposal.bytes.len());
            if total > bytes && !taken.is_empty() {
                break;
            }
            proposal.sent = Some(term);
            table.unsent.remove(&sequence);
            taken.push(ToSend {
                sequence,
                bytes: proposal.bytes.clone(),
            });
        }
        taken
    }

    /// A message with these did not reach the leader of `term`: they go out again.
    pub(crate) fn not_delivered(&self, term: u64, sequences: impl IntoIterator<Item = u64>) {
        self.again(term, sequences, |proposal| {
            if !proposal.delivered {
                proposal.sent = None;
            }
        });
    }

    /// A message with these may have reached the leader of `term`. They go out again under the same
    /// term; a leader recognises what it has accepted.
    pub(crate) fn maybe_delivered(&self, term: u64, sequences: impl IntoIterator<Item = u64>) {
        self.again(term, sequences, |proposal| proposal.delivered = true);
    }

    /// The leader of `term` has these. They are settled by apply or by a later term.
    pub(crate) fn delivered(&self, term: u64, sequences: impl IntoIterator<Item = u64>) {
        let mut table = self.table.lock();
        for sequence in sequences {
            if let Some(proposal) = table.by_sequence.get_mut(&sequence)
                && proposal.sent == Some(term)
            {
                proposal.delivered = true;
            }
        }
    }

    fn again(
        &self,
        term: u64,
        sequences: impl IntoIterator<Item = u64>,
        change: impl Fn(&mut Proposal),
    ) {
        let mut table = self.table.lock();
        let table = &mut *table;
        let mut any = false;
        for sequence in sequences {
            if let Some(proposal) = table.by_sequence.get_mut(&sequence)
                && proposal.sent == Some(term)
            {
                change(proposal);
                table.unsent.insert(sequence);
                any = true;
            }
        }
        if any {
            self.work.notify_one();
        }
    }

    /// This node led `term` and its consensus refused these before appending them: they are in no
    /// log.
    pub(crate) fn not_appended(&self, term: u64, sequences: impl IntoIterator<Item = u64>) {
        self.again(term, sequences, |proposal| proposal.sent = None);
    }

    /// An entry of `term` was applied: whatever was sent under an earlier term and is still here
    /// did not happen, and is sent again, or dropped when it was meant for that term only.
    pub(crate) fn entered_term(&self, term: u64) {
        let mut table = self.table.lock();
        let table = &mut *table;
        for (sequence, proposal) in &mut table.by_sequence {
            if proposal.sent.is_some_and(|sent| sent < term) {
                proposal.sent = None;
                proposal.delivered = false;
                table.unsent.insert(*sequence);
            }
        }
        let over = |proposal: &Proposal| {
            proposal.sent.is_none() && proposal.bound.is_some_and(|bound| bound < term)
        };
        table.end(over, || Fate::Dropped);
        self.work.notify_one();
    }

    /// Tells the caller the outcome.
    pub(crate) fn complete(&self, sequence: u64, outcome: Outcome) {
        let proposal = {
            let mut table = self.table.lock();
            table.unsent.remove(&sequence);
            table.by_sequence.remove(&sequence)
        };
        if let Some(proposal) = proposal {
            let _ = proposal.caller.send(Fate::Applied(Box::new(outcome)));
        }
    }

    /// A snapshot replaced entries: nobody can tell which of the sent ones were among them.
    pub(crate) fn skipped(&self) {
        let mut table = self.table.lock();
        table.end(|proposal| proposal.sent.is_some(), || Fate::Skipped);
    }

    /// The caller waits no longer.
    pub(crate) fn give_up(&self, sequence: u64) -> GaveUp {
        let mut table = self.table.lock();
        table.unsent.remove(&sequence);
        match table.by_sequence.remove(&sequence) {
            Some(Proposal { sent: None, .. }) => GaveUp::NeverSent,
            Some(Proposal { sent: Some(_), .. }) | None => GaveUp::MaybeSent,
        }
    }

    /// Accepts nothing more. Requests in no log did not happen; the others are unknown.
    pub(crate) fn close(&self) {
        let mut table = self.table.lock();
        table.closed = true;
        table.end(|proposal| proposal.sent.is_none(), || Fate::Dropped);
        table.unsent.clear();
        // The callers of the rest find the channel closed: unknown.
        table.by_sequence.clear();
    }

    /// The oldest sequence without an outcome; the next one when there is none.
    pub(crate) fn oldest(&self) -> u64 {
        let table = self.table.lock();
        table
            .by_sequence
            .first_key_value()
            .map_or(table.next.saturating_add(1), |(s, _)| *s)
    }
}

#[cfg(test)]
mod tests;
