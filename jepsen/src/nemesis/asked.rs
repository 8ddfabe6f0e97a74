//! A fault as people ask for it: `kill`, `kill@leader`, `pause@leader/8000`,
//! `disk-full@all/5000+2000`, `membership:change=3`.
//!
//! A name, then in this order and all of it optional: `@` whom it hits, `/` how many milliseconds
//! it lasts, `+` at which millisecond of the load it begins, and `:NAME=NUMBER` for each of its
//! amounts. What is left out is drawn from the seed. With `+` it happens once, then; without, it
//! takes turns with the others.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, ensure};

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
}
