//! Clock and randomness as traits, so that a cluster can run on simulated ones.
//!
//! Work that blocks goes through [`offload`], so that a simulation needs no thread pool.
//!
//! Session and lease time use [`Clock`] only. Plain waiting (a back-off, a socket timeout) uses
//! tokio's timers, which a simulation pauses and advances together with [`SimClock`].

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::RngCore;
use tokio::sync::oneshot;

/// Monotonic and wall time of one node.
pub trait Clock: Send + Sync + 'static {
    /// Time since an arbitrary origin of this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// Milliseconds since 1970 by this node's wall clock; may jump either way. Only shown to
    /// people (`ctime`, `mtime`), never used to decide.
    fn wall_ms(&self) -> u64;
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct SimClock {
    monotonic_ms: AtomicU64,
    wall_ms: AtomicU64,
}

impl SimClock {
    /// Starts at the given wall time.
    pub fn starting_at(wall_ms: u64) -> Self {
        SimClock {
            monotonic_ms: AtomicU64::new(0),
            wall_ms: AtomicU64::new(wall_ms),
        }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.monotonic_ms.fetch_add(ms, Ordering::SeqCst);
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the wall clock alone: a step by an administrator or a broken time server.
    pub fn jump_wall_to(&self, wall_ms: u64) {
        self.wall_ms.store(wall_ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic_ms.load(Ordering::SeqCst))
    }

    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::SeqCst)
    }
}

/// Source of random numbers: server-made ids, cluster ids, jitter. Never used in apply.
pub trait Entropy: Send + Sync + 'static {
    /// 64 random bits.
    fn next_u64(&self) -> u64;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next_u64(&self) -> u64 {
        rand::rng().next_u64()
    }
}

/// A seeded sequence (SplitMix64): the same seed gives the same numbers.
#[derive(Debug)]
pub struct SimEntropy {
    state: AtomicU64,
}

impl SimEntropy {
    /// Starts the sequence of `seed`.
    pub fn seeded(seed: u64) -> Self {
        SimEntropy {
            state: AtomicU64::new(seed),
        }
    }
}

impl Entropy for SimEntropy {
    fn next_u64(&self) -> u64 {
        const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self
            .state
            .fetch_add(GAMMA, Ordering::SeqCst)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The lowest of the usual priorities.
const LOWEST_PRIORITY: i32 = 19;

thread_local! {
    static SIMULATED: Cell<bool> = const { Cell::new(false) };
}

/// From now on [`offload`] runs at once what it gets on this thread: a simulation must not hand anything to a thread
/// whose speed nobody controls.
pub fn simulate_on_this_thread() {
    SIMULATED.set(true);
}

/// Runs `work`, which may take longer than others should wait (a disk, a long walk), on a thread of its own: also where
/// a single thread does all the rest. In a simulation it runs at once.
///
/// # Errors
/// When `work` panicked, or the runtime ended before it began.
pub async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<T> {
    if SIMULATED.get() {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(std::io::Error::other)
}

/// As [`offload`], for work that takes a processor for long and that nobody waits for: on a thread that gets what
/// others leave of the processors.
///
/// # Errors
/// When there is no thread for it, or `work` panicked.
pub async fn offload_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<T> {
    if SIMULATED.get() {
        return Ok(work());
    }
    let (done, result) = oneshot::channel();
    std::thread::Builder::new()
        .name("background".to_owned())
        .spawn(move || {
            // On Linux this is about the calling thread alone. Where it is refused the work takes its full share.
            let _ = rustix::process::setpriority_process(None, LOWEST_PRIORITY);
            // Nobody waits for it any more.
            let _ = done.send(work());
        })?;
    result.await.map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::offload;

    /// A node on a small machine has one thread: a snapshot of a million znodes held up every write and heartbeat.
    #[test]
    fn what_is_offloaded_holds_up_nobody_on_a_runtime_of_one_thread() {
        let (sender, receiver) = mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let met = runtime.unwrap().block_on(async {
            let long = offload(move || receiver.recv_timeout(Duration::from_secs(60)));
            let other = async { sender.send("met").unwrap() };
            tokio::join!(long, other).0
        });
        assert_eq!(met.unwrap(), Ok("met"));
    }
}
