//! Reads of counters.

use std::ops::Bound;
use std::sync::Arc;

use crate::acl::{Identity, Perms};
use crate::counter::Number;
use crate::ids::{CounterName, ZnodePath};
use crate::outcome::Refusal;
use crate::path;
use crate::state::State;
use crate::znode::{Stat, Znode};

/// A counter as somebody may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterView {
    /// Its name.
    pub counter: CounterName,
    /// Its value.
    pub value: i64,
    /// The stat of its znode: `version` counts its changes.
    pub stat: Stat,
}

/// Which counters to list.
#[derive(Clone, Copy, Debug)]
pub struct CountersAsked<'a> {
    /// Names that begin with this (any text).
    pub prefix: &'a str,
    /// Those after this one, which need not exist, or be a valid name.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
    /// Most znodes to look at.
    pub scan: usize,
}

/// Some of the counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterPage {
    /// Names of one segment first, then those of two, and so on; in order of name within each.
    pub counters: Vec<CounterView>,
    /// After what to go on; `None`: there are no more.
    pub next: Option<String>,
}

impl State {
    /// A counter. A znode without data is one, of value 0.
    ///
    /// # Errors
    /// [`Refusal::NoNode`], [`Refusal::NoAuth`] without READ, [`Refusal::NotACounter`].
    pub fn counter(&self, counter: &CounterName, who: &[Identity]) -> Result<CounterView, Refusal> {
        let path = counter.znode();
        let found = self.existing_at(&path)?;
        found.require(who, Perms::READ)?;
        match number_of(found.znode) {
            Some(number) => Ok(CounterView {
                counter: counter.clone(),
                value: number.value,
                stat: found.znode.stat(),
            }),
            None => Err(Refusal::NotACounter { path }),
        }
    }

    /// Counters that `who` may read. What lies below `/counters` and is none is left out, and so are
    /// znodes without data that have children: they are there for those.
    #[must_use]
    pub fn counters(&self, asked: CountersAsked<'_>, who: &[Identity]) -> CounterPage {
        let mut page = CounterPage::default();
        let mut last: Option<&ZnodePath> = None;
        for (looked_at, (path, znode)) in self.znodes_of_counters(asked).enumerate() {
            if page.counters.len() >= asked.limit || looked_at >= asked.scan {
                page.next = last.map(|path| name_text(path).to_owned());
                return page;
            }
            last = Some(path);
            let is_folder = znode.num_children() > 0 && znode.data_length() == 0;
            let counter = CounterName::of_znode(path).filter(|_| !is_folder);
            page.counters
                .extend(counter.and_then(|counter| self.counter(&counter, who).ok()));
        }
        page
    }

    /// Znodes below `/counters` by the name a counter there has, level by level.
    fn znodes_of_counters<'s>(
        &'s self,
        asked: CountersAsked<'_>,
    ) -> impl Iterator<Item = (&'s ZnodePath, &'s Znode)> + use<'s> {
        let text: Arc<str> = Arc::from(format!("{}/{}", path::COUNTERS, asked.prefix));
        let after = asked.after.and_then(|after| {
            let after = format!("{}/{after}", path::COUNTERS);
            ZnodePath::key_at(depth_of(&after), &after)
        });
        let resumed = after.as_ref().map_or(0, ZnodePath::depth);
        let levels = depth_of(&text).max(resumed)..;
        let levels = levels.map_while(move |depth| {
            let first = ZnodePath::key_at(depth, &text)?;
            let start = match &after {
                Some(after) if depth == resumed && *after >= first => {
                    Bound::Excluded(after.clone())
                }
                Some(_) | None => Bound::Included(first),
            };
            let prefix = Arc::clone(&text);
            let mut of_level = self
                .znodes
                .range((start, Bound::Unbounded))
                .take_while(move |(key, _)| {
                    key.depth() == depth && key.as_str().starts_with(&*prefix)
                })
                .peekable();
            // A level without such names has none below it. Of the first one others may have been
            // listed before.
            let goes_on = depth == resumed || of_level.peek().is_some();
            goes_on.then_some(of_level)
        });
        levels.flatten()
    }
}

/// The number a znode holds.
pub(crate) fn number_of(znode: &Znode) -> Option<Number> {
    Number::read(znode.data.as_deref().unwrap_or_default())
}

fn name_text(path: &ZnodePath) -> &str {
    let rest = path.as_str().strip_prefix(path::COUNTERS);
    rest.and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or_default()
}

/// Components of an absolute path, whether it is valid or not.
fn depth_of(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'/').count()
}
