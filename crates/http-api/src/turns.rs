//! Turns of those who wait for an item of the same queue.
//!
//! One item that comes could be taken by each of a thousand that wait, and 999 commands would take a place in the
//! log for nothing. So of those who wait at this node only a few look for items at a time, in the order in which
//! they came.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use raft_core::ids::QueueName;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::limits::TAKERS_AT_ONCE;

/// See the module. There is an entry for each queue that somebody waits for, so they are as many as requests at
/// most.
#[derive(Default)]
pub(crate) struct Turns(Mutex<BTreeMap<QueueName, Arc<Semaphore>>>);

/// A place in the line for one queue.
pub(crate) struct Line<'a> {
    turns: &'a Turns,
    queue: QueueName,
    places: Arc<Semaphore>,
}

impl Turns {
    /// Stands in the line for this queue.
    pub(crate) fn line(&self, queue: &QueueName) -> Line<'_> {
        let mut lines = self.0.lock();
        let places = lines
            .entry(queue.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(TAKERS_AT_ONCE)));
        Line {
            turns: self,
            queue: queue.clone(),
            places: Arc::clone(places),
        }
    }
}

impl Line<'_> {
    /// Waits until it is this one's turn, which lasts as long as what is given.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.places.acquire().await.ok()
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let mut lines = self.turns.0.lock();
        // This one's and the table's.
        if Arc::strong_count(&self.places) <= 2 {
            lines.remove(&self.queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_few_at_a_time_and_nothing_is_left_of_the_last() {
        let turns = Turns::default();
        let queue = QueueName::parse("mail").unwrap();
        let lines: Vec<Line<'_>> = (0..=TAKERS_AT_ONCE).map(|_| turns.line(&queue)).collect();
        let (last, others) = lines.split_last().unwrap();
        let mut held = Vec::new();
        for line in others {
            held.push(line.turn().await.unwrap());
        }
        assert!(last.turn().now_or_never().is_none());
        held.pop();
        assert!(last.turn().now_or_never().is_some());
        drop(held);
        assert_eq!(turns.0.lock().len(), 1);
        drop(lines);
        assert!(turns.0.lock().is_empty());
    }
}
