//! One client writes, the others are told.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::time::sleep;

use crate::plan::{Pace, Plan};
use crate::run::Shared;
use crate::target::{Client, Target, Trouble};

/// Between two writes, unless a rate is given: every watcher is to be told before the next.
const INTERVAL: Duration = Duration::from_millis(500);
/// Between two looks at whether all watchers have been told.
const LOOK: Duration = Duration::from_millis(1);

/// When each write was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent(RwLock<Vec<Instant>>);

impl Sent {
    /// Number and moment of a write that is sent now.
    fn next(&self) -> u64 {
        let mut sent = self.0.write();
        sent.push(Instant::now());
        sent.len() as u64
    }

    fn when(&self, number: u64) -> Option<Instant> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.0.read().get(index).copied()
    }
}

/// The number that a value begins with; 0 if it begins with none.
pub(crate) fn number(value: &[u8]) -> u64 {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| {
        u64::wrapping_add(number * 10, u64::from(digit - b'0'))
    })
}

fn path(plan: &Plan) -> String {
    format!("{}/watched", plan.root)
}

/// Makes the znode.
pub(crate) async fn prepare<T: Target>(shared: &Shared<T>) -> Result<(), Trouble> {
    let mut client = shared.target.connect(0).await?;
    client.ensure(&path(&shared.plan)).await
}

/// The writer.
pub(crate) async fn write<T: Target>(shared: &Shared<T>, client: T::Client) -> Result<(), Trouble> {
    let mut client = client;
    let path = path(&shared.plan);
    let interval = match shared.plan.pace {
        Pace::Closed => INTERVAL,
        Pace::Open { rate } => Duration::from_secs_f64(1.0 / rate),
    };
    shared.is_ready();
    while !shared.all_ready() {
        sleep(LOOK).await;
    }
    while !shared.stopped() {
        let number = shared.sent.next();
        let mut value = number.to_string().into_bytes();
        value.push(b' ');
        value.resize(value.len().max(shared.plan.value_bytes), b'x');
        client.write(&path, &Bytes::from(value)).await?;
        sleep(interval).await;
    }
    Ok(())
}

/// A watcher.
pub(crate) async fn watch<T: Target>(shared: &Shared<T>, client: T::Client) -> Result<(), Trouble> {
    let mut client = client;
    let path = path(&shared.plan);
    client.watch(&path).await?;
    shared.is_ready();
    while !shared.stopped() {
        let number = client.changed(&path).await?;
        if let Some(sent) = shared.sent.when(number) {
            shared.recorder.success(sent.elapsed());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_with_the_number_of_their_write() {
        assert_eq!(number(b"17 xxx"), 17);
        assert_eq!(number(b"xxx"), 0);
        let sent = Sent::default();
        let first = sent.next();
        assert!(sent.when(first).is_some());
        assert!(sent.when(first + 1).is_none());
        assert!(sent.when(0).is_none(), "the value before any write");
    }
}
