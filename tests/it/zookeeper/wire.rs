//! Frames: strange numbers, unknown operations, bodies cut off, sizes of replies.

use bytes::{BufMut as _, Bytes, BytesMut};
use holdfast_tests::zookeeper::{
    Received, create, delete, four_letters, get, list, path_request, set, stat_of,
};
use holdfast_tests::{Cluster, ZooKeeper};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::frame::put_frame;
use zookeeper::proto::header::Xid;
use zookeeper::proto::multi::MultiOp;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::request::{
    AddWatchRequest, AuthPacket, GetEphemeralsRequest, ReconfigRequest, Request, SaslRequest,
    SetWatches, WatchesRequest,
};
use zookeeper::proto::response::Response;

fn frame(xid: i32, op: i32, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| {
        out.put_i32(xid);
        out.put_i32(op);
        out.put_slice(body);
    })
    .unwrap();
    out
}

#[test]
fn every_number_of_a_request_is_echoed() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    client.make("/x");
    // The client of these tests insists on the number it sent.
    for xid in [i32::MAX - 1, i32::MAX, i32::MIN, i32::MIN + 1, -3, 0, 1, 1] {
        client.send_as(Xid(xid), &set("/x", "1"));
        assert!(client.reply().result.is_ok());
        client.send_as(Xid(xid), &get("/x"));
        assert!(client.reply().result.is_ok());
    }
    for _ in 0..4 {
        client.send_as(Xid(i32::MAX - 1), &set("/x", "1"));
        assert!(client.reply().result.is_ok());
        // The next one is the greatest, and the one after it wraps.
        let _ = client.done(&get("/x"));
        let _ = client.done(&get("/x"));
    }
    client.send_as(Xid(i32::MAX), &Request::CloseSession);
    assert!(client.reply().result.is_ok());
    assert!(client.is_closed());
}

#[test]
fn an_operation_that_does_not_exist_is_answered_and_the_connection_closed() {
    let cluster = Cluster::start(1);
    for op in [
        0,
        10,
        13,
        20,
        23,
        99,
        108,
        500,
        507,
        -1,
        -10,
        -12,
        i32::MAX,
        i32::MIN,
    ] {
        for body in [&[][..], &[0xff; 40]] {
            let mut client = cluster.zookeeper(1);
            client.send(&stat_of("/"));
            client.send_bytes(Xid(77), OpCode::Delete, &frame(77, op, body));
            client.send(&Request::Create(create(
                "/late",
                "",
                CreateMode::Persistent,
            )));
            assert!(client.reply().result.is_ok());
            assert_eq!(client.reply().result, Err(ErrorCode::Unimplemented), "{op}");
            assert!(client.is_closed());
            // Its session is still good.
            let again = client.take_up(cluster.zookeeper_address(1)).unwrap();
            assert!(!again.session().is_refused());
        }
    }
    assert_eq!(cluster.zookeeper(1).stat("/late"), None);
}

/// One request of each kind that has a body, none of which changes what the others rely on. Proofs of
/// identity are not among them: behind a cut one the connection ends.
fn of_every_kind() -> Vec<Request> {
    let fields = || create("/cut", "data", CreateMode::Persistent);
    let read = || zookeeper::proto::request::ReadRequest {
        path: "/cut".to_owned(),
        watch: true,
    };
    let watches = || WatchesRequest {
        path: "/cut".to_owned(),
        watcher_type: 3,
    };
    vec![
        Request::Create(fields()),
        Request::Create2(fields()),
        Request::CreateContainer(fields()),
        delete("/cut"),
        Request::Exists(read()),
        Request::GetData(read()),
        set("/cut", "data"),
        Request::GetAcl(path_request("/cut")),
        Request::GetChildren(read()),
        Request::GetChildren2(read()),
        Request::Sync(path_request("/cut")),
        Request::Multi(vec![MultiOp::Create(fields())]),
        Request::Reconfig(ReconfigRequest {
            joining_servers: None,
            leaving_servers: None,
            new_members: None,
            cur_config_id: -1,
        }),
        Request::CheckWatches(watches()),
        Request::RemoveWatches(watches()),
        Request::SetWatches(SetWatches {
            relative_zxid: 0,
            data_watches: vec!["/cut".to_owned()],
            exist_watches: Vec::new(),
            child_watches: Vec::new(),
        }),
        Request::GetEphemerals(GetEphemeralsRequest {
            prefix_path: "/".to_owned(),
        }),
        Request::GetAllChildrenNumber(path_request("/")),
        Request::AddWatch(AddWatchRequest {
            path: "/cut".to_owned(),
            mode: 0,
        }),
    ]
}

#[test]
fn a_body_cut_off_anywhere_is_answered_and_the_connection_stays() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    for request in of_every_kind() {
        let mut whole = BytesMut::new();
        request.encode(Xid(5), &mut whole).unwrap();
        // Without its length and header.
        let body = whole.split_off(12).freeze();
        for len in 0..body.len() {
            let cut = body.slice(..len);
            client.send_bytes(Xid(5), request.op(), &frame(5, request.op().code(), &cut));
            let reply = client.reply();
            assert_eq!(
                reply.result,
                Err(ErrorCode::MarshallingError),
                "{request:?} {len}"
            );
        }
    }
    assert_eq!(client.stat("/cut"), None);
    // Bytes after a request mean nothing.
    let long: Bytes = [&b"\0\0\0\x01/"[..], b"\0rest"].concat().into();
    client.send_bytes(
        Xid(6),
        OpCode::Exists,
        &frame(6, OpCode::Exists.code(), &long),
    );
    assert!(client.reply().result.is_ok());
}

