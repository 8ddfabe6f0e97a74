//! What servers answer.

mod records;

use bytes::{Bytes, BytesMut};

pub use records::{
    ClientInfo, Create2Response, GetAclResponse, GetChildren2Response, GetDataResponse,
};

use super::error::ErrorCode;
use super::event::WatcherEvent;
use super::frame::{FrameTooLong, put_frame};
use super::header::{ReplyHeader, Xid};
use super::jute::{DecodeError, Jute, Reader};
use super::multi::{OpResult, decode_results, encode_results};
use super::op::OpCode;
use super::stat::Stat;

/// The body of a reply to a request that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// No body: `delete`, `ping`, `auth`, `setWatches`, `setWatches2`, `checkWatches`,
    /// `removeWatches`, `closeSession`.
    Empty,
    /// `create`, with the path of the new znode; `sync`, with the path asked for.
    Path(String),
    /// `create2`, `createContainer`, `createTTL`.
    Create2(Create2Response),
    /// `exists`, `setData`, `setACL`.
    Stat(Stat),
    /// `getData`, `reconfig`.
    Data(GetDataResponse),
    /// `getACL`.
    Acl(GetAclResponse),
    /// `getChildren`.
    Children(Vec<String>),
    /// `getChildren2`.
    Children2(GetChildren2Response),
    /// `multi`, `multiRead`.
    Multi(Vec<OpResult>),
    /// `addWatch`: its body is an error code that is always 0. Java clients lose the connection
    /// without it.
    AddWatch,
    /// `sasl`: a token of the mechanism; null from a server without SASL.
    Sasl(Option<Bytes>),
    /// `getEphemerals`: paths.
    Ephemerals(Vec<String>),
    /// `getAllChildrenNumber`.
    TotalNumber(i32),
    /// `whoAmI`.
    WhoAmI(Vec<ClientInfo>),
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Number of the request.
    pub xid: Xid,
    /// See [`ReplyHeader::zxid`].
    pub zxid: i64,
    /// The body, or why there is none. A failed `multi` is not an error here.
    pub result: Result<Response, ErrorCode>,
}

/// A frame from a server, as far as it can be read without knowing what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromServer {
    /// A watch fired.
    Event(WatcherEvent),
    /// The reply to the request with this number.
    Reply(ReplyFrame),
}

/// A reply whose body is not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyFrame {
    /// Its header.
    pub header: ReplyHeader,
    body: Bytes,
}

impl Response {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Response::Empty => {}
            Response::Path(path) => path.encode(out),
            Response::Create2(body) => body.encode(out),
            Response::Stat(stat) => stat.encode(out),
            Response::Data(body) => body.encode(out),
            Response::Acl(body) => body.encode(out),
            Response::Children(names) => names.encode(out),
            Response::Children2(body) => body.encode(out),
            Response::Multi(results) => encode_results(results, out),
            Response::AddWatch => ErrorCode::Ok.encode(out),
            Response::Sasl(token) => token.encode(out),
            Response::Ephemerals(paths) => paths.encode(out),
            Response::TotalNumber(number) => number.encode(out),
            Response::WhoAmI(identities) => identities.encode(out),
        }
    }

    /// Reads the body that belongs to a successful `op`.
    fn decode(op: OpCode, from: &mut Reader) -> Result<Self, DecodeError> {
        Ok(match op {
            OpCode::Delete
            | OpCode::Ping
            | OpCode::Auth
            | OpCode::SetWatches
            | OpCode::SetWatches2
            | OpCode::CheckWatches
            | OpCode::RemoveWatches
            | OpCode::DeleteContainer
            | OpCode::CloseSession => Response::Empty,
            OpCode::Create | OpCode::Sync => Response::Path(from.read("path")?),
            OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl => {
                Response::Create2(Jute::decode(from)?)
            }
            OpCode::Exists | OpCode::SetData | OpCode::SetAcl => {
                Response::Stat(Jute::decode(from)?)
            }
            OpCode::GetData | OpCode::Reconfig => Response::Data(Jute::decode(from)?),
            OpCode::GetAcl => Response::Acl(Jute::decode(from)?),
            OpCode::GetChildren => Response::Children(from.read("children")?),
            OpCode::GetChildren2 => Response::Children2(Jute::decode(from)?),
            OpCode::Multi | OpCode::MultiRead => Response::Multi(decode_results(from)?),
            OpCode::AddWatch => {
                let err: i32 = from.read("err of addWatch")?;
                if err != ErrorCode::Ok.code() {
                    return Err(from.unknown(err));
                }
                Response::AddWatch
            }
            OpCode::Sasl => Response::Sasl(from.read("token")?),
            OpCode::GetEphemerals => Response::Ephemerals(from.read("ephemerals")?),
            OpCode::GetAllChildrenNumber => Response::TotalNumber(from.read("totalNumber")?),
            OpCode::WhoAmI => Response::WhoAmI(from.read("clientInfo")?),
            OpCode::Notification | OpCode::Check | OpCode::CreateSession | OpCode::Error => {
                return Err(DecodeError::Value {
                    field: "operation of a reply",
                    value: op.code(),
                });
            }
        })
    }
}

