//! Transactions.

use bytes::Bytes;
use http_types::v1::txn as v1;
use raft_core::acl::AclEntry;
use raft_core::command::{
    Create, CreateKind, Expect, FenceGuard, Guard, SetData, TermGuard, Txn, TxnOp, ZnodeOp,
};
use raft_core::ids::{ClaimId, ElectionName, LockName, Term, ZnodePath};
use raft_core::outcome::{TxnReply, ZnodeReply};
use raft_core::state::State;

use crate::convert::{fence, lock, node};
use crate::error::Problem;

/// A transaction, inward.
///
/// # Errors
/// When a name, a path or a value in it is malformed.
pub(crate) fn txn_in(request: v1::TxnRequest) -> Result<Txn, Problem> {
    let ops = |ops: Vec<v1::TxnOp>| -> Result<Vec<TxnOp>, Problem> {
        ops.into_iter().map(op_in).collect()
    };
    Ok(Txn {
        guards: request
            .guards
            .into_iter()
            .map(guard_in)
            .collect::<Result<_, _>>()?,
        then: ops(request.then)?,
        otherwise: request.otherwise.map(ops).transpose()?,
    })
}

fn guard_in(guard: v1::Guard) -> Result<Guard, Problem> {
    Ok(match guard {
        v1::Guard::Version { node, version } => Guard::Version {
            path: ZnodePath::parse(&node)?,
            version,
        },
        v1::Guard::Exists { node, exists } => Guard::Exists {
            path: ZnodePath::parse(&node)?,
            exists,
        },
        v1::Guard::Value {
            node,
            value,
            encoding,
        } => Guard::Value {
            path: ZnodePath::parse(&node)?,
            value: node::bytes_in(&value, encoding)?,
        },
        v1::Guard::Fence { lock, fence: token } => Guard::Fence(FenceGuard {
            lock: LockName::parse(&lock)?,
            fence: fence::meant(token),
        }),
        v1::Guard::Term { election, term } => Guard::Term(TermGuard {
            election: ElectionName::parse(&election)?,
            term: Term(term),
        }),
    })
}

fn op_in(op: v1::TxnOp) -> Result<TxnOp, Problem> {
    Ok(match op {
        v1::TxnOp::Create {
            path,
            data,
            sequential,
            mode,
            ttl,
            parents,
        } => {
            let (data, content_type) = data_in(data)?;
            let kind = node::kind_in(Some(mode), ttl.map(|ttl| ttl.as_millis()))?;
            let acl = vec![AclEntry::open()];
            let create = Create {
                path,
                data,
                content_type,
                acl,
                kind,
                sequential,
                parents,
            };
            TxnOp::Znode(ZnodeOp::Create(create))
        }
        v1::TxnOp::Set {
            path,
            data,
            version,
        } => TxnOp::Znode(ZnodeOp::SetData(set_in(path, data, version)?)),
        v1::TxnOp::Put {
            path,
            data,
            parents,
        } => TxnOp::Znode(ZnodeOp::Put {
            set: set_in(path, data, None)?,
            kind: CreateKind::Persistent,
            parents,
        }),
        v1::TxnOp::Delete { path, version } => TxnOp::Znode(ZnodeOp::Delete {
            path,
            expect: expect(version),
        }),
        v1::TxnOp::Get { path } => TxnOp::Get {
            path: ZnodePath::parse(&path)?,
        },
        v1::TxnOp::Release { lock, claim } => TxnOp::Release {
            lock: LockName::parse(&lock)?,
            claim: ClaimId::parse(&claim)?,
        },
    })
}

fn set_in(path: String, data: Option<v1::Text>, version: Option<i32>) -> Result<SetData, Problem> {
    let (data, content_type) = data_in(data)?;
    Ok(SetData {
        path,
        data,
        content_type,
        expect: expect(version),
    })
}

fn expect(version: Option<i32>) -> Expect {
    version.map_or(Expect::Any, Expect::Version)
}

type Data = (Option<Bytes>, Option<std::sync::Arc<str>>);

fn data_in(text: Option<v1::Text>) -> Result<Data, Problem> {
    let Some(text) = text else {
        return Ok((None, None));
    };
    let data = node::bytes_in(&text.value, text.encoding)?;
    Ok((Some(data), text.content_type.map(Into::into)))
}

/// What the branch taken did; `ops` are its steps as asked.
pub(crate) fn results(
    state: &State,
    ops: &[TxnOp],
    replies: &[TxnReply],
) -> Result<Vec<v1::TxnResult>, Problem> {
    ops.iter()
        .zip(replies)
        .map(|(op, reply)| result(state, op, reply))
        .collect()
}

fn result(state: &State, op: &TxnOp, reply: &TxnReply) -> Result<v1::TxnResult, Problem> {
    Ok(match reply {
        TxnReply::Znode(ZnodeReply::Created { path, stat }) => v1::TxnResult::Create {
            path: path.to_string(),
            version: stat.version,
            stat: node::stat(stat),
        },
        TxnReply::Znode(ZnodeReply::DataSet { stat } | ZnodeReply::AclSet { stat }) => {
            v1::TxnResult::Set {
                version: stat.version,
                stat: node::stat(stat),
            }
        }
        TxnReply::Znode(ZnodeReply::Deleted) => v1::TxnResult::Delete,
        TxnReply::Znode(ZnodeReply::Checked) => {
            return Err(Problem::internal(
                "a transaction answered a check nobody asked for",
            ));
        }
        TxnReply::Got(found) => {
            let TxnOp::Get { path } = op else {
                return Err(Problem::internal(
                    "a transaction answered a read nobody asked for",
                ));
            };
            let node = found.as_ref().map(|znode| node::node_read(path, znode));
            v1::TxnResult::Get { node }
        }
        TxnReply::Released(ended) => v1::TxnResult::Release(lock::ended(state, ended)),
    })
}
