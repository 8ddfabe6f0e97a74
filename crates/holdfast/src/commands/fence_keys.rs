//! `holdfast fence-keys …`.

use std::fmt::Write as _;

use holdfast_client::http_types::v1::fence_tokens::FenceKey;

use super::App;
use crate::args::FenceKeysCommand;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::{Shown, ago};

pub(super) async fn run(app: &App, command: FenceKeysCommand) -> Result<(), Failure> {
    match command {
        FenceKeysCommand::Ls => {
            let list = app.client.fence_keys().await;
            let keys = list.cannot(|| "list the keys".to_owned())?.keys;
            let columns = ["KID", "NODE", "STATE", "PUBLISHED", "ENDS IN"];
            app.out.show(&Shown::list(&keys, &columns, row)?)
        }
        FenceKeysCommand::Export => {
            let set = app.client.key_set().await;
            let set = set.cannot(|| "read the key set".to_owned())?;
            let text = serde_json::to_string_pretty(&set);
            let mut text =
                text.map_err(|error| Failure::new(Exit::Internal, "print the key set", error))?;
            text.push('\n');
            app.out.show(&Shown::text(&set, "jwks", text)?)
        }
        FenceKeysCommand::Rotate { node } => {
            let rotating = app.client.rotate_fence_keys(node.as_deref()).await;
            let rotating = rotating.cannot(|| "have new keys made".to_owned())?;
            let text = format!("{} nodes make new keys\n", rotating.nodes);
            app.out.show(&Shown::text(&rotating, "", text)?)
        }
        FenceKeysCommand::Revoke { kid } => {
            let revoked = app.client.revoke_fence_key(&kid).await;
            let revoked = revoked.cannot(|| format!("revoke key {kid}"))?;
            let mut text = format!("revoked key {kid} of {}\n", revoked.node);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "verifiers hear of it when they fetch the key set again: have those do so that keep it longer"
            );
            app.out.show(&Shown::text(&revoked, kid, text)?)
        }
    }
}

fn row(key: &FenceKey) -> Vec<String> {
    vec![
        key.kid.clone(),
        key.node.clone(),
        key.state.as_str().to_owned(),
        key.published_at.clone(),
        key.ends_in_ms.map_or_else(|| "-".to_owned(), ago),
    ]
}
