//! The messages of etcd v3 that are sent here, with the fields that are used here.
//!
//! By hand instead of from etcd's `.proto` files: nobody who builds Holdfast needs `protoc`, and what is left out
//! is skipped when it is read. A `oneof` of which one member is ever used is an optional field: the bytes are the
//! same.

use bytes::Bytes;

/// What every answer begins with.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct ResponseHeader {
    /// Of the store, when the request was applied.
    #[prost(int64, tag = "3")]
    pub(crate) revision: i64,
}

/// A request whose answer is not looked at beyond its arrival.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Done {}

/// `KV/Put`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct PutRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// `KV/Range`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct RangeRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    /// Answered from what the server that is asked has.
    #[prost(bool, tag = "7")]
    pub(crate) serializable: bool,
}

/// Answer to `KV/Range`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct RangeResponse {
    #[prost(message, repeated, tag = "2")]
    pub(crate) kvs: Vec<KeyValue>,
}

/// A key with its value.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct KeyValue {
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) value: Bytes,
}

/// `KV/Txn`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct TxnRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) success: Vec<RequestOp>,
}

/// `key`'s revision of creation equals the one given: both enums of etcd's message are set for that alone.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Compare {
    /// 1: the revision of creation.
    #[prost(int32, tag = "2")]
    pub(crate) target: i32,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) key: Bytes,
    /// 0: there is no such key.
    #[prost(int64, optional, tag = "5")]
    pub(crate) create_revision: Option<i64>,
}

/// One step of a transaction.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct RequestOp {
    #[prost(message, optional, tag = "2")]
    pub(crate) put: Option<PutRequest>,
}

/// Answer to `KV/Txn`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct TxnResponse {
    #[prost(bool, tag = "2")]
    pub(crate) succeeded: bool,
}

/// `Lease/LeaseGrant`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct LeaseGrantRequest {
    /// Seconds.
    #[prost(int64, tag = "1")]
    pub(crate) ttl: i64,
}

/// Answer to `Lease/LeaseGrant`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct LeaseGrantResponse {
    #[prost(int64, tag = "2")]
    pub(crate) id: i64,
}

/// `Lease/LeaseKeepAlive`, and what is looked at in its answer.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct LeaseKeepAliveRequest {
    #[prost(int64, tag = "1")]
    pub(crate) id: i64,
}

/// Answer to `Lease/LeaseKeepAlive`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct LeaseKeepAliveResponse {
    /// Seconds left; 0: there is no such lease.
    #[prost(int64, tag = "3")]
    pub(crate) ttl: i64,
}

/// `v3lock/Lock`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct LockRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) name: Bytes,
    #[prost(int64, tag = "2")]
    pub(crate) lease: i64,
}

/// Answer to `v3lock/Lock`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct LockResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<ResponseHeader>,
    /// Exists as long as the lock is held.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) key: Bytes,
}

/// `v3lock/Unlock`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct UnlockRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
}

/// `Watch/Watch`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct WatchRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) create: Option<WatchCreateRequest>,
}

/// A watch begins.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct WatchCreateRequest {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
}

/// What `Watch/Watch` tells.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct WatchResponse {
    #[prost(bool, tag = "3")]
    pub(crate) created: bool,
    #[prost(bool, tag = "4")]
    pub(crate) canceled: bool,
    #[prost(message, repeated, tag = "11")]
    pub(crate) events: Vec<Event>,
}

/// A change of a key.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(crate) struct Event {
    #[prost(message, optional, tag = "2")]
    pub(crate) kv: Option<KeyValue>,
}
