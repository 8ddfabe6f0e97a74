//! `holdfast service register NAME ID -- CMD`: an instance while a command runs, which is stopped when the
//! session is lost: nothing is sent to it any more.

use std::time::Duration;

use holdfast_client::http_types::duration::TextDuration;
use holdfast_client::http_types::v1::services::InstanceCheck;
use holdfast_client::{InstanceBuilder, Registered, Session, SessionOptions};
use tokio::time::timeout;

use crate::args::RegisterArgs;
use crate::commands::child::{self, Input, Program};
use crate::commands::signals::{Signals, by_signal};
use crate::commands::{App, session};
use crate::exit::{Context as _, Exit, Failure};

/// Time for tidying up at the end. What it does not manage, the end of the session does.
const TIDY_TIME: Duration = Duration::from_secs(3);

pub(super) async fn run(app: &App, args: RegisterArgs) -> Result<u8, Failure> {
    let mut signals = Signals::listen()?;
    let options = SessionOptions {
        ttl: args.ttl,
        owner: session::own_owner(),
        lock_delay: Duration::ZERO,
        id: None,
    };
    let session = tokio::select! {
        opened = app.client.open_session(options) => {
            opened.cannot(|| format!("register for {}", args.service))?
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
    args: &RegisterArgs,
    session: &Session,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let service = &args.service;
    let registered = tokio::select! {
        done = described(app, args).register(session) => {
            done.cannot(|| format!("register for {service}"))?
        }
        signal = signals.next() => return Ok(by_signal(signal)),
    };
    let id = registered.instance().id.clone();
    app.out.note(&format!("{id} serves {service}"));
    let code = if args.command.is_empty() {
        app.out.note("registered until interrupted");
        tokio::select! {
            biased;
            () = registered.lost() => None,
            signal = signals.next() => Some(by_signal(signal)),
        }
    } else {
        with_command(app, args, &registered, signals).await?
    };
    let Some(code) = code else {
        let loss = registered.loss();
        let why = loss.map_or_else(String::new, |loss| format!(": {loss}"));
        app.out
            .warn(&format!("not registered for {service} any more{why}"));
        return Ok(Exit::Lost.code());
    };
    match registered.deregister().await {
        Ok(_) => app.out.note(&format!("{id} left {service}")),
        Err(error) => app.out.warn(&format!(
            "deregister {id}: {error}; the instance goes when the session ends"
        )),
    }
    Ok(code)
}

fn described(app: &App, args: &RegisterArgs) -> InstanceBuilder {
    let mut instance = app
        .client
        .instance(&args.service, &args.address, args.port)
        .weight(args.weight);
    if let Some(id) = &args.id {
        instance = instance.id(id);
    }
    if let Some(zone) = &args.zone {
        instance = instance.zone(zone);
    }
    for tag in &args.tag {
        instance = instance.tag(tag);
    }
    for (key, value) in &args.meta {
        instance = instance.meta(key, value);
    }
    if args.check_tcp || args.check_http.is_some() {
        instance = instance.check(InstanceCheck {
            http: args.check_http.clone(),
            tcp: args.check_tcp,
            interval: Some(TextDuration::from(args.interval)),
            ..InstanceCheck::default()
        });
    }
    instance
}

/// Runs the command to its end, or stops it when the session is lost (`None`).
async fn with_command(
    app: &App,
    args: &RegisterArgs,
    registered: &Registered,
    signals: &mut Signals,
) -> Result<Option<u8>, Failure> {
    let instance = registered.instance();
    let program = Program {
        command: &args.command,
        input: Input::passed(args.pass_stdin),
        environment: vec![
            ("HOLDFAST_SERVICE", instance.service.clone()),
            ("HOLDFAST_INSTANCE", instance.id.clone()),
            ("HOLDFAST_SESSION", registered.session().id().to_owned()),
            ("HOLDFAST_ENDPOINTS", app.client.endpoints().join(",")),
        ],
    };
    let behind = "the command left processes running; they go on without a registration";
    let until = (registered.lost(), args.grace);
    child::run(app.out, &program, until, signals, behind).await
}
