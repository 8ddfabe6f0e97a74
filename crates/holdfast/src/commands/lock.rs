//! `holdfast lock NAME -- CMD`: runs a command while holding a lock, and stops it when the lock is
//! lost, or asked for if the user wished that, with everything it started.

mod asked;
mod progress;

use std::pin::pin;
use std::time::Instant;

use holdfast_client::{Error, ErrorCode, LockGuard, Session};
use rustix::process::Signal;

use self::asked::Asked;
use self::progress::Progress;
use super::acquire::{busy, wanted, wished};
use super::child::{Child, Input, Program};
use super::signals::{Signals, by_signal};
use super::{App, own_session};
use crate::args::LockArgs;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::ago;

/// How the wait for the lock ended.
enum Turn {
    Ours(Box<LockGuard>),
    Interrupted(i32),
}

pub(super) async fn run(app: &App, args: LockArgs) -> Result<u8, Failure> {
    let what = format!("take {}", args.name);
    own_session::run(app, args.ttl, &what, async |session, signals| {
        under_session(app, &args, session, signals).await
    })
    .await
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
        wanted(&args.name, &args.wish),
        ago(millis(began)),
        guard.fence()
    ));
    let held = Instant::now();
    if args.command.is_empty() {
        return hold(app, args, guard, signals).await;
    }
    let mut child = Child::spawn(&program(app, args, &guard).await?)?;
    let code = {
        let asked = Asked::of(app, args, &guard);
        let mut to_end = pin!(asked.until_to_end(child.pid()));
        loop {
            tokio::select! {
                biased;
                code = child.finished() => break code?,
                () = guard.lost() => {
                    lost(app, &guard);
                    stop_child(app, args, &mut child).await;
                    return Ok(Exit::Lost.code());
                }
                signal = signals.next() => child.signal(signal),
                () = &mut to_end => {
                    asked.answering(args.grace, stop_child(app, args, &mut child)).await;
                    break child.finished().await?;
                }
            }
        }
    };
    if child.leaves_others_behind() {
        app.out
            .warn("the command left processes running; they go on without the lock");
    }
    release(app, guard, held, code).await
}

/// What is run must know of the lock.
fn environment(app: &App, guard: &LockGuard) -> Vec<(&'static str, String)> {
    vec![
        ("HOLDFAST_LOCK", guard.lock().to_owned()),
        ("HOLDFAST_CLAIM", guard.claim().claim.clone()),
        ("HOLDFAST_FENCE", guard.fence().to_string()),
        ("HOLDFAST_SESSION", guard.session().id().to_owned()),
        ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
    ]
}

/// The command, with the signed fence where it is wanted.
async fn program<'a>(
    app: &App,
    args: &'a LockArgs,
    guard: &LockGuard,
) -> Result<Program<'a>, Failure> {
    let mut environment = environment(app, guard);
    if args.token {
        let token = guard.fence_token().await;
        let token = token.cannot(|| format!("sign the fence of {}", args.name))?;
        environment.push(("HOLDFAST_FENCE_TOKEN", token.token));
    }
    Ok(Program {
        command: &args.command,
        input: Input::passed(args.pass_stdin),
        environment,
    })
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
        .cannot(|| format!("take {}", wanted(&args.name, &args.wish)))
        .map_err(|failure| busy(failure, &args.wish))?;
    Ok(Turn::Ours(Box::new(guard)))
}

/// Without a command: holds the lock until interrupted. To be asked to end is like that.
async fn hold(
    app: &App,
    args: &LockArgs,
    guard: LockGuard,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let held = Instant::now();
    app.out.note("holding it until interrupted");
    let asked = Asked::of(app, args, &guard);
    let signal = tokio::select! {
        biased;
        () = guard.lost() => None,
        signal = signals.next() => Some(signal),
        () = asked.until_to_end(own_pid()) => Some(Signal::TERM.as_raw()),
    };
    let Some(signal) = signal else {
        lost(app, &guard);
        return Ok(Exit::Lost.code());
    };
    release(app, guard, held, by_signal(signal)).await
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

async fn stop_child(app: &App, args: &LockArgs, child: &mut Child) {
    app.out.warn("stopping the command");
    if !child.stop(args.grace).await {
        app.out.warn("some of its processes could not be stopped");
    }
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
