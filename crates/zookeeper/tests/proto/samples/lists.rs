//! Lists of operations.

use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::multi::{MultiFailure, MultiOp, MultiReadOp, OpResult};
use zookeeper::proto::request::{CheckVersionRequest, CreateRequest, Request, SetDataRequest};
use zookeeper::proto::response::{GetDataResponse, Response};

use super::{
    PATH, Sample, create, create_ttl, created, data, delete, path, sample, stat, stat_of, texts,
};

fn check(path: &str) -> MultiOp {
    let path = path.to_owned();
    MultiOp::Check(CheckVersionRequest { path, version: 0 })
}

pub(super) fn multis() -> Vec<Sample> {
    let three = vec![
        MultiOp::Delete(delete(-1)),
        check("/none"),
        MultiOp::Delete(delete(-1)),
    ];
    let failure = MultiFailure {
        ops: 3,
        failed_at: 1,
        err: ErrorCode::NoNode,
    };
    let none = "/none".to_owned();
    let reads = vec![
        MultiReadOp::GetChildren { path: path() },
        MultiReadOp::GetData { path: path() },
        MultiReadOp::GetData { path: none },
    ];
    let read = vec![
        OpResult::GetChildren {
            children: texts(&["x"]),
        },
        OpResult::GetData(GetDataResponse {
            data: data("abc"),
            stat: stat(),
        }),
        OpResult::Error(ErrorCode::NoNode),
    ];
    vec![
        sample(
            "multi",
            14,
            Request::Multi(every_member()),
            Response::Multi(every_result()),
        ),
        sample(
            "multi_failed",
            15,
            Request::Multi(three),
            Response::Multi(failure.results()),
        ),
        sample(
            "multi_empty",
            16,
            Request::Multi(Vec::new()),
            Response::Multi(Vec::new()),
        ),
        sample(
            "multi_read",
            17,
            Request::MultiRead(reads),
            Response::Multi(read),
        ),
    ]
}

fn every_member() -> Vec<MultiOp> {
    let container = CreateRequest {
        data: None,
        ..create(4)
    };
    let set_data = SetDataRequest {
        path: path(),
        data: data("abc"),
        version: -1,
    };
    vec![
        MultiOp::Create(create(0)),
        MultiOp::Create2(create(3)),
        MultiOp::CreateContainer(container),
        MultiOp::CreateTtl(create_ttl(6, 1000)),
        MultiOp::Delete(delete(3)),
        MultiOp::SetData(set_data),
        check(PATH),
    ]
}

fn every_result() -> Vec<OpResult> {
    vec![
        OpResult::Create { path: path() },
        OpResult::Create2(created("/a/b0000000003", stat())),
        OpResult::Create2(created(PATH, stat_of(0))),
        OpResult::Create2(created("/a/b0000000004", stat())),
        OpResult::Delete,
        OpResult::SetData(stat()),
        OpResult::Check,
    ]
}
