//! One client, for what no load is needed for.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use load::{Client as _, Http, Reading, Target, Trouble, ZooKeeper};
use tokio::time::timeout;

use crate::contender::Contender;
use crate::etcd::Etcd;
use crate::fsync::Span;
use crate::redis::Redis;

/// The znode that is written and read.
const PATH: &str = "probe";
/// How long one answer may take.
const WITHIN: Duration = Duration::from_secs(2);
/// The same of a read: it is how a server that comes up is asked, and a question that came too early must not
/// count as time that the server needed.
const READ_WITHIN: Duration = Duration::from_millis(200);

/// What the client is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errand {
    /// Make the znode.
    Ensure,
    /// Write so often, one after the other.
    Write(u64),
    /// Read once.
    Read,
}

/// Does it at one server, and gives when each write was sent and acknowledged.
pub(crate) fn run(contender: Contender, server: &str, errand: Errand) -> Result<Vec<Span>> {
    let servers = vec![server.to_owned()];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start a runtime")?;
    let done = runtime.block_on(async {
        match contender {
            Contender::HoldfastHttp => act(Http::new(servers), errand).await,
            Contender::HoldfastZookeeper | Contender::Zookeeper => {
                act(ZooKeeper::new(servers), errand).await
            }
            Contender::Etcd => act(Etcd::new(servers), errand).await,
            Contender::Redis => act(Redis::new(servers), errand).await,
        }
    });
    done.with_context(|| format!("{errand:?} at {contender}"))
}

async fn act<T: Target>(target: T, errand: Errand) -> Result<Vec<Span>, Trouble> {
    let longest = match errand {
        Errand::Read => READ_WITHIN,
        Errand::Ensure | Errand::Write(_) => WITHIN,
    };
    let mut client = within(longest, target.connect(0)).await?;
    match errand {
        Errand::Ensure => within(longest, client.ensure(PATH)).await?,
        Errand::Read => {
            // What a driver reads from its own server: for ZooKeeper's protocol that is the promise.
            let reading = match target.name() {
                "zookeeper" => Reading::Session,
                _ => Reading::Linearizable,
            };
            within(longest, client.read(PATH, reading)).await?;
        }
        Errand::Write(times) => {
            let value = Bytes::from_static(&[b'x'; 100]);
            let mut writes = Vec::new();
            for _ in 0..times {
                let begun = now();
                within(longest, client.write(PATH, &value)).await?;
                writes.push(Span { begun, done: now() });
            }
            return Ok(writes);
        }
    }
    Ok(Vec::new())
}

async fn within<A>(
    longest: Duration,
    act: impl Future<Output = Result<A, Trouble>>,
) -> Result<A, Trouble> {
    timeout(longest, act)
        .await
        .unwrap_or_else(|_| Err(Trouble::cut("no answer in time")))
}

/// By the clock that `strace` reads too.
fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default()
}
