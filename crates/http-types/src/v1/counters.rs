//! `/v1/counters`: whole numbers that are added to.
//!
//! A counter is the znode `/counters/{name}`. Values have 64 bits and a sign; a reader whose numbers
//! are floating point takes them exactly up to 2^53.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// `GET /v1/counters/{name}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counter {
    /// Its name.
    pub counter: String,
    /// Its value.
    pub value: i64,
    /// Version of its znode: how often it was changed, for `If-Match`.
    pub version: i32,
}

/// `POST /v1/counters/{name}/-/add`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRequest {
    /// How much; less than 0 takes away.
    #[schema(example = 1)]
    pub delta: i64,
}

/// Answer to [`AddRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Added {
    /// The counter.
    pub counter: String,
    /// Its value now.
    pub value: i64,
    /// Its value before; 0 where there was no counter.
    pub previous: i64,
    /// Version of its znode now.
    pub version: i32,
}

/// `POST /v1/counters/{name}/-/block`: so many numbers in a row that nobody else gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// How many, 1 to 1,000,000,000.
    #[schema(example = 1000)]
    pub size: u32,
}

/// Answer to [`BlockRequest`]: the numbers from `first` to `last`, both among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// The counter.
    pub counter: String,
    /// The first; 1 where there was no counter.
    pub first: i64,
    /// The last: the value of the counter now.
    pub last: i64,
    /// How many.
    pub size: u32,
    /// Version of its znode now.
    pub version: i32,
}

/// Answer to a DELETE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Removed {
    /// The counter.
    pub counter: String,
}

/// Query of `GET /v1/counters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct CountersQuery {
    /// Names that begin with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Names after this one: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `GET /v1/counters`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CounterList {
    /// Names of one segment first, then those of two, and so on; in order of name within each.
    pub counters: Vec<Counter>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
