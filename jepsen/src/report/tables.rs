//! The tables of the page.

use checker::{Report, Verdict};

use super::faults::Interval;
use super::html::{clip, duration, escape, grouped, shown, time};
use super::page::verdict_word;
use super::plot::class;
use super::promises;
use super::results::Results;
use super::stats::Tally;

/// Most faults in the table.
const FAULTS_MAX: usize = 300;
const EVIDENCE_CHARS_MAX: usize = 240;

/// A table that scrolls sideways where it does not fit; heads that begin with `#` are of numbers.
fn table(heads: &[&str], rows: impl IntoIterator<Item = String>) -> String {
    let head = |name: &&str| match name.strip_prefix('#') {
        Some(name) => format!("<th class=\"n\">{name}"),
        None => format!("<th>{name}"),
    };
    format!(
        "<div class=\"scroll\"><table><thead><tr>{}</thead><tbody>\n{}</tbody></table></div>\n",
        heads.iter().map(head).collect::<String>(),
        rows.into_iter().collect::<String>()
    )
}

/// Checker, promise, verdict, what it counted, what it found.
pub(crate) fn checkers(results: &Results) -> String {
    let mut reports: Vec<&Report> = results.checkers.iter().collect();
    reports.sort_by_key(|report| std::cmp::Reverse(report.verdict));
    let row = |report: &&Report| {
        let (promise, words) = promises::of(&report.checker);
        let looked_at = report
            .counts
            .iter()
            .filter(|(name, _)| !FOUND.contains(&name.as_str()));
        let counts = looked_at.map(|(name, count)| format!("{} {}", grouped(*count), escape(name)));
        format!(
            "<tr><td><b>{}</b><br><small>{words}</small><td class=\"promise\">{}<td><span class=\"pill {word}\">{word}</span>\
             <td class=\"counts\">{}<td>{}\n",
            shown(&report.checker, 60),
            promise.replace(", ", "<br>"),
            counts.collect::<Vec<_>>().join("<br>"),
            found(report),
            word = verdict_word(report.verdict),
        )
    };
    let table = table(
        &["checker", "promise", "verdict", "looked at", "found"],
        reports.iter().map(row),
    );
    let unknown = results
        .checkers
        .iter()
        .any(|report| report.verdict == Verdict::Unknown);
    let note = "<p class=\"note\">Unknown is its own verdict and never a pass: too little happened, \
                or a search ran out of time or memory.</p>\n";
    format!("{table}{}", if unknown { note } else { "" })
}

/// A table no wider than it must be.
fn slim(heads: &[&str], rows: impl IntoIterator<Item = String>) -> String {
    format!("<div class=\"slim\">{}</div>\n", table(heads, rows))
}

/// What a checker counts of its findings; they have a column of their own.
const FOUND: &[&str] = &["violations", "unknowns"];

/// The first finding, and how many there are.
fn found(report: &Report) -> String {
    let Some(first) = report.findings.first() else {
        return String::new();
    };
    let counted: u64 = FOUND
        .iter()
        .filter_map(|name| report.counts.get(*name))
        .sum();
    let more = counted.max(report.findings.len() as u64) - 1;
    let more = match more {
        0 => String::new(),
        more => format!(" <i>and {} more</i>", grouped(more)),
    };
    format!("{}{more}", shown(&first.what, 180))
}

/// When, kind, targets, observed, evidence; before it the sums by kind.
pub(crate) fn faults(results: &Results, intervals: &[Interval]) -> String {
    let kinds = results.faults.iter().map(|(kind, count)| {
        let short = count.observed < count.planned.max(count.injected);
        format!(
            "<tr{}><td><span class=\"chip {}\">{}</span><td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}\n",
            if short { " class=\"short\"" } else { "" },
            class(kind),
            shown(kind, 60),
            count.planned,
            count.injected,
            count.observed,
            count.healed
        )
    });
    let sums = slim(
        &["kind", "#planned", "#injected", "#observed", "#healed"],
        kinds,
    );
    if results.faults.is_empty() {
        return "<p>None were asked for, and none were made.</p>\n".to_owned();
    }
    let rows = intervals.iter().take(FAULTS_MAX).map(fault);
    let each = table(
        &[
            "#from, s", "#to, s", "kind", "targets", "observed", "evidence",
        ],
        rows,
    );
    let hidden = match intervals.len().saturating_sub(FAULTS_MAX) {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more are in the history.</p>\n"),
    };
    format!("{sums}<h3>One by one</h3>\n{each}{hidden}")
}

fn fault(fault: &Interval) -> String {
    let (mark, word) = if fault.observed {
        ("valid", "yes")
    } else {
        ("invalid", "no")
    };
    format!(
        "<tr><td class=\"n\">{}<td class=\"n\">{}<td><span class=\"chip {}\">{}</span><td>{}\
         <td><span class=\"pill {mark}\">{word}</span><td class=\"v\">{}\n",
        seconds(fault.start),
        fault.end.map_or("–".to_owned(), seconds),
        class(&fault.kind),
        shown(&fault.kind, 60),
        shown(&fault.targets.join(" "), 80),
        shown(&fault.evidence.join(" · "), EVIDENCE_CHARS_MAX),
    )
}

