//! Whatever is cut off, the importer or the cluster under it: run again, it goes on where it was.

use std::process::Child;

use holdfast_tests::{Cluster, ZooKeeper, until};
use zookeeper::proto::request::Request;
use zookeeper::proto::response::Response;

use super::{Report, Source, begin, fill, filled};

const MANY: usize = 30_000;

fn start(source: &Source, target: &Cluster) -> Child {
    let arguments = source.arguments(target, &["-o", "json"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    target.cli().start(&arguments)
}

/// How many znodes have arrived.
fn arrived(here: &mut ZooKeeper, root: &str) -> u64 {
    here.sync();
    let request = holdfast_tests::zookeeper::path_request(root);
    match here.ask(&Request::GetAllChildrenNumber(request)).result {
        Ok(Response::TotalNumber(number)) => u64::try_from(number).unwrap(),
        Ok(other) => panic!("{other:?}"),
        // Not even the root.
        Err(_) => 0,
    }
}

#[test]
fn an_importer_that_was_killed_is_run_again_and_goes_on() {
    let (target, source) = begin("killed");
    fill(&mut source.client(), &source.at("/many"), MANY);
    let all = filled(MANY) + 2;
    let mut here = target.zookeeper(1);
    let mut importer = start(&source, &target);
    until("a part to arrive", || {
        arrived(&mut here, &source.root) > 1_000
    });
    importer.kill().unwrap();
    let _ = importer.wait().unwrap();
    let part = arrived(&mut here, &source.root);
    assert!(
        part + 1 < all,
        "it was to be cut off, not to be done: {part}"
    );

    let verified = source.import(&target, 82, &["--verify"]);
    assert!(!verified.found().is_empty());
    let report = source.import(&target, 0, &[]);
    let (created, unchanged) = (report.count("created"), report.count("unchanged"));
    assert_eq!(created + unchanged, all);
    assert!(unchanged > 1_000 && created > 0, "{unchanged} {created}");
    assert_eq!(report.count("verified"), all);
    target.wait_digests_agree();
}

#[test]
fn the_leader_may_die_under_it() {
    let (mut target, source) = begin("leader");
    target.expect_lost_peers();
    fill(&mut source.client(), &source.at("/many"), MANY);
    let all = filled(MANY) + 2;
    let leader = target.leader();
    let mut here = target.zookeeper(target.follower());
    let importer = start(&source, &target);
    until("a part to arrive", || {
        arrived(&mut here, &source.root) > 1_000
    });
    target.kill(leader);
    let finished = importer.wait_with_output().unwrap();
    let report = Report::of(holdfast_tests::cli::Finished::from(finished).expect(0));
    assert_eq!(report.count("verified"), all);
    target.restart(leader);
    target.wait_digests_agree();
}
