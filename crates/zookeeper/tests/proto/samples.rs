//! One conversation for every operation, as values. `tests/golden` has the same as bytes.

mod connection;
mod lists;
mod tree;

use bytes::{Bytes, BytesMut};
use zookeeper::proto::acl::{Acl, Id, Perms};
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::frame::{self, FrameTooLong};
use zookeeper::proto::header::Xid;
use zookeeper::proto::request::{
    CreateRequest, CreateTtlRequest, DeleteRequest, PathRequest, ReadRequest, Request,
};
use zookeeper::proto::response::{Create2Response, Reply, Response};
use zookeeper::proto::stat::Stat;

pub(crate) const ZXID: i64 = 0x500;
const PATH: &str = "/a/b";

/// A request and its reply; the golden file has this name.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) xid: Xid,
    pub(crate) request: Request,
    pub(crate) reply: Reply,
}

/// A whole frame, length included.
pub(crate) fn frame_of(put: impl FnOnce(&mut BytesMut) -> Result<(), FrameTooLong>) -> Bytes {
    let mut out = BytesMut::new();
    put(&mut out).unwrap();
    out.freeze()
}

/// The payload of the one frame that `frame` is.
pub(crate) fn payload(frame: &Bytes) -> Bytes {
    let mut buffer = BytesMut::from(frame.clone());
    let payload = frame::next_frame(&mut buffer, usize::MAX).unwrap().unwrap();
    assert!(buffer.is_empty());
    payload
}

pub(crate) fn stat() -> Stat {
    Stat {
        czxid: 0x11,
        mzxid: 0x12,
        ctime: 1_700_000_000_000,
        mtime: 1_700_000_000_500,
        version: 5,
        cversion: 6,
        aversion: 7,
        ephemeral_owner: 0,
        data_length: 3,
        num_children: 2,
        pzxid: 0x13,
    }
}

fn stat_of(data_length: i32) -> Stat {
    Stat {
        data_length,
        ..stat()
    }
}

fn data(text: &'static str) -> Option<Bytes> {
    Some(Bytes::from_static(text.as_bytes()))
}

fn path() -> String {
    PATH.to_owned()
}

fn two_acls() -> Vec<Acl> {
    let bob = Acl {
        perms: Perms::READ | Perms::WRITE,
        id: Id {
            scheme: "digest".to_owned(),
            id: "bob:hash=".to_owned(),
        },
    };
    vec![Acl::open(), bob]
}

fn create(flags: i32) -> CreateRequest {
    CreateRequest {
        path: path(),
        data: data("abc"),
        acl: vec![Acl::open()],
        flags,
    }
}

fn create_ttl(flags: i32, ttl: i64) -> CreateTtlRequest {
    CreateTtlRequest {
        path: path(),
        data: data("abc"),
        acl: vec![Acl::open()],
        flags,
        ttl,
    }
}

fn read(watch: bool) -> ReadRequest {
    let path = path();
    ReadRequest { path, watch }
}

fn path_request() -> PathRequest {
    PathRequest { path: path() }
}

fn delete(version: i32) -> DeleteRequest {
    let path = path();
    DeleteRequest { path, version }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn created(path: &str, stat: Stat) -> Create2Response {
    let path = path.to_owned();
    Create2Response { path, stat }
}

fn sample(name: &'static str, xid: i32, request: Request, body: Response) -> Sample {
    let xid = Xid(xid);
    let zxid = match request {
        Request::Auth(_) | Request::Sasl(_) => 0,
        _ => ZXID,
    };
    let result = Ok(body);
    Sample {
        name,
        xid,
        request,
        reply: Reply { xid, zxid, result },
    }
}

fn failed(mut sample: Sample, err: ErrorCode) -> Sample {
    sample.reply.result = Err(err);
    sample
}

pub(crate) fn all() -> Vec<Sample> {
    let mut all = tree::creates();
    all.extend(tree::reads());
    all.extend(tree::writes());
    all.extend(lists::multis());
    all.extend(connection::watches());
    all.extend(connection::connection());
    all.extend(connection::questions());
    all
}
