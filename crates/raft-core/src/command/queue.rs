//! What is asked of work queues.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, QueueName, Zxid};

/// Puts an item into a work queue, behind those of its priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutItem {
    /// The queue.
    pub queue: QueueName,
    /// Items with a lower number are taken before.
    pub priority: u16,
    /// The item. `None` is null.
    pub data: Option<Bytes>,
    /// Media type of the item.
    pub content_type: Option<Arc<str>>,
}

/// One delivery of an item: the same item may be delivered again, as another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The queue.
    pub queue: QueueName,
    /// The item.
    pub item: ItemId,
    /// Position at which it was taken.
    pub number: Zxid,
}

/// Ends a delivery without the item being done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveBackItem {
    /// Which.
    pub delivery: Delivery,
    /// Whether it counts as a try.
    pub counts: bool,
    /// Why; shown with the dead letter if it is the last try.
    pub reason: Option<String>,
}
