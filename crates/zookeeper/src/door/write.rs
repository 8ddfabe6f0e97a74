//! Requests that change something: to commands of the state, and outcomes to replies.

use raft_core::command::{Command, Create, CreateKind, Expect, SetData, ZnodeOp};
use raft_core::outcome::{Outcome, Refusal, Reply as StateReply, ZnodeReply};

use super::convert;
use crate::proto::create_mode::CreateMode;
use crate::proto::error::ErrorCode;
use crate::proto::multi::{MultiFailure, MultiOp, OpResult};
use crate::proto::request::{CreateRequest, CreateTtlRequest, Request};
use crate::proto::response::{Create2Response, Response};

/// Longest time to live, milliseconds.
const TTL_MS_MAX: i64 = (1 << 40) - 1;

/// What the reply has to look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Of `create`.
    Path,
    /// Of `create2` and its kin.
    PathAndStat,
    /// Of `setData` and `setACL`.
    Stat,
    /// Of `delete`.
    Empty,
    /// Of `multi`, one for each member.
    Multi(Vec<Shape>),
    /// Whatever comes of it, the answer is this error: what is wrong with the request was seen
    /// before it was sent, and it takes a zxid all the same.
    Refused(ErrorCode),
    /// Of a `multi` whose member at this position is wrong in itself.
    MultiRefused(MultiFailure),
}

/// A request as a command; `None` when it changes nothing.
pub(crate) fn command_of(request: &Request) -> Option<(Command, Shape)> {
    let single = |op: Result<ZnodeOp, ErrorCode>, shape| match op {
        Ok(op) => (Command::Znode(op), shape),
        Err(error) => attempt(Shape::Refused(error)),
    };
    Some(match request {
        Request::Create(fields) => single(create(fields), Shape::Path),
        Request::Create2(fields) | Request::CreateContainer(fields) => {
            single(create(fields), Shape::PathAndStat)
        }
        Request::CreateTtl(fields) => single(create_ttl(fields), Shape::PathAndStat),
        Request::Delete(fields) => single(Ok(delete(&fields.path, fields.version)), Shape::Empty),
        Request::SetData(fields) => single(Ok(set_data(fields)), Shape::Stat),
        Request::SetAcl(fields) => single(
            Ok(ZnodeOp::SetAcl {
                path: fields.path.clone(),
                acl: convert::acl_in(&fields.acl),
                expect: expect(fields.version),
            }),
            Shape::Stat,
        ),
        Request::Multi(ops) => multi(ops),
        Request::Reconfig(_) => attempt(Shape::Refused(ErrorCode::ReconfigDisabled)),
        Request::Exists(_)
        | Request::GetData(_)
        | Request::GetAcl(_)
        | Request::GetChildren(_)
        | Request::GetChildren2(_)
        | Request::Sync(_)
        | Request::Ping
        | Request::MultiRead(_)
        | Request::CheckWatches(_)
        | Request::RemoveWatches(_)
        | Request::AddWatch(_)
        | Request::SetWatches(_)
        | Request::SetWatches2(_)
        | Request::Auth(_)
        | Request::Sasl(_)
        | Request::GetEphemerals(_)
        | Request::GetAllChildrenNumber(_)
        | Request::WhoAmI
        | Request::CloseSession => return None,
    })
}

/// Whether a node without a quorum has to refuse it.
pub(crate) fn needs_a_quorum(request: &Request) -> bool {
    matches!(request, Request::Sync(_)) || command_of(request).is_some()
}

/// Takes a zxid and does nothing.
pub(crate) fn attempt(shape: Shape) -> (Command, Shape) {
    (Command::Multi(Vec::new()), shape)
}

fn multi(ops: &[MultiOp]) -> (Command, Shape) {
    let mut commands = Vec::with_capacity(ops.len());
    let mut shapes = Vec::with_capacity(ops.len());
    for (failed_at, op) in ops.iter().enumerate() {
        let (command, shape) = match op {
            MultiOp::Create(fields) => (create(fields), Shape::Path),
            MultiOp::Create2(fields) | MultiOp::CreateContainer(fields) => {
                (create(fields), Shape::PathAndStat)
            }
            MultiOp::CreateTtl(fields) => (create_ttl(fields), Shape::PathAndStat),
            MultiOp::Delete(fields) => (Ok(delete(&fields.path, fields.version)), Shape::Empty),
            MultiOp::SetData(fields) => (Ok(set_data(fields)), Shape::Stat),
            MultiOp::Check(fields) => {
                let check = ZnodeOp::Check {
                    path: fields.path.clone(),
                    expect: expect(fields.version),
                };
                (Ok(check), Shape::Empty)
            }
        };
        match command {
            Ok(command) => commands.push(command),
            Err(err) => {
                let failure = MultiFailure {
                    ops: ops.len(),
                    failed_at,
                    err,
                };
                return attempt(Shape::MultiRefused(failure));
            }
        }
        shapes.push(shape);
    }
    (Command::Multi(commands), Shape::Multi(shapes))
}

