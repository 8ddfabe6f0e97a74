//! Picks: which instances come into question, why others do not, and which are chosen.
//!
//! The one place that decides it, for picks that are commands and for those that change nothing. A
//! [`Field`] holds all instances of a service with the reason for each that is excluded; a strategy
//! of crate `balance` chooses among the rest. Everything is integers of the state and of the request, so
//! the same command picks the same instances on every replica.

use balance::least_load::{Ageing, Score, scores};
use balance::maglev::BadSize;
pub use balance::maglev::{SIZE as RING_SIZE, Table as Ring};
pub use balance::round_robin::Cursor;
use balance::{Candidate, Draw, Report, least_load, random, rendezvous, sticky, two_choices};

use crate::command::{Filter, Selection, Strategy};
use crate::digest;
use crate::ids::{LogTime, ServiceName};
use crate::limits;
use crate::outcome::{Considered, Excluded, Exclusion, Refusal};
use crate::query::service::InstanceView;
use crate::service::{Instance, InstanceState};
use crate::state::State;

/// The instances of a service as a pick sees them.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    service: &'a ServiceName,
    looked_at: Vec<LookedAt<'a>>,
    /// Those that come into question.
    candidates: Vec<Candidate<'a>>,
    /// Where each of them stands in `looked_at`.
    places: Vec<usize>,
}

/// An instance that was looked at.
#[derive(Clone, Debug)]
struct LookedAt<'a> {
    view: InstanceView<'a>,
    excluded: Option<Exclusion>,
}

/// Instances that were chosen, the first choice first: places in the field they were chosen from.
pub type Chosen = Vec<usize>;

impl State {
    /// The instances of a service, and which of them pass `filter` and may be picked now. O(instances).
    #[must_use]
    pub fn field<'a>(&'a self, service: &'a ServiceName, filter: &Filter) -> Field<'a> {
        let now = self.clock.log_time;
        let mut field = Field {
            service,
            looked_at: Vec::new(),
            candidates: Vec::new(),
            places: Vec::new(),
        };
        for view in self.instances(service) {
            let excluded = exclusion(&view, filter, now);
            if excluded.is_none() {
                field.places.push(field.looked_at.len());
                field.candidates.push(candidate(&view, now));
            }
            field.looked_at.push(LookedAt { view, excluded });
        }
        field
    }
}

impl State {
    /// Why an instance is not picked now, whoever asks.
    #[must_use]
    pub fn unavailable(&self, instance: &Instance) -> Option<Exclusion> {
        unfit(instance, self.clock.log_time)
    }
}

/// Why an instance does not come into question. What the caller asked for comes first: of an instance that
/// nobody wants here it does not matter how it is.
fn exclusion(view: &InstanceView<'_>, filter: &Filter, now: LogTime) -> Option<Exclusion> {
    let instance = view.instance;
    filtered(view, filter).or_else(|| unfit(instance, now))
}

fn filtered(view: &InstanceView<'_>, filter: &Filter) -> Option<Exclusion> {
    let registration = &view.instance.registration;
    if let Some(zone) = &filter.zone
        && registration.zone.as_ref() != Some(zone)
    {
        return Some(Exclusion::Zone(zone.clone()));
    }
    let missing = |tag: &&String| !registration.tags.contains(tag);
    if let Some(tag) = filter.tags.iter().find(missing) {
        return Some(Exclusion::Tag(tag.clone()));
    }
    let differs = |(key, value): &(&String, &String)| registration.meta.get(*key) != Some(*value);
    if let Some((key, value)) = filter.meta.iter().find(differs) {
        return Some(Exclusion::Meta(key.clone(), value.clone()));
    }
    filter.exclude.contains(view.id).then_some(Exclusion::Named)
}

fn unfit(instance: &Instance, now: LogTime) -> Option<Exclusion> {
    match instance.state {
        InstanceState::Draining => return Some(Exclusion::Draining),
        InstanceState::Up => {}
    }
    if let Some(verdict) = instance.verdict.as_ref().filter(|verdict| !verdict.passing) {
        return Some(Exclusion::Failing {
            since: verdict.since.wall,
            text: verdict.text.clone(),
        });
    }
    if let Some(until) = instance.failures.set_aside_until {
        let left_ms = until.0.saturating_sub(now.0);
        return Some(Exclusion::SetAside { left_ms });
    }
    (instance.registration.weight == 0).then_some(Exclusion::Weightless)
}

