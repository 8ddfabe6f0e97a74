//! Watches: streams of events, and one-shot watches.

pub(crate) mod changes;
pub(crate) mod shots;
pub(crate) mod streams;

pub mod before_reply;
pub mod complete;
pub mod order;
