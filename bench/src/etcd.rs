//! etcd v3 over gRPC: its own services for keys, leases, locks and watches.
//!
//! One connection for each client, as everywhere here. Locks are those of etcd's own lock service, which makes a key
//! under the client's lease and waits for the ones before it; a queue of other people's making would be no
//! comparison with etcd.

pub(crate) mod messages;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use load::{Client, Grant, Reading, Target, Trouble};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use self::messages as m;

/// Leases outlive any run that is not cut short.
const LEASE_SECONDS: i64 = 600;
/// etcd's name for a key's revision of creation.
const TARGET_CREATE: i32 = 1;
/// Requests in a stream that were not sent yet.
const STREAM_QUEUE: usize = 4;

/// Servers that speak etcd's protocol.
#[derive(Clone, Debug)]
pub struct Etcd {
    servers: Arc<[String]>,
}

impl Etcd {
    /// At these addresses, `host:port`.
    #[must_use]
    pub fn new(servers: Vec<String>) -> Etcd {
        Etcd {
            servers: servers.into(),
        }
    }
}

impl Target for Etcd {
    type Client = EtcdClient;

    fn name(&self) -> &'static str {
        "grpc"
    }

    async fn connect(&self, number: usize) -> Result<EtcdClient, Trouble> {
        let index = number.checked_rem(self.servers.len()).unwrap_or_default();
        let Some(address) = self.servers.get(index) else {
            return Err(Trouble::unreachable("no address"));
        };
        let endpoint =
            Endpoint::from_shared(format!("http://{address}")).map_err(Trouble::unreachable)?;
        // Whatever went wrong, it is one kind: the texts of causes would be many.
        let channel = endpoint
            .connect()
            .await
            .map_err(|_| Trouble::unreachable("not connected"))?;
        Ok(EtcdClient {
            grpc: Grpc::new(channel),
            lease: 0,
            keeping: None,
            watching: None,
            changes: VecDeque::new(),
        })
    }
}

/// A connection, and what was opened on it.
pub struct EtcdClient {
    grpc: Grpc<Channel>,
    /// The lease that stands for a session; 0 for none.
    lease: i64,
    keeping: Option<Stream<m::LeaseKeepAliveRequest, m::LeaseKeepAliveResponse>>,
    watching: Option<Stream<m::WatchRequest, m::WatchResponse>>,
    /// Numbers of changes that came and were not asked for yet.
    changes: VecDeque<u64>,
}

/// Both directions of a stream. It ends for the server when the first is dropped.
struct Stream<Q, A> {
    requests: mpsc::Sender<Q>,
    answers: Streaming<A>,
}

impl<Q, A> Stream<Q, A> {
    async fn send(&self, request: Q) -> Result<(), Trouble> {
        let sent = self.requests.send(request).await;
        sent.map_err(|_| Trouble::cut("stream ended"))
    }

    async fn next(&mut self) -> Result<A, Trouble> {
        let answer = self.answers.message().await.map_err(|status| of(&status))?;
        answer.ok_or_else(|| Trouble::cut("stream ended"))
    }
}

impl EtcdClient {
    async fn ask<Q, A>(&mut self, path: &'static str, request: Q) -> Result<A, Trouble>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.ready().await?;
        let path = PathAndQuery::from_static(path);
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        let answer = self.grpc.unary(Request::new(request), path, codec).await;
        Ok(answer.map_err(|status| of(&status))?.into_inner())
    }

    async fn stream<Q, A>(&mut self, path: &'static str, first: Q) -> Result<Stream<Q, A>, Trouble>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.ready().await?;
        let (requests, queue) = mpsc::channel(STREAM_QUEUE);
        // The server answers nothing, not even with a head, before it was asked something.
        requests
            .send(first)
            .await
            .map_err(|_| Trouble::cut("stream ended"))?;
        let path = PathAndQuery::from_static(path);
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        let request = Request::new(ReceiverStream::new(queue));
        let answer = self.grpc.streaming(request, path, codec).await;
        Ok(Stream {
            requests,
            answers: answer.map_err(|status| of(&status))?.into_inner(),
        })
    }

    async fn ready(&mut self) -> Result<(), Trouble> {
        let ready = self.grpc.ready().await;
        ready.map_err(|_| Trouble::unreachable("not connected"))
    }

    async fn create_if_new(&mut self, path: &str, value: Bytes) -> Result<bool, Trouble> {
        let key = Bytes::copy_from_slice(path.as_bytes());
        let request = m::TxnRequest {
            compare: vec![m::Compare {
                target: TARGET_CREATE,
                key: key.clone(),
                create_revision: Some(0),
            }],
            success: vec![put(key, value)],
        };
        let answer: m::TxnResponse = self.ask("/etcdserverpb.KV/Txn", request).await?;
        Ok(answer.succeeded)
    }

    /// Puts many keys in one transaction.
    pub(crate) async fn put_all(&mut self, pairs: Vec<(Bytes, Bytes)>) -> Result<(), Trouble> {
        let request = m::TxnRequest {
            compare: Vec::new(),
            success: pairs
                .into_iter()
                .map(|(key, value)| put(key, value))
                .collect(),
        };
        let answer: m::TxnResponse = self.ask("/etcdserverpb.KV/Txn", request).await?;
        if answer.succeeded {
            Ok(())
        } else {
            Err(Trouble::refused("transaction failed"))
        }
    }
}

impl Client for EtcdClient {
    async fn ensure(&mut self, path: &str) -> Result<(), Trouble> {
        self.create_if_new(path, Bytes::new()).await.map(drop)
    }