fn create(fields: &CreateRequest) -> Result<ZnodeOp, ErrorCode> {
    let mode = fields.mode().ok_or(ErrorCode::BadArguments)?;
    if mode.has_ttl() {
        // Only `createTTL` has a time to live with it.
        return Err(ErrorCode::BadArguments);
    }
    let (path, data) = (&fields.path, fields.data.as_deref());
    Ok(created(path, data, &fields.acl, mode, kind_of(mode, 0)))
}

fn create_ttl(fields: &CreateTtlRequest) -> Result<ZnodeOp, ErrorCode> {
    let mode = fields.mode().ok_or(ErrorCode::BadArguments)?;
    let in_range = (1..=TTL_MS_MAX).contains(&fields.ttl);
    if mode.has_ttl() != in_range || (!mode.has_ttl() && fields.ttl >= 0) {
        return Err(ErrorCode::BadArguments);
    }
    let ttl_ms = u64::try_from(fields.ttl).unwrap_or(0);
    let (path, data) = (&fields.path, fields.data.as_deref());
    Ok(created(
        path,
        data,
        &fields.acl,
        mode,
        kind_of(mode, ttl_ms),
    ))
}

fn kind_of(mode: CreateMode, ttl_ms: u64) -> CreateKind {
    if mode.is_ephemeral() {
        CreateKind::Ephemeral
    } else if mode.is_container() {
        CreateKind::Container
    } else if mode.has_ttl() {
        CreateKind::Ttl { ttl_ms }
    } else {
        CreateKind::Persistent
    }
}

fn created(
    path: &str,
    data: Option<&[u8]>,
    acl: &[crate::proto::acl::Acl],
    mode: CreateMode,
    kind: CreateKind,
) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: data.map(bytes::Bytes::copy_from_slice),
        content_type: None,
        acl: convert::acl_in(acl),
        kind,
        sequential: mode.is_sequential(),
        parents: false,
    })
}

fn delete(path: &str, version: i32) -> ZnodeOp {
    ZnodeOp::Delete {
        path: path.to_owned(),
        expect: expect(version),
    }
}

fn set_data(fields: &crate::proto::request::SetDataRequest) -> ZnodeOp {
    ZnodeOp::SetData(SetData {
        path: fields.path.clone(),
        data: fields.data.as_deref().map(bytes::Bytes::copy_from_slice),
        content_type: None,
        expect: expect(fields.version),
    })
}

fn expect(version: i32) -> Expect {
    match version {
        -1 => Expect::Any,
        version => Expect::Version(version),
    }
}

/// The answer to a write.
pub(crate) fn answer(outcome: &Outcome, shape: &Shape) -> Result<Response, ErrorCode> {
    match (shape, &outcome.result) {
        // The session comes first: of one that has ended nothing else is told.
        (_, Err(refusal)) if is_about_the_session(refusal) => Err(convert::error_of(refusal)),
        (Shape::Refused(error), _) => Err(*error),
        (Shape::MultiRefused(failure), _) => Ok(Response::Multi(failure.results())),
        (Shape::Multi(shapes), Err(Refusal::MultiFailed { index, cause })) => {
            let failure = MultiFailure {
                ops: shapes.len(),
                failed_at: usize::try_from(*index).unwrap_or(usize::MAX),
                err: convert::error_of(cause),
            };
            Ok(Response::Multi(failure.results()))
        }
        (Shape::Multi(shapes), Ok(StateReply::Multi(replies))) => {
            let results = shapes
                .iter()
                .zip(replies)
                .map(|(shape, reply)| op_result(shape, reply));
            Ok(Response::Multi(results.collect()))
        }
        (_, Ok(StateReply::Znode(reply))) => Ok(single(shape, reply)),
        (_, Err(refusal)) => Err(convert::error_of(refusal)),
        (_, Ok(_)) => Err(ErrorCode::SystemError),
    }
}

fn is_about_the_session(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::NoSession { .. } | Refusal::SessionEnded(_) | Refusal::SessionMoved { .. }
    )
}

fn single(shape: &Shape, reply: &ZnodeReply) -> Response {
    match reply {
        ZnodeReply::Created { path, .. } if *shape == Shape::Path => {
            Response::Path(path.to_string())
        }
        ZnodeReply::Created { path, stat } => Response::Create2(Create2Response {
            path: path.to_string(),
            stat: convert::stat(stat),
        }),
        ZnodeReply::DataSet { stat } | ZnodeReply::AclSet { stat } => {
            Response::Stat(convert::stat(stat))
        }
        ZnodeReply::Deleted | ZnodeReply::Checked => Response::Empty,
    }
}

fn op_result(shape: &Shape, reply: &ZnodeReply) -> OpResult {
    match reply {
        ZnodeReply::Created { path, .. } if *shape == Shape::Path => OpResult::Create {
            path: path.to_string(),
        },
        ZnodeReply::Created { path, stat } => OpResult::Create2(Create2Response {
            path: path.to_string(),
            stat: convert::stat(stat),
        }),
        ZnodeReply::DataSet { stat } | ZnodeReply::AclSet { stat } => {
            OpResult::SetData(convert::stat(stat))
        }
        ZnodeReply::Deleted => OpResult::Delete,
        ZnodeReply::Checked => OpResult::Check,
    }
}
