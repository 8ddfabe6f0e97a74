//! The scripts in `examples/`, as a reader would run them.

use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast_tests::cli::Finished;
use holdfast_tests::{Cluster, process};

/// Runs one against a cluster of three and gives what it prints.
fn run(name: &str) -> String {
    let cluster = Cluster::start(3);
    // `holdfast` is found as on a machine where it is installed.
    let bin = cluster.scratch().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(process::binary(), bin.join("holdfast")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples")
        .join(name);
    let output = Command::new(script)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOLDFAST_ENDPOINTS", cluster.urls().join(","))
        .output()
        .unwrap();
    let finished = Finished::from(output).expect(0);
    assert_eq!(finished.stderr, "", "{}", finished.stdout);
    finished.stdout
}

#[test]
fn readers_and_writers_of_many_files_never_meet() {
    assert!(run("file-locks.sh").contains("nothing torn"));
}

#[test]
fn a_schema_is_changed_once_and_not_by_who_was_replaced() {
    assert!(run("schema-change.sh").contains("no step was done twice"));
}

#[test]
fn a_job_of_a_whole_fleet_runs_once() {
    let said = run("cron-once.sh");
    assert!(said.starts_with("6 machines fired, machine-"), "{said}");
}

#[test]
fn no_update_is_lost_without_a_lock() {
    assert_eq!(
        run("optimistic-update.sh"),
        "4 writers, 10 updates each: 40, none lost\n"
    );
}

#[test]
fn a_directory_is_protected_by_a_register() {
    assert!(run("fenced-file.sh").contains("the file is: by the second holder, again"));
}

#[test]
fn a_table_is_protected_by_its_own_comparison() {
    assert!(run("fenced-table.sh").contains("changed 0 rows; the row is: by the second holder"));
}

#[test]
fn stores_verify_signed_tokens_without_the_cluster() {
    assert!(run("signed-stores.sh").contains("refused the late holder and the forged token"));
}

#[test]
fn consumers_share_partitions_and_take_over_from_one_that_went() {
    let said = run("partitions.sh");
    assert_eq!(
        said,
        "12 partitions were shared by 3 consumers, and by the 2 that stayed\n"
    );
}

#[test]
fn only_the_keys_of_a_server_that_leaves_move() {
    let said = run("shard-map.sh");
    assert!(
        said.starts_with("40 keys: ") && said.ends_with("3 clients agree\n"),
        "{said}"
    );
}

/// One that is not run is one that does not work.
#[test]
fn every_example_is_run_here_and_told_of() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(here.join("it/examples.rs")).unwrap();
    let overview = std::fs::read_to_string(here.join("../examples/README.md")).unwrap();
    for entry in std::fs::read_dir(here.join("../examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            assert!(
                source.contains(&format!("run(\"{name}\")")),
                "{name} is not run"
            );
            assert!(
                overview.contains(&format!("({name})")),
                "{name} is not in the overview"
            );
        }
    }
}
