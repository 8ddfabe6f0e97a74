//! Transitions as text: `tests/scripts/**/*.txt`. `REWRITE=1` writes what happens into the files;
//! read the difference and keep only what you can explain.

use crate::harness::Harness;

/// Each file is one state machine from its beginning. The only directive is `run`.
#[test]
fn scripts_say_what_happens() {
    datadriven::walk(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts"),
        |file| {
            let mut harness = Harness::new();
            file.run(|case| {
                assert_eq!(case.directive, "run", "the only directive");
                harness.run(&case.input)
            });
        },
    );
}
