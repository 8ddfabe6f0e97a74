//! Locks: fences, holds, queues.
//!
//! What all checkers of locks share is what clients can know. [`claims`] collects for every claim
//! what was asked and answered; [`holds`] says when a claim held for certain.

pub(crate) mod claims;
pub(crate) mod holds;

mod read;

pub mod exclusion;
pub mod fenced_writes;
pub mod fences;
pub mod fifo;
pub mod ghosts;
pub mod no_early_end;
pub mod starvation;
