//! ZooKeeper's protocol: the same driver for a ZooKeeper ensemble and for Holdfast's ZooKeeper ports.
//!
//! Locks are the recipe of ZooKeeper's documentation: an ephemeral sequential child, and a watch on the one before
//! it. The same requests as Curator's `InterProcessMutex` sends, less the creation of the parent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ::zookeeper::proto::acl::Acl;
use ::zookeeper::proto::connect::{ConnectRequest, ConnectResponse};
use ::zookeeper::proto::create_mode::CreateMode;
use ::zookeeper::proto::error::ErrorCode;
use ::zookeeper::proto::event::WatcherEvent;
use ::zookeeper::proto::frame::next_frame;
use ::zookeeper::proto::header::Xid;
use ::zookeeper::proto::op::OpCode;
use ::zookeeper::proto::request::{
    CreateRequest, DeleteRequest, PathRequest, ReadRequest, Request, SetDataRequest,
};
use ::zookeeper::proto::response::{FromServer, Reply, Response};
use bytes::Bytes;
use tokio::time::timeout;

use crate::plan::Reading;
use crate::target::{Client, Grant, Target, Trouble};
use crate::wire::Wire;

/// Session timeout asked for: the longest that servers grant by default.
const SESSION_TIMEOUT_MS: i32 = 40_000;
/// Silence after which a session that waits is pinged.
const PING_AFTER: Duration = Duration::from_secs(10);
/// Longest frame accepted: the list of 100,000 children.
const FRAME_BYTES_MAX: usize = 16 << 20;

/// Servers that speak ZooKeeper's protocol.
#[derive(Clone, Debug)]
pub struct ZooKeeper {
    servers: Arc<[String]>,
}

impl ZooKeeper {
    /// At these addresses, `host:port`.
    ///
    /// # Panics
    /// Never; without an address every connection is refused.
    #[must_use]
    pub fn new(servers: Vec<String>) -> ZooKeeper {
        ZooKeeper {
            servers: servers.into(),
        }
    }
}

impl Target for ZooKeeper {
    type Client = ZooKeeperClient;

    fn name(&self) -> &'static str {
        "zookeeper"
    }

    async fn connect(&self, number: usize) -> Result<ZooKeeperClient, Trouble> {
        let index = number.checked_rem(self.servers.len()).unwrap_or_default();
        let Some(address) = self.servers.get(index) else {
            return Err(Trouble::unreachable("no address"));
        };
        let mut client = ZooKeeperClient {
            wire: Wire::open(address).await?,
            last_xid: 0,
            events: VecDeque::new(),
        };
        client.shake_hands().await?;
        Ok(client)
    }
}

/// A connection with its session.
#[derive(Debug)]
pub struct ZooKeeperClient {
    wire: Wire,
    last_xid: i32,
    /// Came while a reply was waited for.
    events: VecDeque<WatcherEvent>,
}

impl ZooKeeperClient {
    async fn shake_hands(&mut self) -> Result<(), Trouble> {
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: 0,
            timeout_ms: SESSION_TIMEOUT_MS,
            session_id: 0,
            password: Some(Bytes::from_static(&[0; 16])),
            read_only: Some(false),
        };
        request.encode(&mut self.wire.out).map_err(garbled)?;
        self.wire.flush().await?;
        let response = ConnectResponse::decode(self.frame().await?).map_err(garbled)?;
        if response.is_refused() {
            return Err(Trouble::unreachable("session refused"));
        }
        Ok(())
    }

    async fn frame(&mut self) -> Result<Bytes, Trouble> {
        loop {
            if let Some(frame) =
                next_frame(&mut self.wire.inbox, FRAME_BYTES_MAX).map_err(garbled)?
            {
                return Ok(frame);
            }
            self.wire.more().await?;
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Result<Response, ErrorCode>, Trouble> {
        let op = request.op();
        let xid = if op == OpCode::Ping {
            Xid::PING
        } else {
            self.last_xid = self.last_xid.checked_add(1).unwrap_or(1);
            Xid(self.last_xid)
        };
        request.encode(xid, &mut self.wire.out).map_err(garbled)?;
        self.wire.flush().await?;
        Ok(self.reply(xid, op).await?.result)
    }

    async fn reply(&mut self, xid: Xid, op: OpCode) -> Result<Reply, Trouble> {
        loop {
            let frame = self.frame().await?;
            match FromServer::decode(frame).map_err(garbled)? {
                FromServer::Event(event) => self.events.push_back(event),
                FromServer::Reply(reply) if reply.header.xid == xid => {
                    return reply.read(op).map_err(garbled);
                }
                FromServer::Reply(_) => return Err(garbled("a reply nobody asked for")),
            }
        }
    }

    /// Waits for a watch to fire, and keeps the session alive meanwhile.
    async fn event(&mut self) -> Result<WatcherEvent, Trouble> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let Ok(frame) = timeout(PING_AFTER, self.frame()).await else {
                Request::Ping
                    .encode(Xid::PING, &mut self.wire.out)
                    .map_err(garbled)?;
                self.wire.flush().await?;
                continue;
            };
            if let FromServer::Event(event) = FromServer::decode(frame?).map_err(garbled)? {
                return Ok(event);
            }
        }
    }

    async fn make(&mut self, path: String, data: Bytes, mode: CreateMode) -> Made {
        let request = Request::Create(CreateRequest {
            path,
            data: Some(data),
            acl: vec![Acl::open()],
            flags: mode as i32,
        });
        self.ask(&request).await
    }

    async fn children(&mut self, parent: &str) -> Result<Vec<String>, Trouble> {
        let request = Request::GetChildren(ReadRequest {
            path: parent.to_owned(),
            watch: false,
        });
        let response = self.ask(&request).await?.map_err(code)?;
        let Response::Children(names) = response else {
            return Err(unexpected(&response));
        };
        Ok(names)
    }
}

