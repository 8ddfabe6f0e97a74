//! What clients ask.

mod records;

use bytes::{Bytes, BytesMut};

pub use records::{
    AddWatchRequest, AuthPacket, CheckVersionRequest, CreateRequest, CreateTtlRequest,
    DeleteRequest, GetEphemeralsRequest, PathRequest, ReadRequest, ReconfigRequest, SaslRequest,
    SetAclRequest, SetDataRequest, SetWatches, SetWatches2, WatchesRequest,
};

use super::frame::{FrameTooLong, put_frame};
use super::header::{RequestHeader, Xid};
use super::jute::{DecodeError, Jute, Reader};
use super::multi::{MultiOp, MultiReadOp, decode_ops, encode_ops};
use super::op::OpCode;

/// A request a client may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `create`.
    Create(CreateRequest),
    /// `create2`.
    Create2(CreateRequest),
    /// `createContainer`.
    CreateContainer(CreateRequest),
    /// `createTTL`.
    CreateTtl(CreateTtlRequest),
    /// `delete`.
    Delete(DeleteRequest),
    /// `exists`.
    Exists(ReadRequest),
    /// `getData`.
    GetData(ReadRequest),
    /// `setData`.
    SetData(SetDataRequest),
    /// `getACL`.
    GetAcl(PathRequest),
    /// `setACL`.
    SetAcl(SetAclRequest),
    /// `getChildren`.
    GetChildren(ReadRequest),
    /// `getChildren2`.
    GetChildren2(ReadRequest),
    /// `sync`.
    Sync(PathRequest),
    /// `ping`, with [`Xid::PING`].
    Ping,
    /// `multi`; may be empty.
    Multi(Vec<MultiOp>),
    /// `multiRead`; may be empty.
    MultiRead(Vec<MultiReadOp>),
    /// `reconfig`.
    Reconfig(ReconfigRequest),
    /// `checkWatches`.
    CheckWatches(WatchesRequest),
    /// `removeWatches`.
    RemoveWatches(WatchesRequest),
    /// `addWatch`.
    AddWatch(AddWatchRequest),
    /// `setWatches`.
    SetWatches(SetWatches),
    /// `setWatches2`.
    SetWatches2(SetWatches2),
    /// `auth`, with [`Xid::AUTH`].
    Auth(AuthPacket),
    /// `sasl`.
    Sasl(SaslRequest),
    /// `getEphemerals`.
    GetEphemerals(GetEphemeralsRequest),
    /// `getAllChildrenNumber`.
    GetAllChildrenNumber(PathRequest),
    /// `whoAmI`.
    WhoAmI,
    /// `closeSession`.
    CloseSession,
}

/// What became of the payload of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A request.
    Request {
        /// Number to echo.
        xid: Xid,
        /// What is asked.
        request: Request,
    },
    /// An operation that does not exist, or that is not for clients. The answer is
    /// `UNIMPLEMENTED`, and then the connection is closed: a client left without an answer hangs.
    Unimplemented {
        /// Number to echo, and the code.
        header: RequestHeader,
    },
    /// The body is not what the operation needs. The answer is `MARSHALLINGERROR`, and the
    /// connection stays; a multi consumes a zxid nevertheless.
    Unparsable {
        /// Number to echo.
        xid: Xid,
        /// The operation.
        op: OpCode,
        /// What is wrong.
        error: DecodeError,
    },
}

/// Reads the payload of any frame but a connection's first. Bytes after the request are ignored.
///
/// # Errors
/// The frame is too short for a header; the connection is closed without an answer.
pub fn decode(frame: Bytes) -> Result<Decoded, DecodeError> {
    let mut from = Reader::new(frame);
    let header: RequestHeader = from.read("header")?;
    let xid = header.xid;
    let Some(op) = OpCode::from_code(header.op) else {
        return Ok(Decoded::Unimplemented { header });
    };
    Ok(match Request::decode_body(op, &mut from) {
        Ok(Some(request)) => Decoded::Request { xid, request },
        Ok(None) => Decoded::Unimplemented { header },
        Err(error) => Decoded::Unparsable { xid, op, error },
    })
}

impl Request {
    /// Code of the operation.
    #[must_use]
    pub const fn op(&self) -> OpCode {
        match self {
            Request::Create(_) => OpCode::Create,
            Request::Create2(_) => OpCode::Create2,
            Request::CreateContainer(_) => OpCode::CreateContainer,
            Request::CreateTtl(_) => OpCode::CreateTtl,
            Request::Delete(_) => OpCode::Delete,
            Request::Exists(_) => OpCode::Exists,
            Request::GetData(_) => OpCode::GetData,
            Request::SetData(_) => OpCode::SetData,
            Request::GetAcl(_) => OpCode::GetAcl,
            Request::SetAcl(_) => OpCode::SetAcl,
            Request::GetChildren(_) => OpCode::GetChildren,
            Request::GetChildren2(_) => OpCode::GetChildren2,
            Request::Sync(_) => OpCode::Sync,
            Request::Ping => OpCode::Ping,
            Request::Multi(_) => OpCode::Multi,
            Request::MultiRead(_) => OpCode::MultiRead,
            Request::Reconfig(_) => OpCode::Reconfig,
            Request::CheckWatches(_) => OpCode::CheckWatches,
            Request::RemoveWatches(_) => OpCode::RemoveWatches,
            Request::AddWatch(_) => OpCode::AddWatch,
            Request::SetWatches(_) => OpCode::SetWatches,
            Request::SetWatches2(_) => OpCode::SetWatches2,
            Request::Auth(_) => OpCode::Auth,
            Request::Sasl(_) => OpCode::Sasl,
            Request::GetEphemerals(_) => OpCode::GetEphemerals,
            Request::GetAllChildrenNumber(_) => OpCode::GetAllChildrenNumber,
            Request::WhoAmI => OpCode::WhoAmI,
            Request::CloseSession => OpCode::CloseSession,
        }
    }

