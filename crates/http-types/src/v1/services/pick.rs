//! Picks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::duration::TextDuration;
use crate::v1::flag;

/// How instances are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// By chance and weight.
    Random,
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The least busy for its capacity and weight.
    LeastLoad,
    /// The less busy of two that are drawn.
    P2c,
    /// The same for the same `key`.
    Hash,
    /// The same for the same `key`, from a table.
    Maglev,
    /// `previous`, while it can be picked; then as by hash.
    Sticky,
}

/// Who counts the turns of `round_robin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Each node for itself, without a commit.
    Local,
    /// The cluster.
    Global,
}

/// Query of `GET` and `POST /v1/services/{service}/-/pick`. Lists are separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PickQuery {
    /// How. Left out: `round_robin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// For `hash`, `maglev` and `sticky`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// For `sticky`: the instance it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// For `hash`: how much of its share of the load an instance may have at most, `1.25` say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounded: Option<String>,
    /// For `maglev`: entries of the table, a prime number. Left out: 65537.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// For `round_robin`: who counts. A GET is answered by the `local` cursor of the node, a POST by the
    /// `global` one.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Only instances in this zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Only instances with all of these tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only instances with all of these in their meta: `build:881,os:linux`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<String>,
    /// None of these instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<String>,
    /// How many different ones; fewer where there are no more. Left out: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Of a POST: what is picked counts as busy for this long, or until it is released.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve: Option<TextDuration>,
    /// Say of each instance why it was chosen or not.
    #[serde(deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub explain: bool,
}

/// What was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Picked {
    /// The first choice.
    pub instance: PickedInstance,
    /// The further ones, with `n`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<PickedInstance>,
    /// How it was chosen.
    pub strategy: Strategy,
    /// With `strategy=maglev`: the version of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_version: Option<String>,
    /// All instances of the service, with `explain`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub considered: Vec<Considered>,
}

/// An instance that was picked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PickedInstance {
    /// Its id.
    pub id: String,
    /// Host name or address.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Anything else it says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// What was reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<Reservation>,
}

/// A reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reservation {
    /// Its id.
    pub id: String,
    /// When it ends by itself, from the pick.
    pub expires_ms: u64,
    /// Where to DELETE it when the work is done.
    pub release: String,
}

/// An instance that a pick looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Considered {
    /// Its id.
    pub id: String,
    /// Whether it was chosen.
    pub chosen: bool,
    /// How busy it would be with one request more, in thousandths of its capacity and weight, where that
    /// decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u64>,
    /// Why it did not come into question, in words that follow its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<String>,
}

/// `DELETE /v1/services/{service}/-/reservations/{id}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservationReleased {
    /// The service.
    pub service: String,
    /// The reservation.
    pub id: String,
    /// Whether this request ended it; otherwise it was not open.
    pub released: bool,
}

/// Query of `GET /v1/services/{service}/-/ring`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RingQuery {
    /// Entries, a prime number. Left out: 65537.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Only instances in this zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Only instances with all of these tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only instances with all of these in their meta.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<String>,
}

/// `GET /v1/services/{service}/-/ring`: the table of `strategy=maglev`, for clients that pick themselves. The
/// entry of a key is its XXH3 hash of 64 bits modulo the number of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ring {
    /// The service.
    pub service: String,
    /// Tables of one version are equal.
    pub ring_version: String,
    /// Who is in it.
    pub instances: Vec<PickedInstance>,
    /// For each entry, which of `instances`, from 0. Empty where nobody can be picked.
    pub table: Vec<u32>,
}
