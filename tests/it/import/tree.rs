//! Everything a znode has goes over, and what cannot is listed.

use holdfast_tests::ZooKeeper;
use holdfast_tests::zookeeper::{auth, create, delete, get, path_request};
use zookeeper::proto::acl::{Acl, Perms};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::request::Request;
use zookeeper::proto::response::Response;

use super::{begin, create_as, entry, fill, filled};

const MANY: usize = 12_000;
const LARGE: usize = 1_000_000;

fn data_and_acl(client: &mut ZooKeeper, path: &str) -> (Option<Vec<u8>>, Vec<Acl>) {
    let data = match client.done(&get(path)) {
        Response::Data(found) => found.data.map(|data| data.to_vec()),
        other => panic!("{other:?}"),
    };
    match client.done(&Request::GetAcl(path_request(path))) {
        Response::Acl(found) => (data, found.acl),
        other => panic!("{other:?}"),
    }
}

/// Name, data, access list.
type Znode<'a> = (&'a str, Option<&'a [u8]>, Vec<Acl>);

#[test]
fn data_and_access_lists_arrive_as_they_are() {
    let (target, source) = begin("as-they-are");
    let mut there = source.client();
    let _ = there.done(&auth("alice:pw"));
    let open = || vec![Acl::open()];
    let mixed = vec![
        entry(Perms::READ, "world", "anyone"),
        entry(Perms::ALL, "auth", ""),
        entry(
            Perms::READ | Perms::WRITE,
            "digest",
            "bob:c29tZWJvZHkgZWxzZQ==",
        ),
        entry(Perms::WRITE, "ip", "10.0.0.0/8"),
    ];
    let private = vec![entry(Perms::ALL, "auth", "")];
    let large: Vec<u8> = (0..=250).cycle().take(LARGE).collect();
    let special: [Znode<'_>; 7] = [
        ("/null", None, open()),
        ("/empty", Some(b""), open()),
        ("/binary", Some(&[0, 255, 10, 13, 128]), open()),
        ("/large", Some(&large), open()),
        ("/größe é ü", Some(b"unicode"), open()),
        ("/mixed", Some(b"m"), mixed),
        ("/private", Some(b"p"), private),
    ];
    for (path, data, acl) in &special {
        let _ = there.done(&create_as(&source.at(path), *data, acl.clone()));
    }
    let _ = there.done(&create_as(&source.at("/private/below"), None, open()));
    fill(&mut there, &source.at("/many"), MANY);

    let report = source.import(&target, 0, &["--auth=digest:alice:pw"]);
    assert!(report.found().is_empty(), "{:?}", report.found());
    // The root, the special ones, the one below, the top of the many.
    let all = filled(MANY) + 1 + 7 + 1 + 1;
    assert_eq!(
        (report.count("created"), report.count("verified")),
        (all, all)
    );

    let mut here = target.zookeeper(2);
    here.sync();
    assert_eq!(
        here.refused(&get(&source.at("/private"))),
        ErrorCode::NoAuth
    );
    let _ = here.done(&auth("alice:pw"));
    for (path, data, _) in &special {
        let path = source.at(path);
        let found = data_and_acl(&mut here, &path);
        assert_eq!(found.0.as_deref(), *data, "{path}");
        assert_eq!(found, data_and_acl(&mut there, &path), "{path}");
    }
    assert_eq!(here.data(&source.at("/many/d7/n3999")), "value 3999");
    target.wait_digests_agree();
    // Again: nothing is written.
    let report = source.import(&target, 0, &["--auth=digest:alice:pw"]);
    assert_eq!(
        (report.count("created"), report.count("unchanged")),
        (0, all)
    );
}

#[test]
fn ephemerals_are_listed_and_numbers_go_on_where_they_were() {
    let (target, source) = begin("numbers");
    let mut there = source.client();
    let queue = source.at("/queue");
    there.make(&queue);
    for _ in 0..30 {
        let path = format!("{queue}/item-");
        let _ = there.create(&path, CreateMode::PersistentSequential);
    }
    for n in 0..25 {
        let _ = there.done(&delete(&format!("{queue}/item-{n:010}")));
    }
    let live = there.create(&source.at("/live"), CreateMode::Ephemeral);

    let looked = source.import(&target, 0, &["--dry-run"]);
    assert_eq!(
        looked.found(),
        [format!("ephemeral {live}"), format!("numbered {queue}")]
    );
    assert_eq!(target.zookeeper(1).stat(&source.root), None);

    let report = source.import(&target, 0, &[]);
    assert_eq!(report.found(), [format!("ephemeral {live}")]);
    assert_eq!(report.count("counters_raised"), 1);
    let mut here = target.zookeeper(3);
    here.sync();
    assert_eq!(here.stat(&live), None);
    assert_eq!(here.children(&queue).len(), 5);
    let next = |client: &mut ZooKeeper| {
        client.create(&format!("{queue}/item-"), CreateMode::PersistentSequential)
    };
    assert_eq!(next(&mut here), next(&mut there));
    assert_eq!(next(&mut here), format!("{queue}/item-0000000031"));
}

#[test]
fn containers_and_times_to_live_are_what_the_user_says_they_are() {
    let (target, source) = begin("kinds");
    let mut there = source.client();
    let locks = source.at("/locks");
    there.make(&locks);
    for name in ["a", "b"] {
        let fields = create(&format!("{locks}/{name}"), "", CreateMode::Container);
        let _ = there.done(&Request::CreateContainer(fields));
        there.make(&format!("{locks}/{name}/child"));
    }
    there.make(&source.at("/cache"));
    there.make(&source.at("/cache/page"));
    let container = format!("--container={locks}/*");
    let ttl = format!("--ttl={}=10m", source.at("/cache/**/page"));
    let report = source.import(&target, 0, &["--to=/moved", &container, &ttl]);
    let kinds = (report.count("containers"), report.count("ttls"));
    assert_eq!(kinds, (2, 1));
    let http = target.http(2).header("Accept", "application/json");
    for (path, mode) in [
        ("/moved/locks", "persistent"),
        ("/moved/locks/a", "container"),
        ("/moved/locks/b", "container"),
        ("/moved/locks/a/child", "persistent"),
        ("/moved/cache", "persistent"),
        ("/moved/cache/page", "ttl"),
    ] {
        let read = http.get(&format!("/v1/nodes{path}")).unwrap().expect(200);
        assert_eq!(read.json()["mode"], mode, "{path}");
    }
}

#[test]
fn quotas_go_over_when_asked_for() {
    let (target, source) = begin("quotas");
    let mut there = source.client();
    there.make(&source.at("/limited"));
    let mut path = "/zookeeper/quota".to_owned();
    for name in [&source.root, "/limited"] {
        path.push_str(name);
        there.make(&path);
    }
    let limits = "count=100,bytes=-1";
    for (name, data) in [
        ("zookeeper_limits", limits),
        ("zookeeper_stats", "count=1,bytes=0"),
    ] {
        let fields = create(&format!("{path}/{name}"), data, CreateMode::Persistent);
        let _ = there.done(&Request::Create(fields));
    }
    let _ = source.import(&target, 0, &["--to=/moved"]);
    let mut here = target.zookeeper(1);
    here.sync();
    assert!(here.children("/zookeeper/quota").is_empty());
    let _ = source.import(&target, 0, &["--to=/moved", "--quotas"]);
    here.sync();
    let moved = "/zookeeper/quota/moved/limited/zookeeper_limits";
    assert!(here.data(moved).starts_with("count=100"));
}