fn candidate<'a>(view: &InstanceView<'a>, now: LogTime) -> Candidate<'a> {
    let load = view.instance.load;
    Candidate {
        id: view.id.as_str(),
        weight: view.instance.registration.weight,
        capacity: load.map_or(1, |load| load.capacity),
        reserved: view.reserved,
        report: load.map(|load| Report {
            others: load.others,
            age_ms: now.0.saturating_sub(load.at.0),
        }),
    }
}

impl<'a> Field<'a> {
    /// Chooses. `draw` is a random number, `cursor` says whose turn it is; each is used by the strategies
    /// that need it. A table is built for [`Strategy::Maglev`]: [`Field::choose_from`] takes one that
    /// exists.
    ///
    /// # Errors
    /// [`Refusal::NoInstanceAvailable`]; [`Refusal::BadArguments`] for a table of a size that cannot be.
    pub fn choose(
        &self,
        selection: &Selection,
        draw: u64,
        cursor: &mut Cursor,
    ) -> Result<Chosen, Refusal> {
        let mut draw = Draw::new(draw);
        let ageing = Ageing::default();
        let count = selection.count;
        let chosen = match &selection.strategy {
            Strategy::Random => self.repeat(count, |from| random::pick(from, &mut draw)),
            Strategy::RoundRobin => {
                let chosen = self.repeat(count, |from| cursor.pick(from));
                if cursor.len() > self.looked_at.len() {
                    // It counts for some that are gone.
                    cursor.retain(|id| self.looked_at.iter().any(|it| it.view.id.as_str() == id));
                }
                chosen
            }
            Strategy::LeastLoad => {
                self.repeat(count, |from| least_load::pick(from, ageing, &mut draw))
            }
            Strategy::TwoChoices => {
                self.repeat(count, |from| two_choices::pick(from, ageing, &mut draw))
            }
            Strategy::Hash {
                key,
                bounded_percent: None,
            } => {
                let ranked = rendezvous::rank(key.as_bytes(), &self.candidates);
                ranked.into_iter().take(count as usize).collect()
            }
            Strategy::Hash {
                key,
                bounded_percent: Some(percent),
            } => self.repeat(count, |from| {
                rendezvous::pick_bounded(key.as_bytes(), from, *percent)
            }),
            Strategy::Sticky { previous, key } => {
                let previous = previous.as_ref().map(|id| id.as_str());
                self.repeat(count, |from| sticky::pick(previous, key.as_bytes(), from))
            }
            Strategy::Maglev { key, size } => {
                let ring = self.ring(*size)?;
                return self.choose_from(&ring, key, count);
            }
        };
        self.placed(chosen)
    }

    /// Chooses by a table of [`Field::ring`], made of the same candidates.
    ///
    /// # Errors
    /// [`Refusal::NoInstanceAvailable`].
    pub fn choose_from(&self, ring: &Ring, key: &str, count: u32) -> Result<Chosen, Refusal> {
        let count = self.candidates.len().min(count as usize);
        self.placed(ring.pick_several(key.as_bytes(), count))
    }

    /// Chooses `count` different ones, one after the other.
    fn repeat(
        &self,
        count: u32,
        mut one: impl FnMut(&[Candidate<'a>]) -> Option<usize>,
    ) -> Vec<usize> {
        let mut left = self.candidates.clone();
        let mut chosen = Vec::new();
        for _ in 0..count {
            let Some(index) = one(&left) else { break };
            chosen.push(index);
            if let Some(candidate) = left.get_mut(index) {
                *candidate = candidate.weighing(0);
            }
        }
        chosen
    }

    fn placed(&self, chosen: Vec<usize>) -> Result<Chosen, Refusal> {
        let place = |index: usize| self.places.get(index).copied();
        let chosen: Chosen = chosen.into_iter().filter_map(place).collect();
        if chosen.is_empty() {
            return Err(self.nobody());
        }
        Ok(chosen)
    }

    /// That nothing can be picked, with the reasons.
    fn nobody(&self) -> Refusal {
        let excluded = |looked_at: &LookedAt<'_>| {
            let why = looked_at.excluded.clone()?;
            let instance = looked_at.view.id.clone();
            Some(Excluded { instance, why })
        };
        let excluded = self.looked_at.iter().filter_map(excluded);
        Refusal::NoInstanceAvailable {
            service: self.service.clone(),
            instances: u32::try_from(self.looked_at.len()).unwrap_or(u32::MAX),
            excluded: excluded.take(limits::EXCLUDED_SHOWN_MAX).collect(),
        }
    }

    /// The instances at these places.
    pub fn instances_at(&self, chosen: &Chosen) -> impl Iterator<Item = InstanceView<'a>> {
        let at = |place: &usize| self.looked_at.get(*place).map(|looked_at| looked_at.view);
        chosen.iter().filter_map(at)
    }

