//! Tables of codes.

use std::collections::BTreeSet;

use zookeeper::proto::acl::Perms;
use zookeeper::proto::create_mode::CreateMode;
use zookeeper::proto::error::ErrorCode;
use zookeeper::proto::event::EventType;
use zookeeper::proto::op::OpCode;
use zookeeper::proto::watch::{AddWatchMode, WatcherType};

#[test]
fn error_codes_are_zookeepers() {
    let expected = "0 OK, -1 SYSTEMERROR, -2 RUNTIMEINCONSISTENCY, -3 DATAINCONSISTENCY, \
        -4 CONNECTIONLOSS, -5 MARSHALLINGERROR, -6 UNIMPLEMENTED, -7 OPERATIONTIMEOUT, \
        -8 BADARGUMENTS, -12 UNKNOWNSESSION, -13 NEWCONFIGNOQUORUM, -14 RECONFIGINPROGRESS, \
        -100 APIERROR, -101 NONODE, -102 NOAUTH, -103 BADVERSION, -108 NOCHILDRENFOREPHEMERALS, \
        -110 NODEEXISTS, -111 NOTEMPTY, -112 SESSIONEXPIRED, -113 INVALIDCALLBACK, \
        -114 INVALIDACL, -115 AUTHFAILED, -118 SESSIONMOVED, -119 NOTREADONLY, \
        -120 EPHEMERALONLOCALSESSION, -121 NOWATCHER, -122 REQUESTTIMEOUT, \
        -123 RECONFIGDISABLED, -124 SESSIONCLOSEDREQUIRESASLAUTH, -125 QUOTAEXCEEDED, \
        -127 THROTTLEDOP";
    let all: Vec<String> = ErrorCode::ALL
        .iter()
        .map(|err| format!("{} {}", err.code(), err.name()))
        .collect();
    assert_eq!(all.join(", "), expected);
}

#[test]
fn every_number_is_an_error_code_and_keeps_its_value() {
    for code in -1000..1000 {
        let err = ErrorCode::from_code(code);
        assert_eq!(err.code(), code);
        let known = ErrorCode::ALL.contains(&err);
        assert_eq!(!known, err == ErrorCode::Unknown(code));
    }
}

#[test]
fn operations_have_zookeepers_codes() {
    let expected = "0 notification, 1 create, 2 delete, 3 exists, 4 getData, 5 setData, 6 getACL, \
        7 setACL, 8 getChildren, 9 sync, 11 ping, 12 getChildren2, 13 check, 14 multi, \
        15 create2, 16 reconfig, 17 checkWatches, 18 removeWatches, 19 createContainer, \
        20 deleteContainer, 21 createTTL, 22 multiRead, 100 auth, 101 setWatches, 102 sasl, \
        103 getEphemerals, 104 getAllChildrenNumber, 105 setWatches2, 106 addWatch, 107 whoAmI, \
        -10 createSession, -11 closeSession, -1 error";
    let all: Vec<String> = OpCode::ALL
        .iter()
        .map(|op| format!("{} {}", op.code(), op.name()))
        .collect();
    assert_eq!(all.join(", "), expected);
    let known: BTreeSet<i32> = OpCode::ALL.iter().map(|op| op.code()).collect();
    for code in -1000..1000 {
        let op = OpCode::from_code(code);
        assert_eq!(op.is_some(), known.contains(&code));
        assert!(op.is_none_or(|op| op.code() == code));
    }
}

#[test]
fn create_flags_are_the_seven_of_zookeeper() {
    for (flags, mode) in (0..).zip(CreateMode::ALL) {
        assert_eq!(mode.flags(), flags);
        assert_eq!(CreateMode::from_flags(flags), Some(mode));
    }
    for flags in [-1, 7, i32::MIN, i32::MAX] {
        assert_eq!(CreateMode::from_flags(flags), None);
    }
    let with = |of: fn(CreateMode) -> bool| -> Vec<i32> {
        let all = CreateMode::ALL.into_iter().filter(|mode| of(*mode));
        all.map(CreateMode::flags).collect()
    };
    assert_eq!(with(CreateMode::is_ephemeral), [1, 3]);
    assert_eq!(with(CreateMode::is_sequential), [2, 3, 6]);
    assert_eq!(with(CreateMode::is_container), [4]);
    assert_eq!(with(CreateMode::has_ttl), [5, 6]);
}

#[test]
fn kinds_of_watch_and_event_are_numbered_as_in_zookeeper() {
    for (code, kind) in (1..).zip(WatcherType::ALL) {
        assert_eq!(kind.code(), code);
        assert_eq!(WatcherType::from_code(code), Some(*kind));
    }
    for (code, mode) in (0..).zip(AddWatchMode::ALL) {
        assert_eq!(mode.code(), code);
        assert_eq!(AddWatchMode::from_code(code), Some(*mode));
    }
    for (code, kind) in (1..).zip(EventType::ALL) {
        assert_eq!(kind.code(), code);
        assert_eq!(EventType::from_code(code), Some(*kind));
    }
    for code in [-1, 6, 7] {
        assert_eq!(WatcherType::from_code(code), None);
        assert_eq!(AddWatchMode::from_code(code), None);
        assert_eq!(EventType::from_code(code), None);
    }
    assert_eq!(WatcherType::from_code(0), None);
    assert_eq!(AddWatchMode::from_code(2), None);
    assert_eq!(EventType::from_code(5), None);
}

#[test]
fn all_permissions_are_the_five() {
    let five = [1, 2, 4, 8, 16].map(Perms);
    let all = five.into_iter().reduce(|all, one| all | one).unwrap();
    assert_eq!(all, Perms::ALL);
    assert!(five.iter().all(|one| Perms::ALL.contains(*one)));
    assert!(!Perms::READ.contains(Perms::READ | Perms::WRITE));
    let named = [
        Perms::READ,
        Perms::WRITE,
        Perms::CREATE,
        Perms::DELETE,
        Perms::ADMIN,
    ];
    assert_eq!(named, five);
}
