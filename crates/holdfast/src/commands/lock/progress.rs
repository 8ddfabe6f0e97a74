//! How the wait for a lock is shown: the place in the queue, and who is in the way.

use std::time::{Duration, Instant};

use holdfast_client::http_types::v1::locks::{Claim, Queue};
use tokio::sync::watch;

use crate::args::LockArgs;
use crate::commands::App;
use crate::commands::locks::owner_or;
use crate::commands::wait_line::WaitLine;
use crate::output::ago;

pub(super) struct Progress<'a> {
    app: &'a App,
    name: &'a str,
    began: Instant,
    line: WaitLine<'a>,
    place: watch::Sender<Option<Claim>>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(app: &'a App, args: &'a LockArgs) -> Progress<'a> {
        Progress {
            app,
            name: &args.name,
            began: Instant::now(),
            line: WaitLine::new(app, args.progress, format!("waiting for {}", args.name)),
            place: watch::Sender::new(None),
        }
    }

    /// How often the place in the queue is wanted.
    pub(super) fn every(&self) -> Duration {
        self.line.every()
    }

    /// Hears of the place in the queue.
    pub(super) fn listener(&self) -> impl FnMut(&Claim) + Send + 'static {
        let place = self.place.clone();
        move |claim| {
            place.send_replace(Some(claim.clone()));
        }
    }

    /// Shows the wait until dropped.
    pub(super) async fn show(&self) {
        let mut place = self.place.subscribe();
        // The sender is ours, so this does not end.
        while place.changed().await.is_ok() {
            let Some(claim) = place.borrow_and_update().clone() else {
                continue;
            };
            if self.line.is_shown() {
                let queue = self.app.client.queue(self.name).await.ok();
                self.line
                    .say(describe(&claim, queue.as_ref(), self.began.elapsed()));
            }
        }
    }

    pub(super) fn clear(&self) {
        self.line.clear();
    }
}

/// `waiting for deploy/prod  #2 of 3  held by ci@runner-4 pid 812 for 1m04s: release 2.8.1`
fn describe(claim: &Claim, queue: Option<&Queue>, waited: Duration) -> String {
    let mut line = format!("waiting for {}", claim.lock);
    if let Some(place) = claim.position {
        line.push_str(&format!("  #{place} of {}", claim.queue_length));
    }
    if let Some(eta) = claim.eta_ms {
        line.push_str(&format!("  about {}", ago(eta.p50)));
    }
    match queue.and_then(|queue| queue.holders.first().map(|first| (queue, first))) {
        Some((queue, first)) => {
            let who = owner_or(first.owner.as_ref(), &first.session);
            line.push_str(&format!("  held by {who}"));
            if let Some(held) = first.held_ms {
                line.push_str(&format!(" for {}", ago(held)));
            }
            if queue.holder_count > 1 {
                line.push_str(&format!(" and {} more", queue.holder_count - 1));
            }
            if let Some(reason) = &first.reason {
                line.push_str(&format!(": {reason}"));
            }
        }
        None => {
            let ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            line.push_str(&format!("  since {}", ago(ms)));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(fields: serde_json::Value) -> Claim {
        let mut all = json!({
            "lock": "deploy/prod", "claim": "c1", "state": "waiting", "mode": "exclusive",
            "fence": 7, "session": "s_1", "holders": 1, "queue_length": 3, "queued_index": 7,
            "queued_at": "", "waited_ms": 0, "release": "",
        });
        for (key, value) in fields.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn a_wait_is_shown_with_place_holder_and_reason() {
        let waiting = claim(json!({ "position": 2 }));
        let holder = claim(json!({
            "state": "held", "held_ms": 64_000, "reason": "release 2.8.1",
            "owner": { "service": "ci", "host": "runner-4", "pid": 812 },
        }));
        let queue = Queue {
            lock: "deploy/prod".into(),
            holders: vec![holder],
            waiters: vec![],
            holder_count: 2,
            queue_length: 3,
        };
        assert_eq!(
            describe(&waiting, Some(&queue), Duration::ZERO),
            "waiting for deploy/prod  #2 of 3  held by ci@runner-4 pid 812 for 1m04s and 1 more: \
             release 2.8.1"
        );
        assert_eq!(
            describe(&waiting, None, Duration::from_secs(9)),
            "waiting for deploy/prod  #2 of 3  since 9.0 s"
        );
        let foreseen = claim(json!({ "position": 2, "eta_ms": { "p50": 61_000, "p95": 90_000 } }));
        assert_eq!(
            describe(&foreseen, None, Duration::from_secs(9)),
            "waiting for deploy/prod  #2 of 3  about 1m01s  since 9.0 s"
        );
    }
}