    async fn create(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        if self.create_if_new(path, value.clone()).await? {
            Ok(())
        } else {
            Err(Trouble::refused("key exists"))
        }
    }

    async fn write(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        let request = m::PutRequest {
            key: Bytes::copy_from_slice(path.as_bytes()),
            value: value.clone(),
        };
        let _: m::Done = self.ask("/etcdserverpb.KV/Put", request).await?;
        Ok(())
    }

    async fn read(&mut self, path: &str, reading: Reading) -> Result<(), Trouble> {
        let request = m::RangeRequest {
            key: Bytes::copy_from_slice(path.as_bytes()),
            serializable: reading == Reading::Session,
        };
        let answer: m::RangeResponse = self.ask("/etcdserverpb.KV/Range", request).await?;
        if answer.kvs.is_empty() {
            return Err(Trouble::refused("key not found"));
        }
        Ok(())
    }

    async fn open_session(&mut self) -> Result<(), Trouble> {
        let ttl = LEASE_SECONDS;
        let request = m::LeaseGrantRequest { ttl };
        let granted: m::LeaseGrantResponse =
            self.ask("/etcdserverpb.Lease/LeaseGrant", request).await?;
        self.lease = granted.id;
        Ok(())
    }

    async fn keep_alive(&mut self) -> Result<(), Trouble> {
        let request = m::LeaseKeepAliveRequest { id: self.lease };
        if let Some(stream) = &self.keeping {
            stream.send(request).await?;
        } else {
            let path = "/etcdserverpb.Lease/LeaseKeepAlive";
            self.keeping = Some(self.stream(path, request).await?);
        }
        let Some(stream) = &mut self.keeping else {
            return Err(Trouble::cut("stream ended"));
        };
        if stream.next().await?.ttl > 0 {
            Ok(())
        } else {
            Err(Trouble::refused("lease not found"))
        }
    }

    async fn acquire(&mut self, name: &str) -> Result<Grant, Trouble> {
        let request = m::LockRequest {
            name: Bytes::copy_from_slice(name.as_bytes()),
            lease: self.lease,
        };
        let locked: m::LockResponse = self.ask("/v3lockpb.Lock/Lock", request).await?;
        // As of the moment the lock was found to be held: the release before it was an earlier revision.
        let revision = locked.header.map_or(0, |header| header.revision);
        Ok(Grant {
            fence: u64::try_from(revision).unwrap_or_default(),
            key: locked.key,
        })
    }

    async fn release(&mut self, _name: &str, grant: Grant) -> Result<(), Trouble> {
        let request = m::UnlockRequest { key: grant.key };
        let _: m::Done = self.ask("/v3lockpb.Lock/Unlock", request).await?;
        Ok(())
    }

    async fn watch(&mut self, path: &str) -> Result<(), Trouble> {
        let create = m::WatchCreateRequest {
            key: Bytes::copy_from_slice(path.as_bytes()),
        };
        let request = m::WatchRequest {
            create: Some(create),
        };
        let path = "/etcdserverpb.Watch/Watch";
        let mut stream: Stream<_, m::WatchResponse> = self.stream(path, request).await?;
        while !stream.next().await?.created {}
        self.watching = Some(stream);
        Ok(())
    }

    async fn changed(&mut self, _path: &str) -> Result<u64, Trouble> {
        loop {
            if let Some(number) = self.changes.pop_front() {
                return Ok(number);
            }
            let Some(stream) = &mut self.watching else {
                return Err(Trouble::refused("nothing is watched"));
            };
            let told = stream.next().await?;
            if told.canceled {
                return Err(Trouble::cut("watch cancelled"));
            }
            let values = told.events.into_iter().filter_map(|event| event.kv);
            self.changes.extend(values.map(|kv| number(&kv.value)));
        }
    }
}

fn put(key: Bytes, value: Bytes) -> m::RequestOp {
    m::RequestOp {
        put: Some(m::PutRequest { key, value }),
    }
}

/// The number that a value begins with; 0 if it begins with none.
fn number(value: &[u8]) -> u64 {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| {
        number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit - b'0'))
    })
}

/// What a status says of an operation. Whoever is unavailable may have done it before it was.
fn of(status: &Status) -> Trouble {
    let kind = format!("{:?}", status.code());
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the codes are those of another crate: whatever else the server says, it says instead of doing it"
    )]
    match status.code() {
        Code::Unavailable => Trouble::cut(kind),
        Code::DeadlineExceeded | Code::Unknown | Code::Cancelled => Trouble::unknown(kind),
        _ => Trouble::refused(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_it_happened() {
        let cut = of(&Status::unavailable("etcdserver: no leader"));
        assert_eq!(cut, Trouble::cut("Unavailable"));
        let unknown = of(&Status::unknown("etcdserver: request timed out"));
        assert_eq!(unknown, Trouble::unknown("Unknown"));
        let refused = of(&Status::invalid_argument("etcdserver: key is not provided"));
        assert_eq!(refused, Trouble::refused("InvalidArgument"));
    }

    #[test]
    fn a_key_that_must_not_exist_is_said_in_etcds_bytes() {
        let compare = m::Compare {
            target: TARGET_CREATE,
            key: Bytes::from_static(b"k"),
            create_revision: Some(0),
        };
        // The zero is sent: it is a member of a oneof.
        let bytes = prost::Message::encode_to_vec(&compare);
        assert_eq!(bytes, [0x10, 1, 0x1a, 1, b'k', 0x28, 0]);
    }

    #[test]
    fn values_begin_with_their_number() {
        assert_eq!(number(b"42 xxx"), 42);
        assert_eq!(number(b"xxx"), 0);
    }
}
