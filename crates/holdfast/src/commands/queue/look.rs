//! Looking at queues, their items and dead letters.

use holdfast_client::http_types::v1::queues::{Item, ItemsQuery, Queue, QueuesQuery};

use crate::commands::App;
use crate::commands::pages::{Page, read_all};
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

pub(super) async fn list(app: &App, prefix: String, limit: Option<usize>) -> Result<(), Failure> {
    let queues = read_all(limit, async |after, count| {
        let query = QueuesQuery {
            prefix: Some(prefix.clone()),
            after,
            limit: Some(count),
        };
        let page = app.client.work_queues(&query).await;
        let page = page.cannot(|| "list the queues".to_owned())?;
        Ok(Page {
            items: page.queues,
            next: page.next,
        })
    })
    .await?;
    let columns = ["QUEUE", "ITEMS", "TAKEN", "DEAD"];
    let shown = Shown::list(&queues, &columns, |queue| {
        vec![
            queue.queue.clone(),
            queue.items.to_string(),
            queue.taken.to_string(),
            queue.dead.to_string(),
        ]
    })?;
    app.out.show(&shown)
}

/// One queue in lines.
pub(super) fn summary(queue: &Queue) -> Result<Shown, Failure> {
    let or = |number: Option<u32>, otherwise: &str| {
        number.map_or_else(|| otherwise.to_owned(), |number| number.to_string())
    };
    let fields = vec![
        ("queue", queue.queue.clone()),
        ("items", queue.items.to_string()),
        ("taken", queue.taken.to_string()),
        ("dead", queue.dead.to_string()),
        ("max tries", or(queue.settings.max_tries, "no limit")),
        ("max items", or(queue.settings.max_items, "1000000")),
    ];
    Shown::one(queue, queue.queue.clone(), fields)
}

pub(super) async fn show(app: &App, name: &str, limit: Option<usize>) -> Result<(), Failure> {
    let queue = app.client.work_queue(name).await;
    let queue = queue.cannot(|| format!("read {name}"))?;
    let items = read_all(limit, async |after, count| {
        let query = ItemsQuery {
            limit: Some(count),
            after,
        };
        let page = app.client.items(name, &query).await;
        let page = page.cannot(|| format!("read {name}"))?;
        Ok(Page {
            items: page.items,
            next: page.next,
        })
    })
    .await?;
    let columns = ["ITEM", "TRIES", "BYTES", "SINCE", "TAKEN BY", "DELIVERY"];
    let row = |item: &Item| {
        vec![
            item.item.clone(),
            item.tries.to_string(),
            item.size.to_string(),
            item.put_at.clone(),
            item.taken_by.clone().unwrap_or_default(),
            item.delivery
                .map_or_else(String::new, |delivery| delivery.to_string()),
        ]
    };
    let (total, taken, dead) = (queue.items, queue.taken, queue.dead);
    let foot = format!("{total} items, {taken} taken, {dead} dead");
    app.out
        .show(&Shown::list(&items, &columns, row)?.foot(foot))
}

pub(super) async fn item(app: &App, name: &str, item: &str) -> Result<(), Failure> {
    let found = app.client.item(name, item).await;
    let found = found.cannot(|| format!("read {item} of {name}"))?;
    let value = found.value.clone().unwrap_or_default();
    app.out.show(&Shown::text(&found, item, value)?)
}

pub(super) async fn dead(app: &App, name: &str, limit: Option<usize>) -> Result<(), Failure> {
    let letters = read_all(limit, async |after, count| {
        let query = ItemsQuery {
            limit: Some(count),
            after,
        };
        let page = app.client.dead_letters(name, &query).await;
        let page = page.cannot(|| format!("read the dead letters of {name}"))?;
        Ok(Page {
            items: page.dead,
            next: page.next,
        })
    })
    .await?;
    let columns = ["ITEM", "TRIES", "BYTES", "DIED", "REASON"];
    let shown = Shown::list(&letters, &columns, |letter| {
        vec![
            letter.item.clone(),
            letter.tries.to_string(),
            letter.size.to_string(),
            letter.died_at.clone(),
            letter.reason.clone().unwrap_or_default(),
        ]
    })?;
    app.out.show(&shown)
}

pub(super) async fn dead_letter(app: &App, name: &str, item: &str) -> Result<(), Failure> {
    let found = app.client.dead_letter(name, item).await;
    let found = found.cannot(|| format!("read dead letter {item} of {name}"))?;
    let value = found.value.clone().unwrap_or_default();
    app.out.show(&Shown::text(&found, item, value)?)
}
