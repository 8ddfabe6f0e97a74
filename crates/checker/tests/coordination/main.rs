//! The checkers of locks, watches, sessions and leaders against small services of a few lines.
//!
//! Each service is correct by construction, with clients that are slow, crash, pause and lose
//! answers: thousands of seeded runs must be found valid. Then each is broken on purpose, and the
//! checker that is meant for the break must notice.

mod clients;
mod ephemerals;
mod locks;
mod record;
mod service;
mod watches;
