//! Changes to this cluster, many in one request. What one request changes is independent of one
//! another, or in the order it has to happen in.

use std::collections::VecDeque;

use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::multi::{MultiOp, OpResult};
use zookeeper::proto::request::{
    CreateRequest, CreateTtlRequest, DeleteRequest, Request, SetAclRequest, SetDataRequest,
};
use zookeeper::proto::response::{Reply, Response};

use super::check::request_bytes;
use super::ensemble::{Ensemble, WriteError};
use super::kinds::Kind;
use super::roots::parent;
use super::znode::Znode;

/// Changes in one request; the cluster takes 1,024.
const CHANGES_MAX: usize = 1_000;
/// Requests under way at once.
const AT_ONCE: usize = 4;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Path here.
    pub(super) path: String,
    /// Bytes in a request, at most.
    bytes: usize,
    op: MultiOp,
}

/// A change that the cluster did not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Path here.
    pub(super) path: String,
    /// Why.
    pub(super) code: ErrorCode,
}

impl Change {
    /// Makes a znode.
    pub(super) fn create(path: &str, znode: &Znode, kind: Kind) -> Change {
        let flags = kind.mode().flags();
        let (path, data, acl) = (path.to_owned(), znode.data.clone(), znode.acl.clone());
        let bytes = request_bytes(&path, data.as_ref().map_or(0, |data| data.len()), &acl);
        let place = path.clone();
        let plain = |path, data, acl| CreateRequest {
            path,
            data,
            acl,
            flags,
        };
        let op = match kind {
            Kind::Persistent => MultiOp::Create(plain(path, data, acl)),
            Kind::Container => MultiOp::CreateContainer(plain(path, data, acl)),
            Kind::Ttl(ttl) => MultiOp::CreateTtl(CreateTtlRequest {
                path,
                data,
                acl,
                flags,
                ttl,
            }),
        };
        Change {
            path: place,
            bytes,
            op,
        }
    }

    /// Gives a znode other data.
    pub(super) fn set_data(path: &str, znode: &Znode) -> Change {
        let data = znode.data.as_ref().map_or(0, |data| data.len());
        Change {
            path: path.to_owned(),
            bytes: request_bytes(path, data, &[]),
            op: MultiOp::SetData(SetDataRequest {
                path: path.to_owned(),
                data: znode.data.clone(),
                version: -1,
            }),
        }
    }

    /// Removes a znode.
    pub(super) fn delete(path: &str) -> Change {
        Change {
            path: path.to_owned(),
            bytes: request_bytes(path, 0, &[]),
            op: MultiOp::Delete(DeleteRequest {
                path: path.to_owned(),
                version: -1,
            }),
        }
    }
}

/// Makes changes, in their order. Those the cluster refuses are left out and told.
///
/// # Errors
/// Nobody knows which of them were made; or nobody answers.
pub(super) async fn make(
    target: &mut Ensemble,
    changes: Vec<Change>,
    frame_bytes_max: usize,
) -> Result<Vec<Refused>, WriteError> {
    let mut refused = Vec::new();
    let mut left = pack(changes, frame_bytes_max);
    while !left.is_empty() {
        let now: Vec<Vec<Change>> = left.drain(..left.len().min(AT_ONCE)).collect();
        let ops = |group: &Vec<Change>| group.iter().map(|change| change.op.clone()).collect();
        let requests: Vec<Request> = now.iter().map(|group| Request::Multi(ops(group))).collect();
        let replies = target.write(&requests).await?;
        for (group, reply) in now.into_iter().zip(&replies) {
            if let Some(failure) = failure_of(reply) {
                left.extend(without_the_failed(group, failure, &mut refused));
            }
        }
    }
    Ok(refused)
}

/// Gives a znode another access list, which no multi can.
///
/// # Errors
/// As [`make`].
pub(super) async fn set_acls(
    target: &mut Ensemble,
    lists: Vec<SetAclRequest>,
) -> Result<Vec<Refused>, WriteError> {
    let requests: Vec<Request> = lists.iter().cloned().map(Request::SetAcl).collect();
    let replies = target.write(&requests).await?;
    let pairs = lists.into_iter().zip(replies);
    Ok(pairs
        .filter_map(|(list, reply)| {
            let code = reply.result.err()?;
            Some(Refused {
                path: list.path,
                code,
            })
        })
        .collect())
}

/// Requests of at most so many changes and bytes; a change that alone is longer stands alone.
fn pack(changes: Vec<Change>, frame_bytes_max: usize) -> VecDeque<Vec<Change>> {
    let mut groups: VecDeque<Vec<Change>> = VecDeque::new();
    let mut bytes = 0;
    for change in changes {
        bytes += change.bytes;
        match groups.back_mut() {
            Some(group) if group.len() < CHANGES_MAX && bytes <= frame_bytes_max => {
                group.push(change);
            }
            Some(_) | None => {
                bytes = change.bytes;
                groups.push_back(vec![change]);
            }
        }
    }
    groups
}

