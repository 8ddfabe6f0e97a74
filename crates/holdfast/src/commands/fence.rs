//! `holdfast fence …`.

mod verify;

use holdfast_client::http_types::v1::fences::FencesQuery;
use serde::Serialize;

use super::App;
use super::pages::{Page, read_all};
use crate::args::FenceCommand;
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, command: FenceCommand) -> Result<(), Failure> {
    match command {
        FenceCommand::Advance { resource, fence } => {
            let advanced = app.client.advance_fence(&resource, fence).await;
            let advanced = advanced.cannot(|| format!("show fence {fence} for {resource}"))?;
            show_highest(app, &advanced, resource, advanced.highest)
        }
        FenceCommand::Get { resource } => {
            let register = app.client.fence_register(&resource).await;
            let register = register.cannot(|| format!("read the fence of {resource}"))?;
            show_highest(app, &register, resource, register.highest)
        }
        FenceCommand::Rm { resource } => {
            let register = app.client.forget_fence(&resource).await;
            let register = register.cannot(|| format!("forget the fence of {resource}"))?;
            let text = format!("forgot fence {} of {resource}\n", register.highest);
            app.out.show(&Shown::text(&register, resource, text)?)
        }
        FenceCommand::Ls { prefix, limit } => list(app, prefix, limit).await,
        FenceCommand::Verify(args) => verify::run(app, args).await,
    }
}

/// The number alone, so that a script can take it as it is.
fn show_highest(
    app: &App,
    json: &impl Serialize,
    resource: String,
    highest: u64,
) -> Result<(), Failure> {
    let env = vec![
        ("HOLDFAST_RESOURCE", resource.clone()),
        ("HOLDFAST_FENCE", highest.to_string()),
    ];
    let shown = Shown::text(json, resource, format!("{highest}\n"))?;
    app.out.show(&shown.env(env))
}

async fn list(app: &App, prefix: String, limit: Option<usize>) -> Result<(), Failure> {
    let registers = read_all(limit, async |after, count| {
        let query = FencesQuery {
            prefix: Some(prefix.clone()),
            after,
            limit: Some(count),
        };
        let page = app.client.fence_registers(&query).await;
        let page = page.cannot(|| "list the fences".to_owned())?;
        Ok(Page {
            items: page.fences,
            next: page.next,
        })
    })
    .await?;
    let columns = ["RESOURCE", "HIGHEST", "SINCE"];
    let shown = Shown::list(&registers, &columns, |register| {
        vec![
            register.resource.clone(),
            register.highest.to_string(),
            register.moved_at.clone(),
        ]
    })?;
    app.out.show(&shown)
}
