//! Frame by frame what a real ZooKeeper 3.9.3 says, as far as it was recorded.

use holdfast_tests::transcript::{compare, golden, run_here, scripts};

/// A long session of several clients, on three nodes.
#[test]
fn every_frame_is_that_of_a_real_zookeeper() {
    let scripts = scripts();
    let recorded: Vec<_> = scripts.iter().map(|script| golden(&script.name)).collect();
    let differences = run_here(&scripts, &recorded);
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn one_byte_another_zxid_and_a_missing_step_are_differences() {
    let recorded = golden("04-stat");
    assert!(compare(&recorded, &recorded.clone()).is_empty());
    let mut other = recorded.clone();
    let line = other.entries[7].lines.last_mut().expect("a frame");
    let byte = line.pop().expect("a digit");
    line.push(if byte == '0' { '1' } else { '0' });
    assert_eq!(compare(&recorded, &other).len(), 1);
    let mut other = recorded.clone();
    other.entries[7].now += 1;
    assert_eq!(compare(&recorded, &other).len(), 1);
    let mut other = recorded.clone();
    other.entries.pop();
    assert_eq!(compare(&recorded, &other).len(), 1);
    let mut other = recorded.clone();
    other.entries[7].step.push('!');
    assert_eq!(compare(&recorded, &other).len(), 1);
}
