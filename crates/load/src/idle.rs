//! Sessions that are kept alive and do nothing else.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::plan::Plan;
use crate::run::Shared;
use crate::target::{Client, Target, Trouble};

/// Between two signs of life: a third of the 40 s that sessions of ZooKeeper clients ask for here.
const INTERVAL: Duration = Duration::from_millis(13_333);

/// Runs one client until the run is over. The latency is that of a sign of life.
pub(crate) async fn run<T: Target>(
    shared: &Shared<T>,
    number: usize,
    client: T::Client,
) -> Result<(), Trouble> {
    let mut client = client;
    client.open_session().await?;
    shared.is_ready();
    sleep(first_pause(&shared.plan, number)).await;
    while !shared.stopped() {
        let sent = Instant::now();
        match client.keep_alive().await {
            Ok(()) => shared.recorder.success(sent.elapsed()),
            Err(trouble) => {
                let Some(again) = shared.recover(number, client, trouble).await else {
                    break;
                };
                client = again;
                client.open_session().await?;
            }
        }
        sleep(INTERVAL).await;
    }
    Ok(())
}

/// Signs of life of all clients together are even.
fn first_pause(plan: &Plan, number: usize) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a share of some seconds")]
    let share = number as f64 / plan.clients.max(1) as f64;
    INTERVAL.mul_f64(share)
}
