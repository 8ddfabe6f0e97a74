//! Counts with read, decide, write-if-unchanged: the optimistic lock of database users.

use holdfast_client::{Client, Error, ErrorCode};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::connect(["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"])?;
    let path = "/counters/visits";
    loop {
        let write = match client.get(path).await? {
            None => client.put(path, "1").parents().create_only(),
            Some(node) => {
                let text = String::from_utf8_lossy(node.data.as_deref().unwrap_or(b"0"));
                let count: u64 = text.parse().unwrap_or(0);
                client
                    .put(path, (count + 1).to_string())
                    .if_version(node.stat.version)
            }
        };
        match write.send().await {
            Ok(_) => return Ok(()),
            // Somebody was faster: read again, decide again.
            Err(error)
                if matches!(
                    error.code(),
                    Some(ErrorCode::VersionMismatch | ErrorCode::NodeExists)
                ) => {}
            // In doubt nothing is repeated: the caller must decide what a double count would mean.
            Err(error) => return Err(error),
        }
    }
}
