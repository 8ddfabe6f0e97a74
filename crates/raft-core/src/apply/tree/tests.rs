//! Plain operations where no client leads to.

use super::next_version;
use crate::apply::Step;
use crate::command::{Moment, Stamp};
use crate::ids::{LogTime, WallTime, ZnodePath, Zxid};
use crate::state::State;

pub(in crate::apply) fn step(state: &mut State) -> Step<'_> {
    let Stamp { log_time, wall } = Stamp {
        log_time: LogTime(1),
        wall: WallTime(1),
    };
    let now = Moment {
        zxid: Zxid(1),
        log_time,
        wall,
    };
    Step::new(state, now, &[])
}

#[test]
fn a_version_skips_minus_one_when_it_wraps() {
    assert_eq!(next_version(0), 1);
    assert_eq!(next_version(i32::MAX), i32::MIN);
    assert_eq!(next_version(-3), -2);
    assert_eq!(next_version(-2), 0);
}

#[test]
fn the_counter_of_creates_wraps_as_zookeepers_does() {
    let mut state = State::new();
    let root = ZnodePath::root();
    state
        .znodes
        .update(&root, |znode| znode.rare.creates = i32::MAX);
    let mut step = step(&mut state);
    let open = std::sync::Arc::clone(&step.state.znodes.get(&root).unwrap().acl);
    let new = super::NewZnode::empty(open, crate::znode::ZnodeKind::Persistent);
    step.insert_znode(ZnodePath::parse("/a").unwrap(), new);
    assert_eq!(step.next_sequence(&root), i32::MIN);
    assert_eq!(format!("{:010}", step.next_sequence(&root)), "-2147483648");
    assert_eq!(format!("{:010}", -5), "-000000005", "as %010d prints it");
    // 2 * i32::MIN - 2 children, wrapped.
    assert_eq!(step.state.stat(&root).unwrap().cversion, -2);
}
