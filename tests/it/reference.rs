//! `docs/reference/metrics.md` is what a running node says. `UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use holdfast_tests::Cluster;

#[test]
fn metrics_are_documented() {
    let cluster = Cluster::start(1);
    let metrics = cluster.http(1).get("/metrics").unwrap().expect(200).text();
    let mut families: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for line in metrics.lines() {
        if let Some((name, help)) = line
            .strip_prefix("# HELP ")
            .and_then(|rest| rest.split_once(' '))
        {
            families.entry(name).or_default().1 = help;
        }
        if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            families.entry(name).or_default().0 = kind;
        }
    }
    assert!(!families.is_empty(), "{metrics}");
    let mut text = String::from(
        "# Metrics\n\nEvery node serves them under `/metrics` in OpenMetrics form. Made from the answer of a \
         running node; a test compares it.\n\n| name | type | meaning |\n|---|---|---|\n",
    );
    for (name, (kind, help)) in families {
        let _ = writeln!(text, "| `{name}` | {kind} | {help} |");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/metrics.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, text,
        "`UPDATE=1 cargo nextest run --workspace metrics_are` writes it anew"
    );
}
