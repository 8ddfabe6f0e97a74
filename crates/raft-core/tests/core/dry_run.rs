//! A dry run tells what the command then does, and leaves nothing behind. Checked here for every
//! command of every script and of the models, which call [`of`] and [`check`] around each.

use raft_core::command::{Request, Stamp};
use raft_core::dry_run::DryRun;
use raft_core::outcome::Outcome;
use raft_core::state::State;

use crate::harness::{Harness, restored, snapshot_bytes};

/// Tries a request; the state stays what it is.
pub(crate) fn of(state: &State, stamp: Stamp, request: &Request) -> DryRun {
    let (digest, zxid) = (state.digest(), state.last_zxid());
    let told = state.dry_run(stamp, request.clone());
    assert_eq!(state.digest(), digest, "a dry run changed something");
    assert_eq!(state.last_zxid(), zxid, "a dry run took a position");
    assert_eq!(told.before.digest(), digest);
    told
}

/// What a dry run told is what the command then did.
pub(crate) fn check(told: &DryRun, outcome: &Outcome, state: &State) {
    assert_eq!(&told.outcome, outcome, "a dry run told something else");
    assert_eq!(told.after.digest(), state.digest());
}

const SETTING: &str = "
    open s
    open t
    session=s acquire a c1
    session=t acquire a c2
    create /x
    create /x/y data=1
    key=k1 fp=1 create /q- seq
";

/// One of each kind that the doors offer, done and refused.
const TRIED: [&str; 7] = [
    "dry break a 3 reason=x",
    "dry break a 4 reason=x",
    "dry rmr /x max=10",
    "dry rmr /x max=1",
    "dry delete /x/y",
    "dry txn version /x/y 0 then set /x/y data=2 ; delete /x/y else get /x",
    "dry key=k1 fp=1 create /q- seq",
];

/// Byte for byte: also what digests leave out.
#[test]
fn any_number_of_dry_runs_leaves_the_same_bytes() {
    let mut harness = Harness::new();
    harness.run(SETTING);
    let bytes = snapshot_bytes(&harness.state);
    for line in TRIED.iter().cycle().take(5 * TRIED.len()) {
        let told = harness.run(line);
        assert!(told.starts_with("dry run: "), "{told}");
    }
    assert_eq!(snapshot_bytes(&harness.state), bytes);
    restored(&harness.state);
    let done = harness.run("create /after");
    assert!(done.starts_with("8 created /after"), "{done}");
}

/// Otherwise the answer would tell of a request of the past, and a first real call with the key
/// would be taken for its repetition.
#[test]
fn a_dry_run_neither_finds_nor_uses_up_a_key() {
    let mut harness = Harness::new();
    harness.run(SETTING);
    let told = harness.run("dry key=k1 fp=2 create /q- seq");
    assert!(
        told.starts_with("dry run: 8 created /q-0000000003"),
        "{told}"
    );
    let told = harness.run("dry key=k2 fp=1 create /q- seq");
    assert!(
        told.starts_with("dry run: 8 created /q-0000000003"),
        "{told}"
    );
    let done = harness.run("key=k2 fp=9 create /q- seq");
    assert!(done.starts_with("8 created /q-0000000003"), "{done}");
}