/// Why nothing of a multi was done: the position of the change that failed, if one did.
fn failure_of(reply: &Reply) -> Option<(Option<usize>, ErrorCode)> {
    let results = match &reply.result {
        Ok(Response::Multi(results)) => results,
        Ok(_) => return Some((None, ErrorCode::MarshallingError)),
        Err(code) => return Some((None, *code)),
    };
    let error = |result: &OpResult| match result {
        OpResult::Error(ErrorCode::Ok | ErrorCode::RuntimeInconsistency) => None,
        OpResult::Error(code) => Some(*code),
        OpResult::Create { .. }
        | OpResult::Create2(_)
        | OpResult::Delete
        | OpResult::SetData(_)
        | OpResult::Check
        | OpResult::GetChildren { .. }
        | OpResult::GetData(_) => None,
    };
    let mut errors = results.iter().enumerate();
    errors.find_map(|(at, result)| error(result).map(|code| (Some(at), code)))
}

/// What is to be tried again of a request that failed.
fn without_the_failed(
    mut group: Vec<Change>,
    (at, code): (Option<usize>, ErrorCode),
    refused: &mut Vec<Refused>,
) -> Vec<Vec<Change>> {
    let Some(at) = at.filter(|at| *at < group.len()) else {
        if group.len() > 1 {
            let second = group.split_off(group.len() / 2);
            return vec![group, second];
        }
        let alone = group.into_iter().map(|change| change.path);
        refused.extend(alone.map(|path| Refused { path, code }));
        return Vec::new();
    };
    let failed = group.remove(at);
    let mut rest = Vec::with_capacity(group.len());
    for change in group {
        // Who may not create below a znode may create none of its children.
        let same = code == ErrorCode::NoAuth
            && matches!(change.op, MultiOp::Create(_))
            && matches!(failed.op, MultiOp::Create(_))
            && parent(&change.path) == parent(&failed.path);
        if same {
            let path = change.path;
            refused.push(Refused { path, code });
        } else {
            rest.push(change);
        }
    }
    let path = failed.path;
    refused.push(Refused { path, code });
    if rest.is_empty() {
        Vec::new()
    } else {
        vec![rest]
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use zookeeper::proto::header::Xid;
    use zookeeper::proto::multi::MultiFailure;

    use super::*;

    fn changes(paths: &[&str]) -> Vec<Change> {
        let create = |path: &&str| Change::create(path, &Znode::default(), Kind::Persistent);
        paths.iter().map(create).collect()
    }

    #[test]
    fn requests_stay_below_both_bounds_and_in_order() {
        let many: Vec<String> = (0..2_500).map(|n| format!("/{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let groups = pack(changes(&many), usize::MAX);
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        let order: Vec<String> = groups.into_iter().flatten().map(|c| c.path).collect();
        assert_eq!(order, many);

        let large = Znode {
            data: Some(Bytes::from(vec![0; 600])),
            ..Znode::default()
        };
        let large = |path| Change::set_data(path, &large);
        let groups = pack(vec![large("/a"), large("/b"), large("/c")], 1_000);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        let groups = pack(vec![large("/a"), large("/b"), large("/c")], 1_500);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn what_failed_is_left_out_and_the_rest_tried_again() {
        let failure = MultiFailure {
            ops: 3,
            failed_at: 1,
            err: ErrorCode::InvalidAcl,
        };
        let reply = Reply {
            xid: Xid(1),
            zxid: 1,
            result: Ok(Response::Multi(failure.results())),
        };
        let failed = failure_of(&reply).unwrap();
        assert_eq!(failed, (Some(1), ErrorCode::InvalidAcl));
        let mut refused = Vec::new();
        let rest = without_the_failed(changes(&["/a", "/b", "/c"]), failed, &mut refused);
        assert_eq!(rest, [changes(&["/a", "/c"])]);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].path, "/b");
    }

    #[test]
    fn siblings_of_what_may_not_be_created_are_not_tried_one_by_one() {
        let mut refused = Vec::new();
        let failed = (Some(0), ErrorCode::NoAuth);
        let rest = without_the_failed(changes(&["/p/a", "/p/b", "/q/c"]), failed, &mut refused);
        assert_eq!(rest, [changes(&["/q/c"])]);
        assert_eq!(refused.len(), 2);
        // A request that is refused as a whole is halved until the one to blame stands alone.
        let whole = (None, ErrorCode::MarshallingError);
        let halves = without_the_failed(changes(&["/a", "/b", "/c"]), whole, &mut refused);
        assert_eq!(halves.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        assert!(without_the_failed(changes(&["/a"]), whole, &mut refused).is_empty());
        assert_eq!(refused.len(), 3);
    }
}
