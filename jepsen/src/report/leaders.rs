//! Who led when, as the observer saw it: a row per node, a bar per term.

use std::collections::{BTreeMap, BTreeSet};

use checker::{Event, History, Outcome, Process};
use serde_json::Value;

use super::faults::Interval;
use super::html::time;
use super::plot::Plot;
use super::svg::Area;

const ROW: f64 = 26.0;
/// Most nodes, and bars of one node, that are drawn.
const NODES_MAX: usize = 12;
const BARS_MAX: usize = 400;
/// Longest time between two polls that is taken for one stretch.
const POLL_GAP_NS: u64 = 2_000_000_000;

/// What a node was seen to be, from one poll to another.
struct Stretch {
    from: u64,
    to: u64,
    /// Its term as leader; `None`: it did not answer.
    term: Option<u64>,
}

/// The drawing; `None`: the observer saw nothing.
pub(crate) fn leaders(history: &History, faults: &[Interval], length_ns: u64) -> Option<String> {
    let nodes = stretches(history);
    if nodes.is_empty() {
        return None;
    }
    let disputed = disputed(&nodes);
    let rows = nodes.len().min(NODES_MAX) as f64;
    let mut plot = Plot::new((0, length_ns), rows * ROW + 8.0, faults);
    for (row, (node, stretches)) in nodes.iter().take(NODES_MAX).enumerate() {
        let y = plot.top + 6.0 + row as f64 * ROW;
        plot.row_label(y + 15.0, &format!("n{node}"));
        for stretch in stretches.iter().take(BARS_MAX) {
            bar(&mut plot, (y, *node), stretch, &disputed);
        }
    }
    Some(plot.finish("who led in which term, over time"))
}

fn bar(plot: &mut Plot, (y, node): (f64, u64), stretch: &Stretch, disputed: &BTreeSet<u64>) {
    let x = plot.x(stretch.from);
    let area = Area {
        x,
        y,
        width: (plot.x(stretch.to) - x).max(2.0),
        height: ROW - 6.0,
    };
    let when = format!("{} s – {} s", time(stretch.from), time(stretch.to));
    let Some(term) = stretch.term else {
        let thin = Area {
            y: y + 8.0,
            height: 4.0,
            ..area
        };
        plot.svg
            .rect("silent", thin, &format!("n{node} did not answer\n{when}"));
        return;
    };
    let twice = disputed.contains(&term);
    let class = match (twice, term % 2) {
        (true, _) => "leads twice",
        (false, 0) => "leads even",
        (false, _) => "leads odd",
    };
    let note = if twice {
        "\nANOTHER NODE LED THIS TERM, TOO"
    } else {
        ""
    };
    let title = format!("n{node} leads term {term}\n{when}{note}");
    plot.svg.rect(class, area, &title);
    let words = format!("term {term}");
    if area.width > words.len() as f64 * 6.5 + 8.0 {
        plot.svg.text("on-bar", (x + 6.0, y + 14.0), &words);
    }
}

/// What the observer saw, joined.
fn stretches(history: &History) -> BTreeMap<u64, Vec<Stretch>> {
    let mut nodes: BTreeMap<u64, Vec<Stretch>> = BTreeMap::new();
    // What each node was seen to be last, and when.
    let mut last: BTreeMap<u64, (u64, Option<Option<u64>>)> = BTreeMap::new();
    for event in history.events.iter().filter(|event| is_poll(event)) {
        let Some(node) = event.value.get("node").and_then(Value::as_u64) else {
            continue;
        };
        let state = seen(event);
        let before = last.insert(node, (event.time, state));
        let all = nodes.entry(node).or_default();
        let went_on = before.filter(|(at, _)| event.time.saturating_sub(*at) <= POLL_GAP_NS);
        if let (Some((_, Some(_))), Some(open)) = (went_on, all.last_mut()) {
            // It was so until now, as far as anyone saw.
            open.to = event.time;
        }
        match (went_on.map(|(_, state)| state), state) {
            (_, None) => {}
            (Some(before), now) if before == now => {}
            (_, Some(term)) => all.push(Stretch {
                from: event.time,
                to: event.time,
                term,
            }),
        }
    }
    nodes
}

fn is_poll(event: &Event) -> bool {
    let observer = matches!(&event.process, Process::Named(name) if name == "observer");
    observer && event.f == "leader" && event.outcome != Outcome::Invoke
}

/// `Some(Some(term))`: it leads; `Some(None)`: it did not answer; `None`: it follows.
fn seen(event: &Event) -> Option<Option<u64>> {
    if event.outcome != Outcome::Ok {
        return Some(None);
    }
    let leads = event.value.get("state").and_then(Value::as_str) == Some("leader");
    let term = event.value.get("term").and_then(Value::as_u64);
    leads.then_some(term).filter(Option::is_some)
}

/// Terms in which more than one node led.
fn disputed(nodes: &BTreeMap<u64, Vec<Stretch>>) -> BTreeSet<u64> {
    let mut leader: BTreeMap<u64, u64> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (node, stretches) in nodes {
        for term in stretches.iter().filter_map(|stretch| stretch.term) {
            if *leader.entry(term).or_insert(*node) != *node {
                twice.insert(term);
            }
        }
    }
    twice
}
