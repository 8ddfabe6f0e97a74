//! How a wait is shown: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use holdfast_client::http_types::v1::locks::{Claim, Queue};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::args::{LockArgs, ProgressKind};
use crate::commands::App;
use crate::commands::locks::owner_or;
use crate::output::ago;

/// Between two looks at the queue, on a terminal.
const EVERY_ON_TERMINAL: Duration = Duration::from_secs(2);
/// Between two plain lines.
const EVERY_PLAIN: Duration = Duration::from_secs(5);
/// Between two movements of the spinner.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Progress<'a> {
    app: &'a App,
    name: &'a str,
    began: Instant,
    spinner: Option<ProgressBar>,
    plain: bool,
    place: watch::Sender<Option<Claim>>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(app: &'a App, args: &'a LockArgs) -> Progress<'a> {
        let terminal = std::io::stderr().is_terminal();
        let silent = app.out.quiet || args.progress == ProgressKind::None;
        let spinner = (!silent && terminal && args.progress == ProgressKind::Auto)
            .then(|| spinner(&args.name));
        Progress {
            app,
            name: &args.name,
            began: Instant::now(),
            plain: !silent && spinner.is_none(),
            spinner,
            place: watch::Sender::new(None),
        }
    }

    /// How often the place in the queue is wanted.
    pub(super) fn every(&self) -> Duration {
        if self.spinner.is_some() {
            EVERY_ON_TERMINAL
        } else {
            EVERY_PLAIN
        }
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
            if self.spinner.is_none() && !self.plain {
                continue;
            }
            let queue = self.app.client.queue(self.name).await.ok();
            let line = describe(&claim, queue.as_ref(), self.began.elapsed());
            match &self.spinner {
                Some(spinner) => spinner.set_message(line),
                None => self.app.out.note(&line),
            }
        }
    }

    pub(super) fn clear(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

fn spinner(name: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(format!("waiting for {name}"));
    spinner.enable_steady_tick(TICK);
    spinner
}

/// `waiting for deploy/prod  #2 of 3  held by ci@runner-4 pid 812 for 1m04s: release 2.8.1`
fn describe(claim: &Claim, queue: Option<&Queue>, waited: Duration) -> String {
    let mut line = format!("waiting for {}", claim.lock);
    if let Some(place) = claim.position {
        line.push_str(&format!("  #{place} of {}", claim.queue_length));
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
    }
}
