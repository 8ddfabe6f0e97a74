//! The door itself: sockets outside, a [`node::Node`] inside.
//!
//! ```text
//! listen.rs        accepts, counts connections per address
//! handshake.rs     connect request: a new session, or one taken up again
//! connection.rs    one client: requests in, replies and watch events out, in one order
//! write.rs         requests that change something: to commands, and outcomes to replies
//! read.rs          requests answered from this node's state
//! reconfig.rs      the members, changed by a client
//! local_session.rs sessions of clients it serves reads only
//! watches.rs       who watches what on this node
//! convert.rs       between the records of the wire and those of the state
//! stats.rs         what is counted
//! serving.rs       in which mode this node serves: everything, reads only, nothing
//! mode.rs          the same as administrators are told: leads, follows, does not serve
//! report.rs        what is told to administrators, and in three forms:
//! words.rs           four-letter words
//! commands.rs        the same as values, for whoever serves HTTP
//! metrics.rs         the same as metrics
//! installation.rs  what the door is told of its surroundings
//! ```

mod bad_path;
mod commands;
mod connection;
mod convert;
mod handshake;
mod installation;
mod listen;
mod local_session;
mod metrics;
mod mode;
mod read;
mod reconfig;
mod report;
mod serving;
mod settings;
mod stats;
mod watches;
mod words;
mod write;

use std::io;
use std::sync::Arc;

use node::Node;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

pub use self::commands::{CommandAnswer, Method, command_names};
pub use self::installation::{Disk, DiskSizes, Installation, Syncs};
use self::serving::Serving;
pub use self::settings::DoorSettings;
use self::stats::Stats;
use self::watches::Watches;
pub use self::words::WORDS_DEFAULT;
use crate::proto::frame::FrameError;

/// Long lists that are made for administrators at the same time: each takes a processor for a while.
const LISTINGS_MAX: usize = 1;

/// A node's door for ZooKeeper clients. Cheap to clone.
#[derive(Clone)]
pub struct ZooKeeperDoor(Arc<Door>);

/// What all connections of a node share.
pub(crate) struct Door {
    pub(crate) node: Node,
    pub(crate) settings: DoorSettings,
    pub(crate) installation: Installation,
    pub(crate) watches: Arc<Watches>,
    pub(crate) stats: Stats,
    pub(crate) serving: Serving,
    /// Whose turn it is to have something long listed.
    listing: Arc<Semaphore>,
}

impl ZooKeeperDoor {
    /// The door of `node`, not open yet. Call it once per node: it registers its metrics with the
    /// node's.
    #[must_use]
    pub fn new(node: Node, settings: DoorSettings, installation: Installation) -> ZooKeeperDoor {
        let watches = Watches::new(&node, settings.events_waiting_max);
        let door = Arc::new(Door {
            node,
            settings,
            installation,
            watches,
            stats: Stats::default(),
            serving: Serving::default(),
            listing: Arc::new(Semaphore::new(LISTINGS_MAX)),
        });
        metrics::register(&door, door.node.metrics());
        ZooKeeperDoor(door)
    }

    /// Serves ZooKeeper clients on `listener` until `shutdown` fires; then closes every connection,
    /// so that clients look for another node, and returns.
    ///
    /// Cancel safe in the sense that dropping it stops accepting; connections end with `shutdown`.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        listen::serve(Arc::clone(&self.0), listener, shutdown).await;
    }

    /// Runs a command of ZooKeeper's `AdminServer`, by any of its names. Cancel safe.
    pub async fn command(&self, name: &str, method: Method) -> CommandAnswer {
        commands::run(&self.0, name, method).await
    }
}

impl Door {
    /// Does something that takes long, in its turn and beside the tasks that serve clients. Who no
    /// longer waits for it does not bring the next one's turn forward. `None`: it failed inside.
    async fn in_turn<T: Send + 'static>(
        self: &Arc<Door>,
        work: impl FnOnce(&Door) -> T + Send + 'static,
    ) -> Option<T> {
        let turn = Arc::clone(&self.listing).acquire_owned().await.ok()?;
        let door = Arc::clone(self);
        let done = spawn_blocking(move || {
            let _turn = turn;
            work(&door)
        });
        done.await.ok()
    }

    /// Milliseconds this process has been up.
    fn uptime_ms(&self) -> u64 {
        let up = self.node.clock().monotonic();
        u64::try_from(up.as_millis()).unwrap_or(u64::MAX)
    }

    /// What cannot be cut into frames ends the connection; a frame over the limit is counted.
    fn bad_frame(&self, error: FrameError) -> io::Error {
        match error {
            FrameError::TooLong { .. } => self.stats.frames_too_long.one(),
            FrameError::Negative { .. } => {}
        }
        io::Error::other(error)
    }
}
