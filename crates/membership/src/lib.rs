//! Leader election, failover, and who is in.
//!
//! This crate runs openraft: it gives it a network (the peer protocol), the settings a small
//! cluster needs, and the operations openraft leaves to its user: founding, joining, promoting,
//! removing, replacing, handing leadership over, finishing what a dead leader left half way.
//!
//! It knows neither what a command means nor where the log is kept: log store and state machine
//! come in as openraft's traits, snapshots through [`raft_types::snapshot`]. It knows no HTTP.
//!
//! Start with [`Consensus`]; `OVERVIEW.md` draws a node's life and the lanes between two nodes.

mod dead_leader;
pub mod error;
mod failover;
mod leadership;
pub mod peer;
mod raft;
pub mod reconfigure;
mod settings;
mod status;
mod timing;

pub use error::{FoundError, ReconfigureError, StartError, TransferOutcome, TransferRefusal};
pub use leadership::{Leadership, Role};
pub use peer::client::{CallError, PeerClient};
pub use peer::server::PeerService;
pub use raft::{Consensus, Founded, MemberHistory, StartOptions};
pub use reconfigure::ChangeOptions;
pub use reconfigure::plan::{Arithmetic, Change, Plan, Refusal, Warning};
pub use settings::RaftSettings;
pub use status::{LogPositions, Members, PeerProgress, Status};
pub use timing::{Profile, Timing, TimingError, UnknownProfile};