    /// Appends the request as a frame with the number `xid`, as a client sends it.
    ///
    /// # Errors
    /// The request is longer than [`i32::MAX`] bytes; nothing is appended.
    pub fn encode(&self, xid: Xid, out: &mut BytesMut) -> Result<(), FrameTooLong> {
        let op = self.op().code();
        put_frame(out, |out| {
            RequestHeader { xid, op }.encode(out);
            self.encode_body(out);
        })
    }

    fn encode_body(&self, out: &mut BytesMut) {
        match self {
            Request::Create(fields)
            | Request::Create2(fields)
            | Request::CreateContainer(fields) => fields.encode(out),
            Request::CreateTtl(fields) => fields.encode(out),
            Request::Delete(fields) => fields.encode(out),
            Request::Exists(fields)
            | Request::GetData(fields)
            | Request::GetChildren(fields)
            | Request::GetChildren2(fields) => fields.encode(out),
            Request::SetData(fields) => fields.encode(out),
            Request::GetAcl(fields)
            | Request::Sync(fields)
            | Request::GetAllChildrenNumber(fields) => fields.encode(out),
            Request::SetAcl(fields) => fields.encode(out),
            Request::Multi(ops) => encode_ops(ops, out),
            Request::MultiRead(ops) => encode_ops(ops, out),
            Request::Reconfig(fields) => fields.encode(out),
            Request::CheckWatches(fields) | Request::RemoveWatches(fields) => fields.encode(out),
            Request::AddWatch(fields) => fields.encode(out),
            Request::SetWatches(fields) => fields.encode(out),
            Request::SetWatches2(fields) => fields.encode(out),
            Request::Auth(fields) => fields.encode(out),
            Request::Sasl(fields) => fields.encode(out),
            Request::GetEphemerals(fields) => fields.encode(out),
            Request::Ping | Request::WhoAmI | Request::CloseSession => {}
        }
    }

    /// Reads the fields of `op`; `None` when it is not for clients to ask.
    fn decode_body(op: OpCode, from: &mut Reader) -> Result<Option<Self>, DecodeError> {
        if stumbles_over_null(op) {
            from.refuse_null();
        }
        let request = match op {
            OpCode::Create => Request::Create(Jute::decode(from)?),
            OpCode::Create2 => Request::Create2(Jute::decode(from)?),
            OpCode::CreateContainer => Request::CreateContainer(Jute::decode(from)?),
            OpCode::CreateTtl => Request::CreateTtl(Jute::decode(from)?),
            OpCode::Delete => Request::Delete(Jute::decode(from)?),
            OpCode::Exists => Request::Exists(Jute::decode(from)?),
            OpCode::GetData => Request::GetData(Jute::decode(from)?),
            OpCode::SetData => Request::SetData(Jute::decode(from)?),
            OpCode::GetAcl => Request::GetAcl(Jute::decode(from)?),
            OpCode::SetAcl => Request::SetAcl(Jute::decode(from)?),
            OpCode::GetChildren => Request::GetChildren(Jute::decode(from)?),
            OpCode::GetChildren2 => Request::GetChildren2(Jute::decode(from)?),
            OpCode::Sync => Request::Sync(Jute::decode(from)?),
            OpCode::Ping => Request::Ping,
            OpCode::Multi => Request::Multi(decode_ops(from)?),
            OpCode::MultiRead => Request::MultiRead(decode_ops(from)?),
            OpCode::Reconfig => Request::Reconfig(Jute::decode(from)?),
            OpCode::CheckWatches => Request::CheckWatches(Jute::decode(from)?),
            OpCode::RemoveWatches => Request::RemoveWatches(Jute::decode(from)?),
            OpCode::AddWatch => Request::AddWatch(Jute::decode(from)?),
            OpCode::SetWatches => Request::SetWatches(Jute::decode(from)?),
            OpCode::SetWatches2 => Request::SetWatches2(Jute::decode(from)?),
            OpCode::Auth => Request::Auth(Jute::decode(from)?),
            OpCode::Sasl => Request::Sasl(Jute::decode(from)?),
            OpCode::GetEphemerals => Request::GetEphemerals(Jute::decode(from)?),
            OpCode::GetAllChildrenNumber => Request::GetAllChildrenNumber(Jute::decode(from)?),
            OpCode::WhoAmI => Request::WhoAmI,
            OpCode::CloseSession => Request::CloseSession,
            OpCode::Notification
            | OpCode::Check
            | OpCode::DeleteContainer
            | OpCode::CreateSession
            | OpCode::Error => return Ok(None),
        };
        Ok(Some(request))
    }
}

/// Where ZooKeeper takes null for an error of the request itself. Elsewhere it says what is wrong with the
/// path, or takes null for empty.
const fn stumbles_over_null(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Exists
            | OpCode::GetData
            | OpCode::GetAcl
            | OpCode::GetChildren
            | OpCode::GetChildren2
            | OpCode::SetWatches
            | OpCode::SetWatches2
    )
}
