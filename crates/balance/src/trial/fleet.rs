//! A fleet that serves requests, and a balancer that knows what reports and reservations tell it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::least_load::Ageing;
use crate::{Candidate, Draw, Report, least_load, random, round_robin, two_choices};

/// What the balancer chooses by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// [`random::pick`].
    Random,
    /// [`round_robin::Cursor::pick`].
    RoundRobin,
    /// [`two_choices::pick`].
    TwoChoices,
    /// [`least_load::pick`].
    LeastLoad,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Strategy; 4] = [
        Strategy::Random,
        Strategy::RoundRobin,
        Strategy::TwoChoices,
        Strategy::LeastLoad,
    ];

    /// As in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Strategy::Random => "random",
            Strategy::RoundRobin => "round_robin",
            Strategy::TwoChoices => "p2c",
            Strategy::LeastLoad => "least_load",
        }
    }
}

/// A fleet under load. Requests come at random times and take a random time, both exponentially distributed;
/// who finds an instance full waits there in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Of each instance, how long a request takes on average, in microseconds.
    pub service_us: Vec<u32>,
    /// Requests that an instance serves at once.
    pub capacity: u32,
    /// What is asked of the fleet, in percent of what it could serve.
    pub load_percent: u32,
    /// How often each instance reports, in microseconds.
    pub report_every_us: u64,
    /// Whether the balancer is told when a request is done, and so knows what is open.
    pub reservations: bool,
    /// Requests of one trial; those of the first tenth are not counted.
    pub requests: u32,
    /// Where all of its randomness comes from.
    pub seed: u64,
}

impl Fleet {
    /// Four instances, of which the first is three times slower, each with room for 32 requests of 20 ms (60 ms),
    /// at three quarters of what they can serve, with a report each second.
    #[must_use]
    pub fn one_slow() -> Fleet {
        Fleet {
            service_us: vec![60_000, 20_000, 20_000, 20_000],
            capacity: 32,
            load_percent: 75,
            report_every_us: 1_000_000,
            reservations: true,
            requests: 400_000,
            seed: 1,
        }
    }

    /// The part of all requests that the instance could serve of what the fleet could serve, in percent.
    #[must_use]
    pub fn capacity_share(&self, instance: usize) -> f64 {
        let rate = |service_us: &u32| 1.0 / f64::from(*service_us);
        let all: f64 = self.service_us.iter().map(rate).sum();
        self.service_us.get(instance).map_or(0.0, rate) / all * 100.0
    }

    /// The mean time between two requests, in microseconds.
    fn between_us(&self) -> f64 {
        let rate: f64 = self
            .service_us
            .iter()
            .map(|service_us| f64::from(self.capacity) / f64::from(*service_us))
            .sum();
        100.0 / (rate * f64::from(self.load_percent.max(1)))
    }
}

/// What became of the requests of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Of each instance, its part of the requests, in percent.
    pub shares: Vec<f64>,
    /// The mean time from choosing an instance to the end of the request, in microseconds.
    pub mean_us: u64,
    /// The time that 99 of 100 requests stayed within, in microseconds.
    pub p99_us: u64,
}

/// Runs one trial.
#[must_use]
pub fn run(fleet: &Fleet, strategy: Strategy) -> Outcome {
    let mut trial = Trial::new(fleet, strategy);
    while let Some(Reverse((now, _, event))) = trial.events.pop() {
        match event {
            Event::Arrival => trial.arrive(now),
            Event::Done { instance, sent } => trial.finish(now, instance, sent),
            Event::Report { instance } => trial.report(now, instance),
        }
    }
    trial.outcome()
}

/// What happens, in the order of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    Done { instance: usize, sent: u64 },
    Report { instance: usize },
}

/// An instance, and what the balancer knows of it.
struct Instance {
    name: String,
    service_us: u32,
    serving: u32,
    /// When each of those that wait was sent.
    waiting: VecDeque<u64>,
    counted: u32,
    /// When it last reported, and what was not reserved then.
    reported: Option<(u64, u32)>,
    /// Sent and not done, where the balancer counts that.
    reserved: u32,
}

struct Trial<'a> {
    fleet: &'a Fleet,
    strategy: Strategy,
    instances: Vec<Instance>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    /// Of events, so that those of one time come in the order they were planned.
    planned: u64,
    arrived: u32,
    cursor: round_robin::Cursor,
    draw: Draw,
    /// Of the balancer: so that strategies meet the same requests.
    choosing: Draw,
    latencies_us: Vec<u64>,
}

