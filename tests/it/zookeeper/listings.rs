//! Four-letter words that list what there is, and what a node answers that cannot.

use holdfast_tests::zookeeper::{create, watched};
use holdfast_tests::{Cluster, eventually, until};
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::request::Request;

use super::words::{ALL, ask, sid};

#[test]
fn watches_are_listed_by_session_and_by_path() {
    let cluster = Cluster::start_with(1, ALL);
    let mut first = cluster.zookeeper(1);
    let mut second = cluster.zookeeper(1);
    let _ = first.refused(&Request::Exists(watched("/b")));
    let _ = first.done(&Request::GetChildren(watched("/")));
    let _ = first.done(&Request::GetData(watched("/")));
    let _ = second.refused(&Request::Exists(watched("/b")));
    let (one, two) = (sid(&first), sid(&second));
    let mut by_session = [(&one, "\t/\n\t/b\n"), (&two, "\t/b\n")];
    by_session.sort_by_key(|(sid, _)| (sid.len(), (*sid).clone()));
    let lines: Vec<String> = by_session
        .iter()
        .map(|(sid, paths)| format!("{sid}\n{paths}"))
        .collect();
    assert_eq!(ask(&cluster, 1, "wchc"), format!("{}\n", lines.concat()));
    let (low, high) = (by_session[0].0, by_session[1].0);
    assert_eq!(
        ask(&cluster, 1, "wchp"),
        format!("/\n\t{one}\n/b\n\t{low}\n\t{high}\n\n")
    );
    assert_eq!(
        ask(&cluster, 1, "wchs"),
        "2 connections watching 2 paths\nTotal watches:4\n"
    );
    // More than are looked at in one go.
    let paths: Vec<String> = (0..2_500).map(|number| format!("/many/{number}")).collect();
    let requests: Vec<Request> = paths
        .iter()
        .map(|path| Request::Exists(watched(path)))
        .collect();
    for some in requests.chunks(500) {
        second.send_all(some);
        for _ in some {
            let _ = second.reply();
        }
    }
    let listed = ask(&cluster, 1, "wchp");
    let found = listed
        .lines()
        .filter(|line| line.starts_with("/many/"))
        .count();
    assert_eq!(found, paths.len());
    second.cut();
    until("its watches to be gone", || {
        ask(&cluster, 1, "wchs") == "1 connections watching 2 paths\nTotal watches:3\n"
    });
}

#[test]
fn sessions_are_dumped_with_what_they_own() {
    let cluster = Cluster::start_with(3, ALL);
    let (leader, follower) = (cluster.leader(), cluster.follower());
    let mut client = cluster.zookeeper(follower);
    client.make("/d");
    client.create("/d/one", CreateMode::Ephemeral);
    client.create("/d/two", CreateMode::Ephemeral);
    let session = sid(&client);
    let owned = format!(
        "ephemeral nodes dump:\nSessions with Ephemerals (1):\n{session}:\n\t/d/one\n\t/d/two\n\
         Connections dump:\n"
    );
    let there = ask(&cluster, follower, "dump");
    let expected =
        format!("SessionTracker dump:\nGlobal Sessions(1):\n{session}\t30000ms\n{owned}");
    assert!(there.starts_with(&expected), "{there}");
    assert!(
        there.contains(&format!(" sessionId: {session}\n")),
        "{there}"
    );
    let here = eventually("the leader to have it all", || {
        let dump = ask(&cluster, leader, "dump");
        dump.contains(&owned).then_some(dump)
    });
    let mut lines = here.lines();
    assert_eq!(lines.next(), Some("SessionTracker dump:"));
    assert_eq!(lines.next(), Some("Session Sets (1)/(1):"));
    let bucket = lines.next().unwrap();
    assert!(
        bucket.starts_with("1 expire at ") && bucket.contains(" UTC 20"),
        "{here}"
    );
    assert_eq!(lines.next(), Some(format!("\t{session}").as_str()));
    assert!(
        here.contains("sessionId: 0x0\n"),
        "the word's own connection: {here}"
    );
}

