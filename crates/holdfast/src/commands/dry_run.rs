//! What `--dry-run` prints: whom and what a command would touch.

use holdfast_client::http_types::headers::{parse_fence_tag, parse_version_tag};
use holdfast_client::http_types::v1::dry_run::{AffectedClaim, DryRun, Effects, Listed, OnlyIf};
use serde::Serialize;

use super::App;
use super::locks::owner_or;
use crate::exit::{Exit, Failure};
use crate::output::{Shown, ago, quote};

const COLUMNS: [&str; 5] = ["WHAT", "WOULD", "CLAIM", "FENCE", "OWNER"];

/// One thing that would change.
#[derive(Clone, Debug, Serialize)]
struct Row {
    what: String,
    would: String,
    claim: Option<AffectedClaim>,
}

/// Prints it; `said` is what the command itself would have printed.
pub(super) fn show<T: Serialize>(
    app: &App,
    run: &DryRun<T>,
    said: impl Into<String>,
) -> Result<(), Failure> {
    let mut shown = Shown::list(&rows(&run.effects), &COLUMNS, cells)?
        .foot(said)
        .foot(format!(
            "dry run at {}: nothing was changed, and others may change it before you do",
            run.index
        ));
    for line in only_if(&run.only_if)? {
        shown = shown.foot(line);
    }
    app.out.show(&shown.json(run)?)
}

fn cells(row: &Row) -> Vec<String> {
    let claim = row.claim.as_ref();
    let of_claim = |cell: fn(&AffectedClaim) -> String| claim.map_or_else(|| "-".to_owned(), cell);
    vec![
        row.what.clone(),
        row.would.clone(),
        of_claim(|claim| claim.claim.clone()),
        of_claim(|claim| claim.fence.to_string()),
        of_claim(|claim| owner_or(claim.owner.as_ref(), &claim.session)),
    ]
}

/// People first, then their znodes.
fn rows(effects: &Effects) -> Vec<Row> {
    let mut rows = Vec::new();
    let claims = [
        ("lose the lock", &effects.holds_ended),
        ("lose its place", &effects.waiters_removed),
        ("be granted", &effects.granted),
        ("queue", &effects.queued),
    ];
    for (would, list) in claims {
        add(&mut rows, list, |claim| Row {
            what: claim.lock.clone(),
            would: would.to_owned(),
            claim: Some(claim.clone()),
        });
    }
    add(&mut rows, &effects.delayed, |lock| Row {
        what: lock.lock.clone(),
        would: format!("stay closed for {}", ago(lock.delayed_ms)),
        claim: None,
    });
    for lock in &effects.delayed.shown {
        rows.extend(lock.next.as_ref().map(|next| Row {
            what: lock.lock.clone(),
            would: "be next".to_owned(),
            claim: Some(next.clone()),
        }));
    }
    let candidates = [
        ("lead no more", &effects.leaderships_ended),
        ("stand no more", &effects.candidates_removed),
        ("lead", &effects.elected),
    ];
    for (would, list) in candidates {
        add(&mut rows, list, |candidate| Row {
            what: format!("{} in {}", candidate.candidate, candidate.election),
            would: would.to_owned(),
            claim: None,
        });
    }
    let plain = [
        ("end", &effects.sessions_ended),
        ("be created", &effects.znodes.created),
        ("be changed", &effects.znodes.changed),
        ("be removed", &effects.znodes.deleted),
    ];
    for (would, list) in plain {
        add(&mut rows, list, |what| Row {
            what: what.clone(),
            would: would.to_owned(),
            claim: None,
        });
    }
    rows
}

/// The rows of a list, and one for those that are not shown.
fn add<T>(rows: &mut Vec<Row>, list: &Listed<T>, row: impl Fn(&T) -> Row) {
    rows.extend(list.shown.iter().map(&row));
    let left = usize::try_from(list.count)
        .unwrap_or(usize::MAX)
        .saturating_sub(list.shown.len());
    if let Some(last) = list.shown.last().filter(|_| left > 0) {
        rows.push(Row {
            what: format!("and {left} more"),
            claim: None,
            ..row(last)
        });
    }
}

/// What to add to the command, as its flags.
fn only_if(only_if: &OnlyIf) -> Result<Vec<String>, Failure> {
    let mut flags = Vec::new();
    if let Some(tag) = &only_if.if_match {
        let fence = parse_fence_tag(tag).map(|fence| format!("--fence {fence}"));
        let version = parse_version_tag(tag).map(|version| format!("--if-version {version}"));
        flags.extend(fence.or(version));
    }
    flags.extend(only_if.max.map(|max| format!("--max {max}")));
    let mut lines = Vec::new();
    if let Some(guards) = &only_if.guards {
        for guard in &guards.shown {
            let json = serde_json::to_string(guard)
                .map_err(|error| Failure::new(Exit::Internal, "print the answer", error))?;
            flags.push(format!("--if {}", quote(&json)));
        }
        if guards.more {
            lines.push("more than a transaction can be guarded against".to_owned());
        }
    }
    if !flags.is_empty() {
        lines.insert(0, format!("to do just this: {}", flags.join(" ")));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use holdfast_client::http_types::v1::dry_run::DelayedLock;
    use holdfast_client::http_types::v1::txn::Guard;

    use super::*;

    fn listed<T>(count: u32, shown: Vec<T>) -> Listed<T> {
        Listed {
            more: usize::try_from(count).unwrap() > shown.len(),
            count,
            shown,
        }
    }

    fn claim(id: &str, fence: u64) -> AffectedClaim {
        AffectedClaim {
            lock: "a".into(),
            claim: id.into(),
            fence,
            session: "s".into(),
            ..AffectedClaim::default()
        }
    }

    #[test]
    fn people_come_before_znodes_and_what_is_not_shown_is_counted() {
        let mut effects = Effects {
            holds_ended: listed(1, vec![claim("c1", 7)]),
            delayed: listed(
                1,
                vec![DelayedLock {
                    lock: "a".into(),
                    delayed_ms: 1_500,
                    next: Some(claim("c2", 8)),
                }],
            ),
            ..Effects::default()
        };
        effects.znodes.deleted = listed(12, vec!["/t".into(), "/t/a".into()]);
        let cells: Vec<String> = rows(&effects)
            .iter()
            .map(|row| cells(row).join(" "))
            .collect();
        assert_eq!(
            cells,
            [
                "a lose the lock c1 7 s",
                "a stay closed for 1.5 s - - -",
                "a be next c2 8 s",
                "/t be removed - - -",
                "/t/a be removed - - -",
                "and 10 more be removed - - -",
            ]
        );
    }

    #[test]
    fn conditions_are_told_as_flags_of_the_command() {
        let of = |told: OnlyIf| only_if(&told).unwrap().join("\n");
        let if_match = |tag: &str| OnlyIf {
            if_match: Some(tag.to_owned()),
            ..OnlyIf::default()
        };
        assert_eq!(of(if_match("\"f7\"")), "to do just this: --fence 7");
        assert_eq!(of(if_match("\"v0\"")), "to do just this: --if-version 0");
        assert_eq!(of(OnlyIf::default()), "");
        let guard = Guard::Version {
            node: "/it's".into(),
            version: 0,
        };
        let guards = OnlyIf {
            guards: Some(listed(65, vec![guard])),
            ..OnlyIf::default()
        };
        assert_eq!(
            of(guards),
            "to do just this: --if '{\"node\":\"/it'\\''s\",\"version\":0}'\n\
             more than a transaction can be guarded against"
        );
    }
}
