//! Which of several instances gets the next request: the strategies, as pure functions.
//!
//! A strategy sees [`Candidate`]s and names one by its index. Nothing here knows of services, sessions,
//! clocks or the network: what a strategy needs beside the candidates (a key, a random number, the age of a
//! report) is an argument, and all arithmetic is on integers. So the same arguments choose the same instance
//! on every machine, and a choice may be part of a replicated command.
//!
//! | strategy | for |
//! |---|---|
//! | [`random`] | no state at all; fair over many requests |
//! | [`round_robin`] | exact shares by weight, evenly spread in time |
//! | [`least_load`] | instances of unlike speed, or requests of unlike cost |
//! | [`two_choices`] | the same, where many choose at once and know little |
//! | [`rendezvous`] | the same instance for the same key; few keys move when instances come and go; with a bound on load |
//! | [`maglev`] | the same, from a table that clients can take along |
//! | [`sticky`] | stay where you were as long as it is there |
//!
//! A candidate of weight 0 is never chosen. Where nobody can be chosen the answer is `None`.
//!
//! [`trial`] measures all of this on a simulated fleet, which is what `holdfast bench pick` runs.

mod candidate;
mod draw;
pub mod least_load;
mod logarithm;
pub mod maglev;
pub mod random;
pub mod rendezvous;
pub mod round_robin;
pub mod sticky;
pub mod trial;
pub mod two_choices;

pub use candidate::{Candidate, Report};
pub use draw::Draw;
