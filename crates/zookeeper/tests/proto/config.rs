//! Server lines.

use proptest::prelude::*;
use zookeeper::proto::config::{ConfigError, Role, ServerLine, ids, servers};

fn one(line: &str) -> ServerLine {
    let mut found = servers(line).unwrap();
    assert_eq!(found.len(), 1, "{line}");
    found.remove(0)
}

#[test]
fn a_line_is_read_as_zookeeper_reads_it() {
    let line = one("server.100=10.0.0.4:7500:7400:observer;10.0.0.5:2181");
    assert_eq!(line.id, 100);
    assert_eq!((line.first_port, line.second_port), (7500, 7400));
    assert_eq!(
        (line.host.as_str(), line.role),
        ("10.0.0.4", Role::Observer)
    );
    assert_eq!(line.clients, ("10.0.0.5".to_owned(), 2181));
    let silent = one(" server.7 = zk-7.example:1:2 ; 3 ");
    assert_eq!((silent.id, silent.role), (7, Role::Participant));
    assert_eq!(silent.clients, ("zk-7.example".to_owned(), 3));
    let six = one("server.6=[fe80::1]:1:2:PARTICIPANT;[::1]:3");
    assert_eq!(six.host, "[fe80::1]");
    assert_eq!(six.clients, ("[::1]".to_owned(), 3));
}

/// Curator replaces its connection string by what it finds: a wildcard would send it to itself.
#[test]
fn a_wildcard_is_never_where_clients_are_sent_unless_the_server_is_nowhere_else() {
    for wildcard in ["0.0.0.0:2181", "[::]:2181", "2181"] {
        let line = one(&format!("server.4=10.0.0.4:1:2;{wildcard}"));
        assert_eq!(line.clients, ("10.0.0.4".to_owned(), 2181), "{wildcard}");
    }
    let nowhere = "server.100=0.0.0.0:1:2:observer;0.0.0.0:3";
    assert_eq!(one(nowhere).to_string(), nowhere);
}

#[test]
fn lists_have_commas_or_line_ends_and_may_carry_a_version() {
    let text = "server.1=a:1:2:participant;a:3\nserver.2=b:1:2;b:3,server.3=c:1:2;c:3\nversion=1f";
    let found: Vec<u64> = servers(text).unwrap().iter().map(|line| line.id).collect();
    assert_eq!(found, [1, 2, 3]);
    assert!(servers("").unwrap().is_empty());
    assert_eq!(ids(" 3, 4,,5 ").unwrap(), [3, 4, 5]);
    assert!(ids("").unwrap().is_empty());
}

#[test]
fn what_is_no_line_is_refused() {
    for bad in [
        "some thing",
        "server.1",
        "server.1=",
        "server.1=h",
        "server.1=h:1:2",
        "server.1=h:1;3",
        "server.1=h:1:2:observer",
        "server.1=h:1:2:leader;3",
        "server.1=h:1:2:observer:x;3",
        "server.1=h:0:2;3",
        "server.1=h:1:65536;3",
        "server.1=h:1:2;0",
        "server.1=h:1:2;x:",
        "server.1=h:-1:2;3",
        "server.1=:1:2;3",
        "server.1=h h:1:2;3",
        "server.1=h:1:2;3;4",
        "server.1=a:1:2|b:1:2;3",
        "server.1=[::1:1:2;3",
        "server.1=::1:1:2;3",
        "server.0=h:1:2;3",
        "server.-1=h:1:2;3",
        "server.x=h:1:2;3",
        "server.=h:1:2;3",
        "version",
    ] {
        assert!(servers(bad).is_err(), "{bad}: {:?}", servers(bad));
    }
    for bad in ["x", "0", "-1", "1 2", "server.1"] {
        assert_eq!(ids(bad), Err(ConfigError::Id(bad.to_owned())));
    }
    let crowd = vec!["1"; 1001].join(",");
    assert_eq!(ids(&crowd), Err(ConfigError::TooMany));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = (servers(&text), ids(&text));
    }

    #[test]
    fn what_is_written_is_read_again(
        id in 1..u64::MAX,
        host in "[a-z0-9-]{1,20}(\\.[a-z]{2,5})?",
        ports in [1..u16::MAX, 1..u16::MAX, 1..u16::MAX],
        votes in any::<bool>(),
    ) {
        let line = ServerLine {
            id,
            host: host.clone(),
            first_port: ports[0],
            second_port: ports[1],
            role: if votes { Role::Participant } else { Role::Observer },
            clients: (host, ports[2]),
        };
        prop_assert_eq!(&one(&line.to_string()), &line);
    }
}
