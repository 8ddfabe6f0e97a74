//! `bounded-staleness`: reads that asked for less than linearizability got what they asked for.
//!
//! What a client can prove: a version had been passed by a certain moment if an answer of somebody
//! showed a later version before that moment. So a `stale` read with `max_age_ms` is too old if such an
//! answer had ended before the read began minus that age. One with `at_least` must show every
//! acknowledged write up to its `min_zxid`, and name a position not below it. A `session` read (the
//! ZooKeeper door without sync) shows nothing older than what the same client saw or wrote before.
//! A `stale` read without an age may be as old as it likes; that its value was written at all, and
//! that its version fits its position, is judged by `versions`.

use std::collections::BTreeMap;

use crate::history::{History, Process};
use crate::register::{RegisterCall, registers};
use crate::verdict::{Checker, Limits, Report};
use crate::versions::{Table, version_of};

const NANOS_PER_MS: u64 = 1_000_000;

/// See the module.
#[derive(Debug, Default)]
pub struct BoundedStaleness;

impl Checker for BoundedStaleness {
    fn name(&self) -> &'static str {
        "bounded-staleness"
    }

    fn check(&self, history: &History, limits: &Limits) -> Report {
        let mut report = Report::new(self.name());
        let mut judged = 0;
        for (key, register) in &registers(history) {
            let known = Known::of(&Table::of(register));
            let mut sessions: BTreeMap<&Process, (i64, &RegisterCall<'_>)> = BTreeMap::new();
            for call in &register.calls {
                let Some(version) = version_of(call) else {
                    continue;
                };
                let process = &call.call.invoke.process;
                let before = sessions.get(process).copied();
                if before.is_none_or(|(before, _)| before <= version) {
                    sessions.insert(process, (version, call));
                }
                if call.is_linearizable() {
                    continue;
                }
                judged += 1;
                report.count(call.consistency(), 1);
                for (what, events) in known.judge(call, version, before) {
                    report.broken(limits, format!("register {key}: {what}"), events);
                }
            }
        }
        if judged == 0 {
            let what = "no read of a weaker consistency was answered with a version".to_owned();
            report.unknown(limits, what, vec![]);
        }
        report
    }
}

/// What is known of one register.
struct Known<'a> {
    /// By the end of the answer: the latest version shown by then.
    by_time: Vec<(u64, i64, &'a RegisterCall<'a>)>,
    /// By position: the latest version made up to there.
    by_zxid: Vec<(u64, i64, &'a RegisterCall<'a>)>,
}

impl<'a> Known<'a> {
    fn of(table: &Table<'a>) -> Known<'a> {
        let time = table
            .seen
            .iter()
            .filter_map(|(v, call)| Some((call.end()?, *v, *call)));
        let zxid = table
            .writes
            .iter()
            .filter_map(|(v, call)| Some((call.zxid?, *v, *call)));
        Known {
            by_time: latest(time.collect()),
            by_zxid: latest(zxid.collect()),
        }
    }

    fn judge(
        &self,
        call: &RegisterCall<'_>,
        version: i64,
        before: Option<(i64, &RegisterCall<'_>)>,
    ) -> Vec<(String, Vec<u64>)> {
        let mut findings = Vec::new();
        let asked = call.call.invoke;
        let mut find = |what: String, other: Option<&RegisterCall<'_>>| {
            let other = other.map(RegisterCall::events).unwrap_or_default();
            findings.push((what, [call.events(), other].concat()));
        };
        match call.consistency() {
            "stale" => {
                let Some(age) = asked.number("max_age_ms") else {
                    return findings;
                };
                let since = call
                    .start()
                    .saturating_sub(age.saturating_mul(NANOS_PER_MS));
                if let Some((end, later, other)) =
                    at(&self.by_time, since).filter(|k| k.1 > version)
                {
                    let old = (call.start() - end) / NANOS_PER_MS;
                    find(
                        format!(
                            "a read that allowed {age} ms saw version {version}; version {later} had been answered {old} ms before it began"
                        ),
                        Some(other),
                    );
                }
            }
            "at_least" => {
                let Some(least) = asked.number("min_zxid") else {
                    return findings;
                };
                if let Some(zxid) = call.zxid.filter(|zxid| *zxid < least) {
                    find(
                        format!(
                            "a read of position {least} or later was answered at position {zxid}"
                        ),
                        None,
                    );
                }
                let known = at(&self.by_zxid, least.saturating_add(1)).filter(|k| k.1 > version);
                if let Some((zxid, later, other)) = known {
                    find(
                        format!(
                            "a read of position {least} or later saw version {version}; version {later} is at position {zxid}"
                        ),
                        Some(other),
                    );
                }
            }
            "session" => {
                if let Some((seen, other)) = before.filter(|(seen, _)| *seen > version) {
                    find(
                        format!("a client saw version {version} after it had seen version {seen}"),
                        Some(other),
                    );
                }
            }
            _ => {}
        }
        findings
    }
}

type Sighting<'a> = (u64, i64, &'a RegisterCall<'a>);

/// In order of the first number, each with the latest version up to it.
fn latest(mut sightings: Vec<Sighting<'_>>) -> Vec<Sighting<'_>> {
    sightings.sort_by_key(|(at, ..)| *at);
    let mut best: Option<Sighting<'_>> = None;
    for sighting in &mut sightings {
        match best {
            Some(best) if best.1 > sighting.1 => *sighting = (best.0, best.1, best.2),
            _ => best = Some(*sighting),
        }
    }
    sightings
}

/// The last sighting before a number.
///
/// `latest` keeps the numbers of the answers it carries on, so the order is that of the slice.
fn at<'a>(sightings: &[Sighting<'a>], before: u64) -> Option<Sighting<'a>> {
    let mut best = None;
    let (mut low, mut high) = (0, sightings.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match sightings.get(middle).filter(|(at, ..)| *at < before) {
            Some(sighting) => {
                best = Some(*sighting);
                low = middle + 1;
            }
            None => high = middle,
        }
    }
    best
}
