//! Keeps a copy of a subtree up to date, through the loss of nodes.

use std::collections::BTreeMap;

use holdfast_client::{Client, Error, EventKind, Start, StreamItem};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::connect(["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"])?;
    let mut copy: BTreeMap<String, Option<String>> = BTreeMap::new();
    loop {
        let mut stream = client.watch("/app", Start::State);
        while let Some(item) = stream.next().await {
            match item? {
                StreamItem::Event(_, event) => apply(&mut copy, event.kind),
                // What was read so far may be in part of another time.
                StreamItem::Restarted => copy.clear(),
                // Changes were missed for good: read everything again.
                StreamItem::Gap { .. } => copy.clear(),
            }
        }
    }
}

fn apply(copy: &mut BTreeMap<String, Option<String>>, event: EventKind) {
    if let EventKind::State(state) = event {
        if let Some(node) = state.node {
            copy.insert(node.path, node.value);
        }
    } else if let EventKind::NodeCreated { path, value, .. }
    | EventKind::NodeChanged { path, value, .. } = event
    {
        copy.insert(path, value);
    } else if let EventKind::NodeDeleted { path, .. } = event {
        copy.remove(&path);
    }
}
