//! `report.html`: one file that needs nothing else, for a person who wants to know whether a
//! promise was broken, how, and how to see it again.

use checker::{Call, Finding, History, Verdict};

use super::faults::{Interval, intervals};
use super::html::{duration, escape, grouped, shown};
use super::latency::{self, Run};
use super::results::Results;
use super::stats::client_calls;
use super::window::Places;
use super::{leaders, promises, rate, tables, timeline};

/// Most findings with a timeline; the others have their words alone.
const TIMELINES_MAX: usize = 16;
/// Most bytes of all timelines and their tables together: the page stays below 3 MB.
const TIMELINES_BYTES_MAX: usize = 1_000_000;
/// Most characters of what a finding says: of the first few of a checker, and of the others.
const FIRST_CHARS_MAX: usize = 1_200;
const OTHER_CHARS_MAX: usize = 300;
const FIRST: usize = 3;

const STYLE: &str = include_str!("page.css");

/// Makes the page of a run.
#[must_use]
pub fn page(results: &Results, history: &History) -> String {
    let calls = client_calls(history);
    let faults = intervals(history);
    let length_ns = history.events.last().map_or(0, |event| event.time);
    let run = Run {
        calls: &calls,
        faults: &faults,
        length_ns,
    };
    let mut out = head(results);
    out.push_str(&banner(results));
    out.push_str(&tiles(results));
    out.push_str(&findings(results, history, &calls, &faults));
    out.push_str(&section(
        "promises",
        "What was promised",
        &tables::checkers(results),
    ));
    out.push_str(&over_time(&run, history));
    out.push_str(&section(
        "faults",
        "Faults",
        &tables::faults(results, &faults),
    ));
    out.push_str(&section(
        "operations",
        "Operations",
        &tables::operations(results),
    ));
    out.push_str(&section(
        "plan",
        "Plan and versions",
        &tables::plan(results),
    ));
    out.push_str(&section("files", "Files", &tables::files(results)));
    out.push_str("</main>\n");
    out
}

fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section id=\"{id}\"><h2>{title}</h2>\n{body}</section>\n")
}

/// A verdict in a word; also the class of its colour.
pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Invalid => "invalid",
        Verdict::Unknown => "unknown",
    }
}

fn head(results: &Results) -> String {
    let title = format!("{}: {}", verdict_word(results.verdict), results.name);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n<main>\n",
        escape(&title)
    )
}

fn banner(results: &Results) -> String {
    let plan = &results.plan;
    let mutant = results.versions.mutant.as_deref();
    let mutant = mutant.map_or(String::new(), |id| {
        format!(" · planted bug {}", shown(id, 40))
    });
    format!(
        "<header class=\"verdict {word}\"><div><p class=\"what\">{workload} · {door} · {nodes} nodes · seed {seed}{mutant}</p>\
         <h1>{word}</h1><p class=\"why\">{why}</p></div>\
         <p class=\"when\">{name}<br>{started}</p></header>\n\
         <p class=\"again\"><span>Run it again</span><code>{command}</code></p>\n",
        word = verdict_word(results.verdict),
        workload = shown(&plan.workload, 60),
        door = shown(&plan.door, 20),
        nodes = plan.nodes,
        seed = plan.seed,
        why = escape(&why(results)),
        name = shown(&results.name, 120),
        started = shown(&results.started, 40),
        command = escape(&results.command),
    )
}

/// The verdict in a sentence.
pub(crate) fn why(results: &Results) -> String {
    let of = |verdict| {
        let those = results
            .checkers
            .iter()
            .filter(move |one| one.verdict == verdict);
        those.map(|one| one.checker.as_str()).collect::<Vec<_>>()
    };
    let list = |names: &[&str]| names.join(", ");
    let (broken, open) = (of(Verdict::Invalid), of(Verdict::Unknown));
    match results.verdict {
        Verdict::Invalid => {
            let promises: Vec<String> = broken
                .iter()
                .map(|name| format!("{name} ({})", promises::of(name).0))
                .collect();
            format!("Broken: {}.", promises.join(", "))
        }
        Verdict::Unknown if results.checkers.is_empty() => {
            "Nothing was judged, so nothing is known. Not a pass.".to_owned()
        }
        Verdict::Unknown => format!(
            "Nobody can say: {}. Nothing was seen to be broken; this is not a pass.",
            list(&open)
        ),
        Verdict::Valid => format!(
            "Every promise that was judged was kept, by {} checkers.",
            results.checkers.len()
        ),
    }
}