#[test]
fn numbers_without_a_meaning_are_refused_and_the_connection_stays() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    let mut strange = create("/x", "", CreateMode::Persistent);
    for flags in [7, -1, i32::MIN] {
        strange.flags = flags;
        assert_eq!(
            client.refused(&Request::Create(strange.clone())),
            ErrorCode::BadArguments
        );
    }
    let path = "/x".to_owned();
    for code in [0, 6, -1] {
        let watches = WatchesRequest {
            path: path.clone(),
            watcher_type: code,
        };
        let check = Request::CheckWatches(watches.clone());
        assert_eq!(client.refused(&check), ErrorCode::MarshallingError);
        let remove = Request::RemoveWatches(watches);
        assert_eq!(client.refused(&remove), ErrorCode::MarshallingError);
    }
    for mode in [2, -1] {
        let add = Request::AddWatch(AddWatchRequest {
            path: path.clone(),
            mode,
        });
        assert_eq!(client.refused(&add), ErrorCode::MarshallingError);
    }
    let reconfig = of_every_kind()
        .into_iter()
        .find(|r| r.op() == OpCode::Reconfig)
        .unwrap();
    assert_eq!(client.refused(&reconfig), ErrorCode::ReconfigDisabled);
}

#[test]
fn a_frame_that_is_no_frame_closes_the_connection() {
    let cluster = Cluster::start(1);
    for bytes in [
        &b"\xff\xff\xff\xff"[..],
        b"\x7f\xff\xff\xff",
        b"\x00\x10\x00\x00",
        b"\x00\x00\x00\x03abc",
        b"\x00\x00\x00\x00",
    ] {
        let mut client = cluster.zookeeper(1);
        client.send_bytes(Xid(1), OpCode::Ping, bytes);
        assert!(client.is_closed(), "{bytes:?}");
    }
    let _ = cluster.zookeeper(1).done(&Request::Ping);
}

/// The bytes of the next reply's body. The codec refuses replies that are longer than they should
/// be, so that what is left to see is that nothing is missing.
#[track_caller]
fn answered(client: &mut ZooKeeper, request: &Request) -> Response {
    client.send(request);
    match client.receive().unwrap() {
        Received::Reply(reply) => reply
            .result
            .unwrap_or_else(|e| panic!("{request:?}: {e:?}")),
        Received::Event(event) => panic!("{event:?}"),
    }
}

#[test]
fn every_operation_is_answered_with_the_body_that_belongs_to_it() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    let own = client.create("/mine", CreateMode::Ephemeral);
    let container = Request::CreateContainer(create("/box", "", CreateMode::Container));
    assert!(
        matches!(answered(&mut client, &container), Response::Create2(made) if made.path == "/box")
    );
    let add = Request::AddWatch(AddWatchRequest {
        path: "/none".to_owned(),
        mode: 1,
    });
    assert_eq!(answered(&mut client, &add), Response::AddWatch);
    assert_eq!(answered(&mut client, &Request::Ping), Response::Empty);
    let sync = Request::Sync(path_request("/not/there"));
    assert_eq!(
        answered(&mut client, &sync),
        Response::Path("/not/there".to_owned())
    );
    assert_eq!(
        answered(&mut client, &list("/box")),
        Response::Children(Vec::new())
    );
    let sasl = Request::Sasl(SaslRequest {
        token: Some(Bytes::new()),
    });
    assert_eq!(answered(&mut client, &sasl), Response::Sasl(None));
    let ephemerals = Request::GetEphemerals(GetEphemeralsRequest {
        prefix_path: "/".to_owned(),
    });
    assert_eq!(
        answered(&mut client, &ephemerals),
        Response::Ephemerals(vec![own])
    );
    client.make("/box/a");
    client.make("/box/a/b");
    let below = Request::GetAllChildrenNumber(path_request("/box"));
    assert_eq!(answered(&mut client, &below), Response::TotalNumber(2));
    let Response::WhoAmI(who) = answered(&mut client, &Request::WhoAmI) else {
        panic!("not the answer to whoAmI");
    };
    assert_eq!((&*who[0].auth_scheme, &*who[0].user), ("ip", "127.0.0.1"));
    let unknown = Request::Auth(AuthPacket {
        auth_type: 0,
        scheme: "nonsense".to_owned(),
        auth: None,
    });
    assert_eq!(client.refused(&unknown), ErrorCode::AuthFailed);
    assert!(client.is_closed());
}

#[test]
fn four_letter_words_are_answered_on_the_same_port() {
    let cluster = Cluster::start(3);
    for node in cluster.ids() {
        let ask = |word| four_letters(cluster.zookeeper_address(node), word).unwrap();
        assert_eq!(ask("ruok"), "imok");
        assert_eq!(ask("isro"), "rw");
        let mode = if node == cluster.leader() {
            "leader"
        } else {
            "follower"
        };
        assert!(ask("srvr").contains(&format!("Mode: {mode}\n")));
        assert!(ask("mntr").contains(&format!("zk_server_state\t{mode}\n")));
        assert!(ask("envi").contains("zookeeper.version=3."));
        assert!(ask("wchc").contains("not in the whitelist"));
    }
}