impl Reply {
    /// Appends the reply as a frame. An error is a header and nothing else.
    ///
    /// # Errors
    /// The reply is longer than [`i32::MAX`] bytes; nothing is appended. Whether it exceeds what
    /// the client accepts (`jute.maxbuffer`) is not looked at.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameTooLong> {
        let (err, body) = match &self.result {
            Ok(body) => (ErrorCode::Ok, Some(body)),
            Err(err) => (*err, None),
        };
        put_frame(out, |out| {
            self.header(err).encode(out);
            if let Some(body) = body {
                body.encode(out);
            }
        })
    }

    /// Appends the reply to a `sasl` step that failed with `err`: the one error with a body, a
    /// null token. The connection is closed after it.
    ///
    /// # Errors
    /// None in practice: its size is fixed.
    pub fn encode_sasl_failure(
        xid: Xid,
        err: ErrorCode,
        out: &mut BytesMut,
    ) -> Result<(), FrameTooLong> {
        let header = ReplyHeader { xid, zxid: 0, err };
        put_frame(out, |out| {
            header.encode(out);
            None::<Bytes>.encode(out);
        })
    }

    fn header(&self, err: ErrorCode) -> ReplyHeader {
        ReplyHeader {
            xid: self.xid,
            zxid: self.zxid,
            err,
        }
    }
}

impl FromServer {
    /// Reads the payload of any frame of a server but its first.
    ///
    /// # Errors
    /// The header is cut off, or a watch event cannot be read.
    pub fn decode(frame: Bytes) -> Result<Self, DecodeError> {
        let mut from = Reader::new(frame);
        let header: ReplyHeader = from.read("header")?;
        let body = from.into_rest();
        if header.xid == Xid::NOTIFICATION {
            return WatcherEvent::decode(&header, body).map(FromServer::Event);
        }
        Ok(FromServer::Reply(ReplyFrame { header, body }))
    }
}

impl ReplyFrame {
    /// Reads the body as that of `op`.
    ///
    /// # Errors
    /// The body is not that of `op`, or bytes are left over: real servers send none, and some
    /// clients (ClickHouse) give up on them. A `sasl` failure may have a body, which is ignored.
    pub fn read(self, op: OpCode) -> Result<Reply, DecodeError> {
        let ReplyHeader { xid, zxid, err } = self.header;
        let mut from = Reader::new(self.body);
        let result = if err == ErrorCode::Ok {
            Ok(Response::decode(op, &mut from)?)
        } else {
            Err(err)
        };
        if result.is_ok() || op != OpCode::Sasl {
            from.finish()?;
        }
        Ok(Reply { xid, zxid, result })
    }
}
