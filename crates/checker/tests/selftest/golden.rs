//! Small histories by hand, `golden/CHECKER/{good,bad,unknown}-NAME.jsonl`; their first lines say why,
//! and what the finding must say (`# expect: …`).

use std::fs;
use std::path::{Path, PathBuf};

use checker::availability::Availability;
use checker::{Checker, History, Limits, Report, Verdict, checkers_for};

/// The checkers whose golden histories are judged here.
pub(crate) const CHECKERS: [&str; 25] = [
    "linearizable",
    "versions",
    "bounded-staleness",
    "set-full",
    "unique-ids",
    "queue",
    "cycles",
    "availability",
    "faults-observed",
    "one-leader",
    "failover-time",
    "equal-digests",
    "fences",
    "fenced-writes",
    "no-early-end",
    "exclusion",
    "fifo",
    "ghosts",
    "starvation",
    "watch-order",
    "watch-complete",
    "watch-before-reply",
    "atomic-vanish",
    "no-resurrection",
    "session-ids",
];

/// Operations that the golden histories of `availability` are measured by.
const OK_MIN: u64 = 3;

pub(crate) struct Golden {
    pub(crate) checker: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) verdict: Verdict,
    pub(crate) expect: Option<String>,
    pub(crate) history: History,
}

pub(crate) fn checker(name: &str) -> Box<dyn Checker> {
    if name == "availability" {
        return Box::new(Availability { ok_min: OK_MIN });
    }
    let workloads = [
        "register",
        "set",
        "unique-ids",
        "queue",
        "append",
        "lock",
        "rwlock",
        "watch",
        "session",
    ];
    let mut all = workloads.into_iter().flat_map(checkers_for);
    all.find(|checker| checker.name() == name)
        .expect("the table has it")
}

pub(crate) fn all() -> Vec<Golden> {
    CHECKERS.into_iter().flat_map(of).collect()
}

fn of(checker: &'static str) -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(checker);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| read(checker, path)).collect()
}

fn read(checker: &'static str, path: PathBuf) -> Golden {
    let text = fs::read_to_string(&path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let verdict = match name.split('-').next().unwrap() {
        "good" => Verdict::Valid,
        "bad" => Verdict::Invalid,
        "unknown" => Verdict::Unknown,
        other => panic!("{name}: {other} is no verdict"),
    };
    assert!(text.starts_with("# "), "{name} does not say why");
    let expect = text
        .lines()
        .find_map(|line| line.strip_prefix("# expect: "))
        .map(str::to_owned);
    assert!(
        expect.is_some() || verdict != Verdict::Invalid,
        "{name} does not say what to expect"
    );
    let history = History::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    Golden {
        checker,
        path,
        verdict,
        expect,
        history,
    }
}

/// What is wrong with a report, if anything.
pub(crate) fn complaint(golden: &Golden, report: &Report) -> Option<String> {
    let found = |text: &String| {
        report
            .findings
            .iter()
            .any(|finding| finding.what.contains(text))
    };
    let expected = golden.expect.as_ref().is_none_or(found);
    let events = golden.history.events.len() as u64;
    let real = report
        .findings
        .iter()
        .flat_map(|finding| &finding.events)
        .all(|at| *at < events);
    let shown = report.verdict != Verdict::Invalid
        || report
            .findings
            .iter()
            .any(|finding| !finding.events.is_empty());
    (report.verdict != golden.verdict || !expected || !real || !shown).then(|| {
        format!(
            "{}: {:?} wanted, with {:?}; got {:?}: {:#?}",
            golden.path.display(),
            golden.verdict,
            golden.expect,
            report.verdict,
            report.findings
        )
    })
}

#[test]
fn every_golden_history_is_judged_as_its_name_says() {
    let complaints: Vec<String> = all()
        .iter()
        .filter_map(|golden| {
            let report = checker(golden.checker).check(&golden.history, &Limits::default());
            assert_eq!(report.checker, golden.checker);
            complaint(golden, &report)
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_checker_has_golden_histories_of_every_verdict_it_can_give() {
    for name in CHECKERS {
        let of = of(name);
        let has = |verdict| of.iter().any(|golden| golden.verdict == verdict);
        assert!(has(Verdict::Valid) && has(Verdict::Unknown), "{name}");
        assert!(has(Verdict::Invalid) || name == "faults-observed", "{name}");
    }
}
