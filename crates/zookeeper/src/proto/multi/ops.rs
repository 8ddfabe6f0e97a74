//! Members of a request (`MultiOperationRecord`).

use bytes::BytesMut;

use super::{MultiHeader, NO_ERR};
use crate::proto::create_mode::CreateMode;
use crate::proto::jute::{DecodeError, Jute, Reader};
use crate::proto::op::OpCode;
use crate::proto::request::{
    CheckVersionRequest, CreateRequest, CreateTtlRequest, DeleteRequest, ReadRequest,
    SetDataRequest,
};

/// One operation of a `multi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiOp {
    /// `create`: the result has the path.
    Create(CreateRequest),
    /// `create2`: the result has path and stat.
    Create2(CreateRequest),
    /// `createContainer`: the result is that of `create2`.
    CreateContainer(CreateRequest),
    /// `createTTL`: the result is that of `create2`.
    CreateTtl(CreateTtlRequest),
    /// `delete`.
    Delete(DeleteRequest),
    /// `setData`.
    SetData(SetDataRequest),
    /// `check`.
    Check(CheckVersionRequest),
}

/// One operation of a `multiRead`. A watch flag on the wire means nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultiReadOp {
    /// `getChildren`.
    GetChildren {
        /// Path.
        path: String,
    },
    /// `getData`.
    GetData {
        /// Path.
        path: String,
    },
}

/// What may stand in a list of operations.
pub(in crate::proto) trait Member: Sized {
    fn op(&self) -> OpCode;

    fn encode_fields(&self, out: &mut BytesMut);

    /// Reads the fields of `op`; `None` when it does not belong into this list.
    fn decode_fields(op: OpCode, from: &mut Reader) -> Result<Option<Self>, DecodeError>;
}

pub(in crate::proto) fn encode_ops<M: Member>(ops: &[M], out: &mut BytesMut) {
    for member in ops {
        let header = MultiHeader {
            op: member.op().code(),
            done: false,
            err: NO_ERR,
        };
        header.encode(out);
        member.encode_fields(out);
    }
    MultiHeader::END.encode(out);
}

/// Reads a list to its end. A member that does not belong makes the whole list unreadable, as does
/// one with flags that mean nothing; an empty list is fine.
pub(in crate::proto) fn decode_ops<M: Member>(from: &mut Reader) -> Result<Vec<M>, DecodeError> {
    let mut ops = Vec::new();
    loop {
        let header: MultiHeader = from.read("multi header")?;
        if header.done {
            return Ok(ops);
        }
        let stranger = DecodeError::Value {
            field: "type of a multi's member",
            value: header.op,
        };
        let op = OpCode::from_code(header.op).ok_or(stranger)?;
        ops.push(M::decode_fields(op, from)?.ok_or(stranger)?);
    }
}

impl MultiOp {
    fn check_flags(self) -> Result<Self, DecodeError> {
        let (flags, may_have_ttl) = match &self {
            MultiOp::Create(fields)
            | MultiOp::Create2(fields)
            | MultiOp::CreateContainer(fields) => (fields.flags, false),
            MultiOp::CreateTtl(fields) => (fields.flags, true),
            MultiOp::Delete(_) | MultiOp::SetData(_) | MultiOp::Check(_) => return Ok(self),
        };
        // A time to live is only read where the operation has a field for it.
        let is_one = |mode: CreateMode| may_have_ttl || !mode.has_ttl();
        if !CreateMode::from_flags(flags).is_some_and(is_one) {
            return Err(DecodeError::Value {
                field: "flags",
                value: flags,
            });
        }
        Ok(self)
    }
}

impl Member for MultiOp {
    fn op(&self) -> OpCode {
        match self {
            MultiOp::Create(_) => OpCode::Create,
            MultiOp::Create2(_) => OpCode::Create2,
            MultiOp::CreateContainer(_) => OpCode::CreateContainer,
            MultiOp::CreateTtl(_) => OpCode::CreateTtl,
            MultiOp::Delete(_) => OpCode::Delete,
            MultiOp::SetData(_) => OpCode::SetData,
            MultiOp::Check(_) => OpCode::Check,
        }
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        match self {
            MultiOp::Create(fields)
            | MultiOp::Create2(fields)
            | MultiOp::CreateContainer(fields) => fields.encode(out),
            MultiOp::CreateTtl(fields) => fields.encode(out),
            MultiOp::Delete(fields) => fields.encode(out),
            MultiOp::SetData(fields) => fields.encode(out),
            MultiOp::Check(fields) => fields.encode(out),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an operation is a member only where ZooKeeper made it one"
    )]
    fn decode_fields(op: OpCode, from: &mut Reader) -> Result<Option<Self>, DecodeError> {
        let member = match op {
            OpCode::Create => MultiOp::Create(Jute::decode(from)?),
            OpCode::Create2 => MultiOp::Create2(Jute::decode(from)?),
            OpCode::CreateContainer => MultiOp::CreateContainer(Jute::decode(from)?),
            OpCode::CreateTtl => MultiOp::CreateTtl(Jute::decode(from)?),
            OpCode::Delete => MultiOp::Delete(Jute::decode(from)?),
            OpCode::SetData => MultiOp::SetData(Jute::decode(from)?),
            OpCode::Check => MultiOp::Check(Jute::decode(from)?),
            _ => return Ok(None),
        };
        member.check_flags().map(Some)
    }
}

impl Member for MultiReadOp {
    fn op(&self) -> OpCode {
        match self {
            MultiReadOp::GetChildren { .. } => OpCode::GetChildren,
            MultiReadOp::GetData { .. } => OpCode::GetData,
        }
    }

    fn encode_fields(&self, out: &mut BytesMut) {
        let (MultiReadOp::GetChildren { path } | MultiReadOp::GetData { path }) = self;
        path.encode(out);
        false.encode(out);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an operation is a member only where ZooKeeper made it one"
    )]
    fn decode_fields(op: OpCode, from: &mut Reader) -> Result<Option<Self>, DecodeError> {
        let make = match op {
            OpCode::GetChildren => |path| MultiReadOp::GetChildren { path },
            OpCode::GetData => |path| MultiReadOp::GetData { path },
            _ => return Ok(None),
        };
        let fields = ReadRequest::decode(from)?;
        Ok(Some(make(fields.path)))
    }
}