    /// Those that come into question, in order of id.
    pub fn eligible(&self) -> impl Iterator<Item = InstanceView<'a>> {
        self.instances_at(&self.places)
    }

    /// Why each instance was or was not chosen.
    #[must_use]
    pub fn explain(&self, strategy: &Strategy, chosen: &Chosen) -> Vec<Considered> {
        let scores = match strategy {
            Strategy::LeastLoad | Strategy::TwoChoices => {
                scores(&self.candidates, Ageing::default())
            }
            Strategy::Random
            | Strategy::RoundRobin
            | Strategy::Hash { .. }
            | Strategy::Maglev { .. }
            | Strategy::Sticky { .. } => Vec::new(),
        };
        let score = |place: usize| -> Option<Score> {
            let index = self.places.binary_search(&place).ok()?;
            scores.get(index).copied().flatten()
        };
        let considered = |(place, looked_at): (usize, &LookedAt<'_>)| Considered {
            instance: looked_at.view.id.clone(),
            chosen: chosen.contains(&place),
            score: score(place).map(Score::thousandths),
            excluded: looked_at.excluded.clone(),
        };
        self.looked_at.iter().enumerate().map(considered).collect()
    }

    /// The table of those that come into question. Takes milliseconds.
    ///
    /// # Errors
    /// [`Refusal::BadArguments`]: not of this size.
    pub fn ring(&self, size: u32) -> Result<Ring, Refusal> {
        if size > RING_SIZE {
            return Err(Refusal::limit("entries of a table", u64::from(RING_SIZE)));
        }
        let ring = Ring::build(&self.candidates, size);
        ring.map_err(|error: BadSize| Refusal::BadArguments(error.to_string()))
    }

    /// What the table of this size depends on, in short: tables of one version are equal.
    #[must_use]
    pub fn ring_version(&self, size: u32) -> u128 {
        let weights = self.candidates.iter().map(|each| (each.id, each.weight));
        digest::hash(&(size, weights.collect::<Vec<_>>()))
    }
}

impl Selection {
    /// Whether everything in it is within its limits.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`], [`Refusal::BadArguments`].
    pub fn check(&self) -> Result<(), Refusal> {
        if !(1..=limits::PICKS_MAX).contains(&self.count) {
            let most = limits::PICKS_MAX;
            let why = format!("a pick is of 1 to {most} instances, not {}", self.count);
            return Err(Refusal::BadArguments(why));
        }
        match &self.strategy {
            Strategy::Random
            | Strategy::RoundRobin
            | Strategy::LeastLoad
            | Strategy::TwoChoices => {}
            Strategy::Hash {
                key,
                bounded_percent,
            } => {
                at_most("bytes of a key", key.len(), limits::PICK_KEY_BYTES_MAX)?;
                let percent = bounded_percent.unwrap_or(100);
                if !(100..=limits::BOUNDED_PERCENT_MAX).contains(&percent) {
                    let most = limits::BOUNDED_PERCENT_MAX;
                    let why = format!("a bound is 100 to {most} percent, not {percent}");
                    return Err(Refusal::BadArguments(why));
                }
            }
            Strategy::Maglev { key, .. } | Strategy::Sticky { key, .. } => {
                at_most("bytes of a key", key.len(), limits::PICK_KEY_BYTES_MAX)?;
            }
        }
        self.filter.check()
    }
}

impl Filter {
    fn check(&self) -> Result<(), Refusal> {
        at_most("tags of a filter", self.tags.len(), limits::TAGS_MAX)?;
        for text in self.tags.iter().chain(&self.zone) {
            at_most("bytes of a tag or zone", text.len(), limits::TAG_BYTES_MAX)?;
        }
        let meta = self.meta.iter().map(|(key, value)| key.len() + value.len());
        at_most("bytes of meta", meta.sum(), limits::INSTANCE_META_BYTES_MAX)?;
        at_most(
            "instances excluded by name",
            self.exclude.len(),
            limits::EXCLUDED_BY_NAME_MAX,
        )
    }
}

pub(crate) fn at_most(what: &str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count > limit {
        return Err(Refusal::limit(what, limit as u64));
    }
    Ok(())
}
