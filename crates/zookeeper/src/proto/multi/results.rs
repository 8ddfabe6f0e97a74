//! Members of a reply (`MultiResponse`).

use bytes::BytesMut;

use super::{MultiHeader, NO_OP};
use crate::proto::error::ErrorCode;
use crate::proto::jute::{DecodeError, Jute, Reader};
use crate::proto::op::OpCode;
use crate::proto::response::{Create2Response, GetDataResponse};
use crate::proto::stat::Stat;

/// What came of one operation of a `multi` or `multiRead`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpResult {
    /// Of `create`: the path of the new znode.
    Create {
        /// Path, with its number if sequential.
        path: String,
    },
    /// Of `create2`, `createContainer` and `createTTL`.
    Create2(Create2Response),
    /// Of `delete`.
    Delete,
    /// Of `setData`: the stat after it.
    SetData(Stat),
    /// Of `check`.
    Check,
    /// Of `getChildren`: the names.
    GetChildren {
        /// Names of the children, in no order.
        children: Vec<String>,
    },
    /// Of `getData`.
    GetData(GetDataResponse),
    /// Of an operation of any kind that failed or, in a failed multi, was given up:
    /// [`ErrorCode::Ok`] then marks those before the one that failed.
    Error(ErrorCode),
}

/// How a `multi` failed. Nothing of it was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultiFailure {
    /// Operations in the request.
    pub ops: usize,
    /// Position of the one that failed, from 0.
    pub failed_at: usize,
    /// Why it failed.
    pub err: ErrorCode,
}

impl MultiFailure {
    /// The results that tell of it: 0 before the failed operation, `RUNTIMEINCONSISTENCY` after.
    /// The reply as a whole is no error.
    #[must_use]
    pub fn results(self) -> Vec<OpResult> {
        let code = |position: usize| match position.cmp(&self.failed_at) {
            std::cmp::Ordering::Less => ErrorCode::Ok,
            std::cmp::Ordering::Equal => self.err,
            std::cmp::Ordering::Greater => ErrorCode::RuntimeInconsistency,
        };
        (0..self.ops).map(|at| OpResult::Error(code(at))).collect()
    }
}

pub(in crate::proto) fn encode_results(results: &[OpResult], out: &mut BytesMut) {
    for result in results {
        result.header().encode(out);
        match result {
            OpResult::Create { path } => path.encode(out),
            OpResult::Create2(body) => body.encode(out),
            OpResult::Delete | OpResult::Check => {}
            OpResult::SetData(stat) => stat.encode(out),
            OpResult::GetChildren { children } => children.encode(out),
            OpResult::GetData(body) => body.encode(out),
            OpResult::Error(err) => err.encode(out),
        }
    }
    MultiHeader::END.encode(out);
}

/// Reads results to their end.
pub(in crate::proto) fn decode_results(from: &mut Reader) -> Result<Vec<OpResult>, DecodeError> {
    let mut results = Vec::new();
    loop {
        let header: MultiHeader = from.read("multi header")?;
        if header.done {
            return Ok(results);
        }
        results.push(OpResult::decode_body(&header, from)?);
    }
}

impl OpResult {
    fn header(&self) -> MultiHeader {
        let op = match self {
            OpResult::Create { .. } => OpCode::Create.code(),
            OpResult::Create2(_) => OpCode::Create2.code(),
            OpResult::Delete => OpCode::Delete.code(),
            OpResult::SetData(_) => OpCode::SetData.code(),
            OpResult::Check => OpCode::Check.code(),
            OpResult::GetChildren { .. } => OpCode::GetChildren.code(),
            OpResult::GetData(_) => OpCode::GetData.code(),
            OpResult::Error(err) => {
                return MultiHeader {
                    op: NO_OP,
                    done: false,
                    err: err.code(),
                };
            }
        };
        MultiHeader {
            op,
            done: false,
            err: ErrorCode::Ok.code(),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an operation has a result in a multi only where ZooKeeper gave it one"
    )]
    fn decode_body(header: &MultiHeader, from: &mut Reader) -> Result<Self, DecodeError> {
        let stranger = DecodeError::Value {
            field: "type of a multi's result",
            value: header.op,
        };
        Ok(match OpCode::from_code(header.op).ok_or(stranger)? {
            OpCode::Create => OpResult::Create {
                path: from.read("path")?,
            },
            OpCode::Create2 => OpResult::Create2(Jute::decode(from)?),
            OpCode::Delete => OpResult::Delete,
            OpCode::SetData => OpResult::SetData(Jute::decode(from)?),
            OpCode::Check => OpResult::Check,
            OpCode::GetChildren => OpResult::GetChildren {
                children: from.read("children")?,
            },
            OpCode::GetData => OpResult::GetData(Jute::decode(from)?),
            OpCode::Error => OpResult::Error(from.read("err")?),
            _ => return Err(stranger),
        })
    }
}
