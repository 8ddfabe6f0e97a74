//! Who talks to whom: the bytes, and who is refused.

use raft_types::ClusterId;

use super::{bytes_of, hex};
use crate::peer::wire::Lane;
use crate::peer::wire::hello::{self, Hello, Identity, Welcome};

fn identity() -> Identity {
    Identity {
        cluster: ClusterId(0x0102),
        node: 5,
        incarnation: 0xff,
    }
}

#[test]
fn a_hello_says_who_to_whom_and_what_for() {
    let hello = Hello::new(identity(), 6, Lane::Snapshot);
    let bytes = bytes_of(|out| hello.put(out));
    assert_eq!(
        hex(&bytes),
        "484f4c44464153540100020100000000000000000000000000000500000000000000\
         ff00000000000000060000000000000003"
            .replace(' ', "")
    );
    assert_eq!(Hello::decode(bytes).unwrap(), hello);

    let welcome = Welcome::new(identity());
    let bytes = bytes_of(|out| welcome.put(out));
    assert_eq!(
        hex(&bytes),
        "484f4c44464153540100020100000000000000000000000000000500000000000000ff00000000000000"
    );
    assert_eq!(Welcome::decode(bytes).unwrap(), welcome);
}

#[test]
fn strangers_are_told_why_they_are_refused() {
    let me = Identity {
        cluster: ClusterId(1),
        node: 6,
        incarnation: 1,
    };
    let good = Hello::new(
        Identity {
            cluster: ClusterId(1),
            node: 5,
            incarnation: 2,
        },
        6,
        Lane::App,
    );
    assert_eq!(good.objection(&me), None);
    let reason = |change: fn(&mut Hello)| {
        let mut hello = good;
        change(&mut hello);
        hello.objection(&me).unwrap()
    };
    assert!(reason(|hello| hello.version = 9).contains("version 9"));
    assert!(reason(|hello| hello.from.cluster = ClusterId(2)).contains("cluster"));
    assert!(reason(|hello| hello.to = 7).contains("node 7 was meant"));
    assert!(reason(|hello| hello.from.node = 6).contains("two share one id"));
}

#[test]
fn a_hello_of_another_version_is_understood_enough_to_refuse_it() {
    let mut hello = Hello::new(identity(), 6, Lane::App);
    hello.version = 2;
    let bytes = bytes_of(|out| {
        hello.put(out);
        out.extend_from_slice(b"what version 2 adds");
    });
    assert_eq!(Hello::decode(bytes).unwrap().version, 2);
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let bytes = bytes_of(|out| hello::put_reason(out, &"ä".repeat(400)));
    assert_eq!(hello::reason(bytes), "ä".repeat(256));
}
