//! What readers and writers have in common: what they are handed, and how they look for a node.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::link::Link;
use super::notes::Notes;
use super::shared::{Phase, Shared};

/// Between two attempts to connect.
const RETRY_MS: u64 = 200;
/// Over which clients arrive first.
const ARRIVAL_MS: u64 = 2_000;

/// What an actor is handed.
pub(super) struct Context<'a> {
    pub(super) now: Instant,
    pub(super) phase: Phase,
    pub(super) epoll: &'a OwnedFd,
    pub(super) shared: &'a Shared,
    pub(super) notes: &'a mut Notes,
}

/// When to try which node next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knock {
    at: Instant,
}

impl Knock {
    pub(super) fn first(dice: &mut Dice, now: Instant) -> Knock {
        Knock {
            at: now + Duration::from_millis(dice.roll(ARRIVAL_MS)),
        }
    }

    /// Another node is tried soon.
    pub(super) fn after_loss(&mut self, dice: &mut Dice, now: Instant) {
        self.at = now + Duration::from_millis(dice.roll(RETRY_MS));
    }

    /// Begins to connect if it is time, to another node than the last.
    pub(super) fn try_it<P>(&mut self, link: &mut Link<P>, dice: &mut Dice, context: &Context<'_>) {
        if context.now < self.at {
            return;
        }
        let addresses = &context.shared.addresses;
        let others = addresses.len().saturating_sub(1);
        let node = (link.node + 1 + dice.index(others)) % addresses.len();
        link.connect(context.epoll, (node, addresses[node]), context.now);
        self.after_loss(dice, context.now);
    }
}
