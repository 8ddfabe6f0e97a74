//! `/v1/services`: instances, and which of them gets the next request.

mod pick;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use self::pick::{
    Considered, Cursor, PickQuery, Picked, PickedInstance, Reservation, ReservationReleased, Ring,
    RingQuery, Strategy,
};
use crate::duration::TextDuration;

/// `PUT /v1/services/{service}/-/instances/{id}`: be an instance. Repeating it changes what it says, and puts
/// the deadline of one with a `ttl` off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// Host name or address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Its share of the work, relative to the weights of the others; 0: none. Left out: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Words to be found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Anything else, also to be found by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// How the cluster is to check it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<InstanceCheck>,
    /// It goes unless it is renewed within this time. Left out: it goes with the session in
    /// `Holdfast-Session`.
    #[schema(value_type = Option<String>, example = "30s")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<TextDuration>,
    /// Whether new work is sent to it. Left out: as it is; `up` for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<InstanceState>,
}

/// How the cluster checks an instance. One of `http` and `tcp` is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceCheck {
    /// A GET of this path at the address and port of the instance is answered with 200 to 299.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/livez")]
    pub http: Option<String>,
    /// A connection to the address and port of the instance can be made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tcp: bool,
    /// How often. Left out: every 5 s.
    #[schema(value_type = Option<String>, example = "5s")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<TextDuration>,
    /// How long one may take. Left out: 1 s, or the interval where that is shorter.
    #[schema(value_type = Option<String>, example = "1s")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TextDuration>,
    /// After how many failures in a row it fails. Left out: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_after: Option<u32>,
    /// After how many successes in a row it passes again. Left out: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_after: Option<u32>,
}

/// Whether new work is sent to an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// It is.
    #[default]
    Up,
    /// It is not; what it has goes on.
    Draining,
}

/// An instance of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    /// The service.
    pub service: String,
    /// Its id.
    pub id: String,
    /// Host name or address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Its share of the work.
    pub weight: u32,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Words to be found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// The session it goes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Without a session: how long a renewal lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
    /// Without a session: when it goes, unless it is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Whether new work is sent to it.
    pub state: InstanceState,
    /// Why it is not picked, in words that follow its name; left out where it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// How the cluster checks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<InstanceCheck>,
    /// What its checks say; left out before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What it last said about its load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Calls that failed since the last that succeeded, as far as they were reported.
    pub failures: u32,
    /// Open reservations.
    pub reserved: u32,
    /// Position at which it was registered.
    pub registered_index: u64,
    /// When.
    pub registered_at: String,
    /// Position at which what it says or its state last changed.
    pub changed_index: u64,
}

/// What the checks of an instance say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Whether they pass.
    pub passing: bool,
    /// Since when.
    pub since: String,
    /// The same as a position.
    pub since_index: u64,
    /// What the one that changed this found.
    pub text: String,
}

/// What an instance said about its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Load {
    /// Requests it was serving.
    pub inflight: u32,
    /// How many it serves at once.
    pub capacity: u32,
    /// How long ago it said so.
    pub age_ms: u64,
}

/// `GET /v1/services/{service}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Its name.
    pub service: String,
    /// All of its instances, in order of id; none where there is no such service.
    pub instances: Vec<Instance>,
    /// How many of them can be picked.
    pub available: u32,
}

/// One row of [`ServiceList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceSummary {
    /// Its name.
    pub service: String,
    /// How many instances it has.
    pub instances: u64,
    /// Open reservations.
    pub reservations: u64,
}

/// `GET /v1/services`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceList {
    /// In order of name.
    pub services: Vec<ServiceSummary>,
    /// Pass it as `after` for the next page; left out on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Query of `GET /v1/services`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ServicesQuery {
    /// What the names begin with.
    pub prefix: Option<String>,
    /// Most services to list.
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// `DELETE /v1/services/{service}/-/instances/{id}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstanceLeft {
    /// The service.
    pub service: String,
    /// The instance.
    pub id: String,
    /// Whether this request ended it; otherwise it was not there.
    pub left: bool,
}

/// `PUT /v1/services/{service}/-/instances/{id}/state`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateRequest {
    /// From now on.
    pub state: InstanceState,
}

/// `PUT /v1/services/{service}/-/instances/{id}/load`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadRequest {
    /// Requests it is serving now, reserved ones among them.
    pub inflight: u32,
    /// How many it serves at once. Left out: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
}

/// `POST /v1/services/{service}/-/report`: how a call went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallReport {
    /// The instance that was called.
    pub instance: String,
    /// Whether it went well.
    pub ok: bool,
}
