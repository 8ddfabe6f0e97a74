//! Requests that change something: to commands of the state, and outcomes to replies.

use raft_core::command::{Command, Create, CreateKind, Expect, SetData, ZnodeOp};
use raft_core::outcome::{Outcome, Refusal, Reply as StateReply, ZnodeReply};
use raft_core::path::InvalidPath;

use super::{bad_path, convert};
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
    /// Of one operation.
    One(Member),
    /// Of `multi`, one for each member.
    Multi(Vec<Member>),
    /// Whatever comes of it, the answer is this error: what is wrong with the request was seen
    /// before it was sent, and it takes a zxid all the same.
    Refused(ErrorCode),
    /// Of a `multi` whose member at this position is wrong in itself.
    MultiRefused(MultiFailure),
}

/// What the reply to one operation has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    body: Body,
    /// What it means that the path is not valid: ZooKeeper looks for the parent first.
    bad_path: ErrorCode,
}

/// What stands in the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// Of `create`.
    Path,
    /// Of `create2` and its kin.
    PathAndStat,
    /// Of `setData` and `setACL`.
    Stat,
    /// Of `delete`.
    Empty,
}

type Made = Result<(ZnodeOp, Body), ErrorCode>;

/// A request as a command; `None` when it changes nothing.
pub(crate) fn command_of(request: &Request) -> Option<(Command, Shape)> {
    Some(match request {
        Request::Create(fields) => single(create(fields, Body::Path)),
        Request::Create2(fields) => single(create(fields, Body::PathAndStat)),
        Request::CreateContainer(fields) => single(create_container(fields)),
        Request::CreateTtl(fields) => single(create_ttl(fields)),
        Request::Delete(fields) => single(Ok(delete(&fields.path, fields.version))),
        Request::SetData(fields) => single(Ok(set_data(fields))),
        Request::SetAcl(fields) => single(Ok((
            ZnodeOp::SetAcl {
                path: fields.path.clone(),
                acl: convert::acl_in(&fields.acl),
                expect: expect(fields.version),
            },
            Body::Stat,
        ))),
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

fn single(made: Made) -> (Command, Shape) {
    match made {
        Ok((op, body)) => {
            let shape = Shape::One(member(&op, body));
            (Command::Znode(op), shape)
        }
        Err(error) => attempt(Shape::Refused(error)),
    }
}

fn member(op: &ZnodeOp, body: Body) -> Member {
    let bad_path = match op {
        ZnodeOp::Create(create) => bad_path::of_create(&create.path),
        ZnodeOp::Delete { path, .. } => bad_path::of_delete(path),
        ZnodeOp::SetData(_)
        | ZnodeOp::Put { .. }
        | ZnodeOp::SetAcl { .. }
        | ZnodeOp::Check { .. } => ErrorCode::BadArguments,
    };
    Member { body, bad_path }
}

/// Takes a zxid and does nothing.
pub(crate) fn attempt(shape: Shape) -> (Command, Shape) {
    (Command::Multi(Vec::new()), shape)
}

fn multi(ops: &[MultiOp]) -> (Command, Shape) {
    let mut commands = Vec::with_capacity(ops.len());
    let mut shapes = Vec::with_capacity(ops.len());
    for (failed_at, op) in ops.iter().enumerate() {
        let made = match op {
            MultiOp::Create(fields) => create_in_multi(fields, Body::Path),
            MultiOp::Create2(fields) => create_in_multi(fields, Body::PathAndStat),
            MultiOp::CreateContainer(fields) => create_container(fields),
            MultiOp::CreateTtl(fields) => create_ttl_in_multi(fields),
            MultiOp::Delete(fields) => Ok(delete(&fields.path, fields.version)),
            MultiOp::SetData(fields) => Ok(set_data(fields)),
            MultiOp::Check(fields) => {
                let check = ZnodeOp::Check {
                    path: fields.path.clone(),
                    expect: expect(fields.version),
                };
                Ok((check, Body::Empty))
            }
        };
        match made {
            Ok((command, body)) => {
                shapes.push(member(&command, body));
                commands.push(command);
            }
            Err(err) => {
                let failure = MultiFailure {
                    ops: ops.len(),
                    failed_at,
                    err,
                };
                return attempt(Shape::MultiRefused(failure));
            }
        }
    }
    (Command::Multi(commands), Shape::Multi(shapes))
}

fn create(fields: &CreateRequest, body: Body) -> Made {
    let mode = fields.mode().ok_or(ErrorCode::BadArguments)?;
    if mode.has_ttl() {
        // Only `createTTL` has a time to live with it.
        return Err(ErrorCode::BadArguments);
    }
    Ok((created(fields, mode, kind_of(mode, 0)), body))
}

/// A container whatever the flags say, but for its number.
fn create_container(fields: &CreateRequest) -> Made {
    let mode = fields.mode().ok_or(ErrorCode::BadArguments)?;
    if mode.has_ttl() {
        return Err(ErrorCode::BadArguments);
    }
    Ok((
        created(fields, mode, CreateKind::Container),
        Body::PathAndStat,
    ))
}

/// In a multi the flags decide what it is, not the operation.
fn create_in_multi(fields: &CreateRequest, body: Body) -> Made {
    match fields.mode() {
        Some(CreateMode::Container) => create_container(fields),
        Some(_) | None => create(fields, body),
    }
}

/// The same; without a time to live it is a plain `create`.
fn create_ttl_in_multi(fields: &CreateTtlRequest) -> Made {
    match fields.mode() {
        Some(mode) if !mode.has_ttl() => create_in_multi(&without_ttl(fields), Body::Path),
        Some(_) | None => create_ttl(fields),
    }
}

fn without_ttl(fields: &CreateTtlRequest) -> CreateRequest {
    CreateRequest {
        path: fields.path.clone(),
        data: fields.data.clone(),
        acl: fields.acl.clone(),
        flags: fields.flags,
    }
}

fn create_ttl(fields: &CreateTtlRequest) -> Made {
    let mode = fields.mode().ok_or(ErrorCode::BadArguments)?;
    let in_range = (1..=TTL_MS_MAX).contains(&fields.ttl);
    if mode.has_ttl() != in_range || (!mode.has_ttl() && fields.ttl >= 0) {
        return Err(ErrorCode::BadArguments);
    }
    let ttl_ms = u64::try_from(fields.ttl).unwrap_or(0);
    let op = created(&without_ttl(fields), mode, kind_of(mode, ttl_ms));
    Ok((op, Body::PathAndStat))
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

fn created(fields: &CreateRequest, mode: CreateMode, kind: CreateKind) -> ZnodeOp {
    ZnodeOp::Create(Create {
        path: fields.path.clone(),
        data: fields.data.as_deref().map(bytes::Bytes::copy_from_slice),
        content_type: None,
        acl: convert::acl_in(&fields.acl),
        kind,
        sequential: mode.is_sequential(),
        parents: false,
    })
}

fn delete(path: &str, version: i32) -> (ZnodeOp, Body) {
    let delete = ZnodeOp::Delete {
        path: path.to_owned(),
        expect: expect(version),
    };
    (delete, Body::Empty)
}

fn set_data(fields: &crate::proto::request::SetDataRequest) -> (ZnodeOp, Body) {
    let set = ZnodeOp::SetData(SetData {
        path: fields.path.clone(),
        data: fields.data.as_deref().map(bytes::Bytes::copy_from_slice),
        content_type: None,
        expect: expect(fields.version),
    });
    (set, Body::Stat)
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
        (Shape::Multi(members), Err(Refusal::MultiFailed { index, cause })) => {
            let failed_at = usize::try_from(*index).unwrap_or(usize::MAX);
            let failure = MultiFailure {
                ops: members.len(),
                failed_at,
                err: match members.get(failed_at) {
                    Some(member) => member.error_of(cause),
                    None => convert::error_of(cause),
                },
            };
            Ok(Response::Multi(failure.results()))
        }
        (Shape::Multi(members), Ok(StateReply::Multi(replies))) => {
            let results = members
                .iter()
                .zip(replies)
                .map(|(member, reply)| op_result(member.body, reply));
            Ok(Response::Multi(results.collect()))
        }
        (Shape::One(member), Ok(StateReply::Znode(reply))) => Ok(response(member.body, reply)),
        (Shape::One(member), Err(refusal)) => Err(member.error_of(refusal)),
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

impl Member {
    fn error_of(self, refusal: &Refusal) -> ErrorCode {
        let Refusal::InvalidPath(why) = refusal else {
            return convert::error_of(refusal);
        };
        if matches!(why, InvalidPath::TooLong { .. }) {
            return ErrorCode::BadArguments;
        }
        self.bad_path
    }
}

fn response(body: Body, reply: &ZnodeReply) -> Response {
    match reply {
        ZnodeReply::Created { path, .. } if body == Body::Path => Response::Path(path.to_string()),
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

fn op_result(body: Body, reply: &ZnodeReply) -> OpResult {
    match reply {
        ZnodeReply::Created { path, .. } if body == Body::Path => OpResult::Create {
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
