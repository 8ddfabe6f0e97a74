//! `holdfast deadlocks`.

use holdfast_client::http_types::v1::deadlocks::{Deadlocks, OrderConflicts};
use serde::Serialize;

use super::App;
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

/// Both in one answer.
#[derive(Debug, Serialize)]
struct Seen {
    deadlocks: Deadlocks,
    order: OrderConflicts,
}

pub(super) async fn run(app: &App) -> Result<(), Failure> {
    let what = || "look for deadlocks".to_owned();
    let seen = Seen {
        deadlocks: app.client.deadlocks().await.cannot(what)?,
        order: app.client.lock_order().await.cannot(what)?,
    };
    let mut rows: Vec<[String; 3]> = Vec::new();
    for deadlock in &seen.deadlocks.deadlocks {
        let what = format!("refused: {}", deadlock.detail);
        rows.push([deadlock.at.clone(), deadlock.index.to_string(), what]);
    }
    for conflict in &seen.order.conflicts {
        let (usual, rare) = (&conflict.usual, &conflict.rare);
        let what = format!(
            "{} before {} {} times, the other way {} times, last {} before {}",
            usual.held, usual.asked, usual.count, rare.count, rare.last_held, rare.last_asked
        );
        rows.push([rare.last_at.clone(), "-".to_owned(), what]);
    }
    let columns = ["AT", "INDEX", "WHAT"];
    let shown = Shown::list(&rows, &columns, |row| row.to_vec())?
        .foot("as the node that answered has seen since it started")
        .json(&seen)?;
    app.out.show(&shown)
}
