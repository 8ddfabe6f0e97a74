//! `history.edn`: histories in Jepsen's own form, so that Knossos, Elle and porcupine can judge them too.
//!
//! What was learned from running the originals: one map a line; `:f`, `:type` and the names of who
//! speaks are keywords; Knossos takes a read of `nil` for "any value", so absence is `:absent`; the
//! command lines know no independent keys, so each key has a file of its own; its registers begin as
//! `nil`, so a register of which somebody saw that it is absent begins with a write of `:absent`.

mod parse;
mod read;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Event, History, Outcome, Process};

pub use parse::parse;
pub use read::read_history;
pub use value::Edn;

/// The process that makes a register absent at the beginning of its file.
const FIRST_PROCESS: u64 = 999_999_999;

/// Who speaks for the event streams of clients.
const STREAM: &str = "stream";

/// The whole history, all facts of all events.
///
/// Jepsen knows completions only of what was invoked. What is told without being asked for (by the
/// observer, or to a client by an event stream) is an `:info` of somebody with a name there, and
/// `:told` says which outcome it is here; an event of the stream of client 7 is spoken by `:stream`
/// and has `:client 7`.
#[must_use]
pub fn write(history: &History) -> String {
    let registers = is_registers(history);
    let mut open: BTreeSet<&Process> = BTreeSet::new();
    let mut text = String::new();
    for event in &history.events {
        let was_asked = match event.outcome {
            Outcome::Invoke => {
                open.insert(&event.process);
                true
            }
            Outcome::Ok | Outcome::Fail | Outcome::Info => open.remove(&event.process),
        };
        let form = if was_asked { Form::Whole } else { Form::Told };
        text += &line(event, event.index, registers, form);
    }
    text
}

/// How much of an event is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The operation alone.
    Bare,
    /// With its facts.
    Whole,
    /// With its facts, and as nobody's completion.
    Told,
}

/// The history of each key for itself, as Knossos' `cas-register` or Elle's `set-full` take it: events of clients
/// only, no facts beside the operation; reads of a weaker consistency are left out. Histories of transactions have one file, under an empty name.
#[must_use]
pub fn write_by_key(history: &History) -> BTreeMap<String, String> {
    let registers = is_registers(history);
    let mut keys: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    let mut weak: BTreeMap<&Process, bool> = BTreeMap::new();
    for event in &history.events {
        if !matches!(event.process, Process::Client(_)) {
            continue;
        }
        if event.outcome == Outcome::Invoke {
            let consistency = event.text("consistency").unwrap_or("linearizable");
            weak.insert(&event.process, consistency != "linearizable");
        }
        if weak.get(&event.process) != Some(&true) {
            keys.entry(event.key.as_deref().unwrap_or(""))
                .or_default()
                .push(event);
        }
    }
    keys.into_iter()
        .map(|(key, events)| (key.to_owned(), file(&events, registers)))
        .collect()
}

fn file(events: &[&Event], registers: bool) -> String {
    let absent = registers && events.iter().any(|event| names_absence(&event.value));
    let mut text = String::new();
    let mut index = 0;
    if absent {
        for kind in ["invoke", "ok"] {
            text += &format!(
                "{{:index {index}, :time 0, :type :{kind}, :process {FIRST_PROCESS}, :f :write, :value :absent}}\n"
            );
            index += 1;
        }
    }
    for (number, event) in (index..).zip(events) {
        text += &line(event, number, registers, Form::Bare);
    }
    text
}

/// Whether `read` is that of a register, not that of a set.
fn is_registers(history: &History) -> bool {
    history
        .events
        .iter()
        .any(|event| matches!(event.f.as_str(), "write" | "cas"))
}

fn names_absence(value: &Value) -> bool {
    value == "absent" || value.get("old").is_some_and(|old| old == "absent")
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Invoke => "invoke",
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Info => "info",
    }
}

fn line(event: &Event, index: u64, registers: bool, form: Form) -> String {
    let kind = outcome(event.outcome);
    let is_told = form == Form::Told && event.outcome != Outcome::Info;
    let speaker = match event.process {
        Process::Client(_) if is_told => Edn::keyword(STREAM),
        Process::Client(_) | Process::Named(_) => process(&event.process),
    };
    let mut map = vec![
        (Edn::keyword("index"), Edn::from(index)),
        (Edn::keyword("time"), Edn::from(event.time)),
        (
            Edn::keyword("type"),
            Edn::keyword(if is_told { "info" } else { kind }),
        ),
        (Edn::keyword("process"), speaker),
        (Edn::keyword("f"), Edn::keyword(&event.f)),
        (Edn::keyword("value"), value(event, registers)),
    ];
    if is_told {
        map.push((Edn::keyword("told"), Edn::keyword(kind)));
        if let Process::Client(number) = event.process {
            map.push((Edn::keyword("client"), Edn::from(number)));
        }
    }
    if form != Form::Bare {
        let key = event
            .key
            .as_ref()
            .map(|key| (Edn::keyword("key"), Edn::Text(key.clone())));
        let facts = event
            .facts
            .iter()
            .map(|(name, fact)| (Edn::keyword(name), Edn::json(fact)));
        map.extend(key.into_iter().chain(facts));
    }
    format!("{}\n", Edn::Map(map))
}

fn process(process: &Process) -> Edn {
    match process {
        Process::Client(number) => Edn::from(*number),
        Process::Named(name) => Edn::keyword(name),
    }
}

fn value(event: &Event, registers: bool) -> Edn {
    match event.f.as_str() {
        "read" | "write" if registers => register_value(&event.value),
        "cas" => {
            let part = |name| event.value.get(name).map_or(Edn::Nil, register_value);
            if event.value.is_object() {
                Edn::Vector(vec![part("old"), part("new")])
            } else {
                Edn::Nil
            }
        }
        "read" => set_value(&event.value),
        "txn" => transaction(&event.value),
        _ => Edn::json(&event.value),
    }
}

fn register_value(value: &Value) -> Edn {
    if value == "absent" {
        Edn::keyword("absent")
    } else {
        Edn::json(value)
    }
}

/// A set; with an element twice it would be none, and stays a vector.
fn set_value(value: &Value) -> Edn {
    let Some(elements) = value.as_array() else {
        return Edn::json(value);
    };
    let mut seen = BTreeSet::new();
    let twice = elements
        .iter()
        .any(|element| !seen.insert(element.to_string()));
    let elements = elements.iter().map(Edn::json).collect();
    if twice {
        Edn::Vector(elements)
    } else {
        Edn::Set(elements)
    }
}

/// `[[:append "a1" 2] [:r "a1" [1 2]]]`: what is done is a keyword.
fn transaction(value: &Value) -> Edn {
    let step = |step: &Value| match step.as_array().map(Vec::as_slice) {
        Some([Value::String(f), rest @ ..]) => Edn::Vector(
            [Edn::keyword(f)]
                .into_iter()
                .chain(rest.iter().map(Edn::json))
                .collect(),
        ),
        _ => Edn::json(step),
    };
    match value.as_array() {
        Some(steps) => Edn::Vector(steps.iter().map(step).collect()),
        None => Edn::json(value),
    }
}
