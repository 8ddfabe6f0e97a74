//! What is shown around a finding: the operations its events belong to, and what went on beside
//! them on the same objects.

use std::collections::{BTreeMap, BTreeSet};

use checker::{Call, Event, Finding, History, Outcome, Process};

/// Most events of one finding that are looked at.
const NAMED_MAX: usize = 64;
/// Most operations drawn, and most processes that have a row.
const CALLS_MAX: usize = 120;
const ROWS_MAX: usize = 24;
/// Least time shown on each side.
const MARGIN_NS_MIN: u64 = 1_000_000;

/// The part of a history around a finding.
pub(crate) struct Window<'a> {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Processes that have a row, in order.
    pub(crate) rows: Vec<&'a Process>,
    /// Operations of these, in order of invocation.
    pub(crate) calls: Vec<Call<'a>>,
    /// What was told without an invocation, by these.
    pub(crate) told: Vec<&'a Event>,
    /// Indices of the events that the finding names.
    pub(crate) named: BTreeSet<u64>,
    /// Operations in the window that were left out.
    pub(crate) left_out: usize,
}

/// Where every event belongs to, made once for all findings.
pub(crate) struct Places<'a> {
    history: &'a History,
    calls: &'a [Call<'a>],
    call_of: BTreeMap<u64, usize>,
}

impl<'a> Places<'a> {
    /// Finds the operations of the events that the findings name.
    pub(crate) fn new<'f>(
        history: &'a History,
        calls: &'a [Call<'a>],
        findings: impl IntoIterator<Item = &'f Finding>,
    ) -> Places<'a> {
        let named = findings
            .into_iter()
            .flat_map(|finding| finding.events.iter().take(NAMED_MAX));
        let named: BTreeSet<u64> = named.copied().collect();
        let mut call_of = BTreeMap::new();
        for (place, call) in calls.iter().enumerate() {
            for event in [Some(call.invoke), call.complete].into_iter().flatten() {
                if named.contains(&event.index) {
                    call_of.insert(event.index, place);
                }
            }
        }
        Places {
            history,
            calls,
            call_of,
        }
    }

    fn event(&self, index: u64) -> Option<&'a Event> {
        self.history.events.get(usize::try_from(index).ok()?)
    }

    /// What is around a finding; `None`: it names no event of this history.
    pub(crate) fn window(&self, finding: &Finding) -> Option<Window<'a>> {
        let named: BTreeSet<u64> = finding.events.iter().copied().take(NAMED_MAX).collect();
        let events: Vec<&Event> = named.iter().filter_map(|at| self.event(*at)).collect();
        let own: BTreeSet<usize> = named
            .iter()
            .filter_map(|at| self.call_of.get(at))
            .copied()
            .collect();
        let own_calls = own.iter().filter_map(|place| self.calls.get(*place));
        let times = own_calls
            .flat_map(|call| [Some(call.invoke), call.complete])
            .flatten()
            .chain(events.iter().copied())
            .map(|event| event.time);
        let (first, last) = (times.clone().min()?, times.max()?);
        let margin = ((last - first) / 3).max(MARGIN_NS_MIN);
        let end = self.history.events.last().map_or(last, |event| event.time);
        let (from, to) = (
            first.saturating_sub(margin),
            (last + margin).min(end.max(last + 1)),
        );
        let focus = finding
            .events
            .first()
            .and_then(|at| self.event(*at))
            .map_or(first, |e| e.time);
        let mut window = Window {
            from,
            to,
            rows: Vec::new(),
            calls: Vec::new(),
            told: Vec::new(),
            named,
            left_out: 0,
        };
        self.fill(&mut window, &events, (&own, focus));
        Some(window)
    }

    /// Chooses the operations: those that are named, then of the same objects the nearest.
    fn fill(
        &self,
        window: &mut Window<'a>,
        events: &[&Event],
        (own, focus): (&BTreeSet<usize>, u64),
    ) {
        let keys: BTreeSet<&str> = events
            .iter()
            .filter_map(|event| event.key.as_deref())
            .collect();
        let related = |(place, call): &(usize, &Call<'a>)| {
            let key = call.invoke.key.as_deref();
            let same = keys.is_empty() || key.is_none_or(|key| keys.contains(key));
            let ends = call.complete.map_or(u64::MAX, |event| event.time);
            own.contains(place) || same && call.invoke.time <= window.to && ends >= window.from
        };
        let mut near: Vec<(usize, &Call<'a>)> =
            self.calls.iter().enumerate().filter(related).collect();
        near.sort_by_key(|(place, call)| (!own.contains(place), call.invoke.time.abs_diff(focus)));
        let mut rows: BTreeSet<&'a Process> = events
            .iter()
            .filter_map(|event| self.event(event.index))
            .map(|event| &event.process)
            .filter(|process| matches!(process, Process::Client(_)))
            .take(ROWS_MAX)
            .collect();
        for (_, call) in near {
            let process = &call.invoke.process;
            let fits = rows.contains(process) || rows.len() < ROWS_MAX;
            if fits && window.calls.len() < CALLS_MAX {
                rows.insert(process);
                window.calls.push(*call);
            } else {
                window.left_out += 1;
            }
        }
        window.calls.sort_by_key(|call| call.invoke.index);
        window.told = self.told(window, &rows);
        window.rows = rows.into_iter().collect();
    }

    /// Events without an invocation; those that the finding names before all others.
    fn told(&self, window: &Window<'a>, rows: &BTreeSet<&'a Process>) -> Vec<&'a Event> {
        let events = &self.history.events;
        let begin = events.partition_point(|event| event.time < window.from);
        let inside = events
            .iter()
            .skip(begin)
            .take_while(|event| event.time <= window.to);
        let completes: BTreeSet<u64> = window
            .calls
            .iter()
            .filter_map(|call| call.complete)
            .map(|event| event.index)
            .collect();
        const TOLD: &[&str] = &["event", "gap", "fired", "gone"];
        let told = |event: &&'a Event| {
            rows.contains(&event.process)
                && event.outcome == Outcome::Ok
                && TOLD.contains(&event.f.as_str())
                && !completes.contains(&event.index)
        };
        let mut told: Vec<&Event> = inside.filter(told).collect();
        told.sort_by_key(|event| !window.named.contains(&event.index));
        told.truncate(CALLS_MAX);
        told.sort_by_key(|event| event.index);
        told
    }
}
