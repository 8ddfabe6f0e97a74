//! `holdfast session …`.

use holdfast_client::SessionOptions;
use holdfast_client::http_types::v1::sessions::{Owner, Session, SessionsQuery};

use super::App;
use super::pages::{Page, read_all};
use crate::args::SessionCommand;
use crate::exit::{Context as _, Failure};
use crate::output::{Shown, ago};

/// This process, as shown to those who wait for what it holds.
pub(super) fn own_owner() -> Owner {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    Owner {
        service: Some(user.unwrap_or_else(|| "holdfast".to_owned())),
        host: Some(host),
        pid: Some(std::process::id()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Owner::default()
    }
}

pub(super) async fn run(app: &App, command: SessionCommand) -> Result<(), Failure> {
    match command {
        SessionCommand::New(args) => {
            let mut owner = own_owner();
            owner.service = args.service.or(owner.service);
            owner.reason = args.reason;
            owner.url = args.url;
            let options = SessionOptions {
                ttl: args.ttl,
                owner,
                lock_delay: args.lock_delay,
                id: args.id,
            };
            let session = app
                .client
                .create_session(&options)
                .await
                .cannot(|| "open a session".to_owned())?;
            app.out.show(&shown(&session)?)
        }
        SessionCommand::Keepalive { id } => {
            let kept = app
                .client
                .keep_alive(&id)
                .await
                .cannot(|| format!("keep session {id} alive"))?;
            let fields = vec![
                ("session", kept.id.clone()),
                ("safe", ago(kept.safe_ms)),
                ("claims", kept.holds.len().to_string()),
                ("ended", kept.ended.len().to_string()),
            ];
            app.out.show(&Shown::one(&kept, kept.id.clone(), fields)?)
        }
        SessionCommand::Ls {
            host,
            service,
            limit,
        } => list(app, host, service, limit).await,
        SessionCommand::Get { id } => get(app, &id).await,
        SessionCommand::End { id } => {
            let ended = app
                .client
                .end_session(&id)
                .await
                .cannot(|| format!("end session {id}"))?;
            let fields = vec![
                ("session", ended.id.clone()),
                ("released", ended.released.len().to_string()),
                ("ephemerals", ended.ephemerals_removed.to_string()),
            ];
            app.out.show(&Shown::one(&ended, ended.id.clone(), fields)?)
        }
    }
}

fn shown(session: &Session) -> Result<Shown, Failure> {
    let fields = vec![
        ("session", session.id.clone()),
        ("ttl", ago(session.ttl_ms)),
        ("owner", session.owner.to_string()),
        ("since", session.created_at.clone()),
    ];
    let env = vec![
        ("HOLDFAST_SESSION", session.id.clone()),
        (
            "HOLDFAST_SAFE_MS",
            session.safe_ms.unwrap_or(session.ttl_ms).to_string(),
        ),
    ];
    Ok(Shown::one(session, session.id.clone(), fields)?.env(env))
}

async fn list(
    app: &App,
    host: Option<String>,
    service: Option<String>,
    limit: Option<usize>,
) -> Result<(), Failure> {
    let sessions = read_all(limit, async |after, count| {
        let query = SessionsQuery {
            owner_host: host.clone(),
            owner_service: service.clone(),
            after,
            limit: Some(count),
        };
        let page = app
            .client
            .sessions(&query)
            .await
            .cannot(|| "list the sessions".to_owned())?;
        Ok(Page {
            items: page.sessions,
            next: page.next,
        })
    })
    .await?;
    let columns = ["SESSION", "OWNER", "TTL", "LAST CONTACT", "SINCE", "REASON"];
    let shown = Shown::list(&sessions, &columns, |session| {
        vec![
            session.id.clone(),
            session.owner.to_string(),
            ago(session.ttl_ms),
            session.last_contact_ms.map_or_else(|| "-".to_owned(), ago),
            session.created_at.clone(),
            session.owner.reason.clone().unwrap_or_default(),
        ]
    })?;
    app.out.show(&shown)
}

async fn get(app: &App, id: &str) -> Result<(), Failure> {
    let detail = app
        .client
        .session(id)
        .await
        .cannot(|| format!("read session {id}"))?;
    let session = &detail.session;
    let mut fields = vec![
        ("session", session.id.clone()),
        ("number", session.number.to_string()),
        ("owner", session.owner.to_string()),
        ("ttl", ago(session.ttl_ms)),
        ("since", session.created_at.clone()),
    ];
    for claim in &detail.claims {
        let place = claim.position.map_or_else(
            || format!("holds {} with fence {}", claim.lock, claim.fence),
            |place| format!("waits for {} as #{place}", claim.lock),
        );
        fields.push(("claim", place));
    }
    fields.extend(
        detail
            .ephemerals
            .iter()
            .map(|path| ("ephemeral", path.clone())),
    );
    app.out
        .show(&Shown::one(&detail, session.id.clone(), fields)?)
}
