//! `holdfast barrier NAME --parties N -- CMD`: waits for all to be there, runs a command, and ends when the
//! commands of all have.

use holdfast_client::http_types::v1::barriers::Party;
use holdfast_client::{Error, Passage, Session};
use tokio::sync::watch;

use super::child::{self, Input, Program};
use super::signals::{Signals, by_signal};
use super::wait_line::WaitLine;
use super::{App, own_session};
use crate::args::BarrierArgs;
use crate::exit::{Context as _, Exit, Failure};

pub(super) async fn run(app: &App, args: BarrierArgs) -> Result<u8, Failure> {
    // A session for each round: a late duplicate of what is sent here cannot come into the next one.
    let what = format!("enter {}", args.name);
    own_session::run(app, args.ttl, &what, async |session, signals| {
        under_session(app, &args, session, signals).await
    })
    .await
}

async fn under_session(
    app: &App,
    args: &BarrierArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let passage = tokio::select! {
        passage = wait_to_open(app, args, session) => passage?,
        signal = signals.next() => {
            app.out.note(&format!("interrupted; taken out of {}", args.name));
            return Ok(by_signal(signal));
        }
    };
    app.out
        .note(&format!("all {} are in {}", args.parties, args.name));
    let code = if args.command.is_empty() {
        0
    } else {
        match with_command(app, args, &passage, signals).await? {
            Some(code) => code,
            None => {
                let loss = passage.loss();
                let why = loss.map_or_else(String::new, |loss| format!(": {loss}"));
                app.out.warn(&format!("not in {} any more{why}", args.name));
                return Ok(Exit::Lost.code());
            }
        }
    };
    tokio::select! {
        left = passage.leave() => match left {
            Ok(_) => app.out.note(&format!("all have left {}", args.name)),
            Err(error @ Error::SessionLost(_)) => {
                app.out.warn(&format!("leave {}: {error}", args.name));
                return Ok(Exit::Lost.code());
            }
            Err(error) => app.out.warn(&format!(
                "leave {}: {error}; the party goes when the session ends",
                args.name
            )),
        },
        signal = signals.next() => return Ok(by_signal(signal)),
    }
    Ok(code)
}

/// Comes in and waits for the others, showing how it goes.
async fn wait_to_open(
    app: &App,
    args: &BarrierArgs,
    session: &Session,
) -> Result<Passage, Failure> {
    let title = format!("waiting in {}", args.name);
    let line = WaitLine::new(app, args.progress, title);
    let mut barrier = app.client.barrier(&args.name, args.parties);
    if let Some(id) = &args.id {
        barrier = barrier.member_id(id);
    }
    let place = watch::Sender::new(None::<Party>);
    let told = place.clone();
    let barrier = barrier.on_waiting(line.every(), move |party| {
        told.send_replace(Some(party.clone()));
    });
    let entered = tokio::select! {
        passage = barrier.enter(session) => passage,
        () = show(&line, place.subscribe()) => Err(Error::Invalid("the wait cannot be shown".to_owned())),
    };
    line.clear();
    entered.cannot(|| format!("enter {}", args.name))
}

/// Shows the wait until dropped.
async fn show(line: &WaitLine<'_>, mut place: watch::Receiver<Option<Party>>) {
    // The sender outlives this.
    while place.changed().await.is_ok() {
        if let Some(party) = place.borrow_and_update().as_ref() {
            let parties = party.parties.unwrap_or_default();
            let (name, inside) = (&party.barrier, party.inside);
            line.say(format!(
                "waiting in {name}  {inside} of {parties} are there"
            ));
        }
    }
}

/// Runs the command to its end, or stops it when the session is lost (`None`).
async fn with_command(
    app: &App,
    args: &BarrierArgs,
    passage: &Passage,
    signals: &mut Signals,
) -> Result<Option<u8>, Failure> {
    let party = passage.party();
    let program = Program {
        command: &args.command,
        input: Input::passed(args.pass_stdin),
        environment: vec![
            ("HOLDFAST_BARRIER", party.barrier.clone()),
            ("HOLDFAST_MEMBER", party.member.clone()),
            ("HOLDFAST_SESSION", passage.session().id().to_owned()),
            ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
        ],
    };
    let behind = "the command left processes running; the others do not wait for them";
    let until = (passage.lost(), args.grace);
    child::run(app.out, &program, until, signals, behind).await
}
