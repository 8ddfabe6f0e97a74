//! Requests that other nodes sent to this leader and that are not yet in a log entry.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use mutant::Mutant;
use parking_lot::Mutex;
use raft_types::NodeId;
use tokio::sync::Notify;

use crate::wire::{Forward, ForwardAnswer};

/// What this leader accepted from one start of one node.
#[derive(Debug, Default)]
struct Accepted {
    /// Sequences below have their outcome at the origin.
    floor: u64,
    sequences: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The term these were accepted under.
    term: u64,
    accepted: BTreeMap<(NodeId, u64), Accepted>,
    requests: VecDeque<Bytes>,
}

/// The queue and its wake-up.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    limit: usize,
    pub(crate) work: Notify,
}

impl Inbox {
    pub(crate) fn new(limit: usize) -> Inbox {
        Inbox {
            queue: Mutex::new(Queue::default()),
            limit,
            work: Notify::new(),
        }
    }

    /// Takes the requests of a message, each at most once, or none of them. The caller has checked
    /// that this node leads the message's term.
    pub(crate) fn accept(&self, from: NodeId, message: Forward) -> ForwardAnswer {
        let mut queue = self.queue.lock();
        let queue = &mut *queue;
        if queue.term > message.term {
            return ForwardAnswer::NotLeader;
        }
        if queue.term < message.term {
            *queue = Queue {
                term: message.term,
                ..Queue::default()
            };
        }
        if queue.requests.len().saturating_add(message.requests.len()) > self.limit {
            return ForwardAnswer::Full;
        }
        let accepted = queue
            .accepted
            .entry((from, message.incarnation))
            .or_default();
        accepted.floor = accepted.floor.max(message.oldest);
        accepted.sequences = accepted.sequences.split_off(&accepted.floor);
        for (sequence, bytes) in message.requests {
            let is_new = sequence >= accepted.floor && accepted.sequences.insert(sequence);
            if is_new || mutant::is(Mutant::RetryAppliedTwice) {
                queue.requests.push_back(bytes);
            }
        }
        self.work.notify_one();
        ForwardAnswer::Accepted
    }

    /// Up to `count` requests of together about `bytes`, accepted under `term`, oldest first.
    pub(crate) fn take(&self, term: u64, count: usize, bytes: usize) -> Vec<Bytes> {
        let mut queue = self.queue.lock();
        if queue.term != term {
            return Vec::new();
        }
        let mut taken = Vec::new();
        let mut total = 0usize;
        while taken.len() < count {
            let Some(next) = queue.requests.front() else {
                break;
            };
            total = total.saturating_add(next.len());
            if total > bytes && !taken.is_empty() {
                break;
            }
            taken.extend(queue.requests.pop_front());
        }
        taken
    }

    /// Puts requests back that could not be appended.
    pub(crate) fn put_back(&self, term: u64, requests: Vec<Bytes>) {
        let mut queue = self.queue.lock();
        if queue.term == term && !requests.is_empty() {
            self.work.notify_one();
            for bytes in requests.into_iter().rev() {
                queue.requests.push_front(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(term: u64, oldest: u64, sequences: &[u64]) -> Forward {
        let requests = sequences
            .iter()
            .map(|s| (*s, Bytes::from(s.to_string())))
            .collect();
        Forward {
            term,
            incarnation: 7,
            oldest,
            requests,
        }
    }

    fn taken(inbox: &Inbox, term: u64) -> Vec<Bytes> {
        inbox.take(term, 100, 1000)
    }

    #[test]
    fn a_request_is_accepted_once() {
        let inbox = Inbox::new(10);
        assert_eq!(
            inbox.accept(2, message(1, 1, &[1, 2])),
            ForwardAnswer::Accepted
        );
        assert_eq!(
            inbox.accept(2, message(1, 1, &[1, 2, 3])),
            ForwardAnswer::Accepted
        );
        assert_eq!(taken(&inbox, 1), ["1", "2", "3"]);
        // Another start of the node counts anew.
        let other = Forward {
            incarnation: 8,
            ..message(1, 1, &[1])
        };
        assert_eq!(inbox.accept(2, other), ForwardAnswer::Accepted);
        assert_eq!(taken(&inbox, 1), ["1"]);
    }

    #[test]
    fn a_late_copy_of_a_settled_request_is_not_accepted() {
        let inbox = Inbox::new(10);
        inbox.accept(2, message(1, 1, &[1, 2]));
        taken(&inbox, 1);
        inbox.accept(2, message(1, 3, &[3]));
        taken(&inbox, 1);
        assert_eq!(
            inbox.accept(2, message(1, 1, &[1, 2])),
            ForwardAnswer::Accepted
        );
        assert!(taken(&inbox, 1).is_empty());
    }

    #[test]
    fn an_older_term_is_refused_and_a_newer_one_starts_afresh() {
        let inbox = Inbox::new(10);
        inbox.accept(2, message(2, 1, &[1]));
        assert_eq!(
            inbox.accept(2, message(1, 1, &[5])),
            ForwardAnswer::NotLeader
        );
        inbox.accept(2, message(3, 1, &[1]));
        assert!(taken(&inbox, 2).is_empty());
        assert_eq!(taken(&inbox, 3), ["1"]);
    }

    #[test]
    fn a_full_queue_takes_nothing_of_a_message() {
        let inbox = Inbox::new(3);
        inbox.accept(2, message(1, 1, &[1, 2]));
        assert_eq!(inbox.accept(2, message(1, 1, &[3, 4])), ForwardAnswer::Full);
        assert_eq!(
            inbox.accept(2, message(1, 1, &[3])),
            ForwardAnswer::Accepted
        );
        assert_eq!(taken(&inbox, 1), ["1", "2", "3"]);
    }

    #[test]
    fn what_could_not_be_appended_goes_back_in_front() {
        let inbox = Inbox::new(10);
        inbox.accept(2, message(1, 1, &[1, 2, 3]));
        let first = inbox.take(1, 2, 1000);
        inbox.put_back(1, first);
        assert_eq!(taken(&inbox, 1), ["1", "2", "3"]);
    }
}