impl<'a> Trial<'a> {
    fn new(fleet: &'a Fleet, strategy: Strategy) -> Trial<'a> {
        let instance = |(number, service_us): (u32, &u32)| Instance {
            name: format!("instance-{number}"),
            service_us: *service_us,
            serving: 0,
            waiting: VecDeque::new(),
            counted: 0,
            reported: None,
            reserved: 0,
        };
        let mut trial = Trial {
            fleet,
            strategy,
            instances: (1..).zip(&fleet.service_us).map(instance).collect(),
            events: BinaryHeap::new(),
            planned: 0,
            arrived: 0,
            cursor: round_robin::Cursor::default(),
            draw: Draw::new(fleet.seed),
            choosing: Draw::new(!fleet.seed),
            latencies_us: Vec::new(),
        };
        trial.plan(0, Event::Arrival);
        for instance in 0..trial.instances.len() {
            let first = trial.choosing.below(fleet.report_every_us.max(1));
            trial.plan(first, Event::Report { instance });
        }
        trial
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event)));
    }

    /// A request comes: an instance is chosen, and serves it or lets it wait.
    fn arrive(&mut self, now: u64) {
        let counted = self.is_counted();
        self.arrived += 1;
        if self.arrived < self.fleet.requests {
            let between = self.between_us();
            self.plan(now + between, Event::Arrival);
        }
        let Some(chosen) = self.choose(now) else {
            return;
        };
        let (capacity, reserves) = (self.fleet.capacity, self.fleet.reservations);
        let Some(instance) = self.instances.get_mut(chosen) else {
            return;
        };
        instance.reserved += u32::from(reserves);
        instance.counted += u32::from(counted);
        if instance.serving < capacity {
            instance.serving += 1;
            self.serve(now, chosen, now);
        } else {
            instance.waiting.push_back(now);
        }
    }

    /// Times between requests may be below a microsecond: the mean is asked for a thousand times finer.
    fn between_us(&mut self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and some milliseconds at most"
        )]
        let mean_ns = (self.fleet.between_us() * 1_000.0) as u32;
        (self.draw.exponential(mean_ns) + 500) / 1_000
    }

    fn choose(&mut self, now: u64) -> Option<usize> {
        let candidates: Vec<Candidate<'_>> = self
            .instances
            .iter()
            .map(|instance| Candidate {
                id: &instance.name,
                weight: 1,
                capacity: self.fleet.capacity,
                reserved: instance.reserved,
                report: instance.reported.map(|(at, others)| Report {
                    others,
                    age_ms: (now - at) / 1_000,
                }),
            })
            .collect();
        let (draw, ageing) = (&mut self.choosing, Ageing::default());
        match self.strategy {
            Strategy::Random => random::pick(&candidates, draw),
            Strategy::RoundRobin => self.cursor.pick(&candidates),
            Strategy::TwoChoices => two_choices::pick(&candidates, ageing, draw),
            Strategy::LeastLoad => least_load::pick(&candidates, ageing, draw),
        }
    }

    /// Begins a request on an instance that has room.
    fn serve(&mut self, now: u64, instance: usize, sent: u64) {
        let mean = self
            .instances
            .get(instance)
            .map_or(0, |each| each.service_us);
        let takes = self.draw.exponential(mean);
        self.plan(now + takes, Event::Done { instance, sent });
    }

    /// A request is done, and the next one that waits begins.
    fn finish(&mut self, now: u64, instance: usize, sent: u64) {
        if self.is_counted() {
            self.latencies_us.push(now - sent);
        }
        let Some(done) = self.instances.get_mut(instance) else {
            return;
        };
        done.reserved = done.reserved.saturating_sub(1);
        if let Some(next) = done.waiting.pop_front() {
            self.serve(now, instance, next);
        } else {
            done.serving -= 1;
        }
    }

    fn report(&mut self, now: u64, instance: usize) {
        if let Some(reporting) = self.instances.get_mut(instance) {
            let waiting = u32::try_from(reporting.waiting.len()).unwrap_or(u32::MAX);
            let others = (reporting.serving + waiting).saturating_sub(reporting.reserved);
            reporting.reported = Some((now, others));
        }
        if self.arrived < self.fleet.requests {
            let next = now + self.fleet.report_every_us.max(1);
            self.plan(next, Event::Report { instance });
        }
    }

    fn is_counted(&self) -> bool {
        self.arrived >= self.fleet.requests / 10
    }

    fn outcome(mut self) -> Outcome {
        let all: f64 = self
            .instances
            .iter()
            .map(|each| f64::from(each.counted))
            .sum();
        let share = |each: &Instance| f64::from(each.counted) / all.max(1.0) * 100.0;
        self.latencies_us.sort_unstable();
        let count = self.latencies_us.len();
        let sum: u64 = self.latencies_us.iter().sum();
        Outcome {
            shares: self.instances.iter().map(share).collect(),
            mean_us: u64::try_from(count)
                .ok()
                .and_then(|count| sum.checked_div(count))
                .unwrap_or(0),
            p99_us: self
                .latencies_us
                .get(count * 99 / 100)
                .copied()
                .unwrap_or(0),
        }
    }
}
