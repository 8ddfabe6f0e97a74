//! A soak of the door for ZooKeeper clients: thousands of sessions with tens of thousands of watches
//! over three real nodes, connections that end, sessions that are closed or abandoned, nodes that are
//! killed and stopped.
//!
//! Nothing is believed and everything is written down. Each group of znodes has one writer, which
//! keeps the [`Ledger`](ledger::Ledger): every change with its position. Each client that watches
//! turns what it was told into [`Record`](judge::Record)s: this watch, armed at this position, was
//! told that, or nothing up to that position. A record is judged when the ledger is known that far.
//! So an event that is lost, doubled, late or made up shows, and so does a read that shows a state
//! that never was.
//!
//! ```text
//! run.rs         the course of a soak: faults, progress, last checks
//! employ.rs      znodes and clients before it begins
//! plan.rs        its size; who watches what
//! faults.rs      what nodes suffer
//! worker.rs      a thread with many clients
//! reader.rs      a client that watches          watching.rs  its watches, and what they were told
//! writer.rs      a client that changes things   ledger.rs    what has happened
//! link.rs        a session and its connection   wire.rs      a socket that never waits
//! undertaker.rs  sessions left behind           judge.rs     what is right
//! ```

mod actor;
pub mod court;
pub mod dice;
mod employ;
mod faults;
pub mod judge;
pub mod ledger;
mod link;
pub mod memory;
pub mod notes;
mod plan;
mod reader;
mod report;
mod run;
mod shared;
pub mod tree;
mod undertaker;
pub mod want;
pub mod watching;
mod wire;
mod worker;
mod writer;

pub use self::plan::Settings;
pub use self::report::Report;
pub use self::run::run;
