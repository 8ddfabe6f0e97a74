//! Takes a lock, works under it, stops when it is lost, gives the fence to what it protects.

use std::time::Duration;

use holdfast_client::{Client, Error, LockGuard, SessionOptions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::connect(["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"])?;
    let session = client.open_session(SessionOptions::default()).await?;
    let guard = client
        .lock("invoices/monthly")
        .wait(Duration::from_secs(60))
        .reason("monthly invoice run")
        .acquire(&session)
        .await?;

    tokio::select! {
        done = work(&client, &guard) => done?,
        // Stop at once: the next in line may begin as soon as the safe time is over.
        () = guard.lost() => return Err(Error::Invalid(format!("lost: {:?}", guard.loss()))),
    }

    guard.release().await?;
    session.close().await?;
    Ok(())
}

/// The write is refused if the lock was lost, even if this process does not know it yet.
async fn work(client: &Client, guard: &LockGuard) -> Result<(), Error> {
    client
        .put("/invoices/last-run", "2026-10")
        .parents()
        .fence(guard.lock(), guard.fence())
        .send()
        .await?;
    Ok(())
}
