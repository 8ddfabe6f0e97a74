//! `holdfast elect NAME -- CMD`: runs a command while leading, and stops it when the leadership is lost
//! or to be handed over, with everything it started.

use std::time::Instant;

use holdfast_client::http_types::v1::elections::Candidate;
use holdfast_client::{Error, ErrorCode, Handover, Leadership, Session};
use tokio::sync::watch;

use super::child::{Child, Input, Program};
use super::signals::{Signals, by_signal};
use super::wait_line::WaitLine;
use super::{App, own_session};
use crate::args::ElectArgs;
use crate::exit::{Context as _, Exit, Failure};
use crate::output::ago;

/// How the time as a candidate ended.
enum Turn {
    Ours(Box<Leadership>),
    Interrupted(i32),
}

/// How the leadership is to end.
enum End {
    /// With this code.
    Finished(u8),
    /// It is lost already.
    Lost,
    /// Somebody else is to lead.
    Asked(Handover),
}

pub(super) async fn run(app: &App, args: ElectArgs) -> Result<u8, Failure> {
    let what = format!("stand in {}", args.name);
    own_session::run(app, args.ttl, &what, async |session, signals| {
        under_session(app, &args, session, signals).await
    })
    .await
}

async fn under_session(
    app: &App,
    args: &ElectArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let began = Instant::now();
    let leadership = match wait_to_lead(app, args, session, signals).await? {
        Turn::Ours(leadership) => *leadership,
        Turn::Interrupted(signal) => return Ok(by_signal(signal)),
    };
    app.out.note(&format!(
        "leads {} after {}, term {}",
        args.name,
        ago(millis(began)),
        leadership.term()
    ));
    let led = Instant::now();
    if args.command.is_empty() {
        app.out.note("leading until interrupted");
        let end = tokio::select! {
            biased;
            () = leadership.lost() => End::Lost,
            asked = leadership.handover_asked() => End::Asked(asked),
            signal = signals.next() => End::Finished(by_signal(signal)),
        };
        return finish(app, leadership, end, led).await;
    }
    let mut child = Child::spawn(&program(app, args, &leadership).await?)?;
    let end = loop {
        tokio::select! {
            biased;
            code = child.finished() => break End::Finished(code?),
            () = leadership.lost() => break End::Lost,
            asked = leadership.handover_asked() => break End::Asked(asked),
            signal = signals.next() => child.signal(signal),
        }
    };
    stop_child(app, args, &end, &mut child).await;
    finish(app, leadership, end, led).await
}

async fn program<'a>(
    app: &App,
    args: &'a ElectArgs,
    leadership: &Leadership,
) -> Result<Program<'a>, Failure> {
    let candidate = leadership.candidate().candidate.clone();
    let mut environment = vec![
        ("HOLDFAST_ELECTION", leadership.election().to_owned()),
        ("HOLDFAST_CANDIDATE", candidate),
        ("HOLDFAST_TERM", leadership.term().to_string()),
        ("HOLDFAST_SESSION", leadership.session().id().to_owned()),
        ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
    ];
    if args.token {
        let token = leadership.fence_token().await;
        let token = token.cannot(|| format!("sign the term of {}", args.name))?;
        environment.push(("HOLDFAST_FENCE_TOKEN", token.token));
    }
    Ok(Program {
        command: &args.command,
        input: Input::passed(args.pass_stdin),
        environment,
    })
}

/// Stands by, showing how it goes.
async fn wait_to_lead(
    app: &App,
    args: &ElectArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<Turn, Failure> {
    let line = WaitLine::new(app, args.progress, format!("standing in {}", args.name));
    let place = watch::Sender::new(None::<Candidate>);
    let mut election = app.client.election(&args.name).weight(args.weight);
    if let Some(id) = &args.id {
        election = election.candidate_id(id);
    }
    if let Some(value) = &args.value {
        election = election.value(value);
    }
    let told = place.clone();
    let election = election.on_standby(line.every(), move |candidate| {
        told.send_replace(Some(candidate.clone()));
    });
    let turn = tokio::select! {
        leads = election.campaign(session) => leads,
        () = show(&line, place.subscribe()) => Err(Error::Invalid("the wait cannot be shown".to_owned())),
        signal = signals.next() => {
            line.clear();
            app.out.note(&format!("interrupted; the candidate of {} is withdrawn", args.name));
            return Ok(Turn::Interrupted(signal));
        }
    };
    line.clear();
    let leadership = turn.cannot(|| format!("stand in {}", args.name))?;
    Ok(Turn::Ours(Box::new(leadership)))
}

/// Shows the wait until dropped.
async fn show(line: &WaitLine<'_>, mut place: watch::Receiver<Option<Candidate>>) {
    // The sender outlives this.
    while place.changed().await.is_ok() {
        if let Some(candidate) = place.borrow_and_update().as_ref() {
            let position = candidate.position.unwrap_or_default();
            let (name, leader) = (&candidate.election, &candidate.leader);
            line.say(format!(
                "standing in {name}  #{position} to lead  {leader} leads"
            ));
        }
    }
}

/// Ends the command, unless it ended by itself.
async fn stop_child(app: &App, args: &ElectArgs, end: &End, child: &mut Child) {
    let grace = match end {
        End::Finished(_) => {
            if child.leaves_others_behind() {
                app.out
                    .warn("the command left processes running; they go on without leading");
            }
            return;
        }
        End::Lost => args.grace,
        End::Asked(asked) => {
            let left = asked
                .deadline
                .saturating_duration_since(tokio::time::Instant::now());
            let why = asked
                .reason
                .as_deref()
                .map_or_else(String::new, |why| format!(": {why}"));
            app.out
                .note(&format!("asked to hand over to {}{why}", asked.to));
            left.min(args.grace)
        }
    };
    app.out.warn("stopping the command");
    if !child.stop(grace).await {
        app.out.warn("some of its processes could not be stopped");
    }
}

/// Gives the leadership up. That it had ended before is worth more than the command's own code: the
/// command worked unprotected.
async fn finish(app: &App, leadership: Leadership, end: End, led: Instant) -> Result<u8, Failure> {
    let name = leadership.election().to_owned();
    let code = match end {
        End::Finished(code) => code,
        End::Asked(_) => Exit::Lost.code(),
        End::Lost => {
            let why = leadership
                .loss()
                .map_or_else(String::new, |loss| format!(": {loss}"));
            app.out.warn(&format!("leads {name} no more{why}"));
            return Ok(Exit::Lost.code());
        }
    };
    match leadership.resign().await {
        Ok(_) => {
            app.out
                .note(&format!("resigned from {name} after {}", ago(millis(led))));
            Ok(code)
        }
        Err(error)
            if matches!(
                error.code(),
                Some(ErrorCode::CandidateEnded | ErrorCode::NoCandidate)
            ) =>
        {
            app.out.warn(&format!(
                "the leadership of {name} was over before the command ended: {error}"
            ));
            Ok(Exit::Lost.code())
        }
        Err(error) => {
            app.out.warn(&format!(
                "resign from {name}: {error}; the next one leads when the session ends"
            ));
            Ok(code)
        }
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
