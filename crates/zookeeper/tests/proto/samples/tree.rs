//! Single reads and writes of the tree.

use bytes::Bytes;
use zookeeper::proto::request::{
    CreateRequest, CreateTtlRequest, ReconfigRequest, Request, SetAclRequest, SetDataRequest,
};
use zookeeper::proto::response::{GetAclResponse, GetChildren2Response, GetDataResponse, Response};
use zookeeper::proto::stat::Stat;

use super::{
    PATH, Sample, create, create_ttl, created, data, delete, path, path_request, read, sample,
    stat, stat_of, texts, two_acls,
};

pub(super) fn creates() -> Vec<Sample> {
    let sequential = CreateRequest {
        path: "/a/b-".to_owned(),
        acl: two_acls(),
        ..create(2)
    };
    let container = CreateRequest {
        data: None,
        ..create(4)
    };
    let ttl = CreateTtlRequest {
        data: data(""),
        ..create_ttl(5, 60_000)
    };
    let ephemeral = Stat {
        ephemeral_owner: 0x0100_0000_0000_00ab,
        ..stat()
    };
    let path = "/a/b-0000000002".to_owned();
    let create2 = Response::Create2(created(PATH, ephemeral));
    let empty = || Response::Create2(created(PATH, stat_of(0)));
    vec![
        sample(
            "create",
            1,
            Request::Create(sequential),
            Response::Path(path),
        ),
        sample("create2", 2, Request::Create2(create(1)), create2),
        sample(
            "create_container",
            3,
            Request::CreateContainer(container),
            empty(),
        ),
        sample("create_ttl", 4, Request::CreateTtl(ttl), empty()),
    ]
}

pub(super) fn reads() -> Vec<Sample> {
    let got = |data: Option<Bytes>| {
        let length = data.as_ref().map_or(0, Bytes::len);
        let stat = stat_of(i32::try_from(length).unwrap());
        Response::Data(GetDataResponse { data, stat })
    };
    let get = |watch| Request::GetData(read(watch));
    let (acl, stat) = (two_acls(), stat());
    let children = || texts(&["x", "yy"]);
    let children2 = Response::Children2(GetChildren2Response {
        children: children(),
        stat,
    });
    let get_acl = Request::GetAcl(path_request());
    let sync = Request::Sync(path_request());
    vec![
        sample(
            "exists",
            6,
            Request::Exists(read(true)),
            Response::Stat(stat),
        ),
        sample("get_data", 7, get(false), got(data("abc"))),
        sample("get_data_null", 7, get(true), got(None)),
        sample("get_data_empty", 7, get(true), got(data(""))),
        sample(
            "get_acl",
            9,
            get_acl,
            Response::Acl(GetAclResponse { acl, stat }),
        ),
        sample(
            "get_children",
            11,
            Request::GetChildren(read(true)),
            Response::Children(children()),
        ),
        sample(
            "get_children2",
            12,
            Request::GetChildren2(read(false)),
            children2,
        ),
        sample("sync", 13, sync, Response::Path(path())),
    ]
}

pub(super) fn writes() -> Vec<Sample> {
    let set_data = Request::SetData(SetDataRequest {
        path: path(),
        data: Some(Bytes::from_static(&[0, 0xff])),
        version: 4,
    });
    let set_acl = Request::SetAcl(SetAclRequest {
        path: path(),
        acl: two_acls(),
        version: 6,
    });
    let reconfig = Request::Reconfig(ReconfigRequest {
        joining_servers: Some("server.4=h4:2888:3888;2181".to_owned()),
        leaving_servers: Some(String::new()),
        new_members: None,
        cur_config_id: -1,
    });
    let config = Response::Data(GetDataResponse {
        data: data("version=500"),
        stat: Stat {
            version: -1,
            ..stat_of(11)
        },
    });
    vec![
        sample("delete", 5, Request::Delete(delete(-1)), Response::Empty),
        sample("set_data", 8, set_data, Response::Stat(stat_of(2))),
        sample("set_acl", 10, set_acl, Response::Stat(stat())),
        sample("reconfig", 18, reconfig, config),
    ]
}
