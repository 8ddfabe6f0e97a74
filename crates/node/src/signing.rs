//! This node's own key pair: made, published, replaced.
//!
//! The private half stays on the node. The public half is a command, and a key is used only once the
//! state says so: whoever verifies finds every key that a token may bear in the state of any node. A
//! loop looks now and then whether the state still has the key that is in use; where it is due, revoked
//! or gone another one is made. A key that was made and not seen in the state by the time the process
//! ends is thrown away: one that was revoked meanwhile must not come back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fence_token::SigningKey;
use parking_lot::Mutex;
use raft_core::command::Command;
use raft_core::ids::PublicKey;
use raft_core::outcome::Refusal;
use raft_core::signing_key::KeyStanding;
use raft_core::state::State;
use raft_types::NodeId;
use raft_types::seam::offload;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::Node;
use crate::proposal::Draft;
use crate::runtime::Runtime;

/// How often a node looks whether it is a member by now, and can publish its key.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Where the key pair of this node is kept.
pub trait KeyStore: Send + Sync + 'static {
    /// The one that was made last; `None`: none was. Blocking.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    fn load(&self) -> io::Result<Option<SigningKey>>;

    /// Makes one from true randomness and keeps it in place of the one before; durable on return.
    /// Blocking.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn make(&self) -> io::Result<SigningKey>;
}

/// How a node signs.
#[derive(Clone)]
pub struct Signing {
    /// Where its key pair is kept.
    pub keys: Arc<dyn KeyStore>,
    /// How long it uses one.
    pub key_lifetime: Duration,
}

/// The key pairs of this node that matter now.
#[derive(Default)]
pub(crate) struct Signer {
    signing: Option<Signing>,
    pairs: Mutex<Pairs>,
    /// Somebody wanted a signature and there was no key.
    wanted: Notify,
    /// Whether this process has done what it can for its key once. It stays so when a key is revoked:
    /// everything else goes on without one.
    settled: AtomicBool,
}

#[derive(Default)]
struct Pairs {
    /// The state had it when it was looked at last.
    used: Option<Arc<SigningKey>>,
    /// Made, and not seen in the state yet.
    next: Option<Arc<SigningKey>>,
}

/// What is to be done about the key.
enum Need {
    /// Nothing.
    Nothing,
    /// This one is to be published.
    Publish(Arc<SigningKey>),
    /// One is to be made.
    Make,
}

fn id_of(key: &SigningKey) -> PublicKey {
    PublicKey(key.public())
}

impl Signer {
    /// Reads the key pair that was in use. Without `signing` nothing is ever signed. Blocking.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn open(signing: Option<Signing>) -> io::Result<Signer> {
        let kept = match &signing {
            Some(signing) => signing.keys.load()?,
            None => None,
        };
        let pairs = Pairs {
            used: kept.map(Arc::new),
            next: None,
        };
        Ok(Signer {
            settled: AtomicBool::new(signing.is_none()),
            signing,
            pairs: Mutex::new(pairs),
            wanted: Notify::new(),
        })
    }

    /// Whether this node has published its key since it started, or need not, or cannot.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::SeqCst)
    }

    /// Compares with the state, which may be behind.
    fn need(&self, node: NodeId, lifetime_ms: u64, state: &State) -> Need {
        let mut pairs = self.pairs.lock();
        if let Some(next) = &pairs.next {
            match state.signing_key(&id_of(next)) {
                None => return Need::Publish(Arc::clone(next)),
                Some(known) if known.node == node && known.signs() => {
                    pairs.used = pairs.next.take();
                }
                Some(_) => pairs.next = None,
            }
        }
        let Some(used) = &pairs.used else {
            return Need::Make;
        };
        match state.signing_key(&id_of(used)) {
            Some(known) if known.node == node => match known.standing {
                KeyStanding::Current { replace_at } => {
                    if replace_at == known.published.log_time.after(lifetime_ms) {
                        Need::Nothing
                    } else {
                        Need::Publish(Arc::clone(used))
                    }
                }
                KeyStanding::Due | KeyStanding::Former { .. } | KeyStanding::Revoked { .. } => {
                    Need::Make
                }
            },
            Some(_) | None => Need::Make,
        }
    }
}

