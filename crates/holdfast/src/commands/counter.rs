//! `holdfast counter …`.

use holdfast_client::http_types::v1::counters::CountersQuery;
use serde::Serialize;

use super::App;
use super::pages::{Page, read_all};
use crate::args::CounterCommand;
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, command: CounterCommand) -> Result<(), Failure> {
    match command {
        CounterCommand::Get { name } => {
            let counter = app.client.counter(&name).await;
            let counter = counter.cannot(|| format!("read counter {name}"))?;
            show_value(app, &counter, name, counter.value)
        }
        CounterCommand::Add { name, delta } => {
            let added = app.client.add_to_counter(&name, delta).await;
            let added = added.cannot(|| format!("add to counter {name}"))?;
            show_value(app, &added, name, added.value)
        }
        CounterCommand::Block { name, size } => {
            let block = app.client.counter_block(&name, size).await;
            let block = block.cannot(|| format!("take a block of counter {name}"))?;
            let (first, last) = (block.first, block.last);
            let env = vec![
                ("HOLDFAST_COUNTER", name.clone()),
                ("HOLDFAST_FIRST", first.to_string()),
                ("HOLDFAST_LAST", last.to_string()),
            ];
            let shown = Shown::text(&block, name, format!("{first} {last}\n"))?;
            app.out.show(&shown.env(env))
        }
        CounterCommand::Rm { name, if_version } => {
            let removed = app.client.remove_counter(&name, if_version).await;
            let removed = removed.cannot(|| format!("remove counter {name}"))?;
            let text = format!("removed counter {name}\n");
            app.out.show(&Shown::text(&removed, name, text)?)
        }
        CounterCommand::Ls { prefix, limit } => list(app, prefix, limit).await,
    }
}

/// The number alone, so that a script can take it as it is.
fn show_value(app: &App, json: &impl Serialize, name: String, value: i64) -> Result<(), Failure> {
    let env = vec![
        ("HOLDFAST_COUNTER", name.clone()),
        ("HOLDFAST_VALUE", value.to_string()),
    ];
    let shown = Shown::text(json, name, format!("{value}\n"))?;
    app.out.show(&shown.env(env))
}

async fn list(app: &App, prefix: String, limit: Option<usize>) -> Result<(), Failure> {
    let counters = read_all(limit, async |after, count| {
        let query = CountersQuery {
            prefix: Some(prefix.clone()),
            after,
            limit: Some(count),
        };
        let page = app.client.counters(&query).await;
        let page = page.cannot(|| "list the counters".to_owned())?;
        Ok(Page {
            items: page.counters,
            next: page.next,
        })
    })
    .await?;
    let columns = ["COUNTER", "VALUE", "VERSION"];
    let shown = Shown::list(&counters, &columns, |counter| {
        vec![
            counter.counter.clone(),
            counter.value.to_string(),
            counter.version.to_string(),
        ]
    })?;
    app.out.show(&shown)
}
