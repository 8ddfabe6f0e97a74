//! `holdfast queue work NAME -- CMD`: takes items one by one, runs a command for each, and acknowledges those for
//! which it succeeded. The command is stopped when the session is lost: others would work at the same item.

use std::time::Duration;

use holdfast_client::{Delivery, Session, SessionOptions};
use tokio::time::{Instant, timeout};

use crate::args::WorkArgs;
use crate::commands::child::{Child, Input, Program};
use crate::commands::signals::{Signals, by_signal};
use crate::commands::{App, session};
use crate::exit::{Context as _, Exit, Failure};

/// Time for tidying up at the end. What it does not manage, the end of the session does.
const TIDY_TIME: Duration = Duration::from_secs(3);
/// How long one take waits, where the wait is not bounded.
const WAIT: Duration = Duration::from_secs(3_600);

/// What the command did with an item.
enum Done {
    /// It ended with this code.
    Ended(u8),
    /// It was asked to end by this signal, and ended with this code.
    Interrupted(i32, u8),
    /// The session is lost.
    Lost,
}

pub(super) async fn run(app: &App, args: WorkArgs) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let options = SessionOptions {
        ttl: args.ttl,
        owner: session::own_owner(),
        lock_delay: Duration::ZERO,
        id: None,
    };
    let session = tokio::select! {
        opened = app.client.open_session(options) => {
            opened.cannot(|| format!("work for {}", args.name))?
        }
        signal = signals.next() => return Ok(by_signal(signal)),
    };
    let ended = items(app, &args, &session, &mut signals).await;
    let tidied = timeout(TIDY_TIME, async {
        app.client.finish_background().await;
        session.close().await
    });
    if let Ok(Err(error)) = tidied.await {
        tracing::debug!(%error, "closing the session failed; it will expire");
    }
    ended
}

/// One item after the other.
async fn items(
    app: &App,
    args: &WorkArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let mut done = 0_u64;
    let mut end = args.wait.map(|wait| Instant::now() + wait);
    while args.count.is_none_or(|count| done < count) {
        let left = end.map_or(WAIT, |end| end.saturating_duration_since(Instant::now()));
        let mut taken = tokio::select! {
            taken = app.client.take(&args.name, 1, left, session) => {
                taken.cannot(|| format!("take from {}", args.name))?
            }
            signal = signals.next() => return Ok(by_signal(signal)),
        };
        let Some(delivery) = taken.pop() else {
            if end.is_some_and(|end| end <= Instant::now()) {
                return Ok(0);
            }
            continue;
        };
        let did = with_command(app, args, &delivery, signals).await?;
        if let Some(code) = settle(app, delivery, did).await? {
            return Ok(code);
        }
        done = done.saturating_add(1);
        end = args.wait.map(|wait| Instant::now() + wait);
    }
    Ok(0)
}

/// Runs the command for an item to its end, or stops it when the session is lost.
async fn with_command(
    app: &App,
    args: &WorkArgs,
    delivery: &Delivery,
    signals: &mut Signals,
) -> Result<Done, Failure> {
    let program = Program {
        command: &args.command,
        input: Input::Bytes(delivery.data().clone()),
        environment: vec![
            ("HOLDFAST_QUEUE", delivery.queue().to_owned()),
            ("HOLDFAST_ITEM", delivery.item().to_owned()),
            ("HOLDFAST_DELIVERY", delivery.number().to_string()),
            ("HOLDFAST_ATTEMPT", delivery.attempt().to_string()),
            ("HOLDFAST_SESSION", delivery.session().id().to_owned()),
            ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
        ],
    };
    let mut child = Child::spawn(&program)?;
    let mut interrupted = None;
    loop {
        tokio::select! {
            biased;
            code = child.finished() => {
                let code = code?;
                if child.leaves_others_behind() {
                    app.out.warn("the command left processes running; the item does not wait for them");
                }
                return Ok(interrupted.map_or(Done::Ended(code), |signal| Done::Interrupted(signal, code)));
            }
            () = delivery.lost() => break,
            signal = signals.next() => {
                interrupted = Some(signal);
                child.signal(signal);
            }
        }
    }
    app.out.warn("stopping the command");
    if !child.stop(args.grace).await {
        app.out.warn("some of its processes could not be stopped");
    }
    Ok(Done::Lost)
}

/// Acknowledges the item or gives it back; says with what code to end, if this is the end.
async fn settle(app: &App, delivery: Delivery, done: Done) -> Result<Option<u8>, Failure> {
    let (queue, item) = (delivery.queue().to_owned(), delivery.item().to_owned());
    let (code, signal) = match done {
        Done::Ended(code) => (code, None),
        Done::Interrupted(signal, code) => (code, Some(signal)),
        Done::Lost => {
            let loss = delivery.loss();
            let why = loss.map_or_else(String::new, |loss| format!(": {loss}"));
            app.out
                .warn(&format!("{item} of {queue} is ours no more{why}"));
            return Ok(Some(Exit::Lost.code()));
        }
    };
    if code == 0 {
        let acked = delivery.ack().await;
        acked.cannot(|| format!("acknowledge {item} of {queue}"))?;
        app.out.note(&format!("{item} of {queue} is done"));
    } else {
        let given = match signal {
            // It was not its fault.
            Some(_) => delivery.give_back_untried().await,
            None => {
                let reason = format!("exit status {code}");
                delivery.give_back(Some(reason)).await
            }
        };
        let given = given.cannot(|| format!("give {item} of {queue} back"))?;
        let end = if given.dead { "dead" } else { "given back" };
        app.out.warn(&format!(
            "{item} of {queue} is {end}: exit status {code}, tried {} times",
            given.tries
        ));
    }
    Ok(signal.map(by_signal))
}
