//! Any request and any reply.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zookeeper::proto::acl::{Acl, Id, Perms};
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::{EventType, WatcherEvent};
use zookeeper::proto::header::Xid;
use zookeeper::proto::multi::{MultiOp, MultiReadOp, OpResult};
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{
    AddWatchRequest, AuthPacket, CheckVersionRequest, CreateRequest, CreateTtlRequest,
    DeleteRequest, GetEphemeralsRequest, PathRequest, ReadRequest, ReconfigRequest, Request,
    SaslRequest, SetAclRequest, SetDataRequest, SetWatches, SetWatches2, WatchesRequest,
};
use zookeeper::proto::response::{
    ClientInfo, Create2Response, GetAclResponse, GetChildren2Response, GetDataResponse, Reply,
    Response,
};
use zookeeper::proto::stat::Stat;

/// Any text, not only valid paths.
/// Flags of a create with a meaning, and those of them without a time to live: all below these.
const ALL_FLAGS: i32 = 7;
const FLAGS_WITHOUT_TTL: i32 = 5;

fn text() -> impl Strategy<Value = String> + Clone {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn texts() -> impl Strategy<Value = Vec<String>> + Clone {
    vec(text(), 0..5)
}

pub(crate) fn data() -> impl Strategy<Value = Option<Bytes>> + Clone {
    option::of(vec(any::<u8>(), 0..40)).prop_map(|data| data.map(Bytes::from))
}

pub(crate) fn xid() -> impl Strategy<Value = Xid> {
    // −1 is what makes a frame of the server an event.
    let any = any::<i32>().prop_filter("a reply", |xid| *xid != -1);
    any.prop_map(Xid)
}

fn error() -> impl Strategy<Value = ErrorCode> + Clone {
    let known = prop::sample::select(ErrorCode::ALL);
    let any = any::<i32>().prop_map(ErrorCode::from_code);
    prop_oneof![known, any]
}

fn acls() -> impl Strategy<Value = Vec<Acl>> + Clone {
    let acl = (any::<i32>(), text(), text()).prop_map(|(perms, scheme, id)| Acl {
        perms: Perms(perms),
        id: Id { scheme, id },
    });
    vec(acl, 0..4)
}

prop_compose! {
    fn stat()(
        (czxid, mzxid, ctime, mtime) in any::<(i64, i64, i64, i64)>(),
        (version, cversion, aversion) in any::<(i32, i32, i32)>(),
        (ephemeral_owner, pzxid) in any::<(i64, i64)>(),
        (data_length, num_children) in any::<(i32, i32)>(),
    ) -> Stat {
        Stat {
            czxid, mzxid, ctime, mtime, version, cversion, aversion, ephemeral_owner,
            data_length, num_children, pzxid,
        }
    }
}

prop_compose! {
    /// With flags from 0 up to, not including, `known`.
    fn create(known: Option<i32>)(
        path in text(), data in data(), acl in acls(), flags in any::<i32>()
    ) -> CreateRequest {
        let flags = known.map_or(flags, |known| flags.rem_euclid(known));
        CreateRequest { path, data, acl, flags }
    }
}

prop_compose! {
    fn create_ttl(known: Option<i32>)(
        CreateRequest { path, data, acl, flags } in create(known), ttl in any::<i64>()
    ) -> CreateTtlRequest {
        CreateTtlRequest { path, data, acl, flags, ttl }
    }
}

prop_compose! {
    fn set_data()(
        path in text(), data in data(), version in any::<i32>()
    ) -> SetDataRequest {
        SetDataRequest { path, data, version }
    }
}

prop_compose! {
    fn delete()(path in text(), version in any::<i32>()) -> DeleteRequest {
        DeleteRequest { path, version }
    }
}

prop_compose! {
    fn read()(path in text(), watch in any::<bool>()) -> ReadRequest {
        ReadRequest { path, watch }
    }
}

prop_compose! {
    fn path()(path in text()) -> PathRequest {
        PathRequest { path }
    }
}

prop_compose! {
    fn watches()(path in text(), watcher_type in any::<i32>()) -> WatchesRequest {
        WatchesRequest { path, watcher_type }
    }
}

prop_compose! {
    fn set_watches()(
        relative_zxid in any::<i64>(), lists in [texts(), texts(), texts()]
    ) -> SetWatches {
        let [data_watches, exist_watches, child_watches] = lists;
        SetWatches { relative_zxid, data_watches, exist_watches, child_watches }
    }
}

prop_compose! {
    fn set_watches2()(
        SetWatches { relative_zxid, data_watches, exist_watches, child_watches } in set_watches(),
        persistent_watches in texts(), persistent_recursive_watches in texts(),
    ) -> SetWatches2 {
        SetWatches2 {
            relative_zxid, data_watches, exist_watches, child_watches, persistent_watches,
            persistent_recursive_watches,
        }
    }
}

prop_compose! {
    fn reconfig()(
        members in [option::of(text()), option::of(text()), option::of(text())],
        cur_config_id in any::<i64>(),
    ) -> ReconfigRequest {
        let [joining_servers, leaving_servers, new_members] = members;
        ReconfigRequest { joining_servers, leaving_servers, new_members, cur_config_id }
    }
}

prop_compose! {
    fn auth()(auth_type in any::<i32>(), scheme in text(), auth in data()) -> AuthPacket {
        AuthPacket { auth_type, scheme, auth }
    }
}

fn multi_op() -> impl Strategy<Value = MultiOp> {
    let check = (text(), any::<i32>())
        .prop_map(|(path, version)| MultiOp::Check(CheckVersionRequest { path, version }));
    prop_oneof![
        create(Some(FLAGS_WITHOUT_TTL)).prop_map(MultiOp::Create),
        create(Some(FLAGS_WITHOUT_TTL)).prop_map(MultiOp::Create2),
        create(Some(FLAGS_WITHOUT_TTL)).prop_map(MultiOp::CreateContainer),
        create_ttl(Some(ALL_FLAGS)).prop_map(MultiOp::CreateTtl),
        delete().prop_map(MultiOp::Delete),
        set_data().prop_map(MultiOp::SetData),
        check,
    ]
}

fn multi_read_op() -> impl Strategy<Value = MultiReadOp> {
    prop_oneof![
        text().prop_map(|path| MultiReadOp::GetChildren { path }),
        text().prop_map(|path| MultiReadOp::GetData { path }),
    ]
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    prop_oneof![writes(), reads(), about_watches(), about_the_connection()]
}

fn writes() -> impl Strategy<Value = Request> {
    let set_acl = (text(), acls(), any::<i32>())
        .prop_map(|(path, acl, version)| Request::SetAcl(SetAclRequest { path, acl, version }));
    prop_oneof![
        create(None).prop_map(Request::Create),
        create(None).prop_map(Request::Create2),
        create(None).prop_map(Request::CreateContainer),
        create_ttl(None).prop_map(Request::CreateTtl),
        delete().prop_map(Request::Delete),
        set_data().prop_map(Request::SetData),
        set_acl,
        vec(multi_op(), 0..6).prop_map(Request::Multi),
        reconfig().prop_map(Request::Reconfig),
    ]
}

fn reads() -> impl Strategy<Value = Request> {
    let ephemerals =
        text().prop_map(|prefix_path| Request::GetEphemerals(GetEphemeralsRequest { prefix_path }));
    prop_oneof![
        read().prop_map(Request::Exists),
        read().prop_map(Request::GetData),
        read().prop_map(Request::GetChildren),
        read().prop_map(Request::GetChildren2),
        path().prop_map(Request::GetAcl),
        path().prop_map(Request::Sync),
        path().prop_map(Request::GetAllChildrenNumber),
        vec(multi_read_op(), 0..6).prop_map(Request::MultiRead),
        ephemerals,
    ]
}

fn about_watches() -> impl Strategy<Value = Request> {
    let add = (text(), any::<i32>())
        .prop_map(|(path, mode)| Request::AddWatch(AddWatchRequest { path, mode }));
    prop_oneof![
        watches().prop_map(Request::CheckWatches),
        watches().prop_map(Request::RemoveWatches),
        add,
        set_watches().prop_map(Request::SetWatches),
        set_watches2().prop_map(Request::SetWatches2),
    ]
}

fn about_the_connection() -> impl Strategy<Value = Request> {
    prop_oneof![
        auth().prop_map(Request::Auth),
        data().prop_map(|token| Request::Sasl(SaslRequest { token })),
        Just(Request::Ping),
        Just(Request::WhoAmI),
        Just(Request::CloseSession),
    ]
}

fn create2_response() -> impl Strategy<Value = Create2Response> {
    (text(), stat()).prop_map(|(path, stat)| Create2Response { path, stat })
}

fn get_data_response() -> impl Strategy<Value = GetDataResponse> {
    (data(), stat()).prop_map(|(data, stat)| GetDataResponse { data, stat })
}

fn op_result() -> impl Strategy<Value = OpResult> {
    prop_oneof![
        text().prop_map(|path| OpResult::Create { path }),
        create2_response().prop_map(OpResult::Create2),
        Just(OpResult::Delete),
        stat().prop_map(OpResult::SetData),
        Just(OpResult::Check),
        texts().prop_map(|children| OpResult::GetChildren { children }),
        get_data_response().prop_map(OpResult::GetData),
        error().prop_map(OpResult::Error),
    ]
}

/// A body, and an operation it may answer.
fn response() -> impl Strategy<Value = (OpCode, Response)> {
    let no_body = [
        OpCode::Delete,
        OpCode::Ping,
        OpCode::Auth,
        OpCode::SetWatches,
        OpCode::SetWatches2,
        OpCode::CheckWatches,
        OpCode::RemoveWatches,
        OpCode::CloseSession,
    ];
    let bare = prop::sample::select(no_body.to_vec()).prop_map(|op| (op, Response::Empty));
    prop_oneof![
        bare,
        tree_response(),
        list_response(),
        Just((OpCode::AddWatch, Response::AddWatch)),
        data().prop_map(|token| (OpCode::Sasl, Response::Sasl(token))),
        any::<i32>().prop_map(|n| (OpCode::GetAllChildrenNumber, Response::TotalNumber(n))),
    ]
}

fn tree_response() -> impl Strategy<Value = (OpCode, Response)> {
    let of = |ops: &[OpCode]| prop::sample::select(ops.to_vec());
    let create2 = [OpCode::Create2, OpCode::CreateContainer, OpCode::CreateTtl];
    let stat_ops = [OpCode::Exists, OpCode::SetData, OpCode::SetAcl];
    let acl = (acls(), stat()).prop_map(|(acl, stat)| Response::Acl(GetAclResponse { acl, stat }));
    prop_oneof![
        (
            of(&[OpCode::Create, OpCode::Sync]),
            text().prop_map(Response::Path)
        ),
        (of(&create2), create2_response().prop_map(Response::Create2)),
        (of(&stat_ops), stat().prop_map(Response::Stat)),
        (
            of(&[OpCode::GetData, OpCode::Reconfig]),
            get_data_response().prop_map(Response::Data)
        ),
        (Just(OpCode::GetAcl), acl),
    ]
}

fn list_response() -> impl Strategy<Value = (OpCode, Response)> {
    let multi = prop::sample::select(vec![OpCode::Multi, OpCode::MultiRead]);
    let children2 = (texts(), stat())
        .prop_map(|(children, stat)| Response::Children2(GetChildren2Response { children, stat }));
    let identity =
        (text(), text()).prop_map(|(auth_scheme, user)| ClientInfo { auth_scheme, user });
    prop_oneof![
        (
            Just(OpCode::GetChildren),
            texts().prop_map(Response::Children)
        ),
        (Just(OpCode::GetChildren2), children2),
        (multi, vec(op_result(), 0..6).prop_map(Response::Multi)),
        (
            Just(OpCode::GetEphemerals),
            texts().prop_map(Response::Ephemerals)
        ),
        (
            Just(OpCode::WhoAmI),
            vec(identity, 0..4).prop_map(Response::WhoAmI)
        ),
    ]
}

/// A reply, and an operation it may answer.
pub(crate) fn reply() -> impl Strategy<Value = (OpCode, Reply)> {
    let failure = error().prop_filter("a failure", |err| *err != ErrorCode::Ok);
    let result = prop_oneof![
        5 => response().prop_map(|(op, body)| (op, Ok(body))),
        1 => (response(), failure).prop_map(|((op, _), err)| (op, Err(err))),
    ];
    (xid(), any::<i64>(), result)
        .prop_map(|(xid, zxid, (op, result))| (op, Reply { xid, zxid, result }))
}

pub(crate) fn event() -> impl Strategy<Value = WatcherEvent> {
    let kind = prop::sample::select(EventType::ALL);
    (any::<i64>(), kind, text()).prop_map(|(zxid, kind, path)| WatcherEvent { zxid, kind, path })
}
