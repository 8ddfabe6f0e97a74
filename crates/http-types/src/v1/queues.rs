//! `/v1/queues`: items that are put, taken, and acknowledged when they are done.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Encoding;

/// `PUT /v1/queues/{queue}`: how it behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSettings {
    /// After so many tries an item is a dead letter. Left out: it is tried for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 5)]
    pub max_tries: Option<u32>,
    /// No item is put while there are so many. Left out: 1,000,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u32>,
}

/// `GET /v1/queues/{queue}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// Its name.
    pub queue: String,
    /// Items that wait or are taken.
    pub items: u32,
    /// Items that are taken.
    pub taken: u32,
    /// Dead letters.
    pub dead: u32,
    /// Its settings.
    pub settings: QueueSettings,
}

/// `GET /v1/queues`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueList {
    /// In order of the segments of their names.
    pub queues: Vec<Queue>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/queues`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct QueuesQuery {
    /// What the names begin with.
    pub prefix: Option<String>,
    /// Most queues to list.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// Query of a listing of items or dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// Most of them to list.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// Query of `POST /v1/queues/{queue}/-/items`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PutItemQuery {
    /// 0 to 999, items with lower ones are taken before; left out: 100.
    pub priority: Option<u16>,
}

/// Answer to `POST /v1/queues/{queue}/-/items`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemPut {
    /// The queue.
    pub queue: String,
    /// Name of the item.
    pub item: String,
}

/// An item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Its name. One that was put by a ZooKeeper client has the name of its znode.
    pub item: String,
    /// Its priority.
    pub priority: u16,
    /// How often it was tried: deliveries that ended while it was there.
    pub tries: u32,
    /// Position at which it was put.
    pub put_index: u64,
    /// When.
    pub put_at: String,
    /// Bytes of it.
    pub size: u32,
    /// The session that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
    /// The number of that delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u64>,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// What is to be done. Not in listings, nor where the access list of its znode does not let the reader see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the value is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// `GET /v1/queues/{queue}/-/items`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemList {
    /// In the order in which they are taken.
    pub items: Vec<Item>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /v1/queues/{queue}/-/take`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TakeRequest {
    /// How many at most, 1 to 100; left out: 1. Fewer where there are fewer, or they come to a mebibyte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
}

/// Answer to [`TakeRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// The queue.
    pub queue: String,
    /// What the session has now, the first first. Nothing where there was nothing to take within the wait.
    pub deliveries: Vec<Delivery>,
    /// Of a repeated request: items that it had taken, and whose delivery is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<String>,
}

/// One delivery of an item: the session has it until it acknowledges it, gives it back, or ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Name of the item.
    pub item: String,
    /// Number of the delivery.
    pub delivery: u64,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Priority of the item.
    pub priority: u16,
    /// When it was put.
    pub put_at: String,
    /// What is to be done.
    pub value: String,
    /// How the value is written.
    pub encoding: Encoding,
    /// Media type of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// `POST /v1/queues/{queue}/-/items/{item}/ack`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckRequest {
    /// Number of the delivery.
    pub delivery: u64,
}

/// Answer to [`AckRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Acked {
    /// The queue.
    pub queue: String,
    /// The item, which is gone.
    pub item: String,
}

/// `POST /v1/queues/{queue}/-/items/{item}/give-back`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveBackRequest {
    /// Number of the delivery.
    pub delivery: u64,
    /// That it does not count as a try.
    #[serde(default)]
    pub uncounted: bool,
    /// Why; shown with the dead letter if this was the last try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Answer to [`GiveBackRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GivenBack {
    /// The queue.
    pub queue: String,
    /// The item.
    pub item: String,
    /// How often it was tried.
    pub tries: u32,
    /// Whether that was the last time, and it is a dead letter now.
    pub dead: bool,
}

/// A dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// Its name: that of the item, and the position at which it was put.
    pub item: String,
    /// Priority of the item.
    pub priority: u16,
    /// How often it was tried.
    pub tries: u32,
    /// What was said when it was given back for the last time; left out where nobody gave it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was put.
    pub put_at: String,
    /// When it died.
    pub died_at: String,
    /// Position at which it died.
    pub died_index: u64,
    /// Bytes of it.
    pub size: u32,
    /// What was to be done. Not in listings, nor where the access list of its znode does not let the reader see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How the value is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Media type of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// `GET /v1/queues/{queue}/-/dead`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterList {
    /// In order of priority, then of age.
    pub dead: Vec<DeadLetter>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /v1/queues/{queue}/-/redrive`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedriveRequest {
    /// How many at most, 1 to 1,000; left out: 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Dead letters were put back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redriven {
    /// The queue.
    pub queue: String,
    /// How many.
    pub moved: u32,
    /// How many are left.
    pub left: u32,
}

/// `DELETE /v1/queues/{queue}/-/dead/{item}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterDeleted {
    /// The queue.
    pub queue: String,
    /// The dead letter, which is gone.
    pub item: String,
}