#[test]
fn settings_and_surroundings_are_told_under_zookeepers_names() {
    let cluster = Cluster::start_with(3, ALL);
    let leader = cluster.leader();
    let conf = ask(&cluster, leader, "conf");
    let (settings, members) = conf.split_once("membership: \n").unwrap();
    let keys: Vec<&str> = settings
        .lines()
        .map(|line| line.split_once('=').unwrap().0)
        .collect();
    assert_eq!(
        keys.join(" "),
        "clientPort secureClientPort dataDir dataDirSize dataLogDir dataLogSize tickTime \
         maxClientCnxns minSessionTimeout maxSessionTimeout clientPortListenBacklog serverId \
         initLimit syncLimit electionAlg electionPort quorumPort peerType"
    );
    let port = cluster.zookeeper_address(leader).port();
    assert!(
        settings.starts_with(&format!("clientPort={port}\n")),
        "{conf}"
    );
    assert!(
        settings.contains(&format!("\nserverId={leader}\n")),
        "{conf}"
    );
    let servers = members
        .lines()
        .filter(|line| line.starts_with("server."))
        .count();
    assert_eq!(servers, 3, "{conf}");
    assert!(
        members.lines().last().unwrap().starts_with("version="),
        "{conf}"
    );

    let envi = ask(&cluster, leader, "envi");
    assert!(
        envi.starts_with("Environment:\nzookeeper.version=3.9.3-holdfast-"),
        "{envi}"
    );
    assert!(envi.contains("\nos.name=Linux\n"), "{envi}");

    let dirs = ask(&cluster, leader, "dirs");
    let (data, log) = dirs.split_once('\n').unwrap();
    let size = |line: &str, name| {
        line.trim_end()
            .strip_prefix(name)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let _ = size(data, "datadir_size: ");
    assert!(size(log, "logdir_size: ") > 0, "{dirs}");

    assert_eq!(ask(&cluster, leader, "gtmk"), "0");
    let mut client = cluster.zookeeper(leader);
    client.make("/same");
    cluster.wait_digests_agree();
    let digests: Vec<String> = cluster
        .ids()
        .iter()
        .map(|id| ask(&cluster, *id, "hash"))
        .collect();
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:?}"
    );
}

#[test]
fn a_node_without_a_leader_says_so_and_answers_what_it_can() {
    let mut cluster = Cluster::start_with(3, ALL);
    for id in [2, 3] {
        cluster.kill(id);
    }
    cluster.expect_lost_peers();
    until("the last one to know no leader", || {
        ask(&cluster, 1, "isro") == "null"
    });
    assert_eq!(ask(&cluster, 1, "ruok"), "imok");
    assert!(ask(&cluster, 1, "envi").starts_with("Environment:\n"));
    let not_serving = "This ZooKeeper instance is not currently serving requests";
    for word in [
        "srvr", "stat", "mntr", "cons", "conf", "dump", "wchs", "dirs", "crst",
    ] {
        assert_eq!(ask(&cluster, 1, word), format!("{not_serving}\n"), "{word}");
    }
    let http = cluster.http(1);
    let asked = |name: &str| {
        http.get(&format!("/commands/{name}"))
            .unwrap()
            .expect(200)
            .json()
    };
    assert_eq!(asked("mntr")["error"], not_serving);
    assert_eq!(asked("mntr")["command"], "monitor");
    assert!(asked("ruok")["error"].is_null());
}

#[test]
fn only_words_of_the_list_are_answered() {
    let cluster = Cluster::start(1);
    for word in [
        "ruok", "srvr", "stat", "mntr", "conf", "envi", "isro", "wchs", "dirs",
    ] {
        assert!(!ask(&cluster, 1, word).contains("whitelist"), "{word}");
    }
    for word in [
        "cons", "dump", "wchc", "wchp", "crst", "srst", "hash", "gtmk", "stmk",
    ] {
        assert_eq!(
            ask(&cluster, 1, word),
            format!("{word} is not executed because it is not in the whitelist.\n")
        );
    }
    // To ZooKeeper these are lengths of a frame that is too long.
    for word in ["icfg", "sysp", "xxxx"] {
        assert_eq!(ask(&cluster, 1, word), "", "{word}");
    }
    let mut client = cluster.zookeeper(1);
    let _ = client.done(&Request::Create(create(
        "/after",
        "",
        CreateMode::Persistent,
    )));
}
