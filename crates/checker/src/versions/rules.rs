//! The rules, each for itself.

use std::collections::BTreeMap;

use super::table::Table;
use crate::register::{ABSENT, Asked, Came, RegisterCall};

type Findings = Vec<(String, Vec<u64>)>;

fn both(a: &RegisterCall<'_>, b: &RegisterCall<'_>) -> Vec<u64> {
    [a.events(), b.events()].concat()
}

pub(super) fn one_value_per_version(table: &Table<'_>, findings: &mut Findings) {
    let mut first: BTreeMap<i64, &RegisterCall<'_>> = table.writes.clone();
    for (version, call) in &table.seen {
        let known = *first.entry(*version).or_insert(call);
        if std::ptr::eq(known, *call) {
            continue;
        }
        if call.writes() && known.writes() {
            let what = format!(
                "two acknowledged writes made version {version}: {} and {}",
                shown(table, known),
                shown(table, call)
            );
            findings.push((what, both(call, known)));
        } else if Table::value(call) != Table::value(known) {
            let what = format!(
                "version {version} has two values: {} and {}",
                shown(table, known),
                shown(table, call)
            );
            findings.push((what, both(call, known)));
        }
    }
}

fn shown(table: &Table<'_>, call: &RegisterCall<'_>) -> String {
    Table::value(call).map_or_else(|| "nothing".to_owned(), |value| table.register.show(value))
}

