//! Transactions as they are in a history.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Findings;
use crate::history::{Call, History, Outcome};

/// Number of a list.
pub(super) type Key = usize;
/// Something that was appended.
pub(super) type Element = i64;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Append(Key, Element),
    /// What was read, if the answer is known.
    Read(Key, Option<Vec<Element>>),
}

pub(super) struct Txn<'a> {
    pub(super) call: Call<'a>,
    pub(super) outcome: Outcome,
    pub(super) steps: Vec<Step>,
}

impl Txn<'_> {
    pub(super) fn appends(&self) -> impl Iterator<Item = (Key, Element)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Append(key, element) => Some((*key, *element)),
            Step::Read(..) => None,
        })
    }

    /// Lists that were read, as they were answered.
    pub(super) fn reads(&self) -> impl Iterator<Item = (Key, &[Element])> {
        let ok = self.outcome == Outcome::Ok;
        self.steps.iter().filter_map(move |step| match step {
            Step::Read(key, Some(list)) if ok => Some((*key, list.as_slice())),
            Step::Read(..) | Step::Append(..) => None,
        })
    }

    /// What it saw of each list that is not its own doing.
    pub(super) fn saw(&self) -> BTreeMap<Key, &[Element]> {
        let mut own: BTreeMap<Key, usize> = BTreeMap::new();
        let mut saw = BTreeMap::new();
        for step in &self.steps {
            match step {
                Step::Append(key, _) => *own.entry(*key).or_default() += 1,
                Step::Read(key, Some(list)) if self.outcome == Outcome::Ok => {
                    let others = list
                        .len()
                        .saturating_sub(own.get(key).copied().unwrap_or(0));
                    saw.entry(*key)
                        .or_insert_with(|| list.get(..others).unwrap_or(&[]));
                }
                Step::Read(..) => {}
            }
        }
        saw
    }

    /// The event that tells most of it.
    pub(super) fn event(&self) -> u64 {
        self.call.complete.unwrap_or(self.call.invoke).index
    }
}

#[derive(Default)]
pub(super) struct Txns<'a> {
    pub(super) all: Vec<Txn<'a>>,
    pub(super) keys: Vec<String>,
    /// Who appended it.
    pub(super) writers: BTreeMap<(Key, Element), usize>,
    pub(super) unreadable: Vec<u64>,
    /// Elements that were appended more than once: nobody can say whose is read.
    pub(super) ambiguous: Findings,
    key_ids: BTreeMap<String, Key>,
}

impl<'a> Txns<'a> {
    pub(super) fn of(history: &'a History) -> Txns<'a> {
        let mut txns = Txns::default();
        for call in history
            .calls()
            .into_iter()
            .filter(|call| call.invoke.f == "txn")
        {
            let outcome = call.outcome();
            let done = call.complete.filter(|_| outcome == Outcome::Ok);
            let value = &done.unwrap_or(call.invoke).value;
            match txns.steps(value) {
                Some(steps) => txns.add(Txn {
                    call,
                    outcome,
                    steps,
                }),
                None => txns.unreadable.push(call.invoke.index),
            }
        }
        txns
    }

    pub(super) fn ok(&self) -> usize {
        self.all
            .iter()
            .filter(|txn| txn.outcome == Outcome::Ok)
            .count()
    }

    pub(super) fn unknown(&self) -> usize {
        self.all
            .iter()
            .filter(|txn| txn.outcome == Outcome::Info)
            .count()
    }

    pub(super) fn reads(&self) -> usize {
        self.all.iter().flat_map(Txn::reads).count()
    }

    /// Name of a list.
    pub(super) fn key(&self, key: Key) -> &str {
        self.keys.get(key).map_or("", String::as_str)
    }

    /// The transaction that appended it, unless it certainly failed.
    pub(super) fn writer(&self, key: Key, element: Element) -> Option<usize> {
        let at = *self.writers.get(&(key, element))?;
        let failed = self
            .all
            .get(at)
            .is_none_or(|txn| txn.outcome == Outcome::Fail);
        (!failed).then_some(at)
    }

    fn add(&mut self, txn: Txn<'a>) {
        let at = self.all.len();
        for (key, element) in txn.appends() {
            let before = self.writers.insert((key, element), at);
            let before = before.and_then(|before| self.all.get(before));
            if let Some(before) = before.filter(|before| before.outcome != Outcome::Fail) {
                let what = format!(
                    "{element} was appended twice to {}: the test is at fault",
                    self.keys.get(key).map_or("", String::as_str)
                );
                self.ambiguous
                    .push((what, vec![before.event(), txn.event()]));
            }
        }
        self.all.push(txn);
    }

    fn steps(&mut self, value: &Value) -> Option<Vec<Step>> {
        value
            .as_array()?
            .iter()
            .map(|step| self.step(step))
            .collect()
    }

    fn step(&mut self, step: &Value) -> Option<Step> {
        let [f, key, value] = step.as_array()?.as_slice() else {
            return None;
        };
        let key = self.key_id(key.as_str()?);
        match f.as_str()? {
            "append" => Some(Step::Append(key, value.as_i64()?)),
            "r" if value.is_null() => Some(Step::Read(key, None)),
            "r" => {
                let list: Option<Vec<_>> = value.as_array()?.iter().map(Value::as_i64).collect();
                Some(Step::Read(key, Some(list?)))
            }
            _ => None,
        }
    }

    fn key_id(&mut self, name: &str) -> Key {
        if let Some(id) = self.key_ids.get(name) {
            return *id;
        }
        self.key_ids.insert(name.to_owned(), self.keys.len());
        self.keys.push(name.to_owned());
        self.keys.len() - 1
    }
}

/// Transactions that do not see their own doing.
pub(super) fn internal(txns: &Txns<'_>) -> Findings {
    let wrong = |txn: &Txn<'_>| {
        let key = contradiction(txn)?;
        let what = format!(
            "internal: a transaction does not see its own steps on {}: {}",
            txns.key(key),
            told(txn)
        );
        Some((what, vec![txn.event()]))
    };
    txns.all
        .iter()
        .filter(|txn| txn.outcome == Outcome::Ok)
        .filter_map(wrong)
        .collect()
}

fn told(txn: &Txn<'_>) -> String {
    txn.call
        .complete
        .unwrap_or(txn.call.invoke)
        .value
        .to_string()
}

fn contradiction(txn: &Txn<'_>) -> Option<Key> {
    let mut known: BTreeMap<Key, Vec<Element>> = BTreeMap::new();
    let mut own: BTreeMap<Key, Vec<Element>> = BTreeMap::new();
    for step in &txn.steps {
        match step {
            Step::Append(key, element) => {
                let list = known
                    .get_mut(key)
                    .unwrap_or_else(|| own.entry(*key).or_default());
                list.push(*element);
            }
            Step::Read(key, Some(list)) => {
                let mine = own.remove(key).unwrap_or_default();
                if known.get(key).is_some_and(|known| known != list) || !list.ends_with(&mine) {
                    return Some(*key);
                }
                known.insert(*key, list.clone());
            }
            Step::Read(_, None) => {}
        }
    }
    None
}