/// Keeps a key of this node in the state. Runs until the node stops.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    let Some(signing) = runtime.signer.signing.clone() else {
        return;
    };
    let mut applied = runtime.replica.watch_applied();
    loop {
        let is_kept = keep_published(&runtime, &signing).await;
        let look = if is_kept {
            runtime.signer.settled.store(true, Ordering::SeqCst);
            runtime.settings.audit_interval
        } else {
            LOOK_INTERVAL
        };
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = sleep(look) => {}
            () = runtime.signer.wanted.notified() => {}
            changed = applied.changed(), if !is_kept => if changed.is_err() {
                return;
            },
        }
    }
}

/// One look. Says whether the next one can wait.
async fn keep_published(runtime: &Runtime, signing: &Signing) -> bool {
    if runtime
        .replica
        .read(|state| state.member(runtime.id).is_none())
    {
        return false;
    }
    let lifetime_ms = u64::try_from(signing.key_lifetime.as_millis()).unwrap_or(u64::MAX);
    let look = |state: &State| runtime.signer.need(runtime.id, lifetime_ms, state);
    if matches!(runtime.replica.read(look), Need::Nothing) {
        return true;
    }
    // A node that starts applies its log from the beginning, and does not see yet what it said then.
    let until = Instant::now() + runtime.settings.peer_call_timeout;
    if runtime.barrier.pass(until).await.is_err() {
        return false;
    }
    let key = match runtime.replica.read(look) {
        Need::Nothing => return true,
        Need::Publish(key) => key,
        Need::Make => match make(runtime, signing).await {
            Some(key) => key,
            None => return true,
        },
    };
    let command = Command::PublishSigningKey {
        node: runtime.id,
        key: id_of(&key),
        lifetime_ms,
    };
    let within = runtime.settings.peer_call_timeout;
    match runtime.propose(Draft::internal(command), within).await {
        Ok(outcome) => match outcome.result {
            Ok(_) => {
                tracing::info!(key = key.id(), "this node signs fence tokens with this key");
                runtime.replica.read(look);
            }
            // The next look makes another.
            Err(Refusal::SigningKeyUsed { .. }) => return false,
            Err(refusal) => {
                tracing::info!(%refusal, "the cluster does not take this node's signing key");
            }
        },
        Err(error) => {
            tracing::debug!(%error, "the cluster is not told this node's signing key yet");
            sleep(runtime.settings.retry_interval).await;
            return false;
        }
    }
    true
}

/// Makes a key pair. `None`: the disk did not take it, and what was used goes on.
async fn make(runtime: &Runtime, signing: &Signing) -> Option<Arc<SigningKey>> {
    let keys = Arc::clone(&signing.keys);
    let made = offload(move || keys.make()).await.and_then(|made| made);
    match made {
        Ok(key) => {
            let key = Arc::new(key);
            runtime.signer.pairs.lock().next = Some(Arc::clone(&key));
            Some(key)
        }
        Err(error) => {
            tracing::error!(%error, "a signing key was made and cannot be stored");
            None
        }
    }
}

impl Node {
    /// The key this node may sign with, as `state` has it: one read from this node, so current that
    /// nobody can have revoked the key before. `None`: there is none at this moment, or this node does
    /// not sign.
    #[must_use]
    pub fn signing_key(&self, state: &State) -> Option<Arc<SigningKey>> {
        let signer = &self.runtime.signer;
        let usable = |key: &&Arc<SigningKey>| {
            let known = state.signing_key(&id_of(key));
            known.is_some_and(|known| known.node == self.runtime.id && known.signs())
        };
        let key = {
            let pairs = signer.pairs.lock();
            pairs.used.iter().chain(&pairs.next).find(usable).cloned()
        };
        if key.is_none() {
            signer.wanted.notify_one();
        }
        key
    }
}
