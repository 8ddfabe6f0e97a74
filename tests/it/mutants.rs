//! The program has no planted bugs (crate `mutant`), and `scripts/no-mutants.sh`, which says so, can fail.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use holdfast_tests::process;

fn no_mutants(binary: &Path) -> Output {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/no-mutants.sh");
    let output = Command::new(script).arg(binary).output();
    output.expect("run scripts/no-mutants.sh")
}

#[test]
fn the_program_under_test_has_no_planted_bugs() {
    let output = no_mutants(&process::binary());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_program_with_planted_bugs_is_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let planted = directory.path().join("holdfast");
    for marker in ["HOLDFAST_MUTANT", "this build has planted bugs"] {
        // As in a program: among bytes that are no text.
        let bytes = [b"\x7fELF\0\xff\xfe\0", marker.as_bytes(), b"\0\x01\x80\n\0"].concat();
        std::fs::write(&planted, bytes).unwrap();
        let output = no_mutants(&planted);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{marker}: {said}");
        assert!(said.contains("has planted bugs"), "{said}");
    }
}

#[test]
fn what_is_not_there_is_not_found_clean() {
    let directory = tempfile::tempdir().unwrap();
    let output = no_mutants(&directory.path().join("holdfast"));
    assert_eq!(output.status.code(), Some(2));
}