/// A time of the run to the millisecond.
fn seconds(ns: u64) -> String {
    let micro = time(ns);
    micro.get(..micro.len() - 3).unwrap_or(&micro).to_owned()
}

/// By name, and why some failed.
pub(crate) fn operations(results: &Results) -> String {
    let all = &results.operations;
    let row = |name: &str, one: &Tally| {
        format!(
            "<tr><td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{:.1}\
             <td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}\n",
            shown(name, 40),
            grouped(one.ok),
            grouped(one.fail),
            grouped(one.info),
            one.ok_per_second,
            duration(one.p50_ms),
            duration(one.p99_ms),
            duration(one.max_ms)
        )
    };
    let rows = all.by_f.iter().map(|(f, one)| row(f, one));
    let rows = rows.chain([row("all", &all.all)]);
    let heads = [
        "f",
        "#ok",
        "#fail",
        "#unknown",
        "#ok per s",
        "#p50",
        "#p99",
        "#longest",
    ];
    let counted = table(&heads, rows);
    if all.errors.is_empty() {
        return counted;
    }
    let error = |(error, count): (&String, &u64)| {
        format!(
            "<tr><td>{}<td class=\"n\">{}\n",
            shown(error, 80),
            grouped(*count)
        )
    };
    let errors = slim(&["why not ok", "#operations"], all.errors.iter().map(error));
    format!("{counted}{errors}")
}

/// What was decided, and what ran.
pub(crate) fn plan(results: &Results) -> String {
    let (plan, versions) = (&results.plan, &results.versions);
    let settings = plan
        .settings
        .iter()
        .map(|(name, value)| format!("--{name} {value}"));
    let settings: Vec<String> = settings.collect();
    let holdfast = versions
        .holdfast
        .as_str()
        .map_or_else(|| versions.holdfast.to_string(), str::to_owned);
    let facts = [
        ("seed", plan.seed.to_string()),
        (
            "workload",
            format!("{} through {}", plan.workload, plan.door),
        ),
        ("nemesis", plan.nemesis.join(", ")),
        ("nodes", plan.nodes.to_string()),
        (
            "clients",
            format!(
                "{}, {} operations a second asked for",
                plan.concurrency, plan.rate
            ),
        ),
        ("faulty phase", format!("{} s", plan.seconds)),
        ("settings of nodes", settings.join(" ")),
        (
            "tree",
            versions
                .git
                .clone()
                .unwrap_or_else(|| "not known".to_owned()),
        ),
        ("holdfast", holdfast),
        ("SHA-256 of it", versions.binary_sha256.clone()),
        (
            "planted bug",
            versions.mutant.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        ("kernel", versions.kernel.clone()),
        ("hf-jepsen", versions.harness.clone()),
        (
            "history",
            format!(
                "{} events, {} operations never completed, {} torn lines dropped",
                grouped(results.history.events),
                results.history.open,
                results.history.torn_lines
            ),
        ),
    ];
    let fact = |(name, words): &(&str, String)| {
        let words = if words.is_empty() { "–" } else { words };
        format!("<dt>{name}<dd>{}\n", shown(words, 400))
    };
    let facts: String = facts.iter().map(fact).collect();
    format!("<dl>\n{facts}</dl>\n{}", schedule(results))
}

fn schedule(results: &Results) -> String {
    let row = |fault: &crate::plan::Fault| {
        let amounts = fault
            .amounts
            .iter()
            .map(|(name, amount)| format!("{name} {amount}"));
        let part = |ms: u64| format!("{:.1}", ms as f64 / 1000.0);
        format!(
            "<tr><td class=\"n\">{}<td class=\"n\">{}<td>{}<td>{}<td>{}\n",
            part(fault.at_ms),
            part(fault.lasts_ms),
            shown(&fault.kind, 60),
            shown(&fault.target, 40),
            shown(&amounts.collect::<Vec<_>>().join(", "), 120)
        )
    };
    let faults = &results.plan.schedule;
    if faults.is_empty() {
        return String::new();
    }
    let rows = faults.iter().take(FAULTS_MAX).map(row);
    format!(
        "<details><summary>The schedule, {} faults</summary>\n{}</details>\n",
        faults.len(),
        table(&["#at, s", "#for, s", "kind", "target", "amounts"], rows)
    )
}

/// Links to what lies beside the page.
pub(crate) fn files(results: &Results) -> String {
    let own = [
        ("history, one event per line", "history.jsonl"),
        ("history in Jepsen's own format", "history.edn"),
        ("per key, for Knossos", "independent/"),
        ("everything about the run but its history", "results.json"),
    ];
    let own = own.iter().map(|(what, path)| link(what, path));
    let others = results.files.iter().map(|(what, path)| link(what, path));
    format!("<ul>\n{}</ul>\n", own.chain(others).collect::<String>())
}

/// A link to a file below the run's directory, and to nothing else.
fn link(what: &str, path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let mut href = String::from("./");
    for c in clip(path, 400).chars() {
        if plain(c) {
            href.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                href.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    format!(
        "<li><a href=\"{href}\">{}</a> {}\n",
        shown(path, 120),
        shown(what, 120)
    )
}
