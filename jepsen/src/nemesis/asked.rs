//! A fault as people ask for it: `kill`, `kill@leader`, `pause@leader/8000`,
//! `disk-full@all/5000+2000`, `membership:change=3`.
//!
//! A name, then in this order and all of it optional: `@` whom it hits, `/` how many milliseconds
//! it lasts, `+` at which millisecond of the load it begins, and `:NAME=NUMBER` for each of its
//! amounts. What is left out is drawn from the seed. With `+` it happens once, then; without, it
//! takes turns with the others.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail, ensure};

use super::kinds::{self, KINDS, Kind, Needs};
use super::schedule::Wish;
use super::targets::TARGETS;

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// A kind, a class of kinds, `all` or `none`.
    pub(crate) name: String,
    pub(crate) target: Option<String>,
    pub(crate) lasts_ms: Option<u64>,
    pub(crate) at_ms: Option<u64>,
    pub(crate) amounts: BTreeMap<String, i64>,
}

impl FromStr for Asked {
    type Err = Error;

    fn from_str(text: &str) -> Result<Asked> {
        let mut parts = text.split(':');
        let mut rest = parts.next().unwrap_or_default();
        let mut amounts = BTreeMap::new();
        for amount in parts {
            let (name, number) = amount
                .split_once('=')
                .with_context(|| format!("{amount} of {text} is not NAME=NUMBER"))?;
            amounts.insert(name.to_owned(), parse(number, text)?);
        }
        let at_ms = cut(&mut rest, '+').map(|at| parse(at, text)).transpose()?;
        let lasts_ms = cut(&mut rest, '/').map(|ms| parse(ms, text)).transpose()?;
        let target = cut(&mut rest, '@').map(str::to_owned);
        if let Some(target) = &target {
            let there = TARGETS.join(", ");
            ensure!(
                TARGETS.contains(&target.as_str()),
                "there is no target {target}; there are: {there}"
            );
        }
        Ok(Asked {
            name: rest.to_owned(),
            target,
            lasts_ms,
            at_ms,
            amounts,
        })
    }
}

/// Names that stand for several kinds.
const CLASSES: &[(&str, &[&str])] = &[
    (
        "process",
        &["kill", "term", "pause", "restart-all", "kill-all"],
    ),
    (
        "partition",
        &[
            "partition-leader",
            "partition-halves",
            "partition-majority-ring",
            "partition-bridge",
            "partition-one-way-in",
            "partition-one-way-out",
            "partition-clients",
            "partition-peers",
            "flapping",
        ],
    ),
    ("network", &["loss", "delay", "big-packets", "reset"]),
    ("clock", &["clock-jump", "clock-drift", "monotonic-epoch"]),
    (
        "disk",
        &[
            "disk-full",
            "disk-slow",
            "lost-writes",
            "torn-tail",
            "bit-flip",
        ],
    ),
    ("admin", &["leader-transfer", "snapshot-storm"]),
    ("client", &["client-pause", "client-kill"]),
];

/// A kind that was asked for, and what was asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) kind: &'static Kind,
    pub(crate) asked: Asked,
}

/// What names stand for, in the order of the catalogue.
///
/// # Errors
/// A name that stands for nothing.
pub(crate) fn choices(wish: &Wish<'_>) -> Result<Vec<Choice>> {
    let mut choices = Vec::new();
    for text in wish.nemesis {
        let asked: Asked = text.parse()?;
        let class = CLASSES.iter().find(|(class, _)| *class == asked.name);
        let kinds: Vec<&'static Kind> = match (asked.name.as_str(), class) {
            ("none", _) => Vec::new(),
            ("all", _) => KINDS.iter().filter(|kind| can_be(kind, wish)).collect(),
            (_, Some((_, members))) => {
                let members = members.iter().filter_map(|name| kinds::find(name));
                members.filter(|kind| can_be(kind, wish)).collect()
            }
            (name, None) => match kinds::find(name) {
                // Whether it can be made here is for the world to say.
                Some(kind) => vec![kind],
                None => bail!("there is no nemesis {name}; there are: {}", all_names()),
            },
        };
        choices.extend(kinds.into_iter().map(|kind| Choice {
            kind,
            asked: asked.clone(),
        }));
    }
    choices.sort_by_key(|choice| KINDS.iter().position(|kind| kind.name == choice.kind.name));
    choices.dedup_by(|a, b| {
        a.kind.name == b.kind.name && a.asked.at_ms.is_none() && b.asked.at_ms.is_none()
    });
    Ok(choices)
}

/// Whether a kind that was not asked for by name can be made.
fn can_be(kind: &Kind, wish: &Wish<'_>) -> bool {
    let missing = wish.missing.iter().any(|missing| missing.kind == kind.name);
    // Two nodes at least must be able to see each other differently.
    !missing && (wish.nodes >= 3 || !of_network(kind))
}

fn all_names() -> String {
    let classes = CLASSES.iter().map(|(name, _)| *name);
    let names: Vec<_> = ["all", "none"].into_iter().chain(classes).collect();
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    format!("{}; {}", names.join(", "), kinds.join(", "))
}

/// Whether it happens between nodes.
pub(crate) fn of_network(kind: &Kind) -> bool {
    matches!(kind.needs, Needs::Network | Needs::Queue)
}

/// What stands behind a mark, which is cut off with it.
fn cut<'a>(text: &mut &'a str, mark: char) -> Option<&'a str> {
    let (before, behind) = text.split_once(mark)?;
    *text = before;
    Some(behind)
}

fn parse<T: FromStr>(number: &str, text: &str) -> Result<T> {
    let parsed = number.parse().ok();
    parsed.with_context(|| format!("{number} of {text} is not a number that fits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_name_can_be_left_out() {
        let plain: Asked = "kill".parse().unwrap();
        assert_eq!(plain.name, "kill");
        assert_eq!(
            plain,
            Asked {
                name: "kill".to_owned(),
                ..Asked::default()
            }
        );
        let full: Asked = "clock-jump@leader/8000+2000:seconds=-60".parse().unwrap();
        assert_eq!(full.name, "clock-jump");
        assert_eq!(full.target.as_deref(), Some("leader"));
        assert_eq!(full.lasts_ms, Some(8000));
        assert_eq!(full.at_ms, Some(2000));
        assert_eq!(full.amounts.get("seconds"), Some(&-60));
    }

    #[test]
    fn what_cannot_be_is_told() {
        for wrong in [
            "kill@boss",
            "kill/soon",
            "kill+-1",
            "delay:ms",
            "delay:ms=x",
        ] {
            let error = wrong.parse::<Asked>().unwrap_err().to_string();
            assert!(
                error.contains("there is no") || error.contains("not"),
                "{error}"
            );
        }
    }

    #[test]
    fn classes_are_made_of_kinds_that_there_are() {
        let mut members = CLASSES.iter().flat_map(|(_, kinds)| kinds.iter());
        assert!(members.all(|name| kinds::find(name).is_some()));
    }
}
