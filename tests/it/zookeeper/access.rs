//! Access lists: kept as given, and written with the identities of the moment of the request.

use holdfast_tests::zookeeper::{auth, create, get, path_request, set};
use holdfast_tests::{Cluster, ZooKeeper};
use zookeeper::proto::acl::{Acl, Id, Perms};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::header::Xid;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::Response;

fn entry(perms: Perms, scheme: &str, id: &str) -> Acl {
    Acl {
        perms,
        id: Id {
            scheme: scheme.to_owned(),
            id: id.to_owned(),
        },
    }
}

fn create_for(path: &str, acl: Vec<Acl>) -> Request {
    let mut fields = create(path, "secret", CreateMode::Persistent);
    fields.acl = acl;
    Request::Create(fields)
}

#[track_caller]
fn acl_of(client: &mut ZooKeeper, path: &str) -> Vec<Acl> {
    match client.done(&Request::GetAcl(path_request(path))) {
        Response::Acl(found) => found.acl,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_identity_counts_for_the_request_right_behind_it_and_not_for_those_before() {
    let cluster = Cluster::start(3);
    let mine = || vec![entry(Perms::ALL, "auth", "")];
    let mut client = cluster.zookeeper(cluster.follower());
    let requests = [
        create_for("/too-early", mine()),
        auth("one:secret"),
        create_for("/one", mine()),
        auth("two:secret"),
        create_for("/both", mine()),
    ];
    for request in &requests {
        client.send(request);
    }
    // Replies to auth may overtake others.
    let replies: Vec<_> = requests.iter().map(|_| client.reply()).collect();
    let (proofs, creates): (Vec<_>, Vec<_>) = replies
        .into_iter()
        .partition(|reply| reply.xid == Xid::AUTH);
    assert!(
        proofs.iter().all(|reply| reply.result.is_ok()),
        "{proofs:?}"
    );
    assert_eq!(creates[0].result, Err(ErrorCode::InvalidAcl));
    assert!(
        creates[1..].iter().all(|reply| reply.result.is_ok()),
        "{creates:?}"
    );
    let who = |acl: Vec<Acl>| -> Vec<String> { acl.into_iter().map(|acl| acl.id.id).collect() };
    let one = who(acl_of(&mut client, "/one"));
    assert_eq!(one.len(), 1);
    assert!(one[0].starts_with("one:"), "{one:?}");
    let both = who(acl_of(&mut client, "/both"));
    assert_eq!((both.len(), &both[0]), (2, &one[0]));
    assert!(both[1].starts_with("two:"), "{both:?}");
    // All nodes have the same, and hold it against everybody else.
    for node in cluster.ids() {
        let mut other = cluster.zookeeper(node);
        other.sync();
        assert_eq!(other.refused(&get("/both")), ErrorCode::NoAuth);
        assert_eq!(other.refused(&set("/both", "x")), ErrorCode::NoAuth);
        let _ = other.done(&auth("one:wrong"));
        assert_eq!(other.refused(&get("/both")), ErrorCode::NoAuth);
        let _ = other.done(&auth("two:secret"));
        assert_eq!(other.data("/both"), "secret");
        assert_eq!(other.refused(&get("/one")), ErrorCode::NoAuth);
        assert_eq!(acl_of(&mut other, "/both"), acl_of(&mut client, "/both"));
    }
    cluster.wait_digests_agree();
}

#[test]
fn identities_belong_to_the_connection_and_not_to_the_session() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(1);
    let _ = client.done(&auth("one:secret"));
    let _ = client.done(&create_for("/one", vec![entry(Perms::ALL, "auth", "")]));
    let mut again = client.take_up(cluster.zookeeper_address(2)).unwrap();
    assert_eq!(again.refused(&get("/one")), ErrorCode::NoAuth);
    let _ = again.done(&auth("one:secret"));
    assert_eq!(again.data("/one"), "secret");
}

#[test]
fn a_connection_has_so_many_identities_and_no_more() {
    let cluster = Cluster::start(1);
    let mut client = cluster.zookeeper(1);
    // Its address is one.
    for number in 1..31 {
        let _ = client.done(&auth(&format!("user-{number}:secret")));
    }
    client.make("/with-all-of-them");
    assert_eq!(client.refused(&auth("more:secret")), ErrorCode::AuthFailed);
    assert!(client.is_closed());
}

#[test]
fn lists_are_kept_as_given_and_wrong_ones_refused() {
    let cluster = Cluster::start(3);
    let mut client = cluster.zookeeper(cluster.follower());
    let mixed = vec![
        entry(Perms::READ, "world", "anyone"),
        entry(Perms::ALL, "digest", "u:aGFzaA=="),
        entry(Perms::READ | Perms::ADMIN, "ip", "127.0.0.1"),
        entry(Perms::WRITE, "ip", "10.0.0.0/8"),
    ];
    let _ = client.done(&create_for("/mixed", mixed.clone()));
    assert_eq!(acl_of(&mut client, "/mixed"), mixed);
    assert_eq!(client.data("/mixed"), "secret");
    assert_eq!(client.refused(&set("/mixed", "x")), ErrorCode::NoAuth);
    let twice = vec![mixed[0].clone(), mixed[2].clone(), mixed[0].clone()];
    let _ = client.done(&create_for("/twice", twice.clone()));
    assert_eq!(acl_of(&mut client, "/twice"), twice[..2]);
    for wrong in [
        Vec::new(),
        vec![entry(Perms::ALL, "world", "somebody")],
        vec![entry(Perms::ALL, "nonsense", "x")],
        vec![entry(Perms::ALL, "digest", "no-colon")],
        vec![entry(Perms::ALL, "ip", "not an address")],
        vec![entry(Perms::ALL, "auth", "")],
        vec![entry(Perms::ALL, "", "")],
    ] {
        let request = create_for("/wrong", wrong);
        assert_eq!(
            client.refused(&request),
            ErrorCode::InvalidAcl,
            "{request:?}"
        );
    }
    // Create is asked of the parent.
    let closed = vec![entry(Perms::READ, "world", "anyone")];
    let _ = client.done(&create_for("/closed", closed));
    let child = create_for("/closed/child", vec![Acl::open()]);
    assert_eq!(client.refused(&child), ErrorCode::NoAuth);
}
