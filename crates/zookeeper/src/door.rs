//! The door itself: sockets outside, a [`node::Node`] inside.
//!
//! ```text
//! listen.rs      accepts, counts connections per address
//! handshake.rs   connect request: a new session, or one taken up again
//! connection.rs  one client: requests in, replies and watch events out, in one order
//! write.rs       requests that change something: to commands, and outcomes to replies
//! read.rs        requests answered from this node's state
//! reconfig.rs    the members, changed by a client
//! serving.rs     in which mode this node serves: everything, reads only, nothing
//! local_session.rs  sessions of clients it serves reads only
//! watches.rs     who watches what on this node
//! convert.rs     between the records of the wire and those of the state
//! words.rs       four-letter words
//! ```

mod connection;
mod convert;
mod handshake;
mod listen;
mod local_session;
mod read;
mod reconfig;
mod serving;
mod settings;
mod stats;
mod watches;
mod words;
mod write;

use std::sync::Arc;

use node::Node;

pub use self::listen::serve;
use self::serving::Serving;
pub use self::settings::DoorSettings;
use self::stats::Stats;
use self::watches::Watches;

/// What all connections of a node share.
pub(crate) struct Door {
    pub(crate) node: Node,
    pub(crate) settings: DoorSettings,
    pub(crate) watches: Arc<Watches>,
    pub(crate) stats: Stats,
    pub(crate) serving: Serving,
}
