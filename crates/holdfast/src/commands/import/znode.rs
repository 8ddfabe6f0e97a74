//! Znodes as they are read, many at a time.

use bytes::Bytes;
use zookeeper::proto::acl::Acl;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::{PathRequest, ReadRequest, Request};
use zookeeper::proto::response::{Reply, Response};
use zookeeper::proto::stat::Stat;

use super::ensemble::Ensemble;
use crate::exit::{Exit, Failure};

/// A znode, with all that can be carried over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Znode {
    /// Null and empty are different.
    pub(super) data: Option<Bytes>,
    pub(super) acl: Vec<Acl>,
    pub(super) stat: Stat,
    /// Names.
    pub(super) children: Vec<String>,
}

/// What is found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A znode.
    Znode(Box<Znode>),
    /// Nothing.
    Missing,
    /// Whatever it is, we may not read it.
    Denied,
}

impl Znode {
    /// How many children were ever created: the number the next sequential child gets. A stat shows
    /// it as `cversion`, which is twice this less the children that are there.
    pub(super) fn counter(&self) -> i64 {
        let sum = i64::from(self.stat.cversion) + i64::from(self.stat.num_children);
        sum.div_euclid(2)
    }

    /// Whether it goes with its session.
    pub(super) fn is_ephemeral(&self) -> bool {
        self.stat.ephemeral_owner != 0
    }
}

/// Reads a beginning of `paths`, at least one: less than all when they are large.
///
/// # Errors
/// Nobody answers, or with nonsense.
pub(super) async fn read(ensemble: &mut Ensemble, paths: &[String]) -> Result<Vec<Found>, Failure> {
    let pairs = paths
        .iter()
        .flat_map(|path| [get_data(path), get_acl(path)]);
    let pairs: Vec<Request> = pairs.collect();
    let mut replies = ensemble.read(&pairs).await?;
    if let ([reply], Some(second)) = (replies.as_slice(), pairs.get(1)) {
        // One very large znode: its access list belongs to it.
        let data = reply.clone();
        let rest = ensemble.read(std::slice::from_ref(second)).await?;
        replies = [data].into_iter().chain(rest).collect();
    }
    let mut found = Vec::with_capacity(replies.len() / 2);
    for (path, pair) in paths.iter().zip(replies.chunks_exact(2)) {
        if let [data, acl] = pair {
            found.push(put_together(data, acl).ok_or_else(|| nonsense(ensemble, path, pair))?);
        }
    }
    list_children(ensemble, paths, &mut found).await?;
    Ok(found)
}

fn put_together(data: &Reply, acl: &Reply) -> Option<Found> {
    let (data, acl) = match (&data.result, &acl.result) {
        (Err(ErrorCode::NoNode), _) | (_, Err(ErrorCode::NoNode)) => return Some(Found::Missing),
        (Err(ErrorCode::NoAuth), _) | (_, Err(ErrorCode::NoAuth)) => return Some(Found::Denied),
        (Ok(Response::Data(data)), Ok(Response::Acl(acl))) => (data, acl),
        _ => return None,
    };
    Some(Found::Znode(Box::new(Znode {
        data: data.data.clone(),
        acl: acl.acl.clone(),
        stat: data.stat,
        children: Vec::new(),
    })))
}

async fn list_children(
    ensemble: &mut Ensemble,
    paths: &[String],
    found: &mut [Found],
) -> Result<(), Failure> {
    let mut parents: Vec<(usize, Request)> = Vec::new();
    for (at, (path, found)) in paths.iter().zip(found.iter()).enumerate() {
        if matches!(found, Found::Znode(znode) if znode.stat.num_children > 0) {
            parents.push((at, get_children(path)));
        }
    }
    let mut rest = parents.as_slice();
    while !rest.is_empty() {
        let requests: Vec<Request> = rest.iter().map(|(_, request)| request.clone()).collect();
        let replies = ensemble.read(&requests).await?;
        for ((at, _), reply) in rest.iter().zip(&replies) {
            let Some(place) = found.get_mut(*at) else {
                continue;
            };
            match (&reply.result, &mut *place) {
                (Ok(Response::Children(names)), Found::Znode(znode)) => {
                    znode.children.clone_from(names);
                }
                (Err(ErrorCode::NoNode), _) => *place = Found::Missing,
                (Err(ErrorCode::NoAuth), _) => *place = Found::Denied,
                _ => {
                    let path = paths.get(*at).map_or("", String::as_str);
                    return Err(nonsense(ensemble, path, std::slice::from_ref(reply)));
                }
            }
        }
        rest = rest.get(replies.len()..).unwrap_or_default();
    }
    Ok(())
}

fn nonsense(ensemble: &Ensemble, path: &str, replies: &[Reply]) -> Failure {
    let codes = replies
        .iter()
        .filter_map(|reply| reply.result.as_ref().err());
    let codes: Vec<&str> = codes.map(|code| code.name()).collect();
    let why = format!("{} answered {}", ensemble.name(), codes.join(", "));
    let sasl = ErrorCode::SessionClosedRequireSaslAuth.name();
    if codes.contains(&sasl) {
        return Failure::new(Exit::Permission, format!("read {path}"), why).remedy(
            "this server wants SASL, which the importer does not speak; let it in without",
        );
    }
    Failure::new(Exit::Internal, format!("read {path}"), why)
}

fn read_request(path: &str) -> ReadRequest {
    ReadRequest {
        path: path.to_owned(),
        watch: false,
    }
}

fn get_data(path: &str) -> Request {
    Request::GetData(read_request(path))
}

fn get_children(path: &str) -> Request {
    Request::GetChildren(read_request(path))
}

fn get_acl(path: &str) -> Request {
    Request::GetAcl(PathRequest {
        path: path.to_owned(),
    })
}

/// The path of a child.
pub(super) fn child(parent: &str, name: &str) -> String {
    if parent == "/" {
        format!("/{name}")
    } else {
        format!("{parent}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_read_from_the_stat() {
        let counter = |cversion, num_children| {
            let stat = Stat {
                cversion,
                num_children,
                ..Stat::default()
            };
            let znode = Znode {
                stat,
                ..Znode::default()
            };
            znode.counter()
        };
        // A fresh root and a fresh /zookeeper: children that were not counted.
        assert_eq!((counter(-1, 1), counter(-2, 2)), (0, 0));
        // Three created, one of them deleted.
        assert_eq!(counter(4, 2), 3);
    }

    #[test]
    fn children_of_the_root_have_one_slash() {
        assert_eq!(child("/", "a"), "/a");
        assert_eq!(child("/a", "b"), "/a/b");
    }
}
