//! Watches, identities, and questions about the session.

use bytes::Bytes;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::{
    AddWatchRequest, AuthPacket, GetEphemeralsRequest, Request, SaslRequest, SetWatches,
    SetWatches2, WatchesRequest,
};
use zookeeper::proto::response::{ClientInfo, Response};

use super::{Sample, data, failed, path, path_request, sample, texts};

pub(super) fn watches() -> Vec<Sample> {
    let kind = |watcher_type| WatchesRequest {
        path: path(),
        watcher_type,
    };
    let (check, remove) = (
        Request::CheckWatches(kind(2)),
        Request::RemoveWatches(kind(5)),
    );
    let add = Request::AddWatch(AddWatchRequest {
        path: path(),
        mode: 1,
    });
    let set = Request::SetWatches(SetWatches {
        relative_zxid: 0x4ff,
        data_watches: texts(&["/a"]),
        exist_watches: Vec::new(),
        child_watches: texts(&["/b", "/c"]),
    });
    let set2 = Request::SetWatches2(SetWatches2 {
        relative_zxid: 0x4ff,
        data_watches: texts(&["/a"]),
        exist_watches: texts(&["/b"]),
        child_watches: texts(&["/c"]),
        persistent_watches: texts(&["/d"]),
        persistent_recursive_watches: texts(&["/e"]),
    });
    let remove = sample("remove_watches", 20, remove, Response::Empty);
    vec![
        sample("check_watches", 19, check, Response::Empty),
        failed(remove, ErrorCode::NoWatcher),
        sample("add_watch", 21, add, Response::AddWatch),
        sample("set_watches", -8, set, Response::Empty),
        sample("set_watches2", 22, set2, Response::Empty),
    ]
}

pub(super) fn connection() -> Vec<Sample> {
    let auth = |scheme: &str, auth| {
        Request::Auth(AuthPacket {
            auth_type: 0,
            scheme: scheme.to_owned(),
            auth,
        })
    };
    let token = |bytes| Some(Bytes::from_static(bytes));
    let sasl = Request::Sasl(SaslRequest {
        token: token(&[1, 2]),
    });
    let refused = sample("auth_failed", -4, auth("none", data("")), Response::Empty);
    vec![
        sample("ping", -2, Request::Ping, Response::Empty),
        sample(
            "auth",
            -4,
            auth("digest", data("bob:secret")),
            Response::Empty,
        ),
        failed(refused, ErrorCode::AuthFailed),
        sample("sasl", 23, sasl, Response::Sasl(token(&[3]))),
        sample(
            "close_session",
            i32::MAX,
            Request::CloseSession,
            Response::Empty,
        ),
    ]
}

pub(super) fn questions() -> Vec<Sample> {
    let ephemerals = Request::GetEphemerals(GetEphemeralsRequest {
        prefix_path: "/a".to_owned(),
    });
    let number = Request::GetAllChildrenNumber(path_request());
    let info = |scheme: &str, user: &str| ClientInfo {
        auth_scheme: scheme.to_owned(),
        user: user.to_owned(),
    };
    let identities = vec![info("ip", "10.0.0.1"), info("digest", "bob")];
    vec![
        sample(
            "get_ephemerals",
            24,
            ephemerals,
            Response::Ephemerals(texts(&["/a/x", "/ab"])),
        ),
        sample(
            "get_all_children_number",
            25,
            number,
            Response::TotalNumber(9),
        ),
        sample(
            "who_am_i",
            26,
            Request::WhoAmI,
            Response::WhoAmI(identities),
        ),
    ]
}
