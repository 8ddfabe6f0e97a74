//! Sequence counters. A parent's next sequential child gets the number of children ever created below
//! it, whatever they were. So a counter is raised by creating children and deleting them again, many
//! in one request; nothing of them is left.

use zookeeper::proto::acl::Acl;
use zookeeper::proto::request::{ReadRequest, Request};
use zookeeper::proto::response::Response;
use zookeeper::proto::stat::Stat;

use super::Import;
use super::ensemble::WriteError;
use super::kinds;
use super::plan::Counter;
use super::report::Kind;
use super::write::{self, Change};
use super::znode::{Znode, child};
use crate::exit::{Exit, Failure};

/// Children made and removed between two looks at the counter.
const STEPS_AT_ONCE: i64 = 2_000;
/// Looks without any progress.
const ATTEMPTS: usize = 10;
/// Name of the child. It exists within a request only.
const NAME: &str = "holdfast-import-counter";

impl Import {
    /// Raises the counters noted during the copy.
    ///
    /// # Errors
    /// This cluster does not answer any more.
    pub(super) async fn raise_counters(&mut self) -> Result<(), Failure> {
        let counters = std::mem::take(&mut self.counters);
        let mut left = counters.len();
        for counter in counters {
            left -= 1;
            if self.raise(&counter).await? {
                self.report.counts.counters_raised += 1;
            }
            self.source.keep_alive().await?;
            self.progress.step(1, left);
        }
        Ok(())
    }

    async fn raise(&mut self, counter: &Counter) -> Result<bool, Failure> {
        let Some(mut have) = self.counter(&counter.here).await? else {
            return Ok(false);
        };
        let steps = counter.wanted - have;
        if steps > i64::from(self.settings.counter_steps) {
            let why = format!(
                "its next sequential child gets {have} here, {} there: more steps than \
                 --counter-steps allows",
                counter.wanted
            );
            self.report.add(Kind::CounterNotRaised, &counter.path, why);
            return Ok(false);
        }
        // One first: where it is refused, it is refused once and not a thousand times.
        let (mut stuck, mut at_once) = (0, 1);
        while have < counter.wanted && stuck < ATTEMPTS {
            let steps = (counter.wanted - have).min(at_once);
            match self.step(&counter.here, steps).await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(WriteError::Unknown) => {}
                Err(WriteError::Failed(failure)) => return Err(failure),
            }
            let before = have;
            have = self.counter(&counter.here).await?.unwrap_or(counter.wanted);
            if have > before {
                (stuck, at_once) = (0, STEPS_AT_ONCE);
            } else {
                stuck += 1;
            }
        }
        if have < counter.wanted {
            let why = format!("it stays at {have} whatever is created");
            self.report.add(Kind::CounterNotRaised, &counter.path, why);
        }
        Ok(have >= counter.wanted)
    }

    /// Makes and removes so many children. `false`: the cluster refuses.
    async fn step(&mut self, parent: &str, steps: i64) -> Result<bool, WriteError> {
        let path = child(parent, NAME);
        let nothing = Znode {
            acl: vec![Acl::open()],
            ..Znode::default()
        };
        let create = Change::create(&path, &nothing, kinds::Kind::Persistent);
        let pair = [create, Change::delete(&path)];
        let steps = usize::try_from(steps).unwrap_or(0);
        let changes = std::iter::repeat_n(pair, steps).flatten().collect();
        let refused = write::make(&mut self.target, changes, self.settings.frame_bytes_max).await?;
        if let Some(first) = refused.first() {
            let why = format!("this cluster answered {}", first.code.name());
            self.report.add(Kind::CounterNotRaised, parent, why);
        }
        Ok(refused.is_empty())
    }

    /// The number the next sequential child gets here.
    async fn counter(&mut self, path: &str) -> Result<Option<i64>, Failure> {
        let exists = Request::Exists(ReadRequest {
            path: path.to_owned(),
            watch: false,
        });
        let replies = self.target.read(&[exists]).await?;
        Ok(match replies.into_iter().next().map(|reply| reply.result) {
            Some(Ok(Response::Stat(stat))) => Some(counter_of(stat)),
            Some(_) | None => None,
        })
    }

    /// Makes what is missing above the place of the tree, empty and open to everybody.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) async fn make_parents(&mut self) -> Result<(), Failure> {
        for path in self.settings.roots.above() {
            if self.counter(&path).await?.is_some() {
                continue;
            }
            let nothing = Znode {
                acl: vec![Acl::open()],
                ..Znode::default()
            };
            let change = Change::create(&path, &nothing, kinds::Kind::Persistent);
            let made = write::make(&mut self.target, vec![change], usize::MAX).await;
            let refused = match made {
                Ok(refused) => refused,
                Err(WriteError::Unknown) => Vec::new(),
                Err(WriteError::Failed(failure)) => return Err(failure),
            };
            if let Some(refused) = refused.first() {
                let why = format!("this cluster answered {}", refused.code.name());
                return Err(Failure::new(
                    Exit::Precondition,
                    format!("make {path}"),
                    why,
                ));
            }
            self.out
                .note(&format!("made {path}, empty and open to everybody"));
        }
        Ok(())
    }
}

fn counter_of(stat: Stat) -> i64 {
    Znode {
        stat,
        ..Znode::default()
    }
    .counter()
}