fn tiles(results: &Results) -> String {
    let all = &results.operations.all;
    let faults = results.all_faults();
    let seen = match (faults.planned.max(faults.injected), faults.observed) {
        (0, _) => ("none".to_owned(), "no faults were asked for".to_owned()),
        (planned, observed) => (
            format!("{observed} of {planned}"),
            format!("observed of planned, {} injected", faults.injected),
        ),
    };
    let tiles = [
        (
            "operations",
            grouped(all.total()),
            format!(
                "<b class=\"c-ok\">{}</b> ok · <b class=\"c-fail\">{}</b> fail · <b class=\"c-info\">{}</b> unknown",
                grouped(all.ok),
                grouped(all.fail),
                grouped(all.info)
            ),
        ),
        (
            "rate",
            format!("{:.0}/s", all.ok_per_second),
            format!("ok, over {:.1} s", results.seconds),
        ),
        (
            "latency",
            duration(all.p50_ms),
            format!("half · 99 %: {}", duration(all.p99_ms)),
        ),
        ("faults", seen.0, seen.1),
    ];
    let tile = |(name, number, note): &(&str, String, String)| {
        format!("<div><h3>{name}</h3><p class=\"number\">{number}</p><p>{note}</p></div>\n")
    };
    format!(
        "<div class=\"tiles\">\n{}</div>\n",
        tiles.iter().map(tile).collect::<String>()
    )
}

/// The findings, broken promises first, each with what went on around it.
fn findings(
    results: &Results,
    history: &History,
    calls: &[Call<'_>],
    faults: &[Interval],
) -> String {
    let mut reports: Vec<_> = results
        .checkers
        .iter()
        .filter(|one| !one.findings.is_empty())
        .collect();
    if reports.is_empty() {
        return String::new();
    }
    reports.sort_by_key(|report| std::cmp::Reverse(report.verdict));
    let places = Places::new(history, calls, reports.iter().flat_map(|one| &one.findings));
    let mut bytes_left = TIMELINES_BYTES_MAX;
    let mut body = String::new();
    // One of each checker before the second of any: the first is the most telling.
    let share = (TIMELINES_MAX / reports.len()).max(1);
    for report in reports {
        let (promise, words) = promises::of(&report.checker);
        body.push_str(&format!(
            "<article class=\"{}\"><h3><b>{}</b> <span>{promise}</span></h3><p class=\"note\">{words}</p>\n",
            verdict_word(report.verdict),
            shown(&report.checker, 60),
        ));
        for (number, one) in report.findings.iter().enumerate() {
            let mut drawing = String::new();
            if number < share {
                drawing = around(&places, one, faults);
            }
            // What does not fit is left out whole.
            match bytes_left.checked_sub(drawing.len()) {
                Some(left) => bytes_left = left,
                None => drawing.clear(),
            }
            let chars_max = if number < FIRST {
                FIRST_CHARS_MAX
            } else {
                OTHER_CHARS_MAX
            };
            body.push_str(&finding(one, chars_max, &drawing));
        }
        body.push_str("</article>\n");
    }
    let title = if results.verdict == Verdict::Invalid {
        "What was broken"
    } else {
        "What is open"
    };
    section("findings", title, &body)
}

fn finding(finding: &Finding, chars_max: usize, around: &str) -> String {
    let events: Vec<String> = finding
        .events
        .iter()
        .take(12)
        .map(|index| format!("#{index}"))
        .collect();
    let more = if finding.events.len() > 12 {
        " …"
    } else {
        ""
    };
    let events = match events.is_empty() {
        true => String::new(),
        false => format!(
            " <span class=\"where\">events {}{more}</span>",
            events.join(" ")
        ),
    };
    format!(
        "<p class=\"finding\">{}{events}</p>\n{around}",
        shown(&finding.what, chars_max)
    )
}

fn around(places: &Places<'_>, finding: &Finding, faults: &[Interval]) -> String {
    let Some(window) = places.window(finding) else {
        return String::new();
    };
    let hidden = match window.left_out {
        0 => String::new(),
        count => format!(
            "<p class=\"note\">{} more operations on the same objects in this time are not drawn.</p>\n",
            grouped(count as u64)
        ),
    };
    format!(
        "{}{hidden}<details><summary>The events of this drawing</summary>\n{}</details>\n",
        timeline::drawing(&window, faults),
        timeline::table(&window)
    )
}

fn over_time(run: &Run<'_>, history: &History) -> String {
    let mut body = format!(
        "<h3>Latency of every operation</h3>\n{}<h3>Quantiles of ok operations</h3>\n{}\
         <h3>Operations per second</h3>\n{}",
        latency::scatter(run),
        latency::quantiles(run),
        rate::rates(run)
    );
    if let Some(drawing) = leaders::leaders(history, run.faults, run.length_ns) {
        body.push_str(&format!(
            "<h3>Leaders</h3>\n{drawing}<p class=\"note\">A bar: this node said that it leads. \
             A thin grey line: it did not answer.</p>\n"
        ));
    }
    body.push_str(
        "<p class=\"note\">Shaded: while a fault was in force, by kind: \
         <span class=\"chip b-process\">process</span> <span class=\"chip b-net\">network</span> \
         <span class=\"chip b-clock\">clock</span> <span class=\"chip b-disk\">disk</span> \
         <span class=\"chip b-admin\">cluster</span> <span class=\"chip b-client\">client</span>. \
         Operations that wait because they were told to (watch, pause, silence) are not drawn.</p>\n",
    );
    section("time", "Over time", &body)
}
