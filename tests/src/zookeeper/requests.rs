//! Requests in few words, and the same asked.

use bytes::Bytes;
use zookeeper::proto::acl::Acl;
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::{
    AuthPacket, CreateRequest, DeleteRequest, PathRequest, ReadRequest, Request, SetDataRequest,
};
use zookeeper::proto::response::Response;
use zookeeper::proto::stat::Stat;

use super::ZooKeeper;

/// Fields of a create that everybody may use.
#[must_use]
pub fn create(path: &str, data: &str, mode: CreateMode) -> CreateRequest {
    CreateRequest {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data.as_bytes())),
        acl: vec![Acl::open()],
        flags: mode.flags(),
    }
}

/// `delete` of whatever version.
#[must_use]
pub fn delete(path: &str) -> Request {
    Request::Delete(DeleteRequest {
        path: path.to_owned(),
        version: -1,
    })
}

/// `setData` on whatever version.
#[must_use]
pub fn set(path: &str, data: &str) -> Request {
    Request::SetData(SetDataRequest {
        path: path.to_owned(),
        data: Some(Bytes::copy_from_slice(data.as_bytes())),
        version: -1,
    })
}

/// Fields of a read, without a watch.
#[must_use]
pub fn path_request(path: &str) -> PathRequest {
    PathRequest {
        path: path.to_owned(),
    }
}

/// Fields of a read that leaves a watch.
#[must_use]
pub fn watched(path: &str) -> ReadRequest {
    ReadRequest {
        path: path.to_owned(),
        watch: true,
    }
}

fn unwatched(path: &str) -> ReadRequest {
    ReadRequest {
        path: path.to_owned(),
        watch: false,
    }
}

/// `getData` without a watch.
#[must_use]
pub fn get(path: &str) -> Request {
    Request::GetData(unwatched(path))
}

/// `getChildren` without a watch.
#[must_use]
pub fn list(path: &str) -> Request {
    Request::GetChildren(unwatched(path))
}

/// `exists` without a watch.
#[must_use]
pub fn stat_of(path: &str) -> Request {
    Request::Exists(unwatched(path))
}

/// `auth` by user and password.
#[must_use]
pub fn auth(proof: &str) -> Request {
    Request::Auth(AuthPacket {
        auth_type: 0,
        scheme: "digest".to_owned(),
        auth: Some(Bytes::copy_from_slice(proof.as_bytes())),
    })
}

impl ZooKeeper {
    /// Creates a znode and returns its path.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    pub fn create(&mut self, path: &str, mode: CreateMode) -> String {
        match self.done(&Request::Create(create(path, "", mode))) {
            Response::Path(path) => path,
            other => panic!("{other:?}"),
        }
    }

    /// Creates a persistent znode.
    ///
    /// # Panics
    /// When that fails.
    #[track_caller]
    pub fn make(&mut self, path: &str) {
        assert_eq!(self.create(path, CreateMode::Persistent), path);
    }

    /// The stat of a znode, if it exists.
    ///
    /// # Panics
    /// When the server does not answer.
    #[track_caller]
    pub fn stat(&mut self, path: &str) -> Option<Stat> {
        match self.ask(&stat_of(path)).result {
            Ok(Response::Stat(stat)) => Some(stat),
            _ => None,
        }
    }

    /// The data of a znode as text.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    pub fn data(&mut self, path: &str) -> String {
        text(self.done(&get(path)))
    }

    /// The names of the children of a znode, sorted.
    ///
    /// # Panics
    /// When it does not exist.
    #[track_caller]
    pub fn children(&mut self, path: &str) -> Vec<String> {
        match self.done(&list(path)) {
            Response::Children(mut names) => {
                names.sort();
                names
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until this client's node is as current as the cluster.
    ///
    /// # Panics
    /// When the server does not answer.
    #[track_caller]
    pub fn sync(&mut self) {
        let _ = self.done(&Request::Sync(path_request("/")));
    }
}

/// The data in an answer to `getData`, as text.
///
/// # Panics
/// When it is another answer.
#[must_use]
#[track_caller]
pub fn text(response: Response) -> String {
    match response {
        Response::Data(found) => {
            String::from_utf8_lossy(&found.data.unwrap_or_default()).into_owned()
        }
        other => panic!("{other:?}"),
    }
}
