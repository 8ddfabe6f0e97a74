//! The trials, and their figures.

use balance::round_robin::Cursor;
use balance::trial::fleet::{self, Fleet, Strategy};
use balance::trial::keys::{self, Mapping};
use balance::{Candidate, Draw, random};
use serde::Serialize;

/// Keys of each trial of hashes.
const KEYS: u32 = 10_000;
/// Sizes of services whose keys move.
const SIZES: [usize; 6] = [2, 3, 5, 10, 20, 50];
/// How often instances report, in milliseconds.
const REPORTS_MS: [u32; 6] = [50, 100, 250, 1_000, 2_500, 5_000];
/// Weights that take turns.
const WEIGHTS: [u32; 4] = [5, 3, 2, 1];
/// Choices of the trial of turns: three cycles.
const TURNS: u32 = 33;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Where the randomness came from.
    seed: u64,
    /// Requests of each trial.
    requests: u32,
    /// What a slow instance could take of all requests.
    pub(super) capacity_share_percent: f64,
    /// One of four instances is three times slower.
    pub(super) slow_instance: Vec<SlowInstance>,
    /// The same, with reports that are older and older.
    pub(super) old_reports: Vec<OldReports>,
    /// One of several instances leaves.
    pub(super) keys_moved: Vec<KeysMoved>,
    /// The weights that take turns.
    pub(super) turns_weights: Vec<u32>,
    /// How far from its due anybody is after each choice.
    pub(super) turns: Vec<Turns>,
}

/// A strategy on a fleet of which one instance is slow.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SlowInstance {
    pub(super) strategy: &'static str,
    pub(super) slow_share_percent: f64,
    pub(super) shares_percent: Vec<f64>,
    pub(super) mean_ms: f64,
    pub(super) p99_ms: f64,
}

/// A strategy that knows what reports say, with and without counting what is open.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OldReports {
    pub(super) strategy: &'static str,
    pub(super) reservations: bool,
    pub(super) report_every_ms: u32,
    pub(super) slow_share_percent: f64,
    pub(super) p99_ms: f64,
}

/// Means over which of the instances leaves.
#[derive(Clone, Debug, Serialize)]
pub(super) struct KeysMoved {
    pub(super) mapping: &'static str,
    pub(super) instances: usize,
    pub(super) moved_percent: f64,
    pub(super) between_remaining_percent: f64,
    pub(super) busiest_percent_of_mean: f64,
}

/// After so many choices, the largest difference between what an instance got and what it was due.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Turns {
    pub(super) strategy: &'static str,
    pub(super) choices: u32,
    pub(super) off_by: f64,
}

impl Figures {
    /// Runs all trials: seconds.
    pub(super) fn measure(seed: u64, requests: u32) -> Figures {
        let fleet = Fleet {
            seed,
            requests,
            ..Fleet::one_slow()
        };
        Figures {
            seed,
            requests,
            capacity_share_percent: rounded(fleet.capacity_share(0)),
            slow_instance: slow_instance(&fleet),
            old_reports: old_reports(&fleet),
            keys_moved: keys_moved(),
            turns_weights: WEIGHTS.to_vec(),
            turns: turns(seed),
        }
    }
}

fn slow_instance(fleet: &Fleet) -> Vec<SlowInstance> {
    let measured = |strategy: Strategy| {
        let outcome = fleet::run(fleet, strategy);
        SlowInstance {
            strategy: strategy.name(),
            slow_share_percent: rounded(outcome.shares.first().copied().unwrap_or(0.0)),
            shares_percent: outcome.shares.into_iter().map(rounded).collect(),
            mean_ms: millis(outcome.mean_us),
            p99_ms: millis(outcome.p99_us),
        }
    };
    Strategy::ALL.into_iter().map(measured).collect()
}

fn old_reports(fleet: &Fleet) -> Vec<OldReports> {
    let mut figures = Vec::new();
    for strategy in [Strategy::TwoChoices, Strategy::LeastLoad] {
        for reservations in [false, true] {
            for report_every_ms in REPORTS_MS {
                let fleet = Fleet {
                    reservations,
                    report_every_us: u64::from(report_every_ms) * 1_000,
                    ..fleet.clone()
                };
                let outcome = fleet::run(&fleet, strategy);
                figures.push(OldReports {
                    strategy: strategy.name(),
                    reservations,
                    report_every_ms,
                    slow_share_percent: rounded(outcome.shares.first().copied().unwrap_or(0.0)),
                    p99_ms: millis(outcome.p99_us),
                });
            }
        }
    }
    figures
}

fn keys_moved() -> Vec<KeysMoved> {
    let mut figures = Vec::new();
    for mapping in Mapping::ALL {
        for instances in SIZES {
            let leavers = [0, instances / 2, instances - 1];
            let moved = leavers.map(|leaver| keys::moved(mapping, instances, leaver, KEYS));
            let mean = |figure: fn(&keys::Moved) -> f64| {
                rounded(moved.iter().map(figure).sum::<f64>() / 3.0)
            };
            figures.push(KeysMoved {
                mapping: mapping.name(),
                instances,
                moved_percent: mean(|moved| moved.all),
                between_remaining_percent: mean(|moved| moved.between_remaining),
                busiest_percent_of_mean: mean(|moved| moved.busiest),
            });
        }
    }
    figures
}

fn turns(seed: u64) -> Vec<Turns> {
    let names = ["a", "b", "c", "d"];
    let candidates: Vec<Candidate<'_>> = names
        .iter()
        .zip(WEIGHTS)
        .map(|(name, weight)| Candidate::new(name).weighing(weight))
        .collect();
    let (mut cursor, mut draw) = (Cursor::default(), Draw::new(seed));
    let mut figures = off_by("round_robin", || cursor.pick(&candidates));
    figures.extend(off_by("random", || random::pick(&candidates, &mut draw)));
    figures
}

fn off_by(strategy: &'static str, mut pick: impl FnMut() -> Option<usize>) -> Vec<Turns> {
    let total: u32 = WEIGHTS.iter().sum();
    let mut got = WEIGHTS.map(|_| 0_u32);
    let mut figures = Vec::new();
    for choices in 1..=TURNS {
        if let Some(count) = pick().and_then(|index| got.get_mut(index)) {
            *count += 1;
        }
        let off = |(got, weight): (&u32, u32)| {
            (f64::from(*got) - f64::from(choices * weight) / f64::from(total)).abs()
        };
        let off_by = rounded(got.iter().zip(WEIGHTS).map(off).fold(0.0, f64::max));
        figures.push(Turns {
            strategy,
            choices,
            off_by,
        });
    }
    figures
}

#[expect(clippy::cast_precision_loss, reason = "some minutes at most")]
fn millis(micros: u64) -> f64 {
    rounded(micros as f64 / 1_000.0)
}

/// Two digits after the point: what is beyond is noise.
fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
