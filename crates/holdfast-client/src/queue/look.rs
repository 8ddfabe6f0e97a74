//! Looking at work queues, and what people do with them.

use http_types::paths;
use http_types::v1::queues::{
    DeadLetter, DeadLetterDeleted, DeadLetterList, Item, ItemList, ItemsQuery, Queue, QueueList,
    QueueSettings, QueuesQuery, RedriveRequest, Redriven,
};
use reqwest::Method;

use crate::client::Client;
use crate::error::Error;
use crate::transport::{Call, Repeat};

impl Client {
    /// How many items wait, are taken, or have died, and the settings.
    ///
    /// # Errors
    /// As every read.
    pub async fn work_queue(&self, name: &str) -> Result<Queue, Error> {
        self.read(Call::get(paths::queue(name))).await?.json()
    }

    /// One page of the queues.
    ///
    /// # Errors
    /// As every read.
    pub async fn work_queues(&self, query: &QueuesQuery) -> Result<QueueList, Error> {
        let path = paths::with_query(
            "/v1/queues",
            &[
                ("prefix", query.prefix.clone()),
                ("after", query.after.clone()),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.read(Call::get(path)).await?.json()
    }

    /// Sets how a queue behaves. Its znodes stay from then on, which ZooKeeper clients need that wait at it.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`](crate::ErrorCode::BadRequest), and as every write.
    pub async fn configure_queue(
        &self,
        name: &str,
        settings: &QueueSettings,
    ) -> Result<Queue, Error> {
        let call = Call::new(Method::PUT, paths::queue(name), Repeat::Once).json(settings)?;
        self.write(call).await?.json()
    }

    /// Drops the settings of a queue, which lasts from then on as long as there is something in it.
    ///
    /// # Errors
    /// As every write.
    pub async fn unconfigure_queue(&self, name: &str) -> Result<Queue, Error> {
        let call = Call::new(Method::DELETE, paths::queue(name), Repeat::Once);
        self.write(call).await?.json()
    }

    /// One page of the items of a queue, in the order in which they are taken, without their data.
    ///
    /// # Errors
    /// As every read.
    pub async fn items(&self, queue: &str, query: &ItemsQuery) -> Result<ItemList, Error> {
        let path = paged(paths::queue_view(queue, "items"), query);
        self.read(Call::get(path)).await?.json()
    }

    /// An item, with its data.
    ///
    /// # Errors
    /// [`ErrorCode::NoItem`](crate::ErrorCode::NoItem), and as every read.
    pub async fn item(&self, queue: &str, item: &str) -> Result<Item, Error> {
        self.read(Call::get(paths::item(queue, item))).await?.json()
    }

    /// One page of the dead letters of a queue, without their data.
    ///
    /// # Errors
    /// As every read.
    pub async fn dead_letters(
        &self,
        queue: &str,
        query: &ItemsQuery,
    ) -> Result<DeadLetterList, Error> {
        let path = paged(paths::queue_view(queue, "dead"), query);
        self.read(Call::get(path)).await?.json()
    }

    /// A dead letter, with its data.
    ///
    /// # Errors
    /// [`ErrorCode::NoDeadLetter`](crate::ErrorCode::NoDeadLetter), and as every read.
    pub async fn dead_letter(&self, queue: &str, item: &str) -> Result<DeadLetter, Error> {
        let path = paths::dead_letter(queue, item);
        self.read(Call::get(path)).await?.json()
    }

    /// Deletes a dead letter.
    ///
    /// # Errors
    /// [`ErrorCode::NoDeadLetter`](crate::ErrorCode::NoDeadLetter), and as every write.
    pub async fn delete_dead_letter(
        &self,
        queue: &str,
        item: &str,
    ) -> Result<DeadLetterDeleted, Error> {
        let path = paths::dead_letter(queue, item);
        let call = Call::new(Method::DELETE, path, Repeat::Once);
        self.write(call).await?.json()
    }

    /// Puts one dead letter back. Carries an idempotency key, so it does so once.
    ///
    /// # Errors
    /// [`ErrorCode::NoDeadLetter`](crate::ErrorCode::NoDeadLetter),
    /// [`ErrorCode::QueueFull`](crate::ErrorCode::QueueFull), and as every write.
    pub async fn redrive_one(&self, queue: &str, item: &str) -> Result<Redriven, Error> {
        let path = format!("{}/redrive", paths::dead_letter(queue, item));
        self.write(Call::keyed_post(path)).await?.json()
    }

    /// Puts the first dead letters back, at most `limit` (1 to 1,000). Carries an idempotency key.
    ///
    /// # Errors
    /// As [`redrive_one`](Client::redrive_one).
    pub async fn redrive(&self, queue: &str, limit: u32) -> Result<Redriven, Error> {
        let path = paths::queue_view(queue, "redrive");
        let call = Call::keyed_post(path).json(&RedriveRequest { limit: Some(limit) })?;
        self.write(call).await?.json()
    }
}

fn paged(path: String, query: &ItemsQuery) -> String {
    let parameters = [
        ("after", query.after.clone()),
        ("limit", query.limit.map(|limit| limit.to_string())),
    ];
    paths::with_query(&path, &parameters)
}
