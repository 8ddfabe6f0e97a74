//! `holdfast queue …`.

mod look;
mod work;

use std::time::Duration;

use holdfast_client::Data;
use holdfast_client::http_types::v1::queues::{Delivery, GiveBackRequest, QueueSettings};

use super::App;
use super::nodes::value;
use crate::args::{DeliveryArgs, QueueCommand};
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, command: QueueCommand) -> Result<u8, Failure> {
    let done = match command {
        QueueCommand::Work(args) => return work::run(app, args).await,
        QueueCommand::Put {
            name,
            value: text,
            priority,
            content_type,
        } => {
            let data = Data {
                bytes: value(text.as_deref().unwrap_or("-"))?.into(),
                content_type,
            };
            put(app, &name, data, priority).await
        }
        QueueCommand::Take {
            name,
            session,
            n,
            wait,
        } => take(app, &name, &session, (n, wait)).await,
        QueueCommand::Ack(delivery) => ack(app, &delivery).await,
        QueueCommand::GiveBack {
            delivery,
            reason,
            uncounted,
        } => give_back(app, &delivery, reason, uncounted).await,
        QueueCommand::List { prefix, limit } => look::list(app, prefix, limit).await,
        QueueCommand::Show {
            name,
            item: Some(item),
            ..
        } => look::item(app, &name, &item).await,
        QueueCommand::Show { name, limit, .. } => look::show(app, &name, limit).await,
        QueueCommand::Dead {
            name,
            item: Some(item),
            ..
        } => look::dead_letter(app, &name, &item).await,
        QueueCommand::Dead { name, limit, .. } => look::dead(app, &name, limit).await,
        QueueCommand::Redrive { name, item, .. } => redrive(app, &name, item.as_deref()).await,
        QueueCommand::Forget { name, item } => forget(app, &name, &item).await,
        QueueCommand::Set {
            name,
            max_tries,
            max_items,
            drop,
        } => {
            let settings = QueueSettings {
                max_tries,
                max_items,
            };
            set(app, &name, (!drop).then_some(settings)).await
        }
    };
    done.map(|()| 0)
}

async fn put(app: &App, name: &str, data: Data, priority: Option<u16>) -> Result<(), Failure> {
    let put = app.client.put_item(name, data, priority).await;
    let put = put.cannot(|| format!("put an item into {name}"))?;
    let item = put.item.clone();
    let env = vec![
        ("HOLDFAST_QUEUE", name.to_owned()),
        ("HOLDFAST_ITEM", item.clone()),
    ];
    let shown = Shown::text(&put, item.clone(), format!("{item}\n"))?;
    app.out.show(&shown.env(env))
}

async fn take(
    app: &App,
    name: &str,
    session: &str,
    (n, wait): (u32, Duration),
) -> Result<(), Failure> {
    let taken = app.client.take_as(session, name, n, wait).await;
    let taken = taken.cannot(|| format!("take from {name}"))?;
    let env = taken.deliveries.first().map(|first| {
        vec![
            ("HOLDFAST_QUEUE", name.to_owned()),
            ("HOLDFAST_ITEM", first.item.clone()),
            ("HOLDFAST_DELIVERY", first.delivery.to_string()),
            ("HOLDFAST_ATTEMPT", first.attempt.to_string()),
            ("HOLDFAST_VALUE", first.value.clone()),
        ]
    });
    let columns = ["ITEM", "DELIVERY", "ATTEMPT", "VALUE"];
    let row = |delivery: &Delivery| {
        vec![
            delivery.item.clone(),
            delivery.delivery.to_string(),
            delivery.attempt.to_string(),
            delivery.value.clone(),
        ]
    };
    let shown = Shown::list(&taken.deliveries, &columns, row)?;
    app.out.show(&shown.env(env.unwrap_or_default()))
}

async fn ack(app: &App, args: &DeliveryArgs) -> Result<(), Failure> {
    let item = (&*args.name, &*args.item);
    let acked = app.client.ack_as(&args.session, item, args.delivery).await;
    let acked = acked.cannot(|| format!("acknowledge {}", args.item))?;
    let text = format!("{} is done\n", args.item);
    app.out.show(&Shown::text(&acked, args.item.clone(), text)?)
}

async fn give_back(
    app: &App,
    args: &DeliveryArgs,
    reason: Option<String>,
    uncounted: bool,
) -> Result<(), Failure> {
    let request = GiveBackRequest {
        delivery: args.delivery,
        uncounted,
        reason,
    };
    let item = (&*args.name, &*args.item);
    let given = app.client.give_back_as(&args.session, item, &request).await;
    let given = given.cannot(|| format!("give {} back", args.item))?;
    let end = if given.dead { "dead" } else { "back" };
    let text = format!("{} is {end}, tried {} times\n", given.item, given.tries);
    app.out.show(&Shown::text(&given, args.item.clone(), text)?)
}

async fn redrive(app: &App, name: &str, item: Option<&str>) -> Result<(), Failure> {
    let what = || format!("put dead letters of {name} back");
    let mut total = match item {
        Some(item) => app.client.redrive_one(name, item).await.cannot(what)?,
        None => app
            .client
            .redrive(name, REDRIVE_AT_ONCE)
            .await
            .cannot(what)?,
    };
    while item.is_none() && total.left > 0 {
        let more = app.client.redrive(name, REDRIVE_AT_ONCE).await;
        let more = more.cannot(what)?;
        if more.moved == 0 {
            break;
        }
        total.moved = total.moved.saturating_add(more.moved);
        total.left = more.left;
    }
    let text = format!("put {} back, {} left\n", total.moved, total.left);
    app.out.show(&Shown::text(&total, name, text)?)
}

/// Most that one request puts back.
const REDRIVE_AT_ONCE: u32 = 1_000;

async fn forget(app: &App, name: &str, item: &str) -> Result<(), Failure> {
    let deleted = app.client.delete_dead_letter(name, item).await;
    let deleted = deleted.cannot(|| format!("delete dead letter {item} of {name}"))?;
    let text = format!("deleted {item}\n");
    app.out.show(&Shown::text(&deleted, item, text)?)
}

async fn set(app: &App, name: &str, settings: Option<QueueSettings>) -> Result<(), Failure> {
    let set = match &settings {
        Some(settings) => app.client.configure_queue(name, settings).await,
        None => app.client.unconfigure_queue(name).await,
    };
    let queue = set.cannot(|| format!("set how {name} behaves"))?;
    app.out.show(&look::summary(&queue)?)
}