type Made = Result<Result<Response, ErrorCode>, Trouble>;

impl Client for ZooKeeperClient {
    async fn ensure(&mut self, path: &str) -> Result<(), Trouble> {
        let mut end = 0;
        while let Some(next) = path.get(end + 1..).and_then(|rest| rest.find('/')) {
            end += next + 1;
            self.ensure_one(path.get(..end).unwrap_or(path)).await?;
        }
        self.ensure_one(path).await
    }

    async fn create(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        let made = self
            .make(absolute(path), value.clone(), CreateMode::Persistent)
            .await?;
        made.map(drop).map_err(code)
    }

    async fn write(&mut self, path: &str, value: &Bytes) -> Result<(), Trouble> {
        let request = Request::SetData(SetDataRequest {
            path: absolute(path),
            data: Some(value.clone()),
            version: -1,
        });
        self.ask(&request).await?.map(drop).map_err(code)
    }

    async fn read(&mut self, path: &str, reading: Reading) -> Result<(), Trouble> {
        if reading == Reading::Linearizable {
            let path = absolute(path);
            let sync = Request::Sync(PathRequest { path });
            self.ask(&sync).await?.map_err(code)?;
        }
        let request = Request::GetData(ReadRequest {
            path: absolute(path),
            watch: false,
        });
        self.ask(&request).await?.map(drop).map_err(code)
    }

    async fn open_session(&mut self) -> Result<(), Trouble> {
        Ok(())
    }

    async fn keep_alive(&mut self) -> Result<(), Trouble> {
        self.ask(&Request::Ping).await?.map(drop).map_err(code)
    }

    async fn acquire(&mut self, name: &str) -> Result<Grant, Trouble> {
        let parent = absolute(name);
        let child = format!("{parent}/lock-");
        let made = self
            .make(child, Bytes::new(), CreateMode::EphemeralSequential)
            .await?;
        let made = made.map_err(code)?;
        let Response::Path(path) = made else {
            return Err(unexpected(&made));
        };
        let own = path.rsplit('/').next().unwrap_or_default();
        loop {
            let children = self.children(&parent).await?;
            let Some(before) = children.iter().filter(|child| child.as_str() < own).max() else {
                break;
            };
            let exists = Request::Exists(ReadRequest {
                path: format!("{parent}/{before}"),
                watch: true,
            });
            self.events.clear();
            if self.ask(&exists).await?.is_ok() {
                let _ = self.event().await?;
            }
        }
        Ok(Grant {
            // Sequence numbers of one parent grow as the queue does.
            fence: own.trim_start_matches("lock-").parse().unwrap_or_default(),
            key: Bytes::from(path),
        })
    }

    async fn release(&mut self, _name: &str, grant: Grant) -> Result<(), Trouble> {
        let path = String::from_utf8_lossy(&grant.key).into_owned();
        let request = Request::Delete(DeleteRequest { path, version: -1 });
        self.ask(&request).await?.map(drop).map_err(code)
    }

    async fn watch(&mut self, path: &str) -> Result<(), Trouble> {
        self.watched(path).await.map(drop)
    }

    async fn changed(&mut self, path: &str) -> Result<u64, Trouble> {
        let _ = self.event().await?;
        self.watched(path).await
    }
}

impl ZooKeeperClient {
    async fn ensure_one(&mut self, path: &str) -> Result<(), Trouble> {
        let made = self
            .make(absolute(path), Bytes::new(), CreateMode::Persistent)
            .await?;
        match made {
            Ok(_) | Err(ErrorCode::NodeExists) => Ok(()),
            Err(other) => Err(code(other)),
        }
    }

    /// Reads a value and leaves a watch; gives the number that the value begins with.
    async fn watched(&mut self, path: &str) -> Result<u64, Trouble> {
        let request = Request::GetData(ReadRequest {
            path: absolute(path),
            watch: true,
        });
        let response = self.ask(&request).await?.map_err(code)?;
        let Response::Data(found) = response else {
            return Err(unexpected(&response));
        };
        Ok(crate::watch::number(&found.data.unwrap_or_default()))
    }
}

fn absolute(path: &str) -> String {
    format!("/{path}")
}

fn code(code: ErrorCode) -> Trouble {
    let kind = format!("{code:?}");
    let is_unknown = matches!(
        code,
        ErrorCode::ConnectionLoss | ErrorCode::OperationTimeout | ErrorCode::RequestTimeout
    );
    if is_unknown {
        return Trouble::unknown(kind);
    }
    // Whatever else the server says, it says instead of doing it.
    Trouble::refused(kind)
}

fn garbled(what: impl std::fmt::Display) -> Trouble {
    Trouble::cut(format_args!("not ZooKeeper's protocol: {what}"))
}

fn unexpected(response: &Response) -> Trouble {
    garbled(format_args!("unexpected answer {response:?}"))
}
