//! The drawing and the table around a finding: a row per process, a bar per operation.

use std::collections::BTreeMap;

use checker::{Call, Event, Outcome, Process};
use serde_json::Value;

use super::faults::Interval;
use super::html::{VALUE_CHARS_MAX, clip, duration, escape, shown, time};
use super::plot::{Plot, RIGHT};
use super::svg::Area;
use super::window::Window;

const ROW: f64 = 30.0;
/// Most rows of the table; the events that are named come first to be kept.
const TABLE_ROWS_MAX: usize = 100;
const FACTS_CHARS_MAX: usize = 120;

/// Draws it.
pub(crate) fn drawing(window: &Window<'_>, faults: &[Interval]) -> String {
    let height = window.rows.len() as f64 * ROW + 6.0;
    let mut plot = Plot::new((window.from, window.to), height, faults);
    let mut row_of: BTreeMap<&Process, f64> = BTreeMap::new();
    for (row, process) in window.rows.iter().enumerate() {
        let y = plot.top + 4.0 + row as f64 * ROW;
        plot.row_label(y + 17.0, &name(process));
        row_of.insert(process, y);
    }
    for call in &window.calls {
        if let Some(y) = row_of.get(&call.invoke.process) {
            bar(&mut plot, *y, call, window);
        }
    }
    for event in &window.told {
        if let Some(y) = row_of.get(&event.process) {
            let class = if window.named.contains(&event.index) {
                "told named"
            } else {
                "told"
            };
            plot.svg
                .circle(class, (plot.x(event.time), y + 12.0), &words_of(event));
        }
    }
    plot.finish("operations around the finding, a row per process")
}

fn bar(plot: &mut Plot, y: f64, call: &Call<'_>, window: &Window<'_>) {
    let ends = call.complete.map_or(window.to, |event| event.time);
    let (from, to) = (plot.x(call.invoke.time), plot.x(ends));
    let area = Area {
        x: from,
        y,
        width: (to - from).max(3.0),
        height: ROW - 8.0,
    };
    let events = [Some(call.invoke), call.complete];
    let named = events
        .into_iter()
        .flatten()
        .any(|event| window.named.contains(&event.index));
    let outcome = outcome_class(call.outcome());
    let class = format!("call {outcome}{}", if named { " named" } else { "" });
    if call.outcome() == Outcome::Info && to < RIGHT {
        // It may take effect at any later time.
        plot.svg.line(
            "maybe",
            (to, y + area.height / 2.0),
            (RIGHT, y + area.height / 2.0),
        );
    }
    plot.svg.rect(&class, area, &title(call));
    let fits = (area.width - 10.0) / 6.6;
    let label = label(call);
    if label.chars().count() as f64 <= fits {
        plot.svg.text("on-bar", (from + 5.0, y + 15.0), &label);
    } else if named {
        // What the finding is about is said, even across its neighbours.
        let x = (from + area.width + 4.0).min(RIGHT - label.chars().count() as f64 * 6.6);
        plot.svg.text("beside", (x, y + 15.0), &label);
    }
}

fn title(call: &Call<'_>) -> String {
    let end = call.complete.map_or("never completed".to_owned(), words_of);
    let took = call.complete.map_or(String::new(), |event| {
        let ns = event.time.saturating_sub(call.invoke.time);
        format!("\ntook {}", duration(ns as f64 / 1e6))
    });
    format!("{}\n{end}{took}", words_of(call.invoke))
}

/// An event in one line.
fn words_of(event: &Event) -> String {
    let key = event
        .key
        .as_deref()
        .map_or(String::new(), |key| format!(" {key}"));
    format!(
        "#{} {} s {} {} {}{key} {} {}",
        event.index,
        time(event.time),
        name(&event.process),
        outcome_class(event.outcome),
        event.f,
        clip(&brief(&event.value), VALUE_CHARS_MAX),
        clip(&facts(event), FACTS_CHARS_MAX)
    )
}

/// An operation in a few characters.
fn label(call: &Call<'_>) -> String {
    let asked = &call.invoke.value;
    let words = match (asked.get("old"), asked.get("new"), call.complete) {
        (Some(old), Some(new), _) => format!("{} → {}", brief(old), brief(new)),
        (_, _, Some(event)) if asked.is_null() && call.outcome() == Outcome::Ok => {
            brief(&event.value)
        }
        _ if asked.is_null() => String::new(),
        _ => brief(asked),
    };
    format!("{} {}", call.invoke.f, clip(&words, 48))
        .trim_end()
        .to_owned()
}

/// A value with as few signs as tell it.
pub(crate) fn brief(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(object) = value.as_object() {
        let pairs = object.iter().filter(|(_, value)| !value.is_null());
        let pairs = pairs.map(|(name, value)| format!("{name}={}", brief(value)));
        return pairs.collect::<Vec<_>>().join(" ");
    }
    if value.is_null() {
        String::new()
    } else {
        value.to_string()
    }
}

fn facts(event: &Event) -> String {
    let pairs = event
        .facts
        .iter()
        .map(|(name, value)| format!("{name}={}", brief(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

pub(crate) fn name(process: &Process) -> String {
    match process {
        Process::Client(number) => format!("p{number}"),
        Process::Named(name) => name.clone(),
    }
}

pub(crate) fn outcome_class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Invoke => "invoke",
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Info => "info",
    }
}

/// The events of the drawing as a table.
pub(crate) fn table(window: &Window<'_>) -> String {
    let of_calls = window
        .calls
        .iter()
        .flat_map(|call| [Some(call.invoke), call.complete]);
    let mut events: Vec<&Event> = of_calls
        .flatten()
        .chain(window.told.iter().copied())
        .collect();
    let all = events.len();
    events.sort_by_key(|event| !window.named.contains(&event.index));
    events.truncate(TABLE_ROWS_MAX);
    events.sort_by_key(|event| event.index);
    let mut out = String::from(
        "<div class=\"scroll\"><table class=\"events\"><thead><tr><th class=\"n\">event<th class=\"n\">time, s\
         <th>process<th>type<th>f<th>key<th>value<th>facts</thead><tbody>\n",
    );
    for event in &events {
        out.push_str(&row(event, window.named.contains(&event.index)));
    }
    out.push_str("</tbody></table></div>\n");
    let hidden = all - events.len();
    if hidden > 0 {
        out.push_str(&format!(
            "<p class=\"note\">{hidden} more events are not in this table.</p>\n"
        ));
    }
    out
}

fn row(event: &Event, named: bool) -> String {
    format!(
        "<tr{}><td class=\"n\">{}<td class=\"n\">{}<td>{}<td class=\"t-{}\">{}<td>{}<td>{}<td class=\"v\">{}<td class=\"v\">{}\n",
        if named { " class=\"named\"" } else { "" },
        event.index,
        time(event.time),
        escape(&name(&event.process)),
        outcome_class(event.outcome),
        outcome_class(event.outcome),
        shown(&event.f, 40),
        shown(event.key.as_deref().unwrap_or(""), 60),
        shown(&brief(&event.value), VALUE_CHARS_MAX),
        shown(&facts(event), FACTS_CHARS_MAX),
    )
}
