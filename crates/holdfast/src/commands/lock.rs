//! `holdfast lock NAME -- CMD`: runs a command while holding a lock, and stops it when the lock is
//! lost, with everything it started.

mod progress;

use std::pin::pin;
use std::time::{Duration, Instant};

use holdfast_client::{Error, ErrorCode, LockGuard, Session, SessionOptions};
use tokio::time::timeout;

use self::progress::Progress;
use super::acquire::{busy, wished};
use super::child::{Child, Input, Program};
use super::signals::{Signals, by_signal};
use super::{App, session};
use crate::args::LockArgs;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::ago;

/// Time for tidying up at the end. What it does not manage, the end of the session does.
const TIDY_TIME: Duration = Duration::from_secs(3);

/// How the wait for the lock ended.
enum Turn {
    Ours(Box<LockGuard>),
    Interrupted(i32),
}

pub(super) async fn run(app: &App, args: LockArgs) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let options = SessionOptions {
        ttl: args.ttl,
        owner: session::own_owner(),
        lock_delay: Duration::ZERO,
        id: None,
    };
    let session = tokio::select! {
        opened = app.client.open_session(options) => {
            opened.cannot(|| format!("take {}", args.name))?
        }
        signal = signals.next() => return Ok(by_signal(signal)),
    };
    let ended = under_session(app, &args, &session, &mut signals).await;
    let tidied = timeout(TIDY_TIME, async {
        app.client.finish_background().await;
        session.close().await
    });
    if let Ok(Err(error)) = tidied.await {
        tracing::debug!(%error, "closing the session failed; it will expire");
    }
    ended
}

async fn under_session(
    app: &App,
    args: &LockArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let began = Instant::now();
    let guard = match wait_for_turn(app, args, session, signals).await? {
        Turn::Ours(guard) => *guard,
        Turn::Interrupted(signal) => return Ok(by_signal(signal)),
    };
    app.out.note(&format!(
        "acquired {} after {}, fence {}",
        args.name,
        ago(millis(began)),
        guard.fence()
    ));
    let held = Instant::now();
    if args.command.is_empty() {
        return hold(app, guard, signals).await;
    }
    let mut child = Child::spawn(&Program {
        command: &args.command,
        input: Input::passed(args.pass_stdin),
        environment: vec![
            ("HOLDFAST_LOCK", guard.lock().to_owned()),
            ("HOLDFAST_CLAIM", guard.claim().claim.clone()),
            ("HOLDFAST_FENCE", guard.fence().to_string()),
            ("HOLDFAST_SESSION", guard.session().id().to_owned()),
            ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
        ],
    })?;
    let code = {
        let mut asked = pin!(asked_for(app, &guard));
        loop {
            tokio::select! {
                biased;
                code = child.finished() => break code?,
                () = guard.lost() => return Ok(stop_child(app, args, &guard, &mut child).await),
                signal = signals.next() => child.signal(signal),
                () = &mut asked => {}
            }
        }
    };
    if child.leaves_others_behind() {
        app.out
            .warn("the command left processes running; they go on without the lock");
    }
    release(app, guard, held, code).await
}

/// Says that somebody asks for the lock, and goes on: the command knows best when it is done.
async fn asked_for(app: &App, guard: &LockGuard) {
    let asked = guard.release_asked().await;
    let left = asked
        .deadline
        .saturating_duration_since(tokio::time::Instant::now());
    let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    app.out.note(&format!(
        "{} asks for {} within {}: {}",
        asked.who,
        guard.lock(),
        ago(left),
        asked.reason
    ));
    std::future::pending().await
}

/// Stands in the queue, showing how it goes.
async fn wait_for_turn(
    app: &App,
    args: &LockArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<Turn, Failure> {
    let progress = Progress::new(app, args);
    let lock = wished(app.client.lock(&args.name), &args.wish);
    let lock = lock.on_wait(progress.every(), progress.listener());
    let turn = tokio::select! {
        held = lock.acquire(session) => held,
        () = progress.show() => Err(Error::Invalid("the wait cannot be shown".to_owned())),
        signal = signals.next() => {
            progress.clear();
            app.out.note(&format!("interrupted; the claim on {} is withdrawn", args.name));
            return Ok(Turn::Interrupted(signal));
        }
    };
    progress.clear();
    let guard = turn
        .cannot(|| format!("take {}", args.name))
        .map_err(|failure| busy(failure, &args.wish))?;
    Ok(Turn::Ours(Box::new(guard)))
}

/// Without a command: holds the lock until interrupted.
async fn hold(app: &App, guard: LockGuard, signals: &mut Signals) -> Result<u8, Failure> {
    let held = Instant::now();
    app.out.note("holding it until interrupted");
    let signal = tokio::select! {
        signal = signals.next() => Some(signal),
        () = guard.lost() => None,
        () = asked_for(app, &guard) => None,
    };
    let Some(signal) = signal else {
        lost(app, &guard);
        return Ok(Exit::Lost.code());
    };
    release(app, guard, held, by_signal(signal)).await
}

async fn stop_child(app: &App, args: &LockArgs, guard: &LockGuard, child: &mut Child) -> u8 {
    lost(app, guard);
    app.out.warn("stopping the command");
    if !child.stop(args.grace).await {
        app.out.warn("some of its processes could not be stopped");
    }
    Exit::Lost.code()
}

fn lost(app: &App, guard: &LockGuard) {
    let why = guard
        .loss()
        .map_or_else(String::new, |loss| format!(": {loss}"));
    app.out.warn(&format!("lost {}{why}", guard.lock()));
}

/// Gives the lock back. That it had ended before is worth more than the command's own code: the
/// command worked unprotected.
async fn release(app: &App, guard: LockGuard, held: Instant, code: u8) -> Result<u8, Failure> {
    let name = guard.lock().to_owned();
    match guard.release().await {
        Ok(_) => {
            app.out
                .note(&format!("released {name} after {}", ago(millis(held))));
            Ok(code)
        }
        Err(error)
            if matches!(
                error.code(),
                Some(ErrorCode::ClaimEnded | ErrorCode::NoClaim)
            ) =>
        {
            app.out.warn(&format!(
                "{name} was lost before the command ended: {error}"
            ));
            Ok(Exit::Lost.code())
        }
        Err(error) => {
            app.out.warn(&format!(
                "release {name}: {error}; it is freed when the session ends"
            ));
            Ok(code)
        }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
