//! Items that are put, taken and acknowledged.

use std::hint::black_box;
use std::time::{Duration, Instant};

use raft_core::command::{Command, Delivery, GiveBackItem, PutItem};
use raft_core::ids::{ItemId, QueueName, SessionId, Zxid};
use raft_core::outcome::Reply;
use raft_core::state::State;

use crate::apply;
use crate::requests::{of, open_session};

/// A queue in which items wait, and one consumer.
pub(crate) struct Backlog {
    state: State,
    session: SessionId,
}

impl Backlog {
    /// Of so many items.
    pub(crate) fn new(items: u32) -> Backlog {
        let mut state = State::new();
        let outcome = apply(&mut state, &open_session());
        let Ok(Reply::SessionOpened { session, .. }) = outcome.result else {
            unreachable!("asserted in apply");
        };
        let session = session.id;
        let mut backlog = Backlog { state, session };
        for _ in 0..items {
            backlog.run(put());
        }
        backlog
    }

    /// Times in which one more item is put, the first is taken, and that one is acknowledged.
    pub(crate) fn turn(&mut self) -> [Duration; 3] {
        let (_, put) = self.run(put());
        let (taken, take) = self.run(take());
        let (_, ack) = self.run(Command::AckItem(delivery(&taken)));
        [put, take, ack]
    }

    /// Time in which the first item is taken and given back, which is a try.
    pub(crate) fn take_and_give_back(&mut self) -> Duration {
        let (taken, take) = self.run(take());
        let give = GiveBackItem {
            delivery: delivery(&taken),
            counts: true,
            reason: None,
        };
        take + self.run(Command::GiveBackItem(give)).1
    }

    fn run(&mut self, command: Command) -> (Reply, Duration) {
        let request = of(self.session, command);
        let started = Instant::now();
        let outcome = black_box(apply(&mut self.state, &request));
        let time = started.elapsed();
        (outcome.result.expect("asserted in apply"), time)
    }
}

fn put() -> Command {
    Command::PutItem(PutItem {
        queue: name(),
        priority: 100,
        data: Some(vec![b'v'; 100].into()),
        content_type: None,
    })
}

fn take() -> Command {
    Command::TakeItems {
        queue: name(),
        most: 1,
    }
}

fn delivery(taken: &Reply) -> Delivery {
    let Reply::ItemsTaken { delivery, items } = taken else {
        unreachable!("items were asked for");
    };
    let item: &ItemId = items.first().expect("items wait");
    Delivery {
        queue: name(),
        item: item.clone(),
        number: Zxid(delivery.0),
    }
}

fn name() -> QueueName {
    QueueName::parse("mail/out").expect("a valid name")
}
