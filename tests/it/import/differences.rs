//! The verifying pass finds what differs, and a second run brings only that.

use holdfast_tests::zookeeper::{auth, create, delete, set};
use zookeeper::proto::acl::{Acl, Perms};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::{Request, SetAclRequest};

use super::{begin, create_as, entry, fill, filled};

const MANY: usize = 1_000;

#[test]
fn what_changed_since_is_found_and_only_that_is_brought() {
    let (target, source) = begin("changed");
    let mut there = source.client();
    fill(&mut there, &source.at("/many"), MANY);
    let _ = source.import(&target, 0, &[]);
    let all = filled(MANY) + 2;

    let _ = there.done(&set(&source.at("/many/d0/n7"), "other"));
    let _ = there.done(&delete(&source.at("/many/d1/n700")));
    let new = create_as(&source.at("/new"), Some(b"new"), vec![Acl::open()]);
    let _ = there.done(&new);
    let _ = there.done(&Request::SetAcl(SetAclRequest {
        path: source.at("/many/d0/n9"),
        acl: vec![entry(Perms::READ, "world", "anyone")],
        version: -1,
    }));
    let differences = [
        format!("acl_differs {}", source.at("/many/d0/n9")),
        format!("data_differs {}", source.at("/many/d0/n7")),
        format!("missing {}", source.at("/new")),
        format!("only_here {}", source.at("/many/d1/n700")),
    ];
    let verify = || source.import(&target, 82, &["--verify"]).found();
    assert_eq!(verify(), differences);

    // Without leave nothing is overwritten.
    let stopped = source.import(&target, 82, &[]);
    assert_eq!(stopped.0["complete"], false);
    assert_eq!(stopped.count("verified"), 0, "there was no second pass");
    let in_the_way = [
        format!("in_the_way {}", source.at("/many/d0/n7")),
        format!("in_the_way {}", source.at("/many/d0/n9")),
    ];
    assert_eq!(stopped.found(), in_the_way);
    let mut here = target.zookeeper(1);
    here.sync();
    assert_eq!(here.data(&source.at("/many/d0/n7")), "value 7");
    // And without leave nothing is removed.
    let kept = source.import(&target, 82, &["--overwrite"]);
    assert_eq!(kept.found(), differences[3..]);
    // What came before the first one in the way was copied at the first try.
    assert_eq!((kept.count("overwritten"), kept.count("created")), (2, 0));

    let report = source.import(&target, 0, &["--overwrite", "--delete"]);
    assert_eq!((report.count("removed"), report.count("created")), (1, 0));
    assert_eq!(report.count("verified"), all);
    assert!(source.import(&target, 0, &["--verify"]).found().is_empty());
    target.wait_digests_agree();
}

#[test]
fn what_lives_here_is_not_removed() {
    let (target, source) = begin("lives");
    let mut there = source.client();
    there.make(&source.at("/app"));
    let _ = source.import(&target, 0, &[]);
    let mut here = target.zookeeper(2);
    here.sync();
    for path in ["/app/own", "/app/own/deep", "/app/group"] {
        here.make(&source.at(path));
    }
    let live = source.at("/app/group/live");
    let fields = create(&live, "", CreateMode::Ephemeral);
    let _ = here.done(&Request::Create(fields));
    let report = source.import(&target, 82, &["--delete"]);
    assert_eq!(report.count("removed"), 2);
    let group = source.at("/app/group");
    assert_eq!(
        report.found(),
        [format!("live_here {live}"), format!("only_here {group}")]
    );
    assert!(here.stat(&live).is_some());
    assert_eq!(here.children(&source.at("/app")), ["group"]);
}

#[test]
fn a_list_that_is_not_shown_in_full_is_not_copied() {
    let (target, source) = begin("hidden");
    let mut there = source.client();
    let _ = there.done(&auth("alice:pw"));
    let acl = vec![
        entry(Perms::READ, "world", "anyone"),
        entry(Perms::ALL, "auth", ""),
    ];
    let path = source.at("/shown-in-part");
    let _ = there.done(&create_as(&path, None, acl));
    let report = source.import(&target, 65, &[]);
    assert_eq!(report.found(), [format!("acl_hidden {path}")]);
    assert_eq!(report.count("created"), 1);
    let report = source.import(&target, 0, &["--auth=digest:alice:pw"]);
    assert_eq!(report.count("created"), 1);
}
