//! Opens a session and announces this process with a znode that ends with it.

use std::time::Duration;

use holdfast_client::{Client, Error, Owner, SessionOptions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::connect(["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"])?;
    let options = SessionOptions {
        ttl: Duration::from_secs(10),
        owner: Owner {
            service: Some("billing".to_owned()),
            ..Owner::default()
        },
        ..SessionOptions::default()
    };
    let session = client.open_session(options).await?;
    client
        .create("/workers/w-", "here")
        .sequential()
        .parents()
        .ephemeral(&session)
        .send()
        .await?;

    // Kept alive in the background; this fires when it is lost, also without any server.
    tokio::select! {
        () = session.lost() => Err(Error::Invalid(format!("lost: {:?}", session.loss()))),
        () = tokio::time::sleep(Duration::from_secs(30)) => session.close().await.map(|_| ()),
    }
}
