//! Circles by their name, told as a chain of sentences.

use super::Findings;
use super::graph::{Edge, Graph, Kind, PROCESS, REALTIME, RW, WR, WW};
use super::lists::show;
use super::txn::Txns;

/// Edges of one component from which a circle of one name is looked for.
const TRIES_MAX: usize = 2000;

/// A name: at least one edge of `needs`, the way back over `allows`.
struct Name {
    name: &'static str,
    needs: u8,
    allows: u8,
}

const NAMES: [Name; 4] = [
    Name {
        name: "G0",
        needs: WW,
        allows: WW,
    },
    Name {
        name: "G1c",
        needs: WR,
        allows: WW | WR,
    },
    Name {
        name: "G-single",
        needs: RW,
        allows: WW | WR,
    },
    Name {
        name: "G2",
        needs: RW,
        allows: WW | WR | RW,
    },
];

const SUFFIXES: [(&str, u8); 3] = [
    ("", 0),
    ("-process", PROCESS),
    ("-realtime", PROCESS | REALTIME),
];

/// For each component, a circle of each name that it has, with as few kinds of edges as it takes.
pub(super) fn cycles(txns: &Txns<'_>, graph: &Graph) -> Findings {
    let mut findings = Vec::new();
    for component in graph.components() {
        for (suffix, extra) in SUFFIXES {
            let before = findings.len();
            for name in &NAMES {
                // G2 says no more than G-single where there is one.
                if name.name == "G2" && findings.len() > before {
                    continue;
                }
                if let Some(circle) = find(graph, &component, name, extra) {
                    findings.push(tell(txns, &format!("{}{suffix}", name.name), &circle));
                }
            }
            if findings.len() > before {
                break;
            }
        }
    }
    findings
}

fn find(graph: &Graph, component: &[usize], name: &Name, extra: u8) -> Option<Vec<Edge>> {
    let edges = component.iter().flat_map(|node| graph.out(*node));
    let inside = edges.filter(|edge| {
        edge.kind.bit() & name.needs != 0 && component.binary_search(&edge.to).is_ok()
    });
    for edge in inside.take(TRIES_MAX) {
        if let Some(mut circle) = graph.way(edge.to, edge.from, name.allows | extra, component) {
            circle.insert(0, *edge);
            return Some(circle);
        }
    }
    None
}

fn tell(txns: &Txns<'_>, name: &str, circle: &[Edge]) -> (String, Vec<u64>) {
    let mut events: Vec<u64> = Vec::new();
    for edge in circle {
        if let Some(txn) = txns.all.get(edge.from) {
            events.push(txn.event());
            events.push(txn.call.invoke.index);
        }
    }
    events.dedup();
    let sentences: Vec<String> = circle.iter().map(|edge| sentence(txns, edge)).collect();
    let what = format!(
        "{name}: {}; so each comes before itself",
        sentences.join("; ")
    );
    (what, events)
}

fn sentence(txns: &Txns<'_>, edge: &Edge) -> String {
    let label = |at: usize| {
        let event = txns.all.get(at).map_or(0, |txn| txn.call.invoke.index);
        format!("T{event}")
    };
    let (from, to) = (label(edge.from), label(edge.to));
    match edge.kind {
        Kind::Ww(key, before, after) => {
            format!(
                "{from} appended {before} to {} before {to} appended {after}",
                txns.key(key)
            )
        }
        Kind::Wr(key, element) => {
            format!(
                "{to} read {} up to {element}, which {from} appended",
                txns.key(key)
            )
        }
        Kind::Rw(key, element) => {
            let saw = txns
                .all
                .get(edge.from)
                .and_then(|txn| txn.saw().get(&key).copied());
            let saw = saw.unwrap_or(&[]);
            format!(
                "{from} read {} as {}, before {to} appended {element}",
                txns.key(key),
                show(saw)
            )
        }
        Kind::Process => format!("the client of {from} ran {to} after it"),
        Kind::Realtime => {
            let end = txns.all.get(edge.from).and_then(|txn| txn.call.complete);
            let (at, time) = end.map_or((0, 0), |end| (end.index, end.time));
            let start = txns.all.get(edge.to).map_or(0, |txn| txn.call.invoke.time);
            format!("{from} had ended (event {at}, {time} ns) before {to} began ({start} ns)")
        }
    }
}
