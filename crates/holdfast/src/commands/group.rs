//! `holdfast group join NAME -- CMD`: a member while a command runs, which is stopped when the session is
//! lost: others would take the member for gone.

use holdfast_client::{Membership, Session};

use super::child::{self, Input, Program};
use super::signals::{Signals, by_signal};
use super::{App, own_session};
use crate::args::{GroupCommand, JoinArgs};
use crate::exit::{Context as _, Exit, Failure};

pub(super) async fn run(app: &App, command: GroupCommand) -> Result<u8, Failure> {
    match command {
        GroupCommand::Join(args) => join(app, args).await,
    }
}

async fn join(app: &App, args: JoinArgs) -> Result<u8, Failure> {
    let what = format!("join {}", args.name);
    own_session::run(app, args.ttl, &what, async |session, signals| {
        under_session(app, &args, session, signals).await
    })
    .await
}

async fn under_session(
    app: &App,
    args: &JoinArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let mut group = app.client.group(&args.name);
    if let Some(id) = &args.id {
        group = group.member_id(id);
    }
    if let Some(value) = &args.value {
        group = group.value(value);
    }
    let membership = tokio::select! {
        joined = group.join(session) => joined.cannot(|| format!("join {}", args.name))?,
        signal = signals.next() => return Ok(by_signal(signal)),
    };
    let id = membership.member().member.clone();
    app.out.note(&format!("in {} as {id}", args.name));
    let code = if args.command.is_empty() {
        app.out.note("a member until interrupted");
        tokio::select! {
            biased;
            () = membership.lost() => None,
            signal = signals.next() => Some(by_signal(signal)),
        }
    } else {
        with_command(app, args, &membership, signals).await?
    };
    let Some(code) = code else {
        let loss = membership.loss();
        let why = loss.map_or_else(String::new, |loss| format!(": {loss}"));
        app.out
            .warn(&format!("no member of {} any more{why}", args.name));
        return Ok(Exit::Lost.code());
    };
    match membership.leave().await {
        Ok(_) => app.out.note(&format!("left {}", args.name)),
        Err(error) => app.out.warn(&format!(
            "leave {}: {error}; the member goes when the session ends",
            args.name
        )),
    }
    Ok(code)
}

/// Runs the command to its end, or stops it when the session is lost (`None`).
async fn with_command(
    app: &App,
    args: &JoinArgs,
    membership: &Membership,
    signals: &mut Signals,
) -> Result<Option<u8>, Failure> {
    let member = membership.member();
    let program = Program {
        command: &args.command,
        input: Input::passed(args.pass_stdin),
        environment: vec![
            ("HOLDFAST_GROUP", member.group.clone()),
            ("HOLDFAST_MEMBER", member.member.clone()),
            ("HOLDFAST_SESSION", membership.session().id().to_owned()),
            ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
        ],
    };
    let behind = "the command left processes running; they go on outside the group";
    let until = (membership.lost(), args.grace);
    child::run(app.out, &program, until, signals, behind).await
}
