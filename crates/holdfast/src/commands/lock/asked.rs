//! What is done when somebody asks for the lock that is held.

use std::process::Stdio;
use std::time::Duration;

use holdfast_client::http_types::duration::TextDuration;
use holdfast_client::{LockGuard, ReleaseAsked};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::Instant;

use super::environment;
use crate::args::{LockArgs, OnRequest};
use crate::commands::App;
use crate::output::{ago, clean};

/// Of what the user's command prints: it is a duration.
const ANSWER_BYTES_MAX: u64 = 256;

/// See the module.
pub(super) struct Asked<'a> {
    app: &'a App,
    wish: &'a OnRequest,
    guard: &'a LockGuard,
}

impl<'a> Asked<'a> {
    pub(super) fn of(app: &'a App, args: &'a LockArgs, guard: &'a LockGuard) -> Asked<'a> {
        Asked {
            app,
            wish: &args.on_request,
            guard,
        }
    }

    /// Says who asks, and does what the user wished. Ready when what is run under the lock, process `pid`, is
    /// to end; it knows best when it is done, so that is only if the user said so.
    pub(super) async fn until_to_end(&self, pid: i32) {
        let mut requests = self.guard.release_requests();
        loop {
            let asked = requests.next().await;
            self.app.out.note(&format!(
                "{} asks for {} within {}: {}",
                asked.who,
                self.guard.lock(),
                ago(left(&asked)),
                asked.reason
            ));
            match self.wish {
                OnRequest::Ignore => {}
                OnRequest::Term => return,
                OnRequest::Run(script) => {
                    if let Err(why) = self.run(script, &asked, pid).await {
                        self.app.out.warn(&format!("--on-request: {why}"));
                    }
                }
            }
        }
    }

    /// Answers that so much time is needed, unless the work for which it is needed is done before.
    pub(super) async fn answering(&self, needs: Duration, work: impl Future<Output = ()>) {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            () = &mut work => return,
            () = self.answer(needs) => {}
        }
        work.await;
    }

    async fn answer(&self, needs: Duration) {
        let needed = ago(u64::try_from(needs.as_millis()).unwrap_or(u64::MAX));
        match self.guard.answer_release(needs).await {
            Ok(_) => self.app.out.note(&format!("answered: needed for {needed}")),
            Err(error) => self
                .app
                .out
                .warn(&format!("answer that it is needed for {needed}: {error}")),
        }
    }

    /// Runs the user's command and passes on what it answers.
    async fn run(&self, script: &str, asked: &ReleaseAsked, pid: i32) -> Result<(), String> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", script])
            .envs(environment(self.app, self.guard))
            .env("HOLDFAST_PID", pid.to_string())
            .env("HOLDFAST_ASKED_BY", clean(&asked.who))
            .env("HOLDFAST_ASKED_REASON", clean(&asked.reason))
            .env("HOLDFAST_ASKED_WITHIN_MS", left(asked).to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("start /bin/sh: {error}"))?;
        let mut said = String::new();
        if let Some(output) = shell.stdout.take() {
            output
                .take(ANSWER_BYTES_MAX)
                .read_to_string(&mut said)
                .await
                .map_err(|error| format!("read its answer: {error}"))?;
        }
        let status = shell.wait().await.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("it ended with {status}"));
        }
        let said = said.trim();
        if said.is_empty() {
            return Ok(());
        }
        let needs = said
            .parse::<TextDuration>()
            .map_err(|error| format!("it printed {said:?}: {error}"))?;
        self.answer(needs.as_duration()).await;
        Ok(())
    }
}

/// Until the release is wanted, in milliseconds.
fn left(asked: &ReleaseAsked) -> u64 {
    let left = asked.deadline.saturating_duration_since(Instant::now());
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}
