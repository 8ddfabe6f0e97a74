//! Active health checks over HTTP and TCP: who is due, what a connection showed, and when that changes the verdict.
//!
//! [`run()`] is given lists of [`Target`]s, as often as the list may have changed, and tells [`Verdict`]s to whoever
//! keeps them. The list is the truth: a target that is no longer in it is not probed, one that changed is begun
//! anew, and a verdict is told until the list shows it. So `run` may end at any moment and begin elsewhere with the
//! same list; what is lost are the results since the last verdict.
//!
//! Nothing here knows of clusters, services or logs. `docs/internals/health-checks.md` has the whole way of a check.
//!
//! | part | does |
//! |---|---|
//! | [`run()`] | the one loop: lists, probes and reports meet here |
//! | `schedule` | whose turn it is, without a clock or a socket |
//! | [`Tally`] | how many results in a row change a verdict |
//! | [`Prober`] | one connection, and what it showed |

pub mod limits;
mod probe;
mod run;
mod schedule;
mod tally;
mod target;

pub use probe::{Outcome, Prober};
pub use run::run;
pub use tally::Tally;
pub use target::{Kind, Spec, Target, Verdict};