/// A sweep over time: at the beginning of each, the latest version among those that had ended.
pub(super) fn never_back_in_time(table: &Table<'_>, findings: &mut Findings) {
    let mut ends: Vec<_> = table
        .seen
        .iter()
        .filter_map(|seen| Some((seen.1.end()?, seen)))
        .collect();
    ends.sort_by_key(|(end, _)| *end);
    let mut starts: Vec<_> = table.seen.iter().collect();
    starts.sort_by_key(|(_, call)| call.start());
    let mut ends = ends.into_iter().peekable();
    let mut latest: Option<&(i64, &RegisterCall<'_>)> = None;
    for (version, call) in starts {
        while let Some((_, seen)) = ends.next_if(|(end, _)| *end < call.start()) {
            if latest.is_none_or(|latest| seen.0 > latest.0) {
                latest = Some(seen);
            }
        }
        let Some((before, known)) = latest else {
            continue;
        };
        let did = if call.writes() {
            "a write made"
        } else {
            "a read saw"
        };
        if version < before || (call.writes() && version == before) {
            let what = format!(
                "{did} version {version} ({}) though version {before} ({}) had been {} before it began",
                shown(table, call),
                shown(table, known),
                if known.writes() {
                    "acknowledged"
                } else {
                    "read"
                }
            );
            findings.push((what, both(call, known)));
        }
    }
}

pub(super) fn values_come_from_writes(table: &Table<'_>, findings: &mut Findings) {
    let mut put: BTreeMap<_, (u64, bool, &RegisterCall<'_>)> = BTreeMap::new();
    for call in &table.register.calls {
        let Some(value) = call.puts() else { continue };
        let may = matches!(call.came, Came::Done | Came::Unknown);
        let known = put.entry(value).or_insert((call.start(), may, call));
        if may && (!known.1 || call.start() < known.0) {
            *known = (call.start(), may, call);
        }
    }
    for call in table
        .register
        .calls
        .iter()
        .filter(|call| call.came == Came::Done)
    {
        let Some(value) = call.saw.filter(|value| *value != ABSENT) else {
            continue;
        };
        let text = table.register.show(value);
        match put.get(&value) {
            None => {
                findings.push((format!("{text} was read and never written"), call.events()));
            }
            Some((_, false, write)) => {
                let what = format!("{text} was read though the only write of it failed");
                findings.push((what, both(call, write)));
            }
            Some((start, true, write)) if call.end().is_some_and(|end| *start > end) => {
                findings.push((
                    format!("{text} was read before it was written"),
                    both(call, write),
                ));
            }
            Some(_) => {}
        }
    }
}

/// Every version without an acknowledged write needs an unknown one of its own that began before
/// anybody had an answer with this version or a later one.
pub(super) fn gaps_are_explained(table: &Table<'_>, findings: &mut Findings) {
    if table.writes_without() > 0 {
        return;
    }
    let shows = first_shown(table);
    let mut gaps: Vec<(i64, u64, &RegisterCall<'_>)> = Vec::new();
    let mut first: Option<(u64, &RegisterCall<'_>)> = None;
    let mut above: Option<i64> = None;
    for (version, shown) in shows.iter().rev() {
        // Versions between this one and the one above were shown by nobody.
        extend(
            &mut gaps,
            version + 1,
            above.unwrap_or(version + 1),
            first,
            table.unknown.len(),
        );
        if first.is_none_or(|first| shown.0 < first.0) {
            first = Some(*shown);
        }
        above = Some(*version);
        let made = *version < 0 || table.writes.contains_key(version);
        if let Some((end, by)) = first.filter(|_| !made) {
            gaps.push((*version, end, by));
            explained(table, shown.1, end, *version, findings);
        }
    }
    extend(&mut gaps, 0, above.unwrap_or(0), first, table.unknown.len());
    gaps.reverse();
    let mut begun = 0;
    for (number, (version, end, by)) in gaps.iter().enumerate() {
        while table
            .unknown
            .get(begun)
            .is_some_and(|call| call.start() <= *end)
        {
            begun += 1;
        }
        if number >= begun {
            let what = format!(
                "version {version} was made by no acknowledged write, and of the {begun} writes of unknown outcome that had begun none is left for it"
            );
            findings.push((what, by.events()));
            return;
        }
    }
}

/// Adds the versions from..to as gaps; no more than matter.
fn extend<'a>(
    gaps: &mut Vec<(i64, u64, &'a RegisterCall<'a>)>,
    from: i64,
    to: i64,
    first: Option<(u64, &'a RegisterCall<'a>)>,
    enough: usize,
) {
    let Some((end, by)) = first else { return };
    gaps.extend(
        (from.max(0)..to)
            .rev()
            .take(enough + 1)
            .map(|version| (version, end, by)),
    );
}

/// A value that was read at a version nobody was acknowledged for, was put there by an unknown write.
fn explained(
    table: &Table<'_>,
    seen: &RegisterCall<'_>,
    end: u64,
    version: i64,
    findings: &mut Findings,
) {
    let Some(value) = seen.saw else { return };
    let fits = |call: &&RegisterCall<'_>| call.puts() == Some(value) && call.start() <= end;
    if !table.unknown.iter().any(fits) {
        let what = format!(
            "version {version} was read as {}, but no acknowledged write made this version and none of unknown outcome has this value",
            table.register.show(value)
        );
        findings.push((what, seen.events()));
    }
}

pub(super) fn compare_and_set(table: &Table<'_>, findings: &mut Findings) {
    let values: BTreeMap<i64, &RegisterCall<'_>> = table
        .seen
        .iter()
        .map(|(version, call)| (*version, *call))
        .collect();
    for (version, call) in &table.seen {
        let Asked::Cas { old, expect, .. } = call.asked else {
            continue;
        };
        let expected = if old == Some(ABSENT) {
            Some(-1)
        } else {
            expect.map(signed)
        };
        if expected.is_some_and(|expected| expected + 1 != *version) {
            let what = format!(
                "a compare-and-set that expected version {} was done and made version {version}",
                expected.unwrap_or(-1)
            );
            findings.push((what, call.events()));
            continue;
        }
        let before = values.get(&(version - 1)).copied().filter(|_| *version > 0);
        if let (Some(before), Some(old)) = (before, old)
            && Table::value(before) != Some(old)
        {
            let what = format!(
                "a compare-and-set from {} was done at version {}, which is {}",
                table.register.show(old),
                version - 1,
                shown(table, before)
            );
            findings.push((what, both(call, before)));
        }
    }
    refusals(table, findings);
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// A refusal is wrong if the register certainly had the expected version from the beginning to the
/// end of it: somebody had an answer with it before, and nothing that could change it had begun.
fn refusals(table: &Table<'_>, findings: &mut Findings) {
    if table.writes_without() > 0 {
        return;
    }
    // Of each version, when the first write of it or of a later one began.
    let mut change = table.unknown.first().map_or(u64::MAX, |call| call.start());
    let mut changes: BTreeMap<i64, u64> = BTreeMap::new();
    for (version, write) in table.writes.iter().rev() {
        change = change.min(write.start());
        changes.insert(*version, change);
    }
    let unknown = table.unknown.first().map_or(u64::MAX, |call| call.start());
    let shown = first_shown(table);
    for call in table
        .register
        .calls
        .iter()
        .filter(|call| call.came == Came::Refused)
    {
        let Asked::Cas {
            expect: Some(expect),
            old,
            ..
        } = call.asked
        else {
            continue;
        };
        let expect = signed(expect);
        let Some(end) = call.end().filter(|_| old != Some(ABSENT)) else {
            continue;
        };
        let later = changes.range(expect.saturating_add(1)..).next();
        if later.map_or(unknown, |(_, change)| *change) <= end {
            continue;
        }
        if let Some((_, known)) = shown.get(&expect).filter(|(end, _)| *end < call.start()) {
            let what = format!(
                "a compare-and-set that expected version {expect} was refused while the register had that version"
            );
            findings.push((what, both(call, known)));
        }
    }
}

/// Of each version, the first answer that shows it, and when that had come.
fn first_shown<'a>(table: &Table<'a>) -> BTreeMap<i64, (u64, &'a RegisterCall<'a>)> {
    let mut shows: BTreeMap<i64, (u64, &RegisterCall<'_>)> = BTreeMap::new();
    for (version, call) in &table.seen {
        let Some(end) = call.end() else { continue };
        let first = shows.entry(*version).or_insert((end, call));
        if end < first.0 {
            *first = (end, call);
        }
    }
    shows
}

pub(super) fn positions(table: &Table<'_>, findings: &mut Findings) {
    let placed: Vec<_> = table
        .writes
        .iter()
        .filter_map(|(v, call)| Some((*v, call.zxid?, *call)))
        .collect();
    for pair in placed.windows(2) {
        let [(low, before, earlier), (high, after, later)] = pair else {
            continue;
        };
        if before >= after {
            let what = format!(
                "version {low} is at position {before}, the later version {high} at position {after}"
            );
            findings.push((what, both(later, earlier)));
        }
    }
    for call in table
        .register
        .calls
        .iter()
        .filter(|call| call.saw.is_some())
    {
        let (Some(zxid), Some(version)) = (call.zxid, super::version_of(call)) else {
            continue;
        };
        let next = placed.partition_point(|(known, ..)| *known <= version);
        if let Some((later, at, write)) = placed.get(next).filter(|(_, at, _)| *at <= zxid) {
            let what = format!(
                "a read at position {zxid} saw version {version}, though version {later} was made at position {at}"
            );
            findings.push((what, both(call, write)));
        }
        let own = next.checked_sub(1).and_then(|own| placed.get(own));
        if let Some((_, at, write)) = own.filter(|(own, at, _)| *own == version && *at > zxid) {
            let what = format!(
                "a read at position {zxid} saw version {version}, which was made later, at position {at}"
            );
            findings.push((what, both(call, write)));
        }
    }
}
