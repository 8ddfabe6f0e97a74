//! The load generator behind `holdfast bench` and `make bench`: what a cluster does under how much load,
//! as clients see it.
//!
//! ```text
//!  Plan ──► run.rs ──► one thread or several, each with its share of the clients
//!                        │
//!                        ▼
//!           workload loops: steady.rs, contend.rs, watch.rs, idle.rs
//!                        │  ask through
//!                        ▼
//!           Target / Client (target.rs) ── http.rs, zookeeper.rs, and whoever implements them
//!                        │  counted in
//!                        ▼
//!           Recorder (record.rs) ──► Report
//! ```
//!
//! Drivers speak to sockets with as little in between as possible: the machine that is measured often
//! runs the clients too, and what they burn the servers do not get.

mod contend;
mod gaps;
mod http;
mod idle;
mod plan;
mod record;
mod report;
mod run;
mod steady;
mod target;
mod watch;
mod wire;
mod zookeeper;

pub use self::gaps::Gaps;
pub use self::http::Http;
pub use self::plan::{Pace, Plan, Reading, Workload};
pub use self::record::{Count, Recorder};
pub use self::report::{ErrorCount, Latency, Report};
pub use self::run::{Running, run};
pub use self::target::{Client, Grant, Outcome, Target, Trouble};
pub use self::zookeeper::ZooKeeper;
