//! Workloads in which every client does the same thing again and again: writes, reads, locks nobody else wants.

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{sleep_until, timeout};

use crate::plan::{Pace, Plan, Workload};
use crate::run::Shared;
use crate::target::{Client, Target, Trouble};

/// Reads to one write in the workload `mixed`, plus one.
const MIXED: u32 = 10;
/// Operations a second of the workload `failover`, unless a rate is given.
const TRICKLE: f64 = 200.0;

/// Operations a second, all clients together, if the loop is open.
fn rate(plan: &Plan) -> Option<f64> {
    match (plan.pace, plan.workload) {
        (Pace::Open { rate }, _) => Some(rate),
        (Pace::Closed, Workload::Failover) => Some(TRICKLE),
        (Pace::Closed, _) => None,
    }
}

/// How far apart operations are when all is well.
pub(crate) fn usual_interval(plan: &Plan) -> Duration {
    rate(plan).map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate))
}

/// The znode under which everything is made.
pub(crate) async fn prepare_root<T: Target>(shared: &Shared<T>) -> Result<(), Trouble> {
    let mut client = shared.target.connect(0).await?;
    client.ensure(&shared.plan.root).await
}

/// The znodes that are written and read, by as many clients as there will be.
pub(crate) async fn prepare_keys<T: Target>(shared: &Shared<T>) -> Result<(), Trouble> {
    prepare_root(shared).await?;
    let hands = shared.plan.clients.clamp(1, 64);
    let make = |hand: usize| async move {
        let mut client = shared.target.connect(hand).await?;
        for key in (0..shared.plan.keys).skip(hand).step_by(hands) {
            let path = shared.plan.key(key);
            client.ensure(&path).await?;
            client.write(&path, &shared.value).await?;
        }
        Ok::<(), Trouble>(())
    };
    futures::future::try_join_all((0..hands).map(make))
        .await
        .map(drop)
}

/// The locks that are taken: for those that keep them below a znode it must be there.
pub(crate) async fn prepare_locks<T: Target>(shared: &Shared<T>) -> Result<(), Trouble> {
    let mut client = shared.target.connect(0).await?;
    for number in 0..shared.plan.clients {
        client.ensure(&lock_znode(&shared.plan, number)).await?;
    }
    Ok(())
}

/// The znode of a client's own lock.
fn lock_znode(plan: &Plan, number: usize) -> String {
    format!("locks/{}/{number}", plan.root)
}

/// Runs one client until the run is over.
pub(crate) async fn run<T: Target>(
    shared: &Shared<T>,
    number: usize,
    client: T::Client,
) -> Result<(), Trouble> {
    let mut client = client;
    if shared.plan.workload == Workload::Lock {
        client.open_session().await?;
    }
    let mut operator = Operator::new(&shared.plan, number);
    let mut clock = Clock::new(&shared.plan, number);
    shared.is_ready();
    while !shared.stopped() {
        let due = clock.next().await;
        match operator.once(shared, &mut client).await {
            Ok(()) => {
                shared.recorder.success(due.elapsed());
                if let Some(gaps) = &shared.gaps {
                    gaps.acknowledged();
                }
            }
            Err(trouble) => {
                let connected = trouble.connected;
                let Some(again) = shared.recover(number, client, trouble).await else {
                    break;
                };
                client = again;
                if !connected && shared.plan.workload == Workload::Lock {
                    client.open_session().await?;
                }
            }
        }
    }
    Ok(())
}

/// When the next operation is due.
struct Clock {
    interval: Option<Duration>,
    next: Instant,
}

impl Clock {
    fn new(plan: &Plan, number: usize) -> Clock {
        let clients = u32::try_from(plan.clients.max(1)).unwrap_or(u32::MAX);
        let interval = rate(plan).map(|_| usual_interval(plan) * clients);
        // Clients begin one after the other, so that together they are even.
        let first = usual_interval(plan) * u32::try_from(number).unwrap_or(u32::MAX);
        Clock {
            interval,
            next: Instant::now() + first,
        }
    }

    /// Waits until the next operation is due, and gives the moment it was: in the past if operations take
    /// longer than there is time between them.
    async fn next(&mut self) -> Instant {
        let Some(interval) = self.interval else {
            return Instant::now();
        };
        let due = self.next;
        self.next += interval;
        sleep_until(due.into()).await;
        due
    }
}

/// What one client does.
struct Operator {
    rng: SmallRng,
    number: usize,
    created: u64,
    lock: String,
}

impl Operator {
    fn new(plan: &Plan, number: usize) -> Operator {
        Operator {
            rng: SmallRng::seed_from_u64(number as u64),
            number,
            created: 0,
            lock: lock_znode(plan, number),
        }
    }

    async fn once<T: Target>(
        &mut self,
        shared: &Shared<T>,
        client: &mut T::Client,
    ) -> Result<(), Trouble> {
        let within = shared.plan.answer_within;
        timeout(within, self.operation(shared, client))
            .await
            .unwrap_or_else(|_| Err(Trouble::cut("no answer in time")))
    }

    async fn operation<T: Target>(
        &mut self,
        shared: &Shared<T>,
        client: &mut T::Client,
    ) -> Result<(), Trouble> {
        let plan = &shared.plan;
        match plan.workload {
            Workload::Create => {
                self.created += 1;
                let (root, run) = (&plan.root, plan.run);
                let path = format!("{root}/{run:08x}-{}-{}", self.number, self.created);
                client.create(&path, &shared.value).await
            }
            Workload::Lock => {
                let grant = client.acquire(&self.lock).await?;
                client.release(&self.lock, grant).await
            }
            Workload::Read => client.read(&self.key(plan), plan.reading).await,
            Workload::Mixed if self.rng.random_range(0..MIXED) > 0 => {
                client.read(&self.key(plan), plan.reading).await
            }
            Workload::Write
            | Workload::Mixed
            | Workload::Failover
            | Workload::Contend
            | Workload::Watch
            | Workload::Sessions => client.write(&self.key(plan), &shared.value).await,
        }
    }

    fn key(&mut self, plan: &Plan) -> String {
        plan.key(self.rng.random_range(0..plan.keys.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Reading;

    fn plan(pace: Pace, clients: usize) -> Plan {
        Plan {
            workload: Workload::Write,
            clients,
            time: Duration::ZERO,
            warm_up: Duration::ZERO,
            value_bytes: 1,
            keys: 1,
            pace,
            reading: Reading::default(),
            answer_within: Duration::from_secs(1),
            threads: 1,
            root: "r".to_owned(),
            run: 0,
        }
    }

    #[tokio::test]
    async fn in_an_open_loop_operations_are_due_whatever_the_ones_before_took() {
        let mut clock = Clock::new(&plan(Pace::Open { rate: 200.0 }, 2), 1);
        let first = clock.next().await;
        // An answer that took long.
        std::thread::sleep(Duration::from_millis(50));
        let second = clock.next().await;
        assert_eq!(second - first, Duration::from_millis(10), "two clients");
        assert!(second.elapsed() >= Duration::from_millis(35), "it is late");
    }

    #[tokio::test]
    async fn in_a_closed_loop_they_are_due_when_they_are_asked_for() {
        let mut clock = Clock::new(&plan(Pace::Closed, 2), 1);
        let first = clock.next().await;
        assert!(clock.next().await >= first);
    }
}
