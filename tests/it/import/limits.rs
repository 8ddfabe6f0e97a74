//! What cannot be carried over is told, beforehand and by name; and wrong use is refused.

use holdfast_tests::zookeeper::{auth, create};
use zookeeper::proto::acl::{Acl, Perms};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::Request;

use super::{begin, create_as, entry};

#[test]
fn a_dry_run_lists_what_cannot_be_carried_over_and_writes_nothing() {
    let (target, source) = begin("dry");
    let mut there = source.client();
    let private = vec![entry(Perms::ALL, "auth", "")];
    let _ = there.done(&auth("alice:pw"));
    let _ = there.done(&create_as(&source.at("/private"), None, private));
    let data = vec![b'x'; 2_000];
    let _ = there.done(&create_as(
        &source.at("/large"),
        Some(&data),
        vec![Acl::open()],
    ));
    let long = format!("/{}", "l".repeat(3_900));
    there.make(&source.at(&long));
    there.make(&source.at("/parent"));
    let below = source.at("/parent/number-");
    let _ = there.create(&below, CreateMode::PersistentSequential);
    let live = there.create(&source.at("/live"), CreateMode::Ephemeral);

    let to = format!("/{}", "t".repeat(300));
    let to = format!("--to={to}");
    let flags = ["--jute-maxbuffer=2000", &to, "--dry-run"];
    let report = source.import(&target, 65, &flags);
    let expected = [
        format!("ephemeral {live}"),
        format!("numbered {}", source.at("/parent")),
        format!("path_not_valid {}", source.at(&long)),
        format!("too_large {}", source.at("/large")),
        format!("unreadable {}", source.at("/private")),
    ];
    assert_eq!(report.found(), expected);
    assert_eq!(report.count("created"), 3);
    let mut here = target.zookeeper(1);
    here.sync();
    assert_eq!(here.children("/"), ["zookeeper"]);

    // The same without the dry run copies the rest, and says what is left.
    let report = source.import(&target, 65, &flags[..2]);
    assert_eq!((report.count("created"), report.count("verified")), (3, 3));
    let found = report.found();
    let without_numbered: Vec<&String> = expected
        .iter()
        .filter(|line| !line.starts_with("numbered"))
        .collect();
    assert_eq!(found.iter().collect::<Vec<_>>(), without_numbered);
}

#[test]
fn what_this_cluster_refuses_is_told_and_the_rest_goes_on() {
    let (target, source) = begin("refused");
    let mut there = source.client();
    let _ = there.done(&auth("alice:pw"));
    let closed = vec![
        entry(Perms::READ, "world", "anyone"),
        entry(Perms::ALL, "auth", ""),
    ];
    let _ = there.done(&create_as(&source.at("/closed"), None, closed));
    for n in 0..20 {
        let path = source.at(&format!("/closed/n{n}"));
        let fields = create(&path, "", CreateMode::Persistent);
        let _ = there.done(&Request::Create(fields));
    }
    there.make(&source.at("/open"));
    // Alice reads it all there, and nobody is anybody here.
    let mut arguments = source.arguments(&target, &["--auth=digest:alice:pw", "-o", "json"]);
    arguments.retain(|flag| !flag.starts_with("--door-auth"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let finished = target.cli().run(&arguments).expect(65);
    let report = super::Report::of(finished);
    let of_kind = |kind: &str| {
        let found = report.found();
        found.iter().filter(|line| line.starts_with(kind)).count()
    };
    // Made here, its access list is not shown to nobody: what is below cannot be compared.
    assert_eq!((of_kind("refused"), of_kind("unreadable")), (20, 1));
    let mut here = target.zookeeper(1);
    here.sync();
    assert!(here.stat(&source.at("/open")).is_some());
    // As somebody who may, the rest follows.
    let report = source.import(&target, 0, &["--auth=digest:alice:pw"]);
    assert_eq!(report.count("created"), 20);
}

#[test]
fn wrong_use_is_refused_before_anything_is_written() {
    let (target, source) = begin("wrong");
    let there = source.address.to_string();
    let door = format!("--door={}", target.zookeeper_address(1));
    let same = format!("--door={there}");
    let run = |arguments: &[&str]| {
        let arguments = [&["import", "zookeeper"], arguments].concat();
        target.cli().run(&arguments)
    };
    for wrong in [
        [there.as_str(), "/", same.as_str()],
        [there.as_str(), "no-slash", door.as_str()],
        [there.as_str(), "/zookeeper", door.as_str()],
        ["no-port", "/", door.as_str()],
        ["127.0.0.1:1/chroot", "/", door.as_str()],
    ] {
        let _ = run(&wrong).expect(64);
    }
    let missing = run(&[there.as_str(), "/not/there", door.as_str()]).expect(66);
    assert!(missing.stderr.contains("/not/there"), "{}", missing.stderr);
    let file = target.scratch().join("no-snapshot");
    std::fs::write(&file, "something else").unwrap();
    let kinds = format!("--kinds-from={}", file.display());
    let bad = run(&[there.as_str(), &source.root, &door, &kinds]).expect(65);
    assert!(bad.stderr.contains("not a snapshot"), "{}", bad.stderr);
}
