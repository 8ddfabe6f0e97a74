//! `holdfast locks …`.

mod history;

use holdfast_client::http_types::duration::TextDuration;
use holdfast_client::http_types::v1::fence_tokens::FenceToken;
use holdfast_client::http_types::v1::locks::{
    Claim, Holder, Lock, LockKind, LockSettings, LockSettingsRequest, LockState, LocksQuery, Mode,
    Queue,
};
use holdfast_client::http_types::v1::sessions::Owner;

use super::pages::{Page, read_all};
use super::{App, events};
use crate::args::{AskArgs, BreakArgs, LocksCommand, SetArgs};
use crate::exit::{Context as _, Failure};
use crate::output::{Shown, ago};

pub(super) async fn run(app: &App, command: LocksCommand) -> Result<(), Failure> {
    match command {
        LocksCommand::Ls {
            prefix,
            state,
            limit,
        } => list(app, prefix, state.map(LockState::from), limit).await,
        LocksCommand::Get { name } => {
            let lock = app
                .client
                .lock_info(&name)
                .await
                .cannot(|| format!("read {name}"))?;
            show_lock(app, &lock)
        }
        LocksCommand::Queue { name } => {
            let queue = app
                .client
                .queue(&name)
                .await
                .cannot(|| format!("read {name}"))?;
            show_queue(app, &queue)
        }
        LocksCommand::Explain { name } => {
            let told = app
                .client
                .explain(&name)
                .await
                .cannot(|| format!("explain {name}"))?;
            let mut text = told.lines.join("\n") + "\n";
            for advice in &told.advice {
                text.push_str(&format!("  {advice}\n"));
            }
            app.out.show(&Shown::text(&told, name, text)?)
        }
        LocksCommand::History { name, limit } => {
            let told = app.client.lock_history(&name, limit).await;
            history::show(app, &told.cannot(|| format!("read the history of {name}"))?)
        }
        LocksCommand::Hot { prefix, limit } => {
            let found = app.client.hot_locks(&prefix, Some(limit)).await;
            history::show_hot(app, &found.cannot(|| "list the hot locks".to_owned())?)
        }
        LocksCommand::Verify { name, fence } => {
            let told = app
                .client
                .verify(&name, fence)
                .await
                .cannot(|| format!("verify {name}"))?;
            let text = format!("fence {fence} holds {name} (claim {})\n", told.claim);
            app.out.show(&Shown::text(&told, told.claim.clone(), text)?)
        }
        LocksCommand::Token { name, claim } => {
            let token = app.client.claim_token(&name, &claim).await;
            show_token(app, &token.cannot(|| format!("sign the fence of {name}"))?)
        }
        LocksCommand::RequestRelease(args) => request_release(app, args).await,
        LocksCommand::Break(args) => break_lock(app, args).await,
        LocksCommand::Set(args) => set(app, args).await,
        LocksCommand::Watch {
            name,
            after,
            initial,
        } => events::watch_locks(app, name, after, initial).await,
    }
}

/// The token alone, so that a script can take it as it is.
pub(super) fn show_token(app: &App, token: &FenceToken) -> Result<(), Failure> {
    let env = vec![
        ("HOLDFAST_FENCE", token.fence.to_string()),
        ("HOLDFAST_FENCE_TOKEN", token.token.clone()),
    ];
    let shown = Shown::text(token, token.kid.clone(), format!("{}\n", token.token))?;
    app.out.show(&shown.env(env))
}

async fn request_release(app: &App, args: AskArgs) -> Result<(), Failure> {
    let AskArgs {
        name,
        reason,
        deadline,
        fence,
    } = args;
    let asking = app.client.request_release(&name, fence, &reason, deadline);
    let claim = asking.await.cannot(|| format!("ask for {name}"))?;
    let who = owner_or(claim.owner.as_ref(), &claim.session);
    let text = format!(
        "{who} was asked to release {name} (fence {})\n",
        claim.fence
    );
    app.out
        .show(&Shown::text(&claim, claim.claim.clone(), text)?)
}

async fn break_lock(app: &App, args: BreakArgs) -> Result<(), Failure> {
    let BreakArgs {
        name,
        fence,
        reason,
        dry_run,
    } = args;
    let cannot = || format!("break {name}");
    if dry_run {
        let run = app.client.break_lock_dry_run(&name, fence, &reason).await;
        let run = run.cannot(cannot)?;
        let said = format!("would take {name} from claim {}", run.would.claim);
        return super::dry_run::show(app, &run, said);
    }
    let ended = app.client.break_lock(&name, fence, &reason).await;
    let ended = ended.cannot(cannot)?;
    let text = format!(
        "{name} was taken from claim {} (fence {fence})\n",
        ended.claim
    );
    app.out
        .show(&Shown::text(&ended, ended.claim.clone(), text)?)
}

async fn list(
    app: &App,
    prefix: String,
    state: Option<LockState>,
    limit: Option<usize>,
) -> Result<(), Failure> {
    let locks = read_all(limit, async |after, count| {
        let query = LocksQuery {
            prefix: Some(prefix.clone()),
            state,
            after,
            limit: Some(count),
        };
        let page = app
            .client
            .locks(&query)
            .await
            .cannot(|| "list the locks".to_owned())?;
        Ok(Page {
            items: page.locks,
            next: page.next,
        })
    })
    .await?;
    let columns = [
        "LOCK", "STATE", "KIND", "HOLDERS", "QUEUE", "HELD BY", "FOR", "FENCE",
    ];
    let shown = Shown::list(&locks, &columns, |lock| {
        let holder = lock.holder.as_ref();
        vec![
            lock.lock.clone(),
            state_name(lock.state).to_owned(),
            kind_name(lock.kind).to_owned(),
            lock.holder_count.to_string(),
            lock.queue_length.to_string(),
            holder.map_or_else(|| "-".to_owned(), who_holds),
            holder
                .and_then(|h| h.held_ms)
                .map_or_else(|| "-".to_owned(), ago),
            holder.map_or_else(|| "-".to_owned(), |h| h.fence.to_string()),
        ]
    })?;
    app.out.show(&shown)
}

fn show_lock(app: &App, lock: &Lock) -> Result<(), Failure> {
    let mut fields = vec![
        ("lock", lock.lock.clone()),
        ("state", state_name(lock.state).to_owned()),
        (
            "settings",
            lock.settings
                .as_ref()
                .map_or_else(|| "none".to_owned(), settings_text),
        ),
        ("version", lock.version.to_string()),
        ("holders", lock.holder_count.to_string()),
        ("queue", lock.queue_length.to_string()),
    ];
    if let Some(ms) = lock.delayed_ms {
        fields.push(("closed for", ago(ms)));
    }
    for holder in &lock.holders {
        let held = holder
            .held_ms
            .map_or_else(String::new, |ms| format!(" for {}", ago(ms)));
        fields.push((
            "held by",
            format!("{}{held}, fence {}", who_holds(holder), holder.fence),
        ));
    }
    app.out.show(&Shown::one(lock, lock.lock.clone(), fields)?)
}

fn show_queue(app: &App, queue: &Queue) -> Result<(), Failure> {
    let claims: Vec<&Claim> = queue.holders.iter().chain(&queue.waiters).collect();
    let columns = [
        "CLAIM", "PLACE", "MODE", "OWNER", "SINCE", "ABOUT", "FENCE", "REASON",
    ];
    let shown = Shown::list(&claims, &columns, |claim| {
        let since = claim.held_ms.unwrap_or(claim.waited_ms);
        vec![
            claim.claim.clone(),
            claim
                .position
                .map_or_else(|| "holds".to_owned(), |place| format!("#{place}")),
            mode_text(claim.mode, claim.permits),
            owner_or(claim.owner.as_ref(), &claim.session),
            ago(since),
            claim
                .eta_ms
                .map_or_else(|| "-".to_owned(), |eta| ago(eta.p50)),
            claim.fence.to_string(),
            claim.reason.clone().unwrap_or_default(),
        ]
    })?
    .foot(format!(
        "{} hold {}, {} wait",
        queue.holder_count, queue.lock, queue.queue_length
    ))
    .json(queue)?;
    app.out.show(&shown)
}

async fn set(app: &App, args: SetArgs) -> Result<(), Failure> {
    let settings = LockSettingsRequest {
        kind: args.kind.into(),
        limit: args.limit,
        lock_delay: args.lock_delay.map(TextDuration::from),
        max_hold: args.max_hold.map(TextDuration::from),
        max_waiters: args.max_waiters,
        labels: args.label.into_iter().collect(),
    };
    let lock = app
        .client
        .configure_lock(&args.name, &settings, args.if_version)
        .await
        .cannot(|| format!("configure {}", args.name))?;
    show_lock(app, &lock)
}

/// Whoever is behind a hold, as well as is known.
fn who_holds(holder: &Holder) -> String {
    owner_or(holder.owner.as_ref(), &holder.session)
}

/// The owner, or the session if nothing is known of the owner.
pub(super) fn owner_or(owner: Option<&Owner>, session: &str) -> String {
    match owner.map(ToString::to_string) {
        Some(text) if !text.is_empty() => text,
        Some(_) | None => session.to_owned(),
    }
}

fn settings_text(settings: &LockSettings) -> String {
    let mut parts = vec![kind_name(settings.kind).to_owned()];
    let mut add = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name} {value}")));
    };
    add("limit", settings.limit.map(|n| n.to_string()));
    add(
        "lock delay",
        (settings.lock_delay_ms > 0).then(|| ago(settings.lock_delay_ms)),
    );
    add("max hold", settings.max_hold_ms.map(ago));
    add("max waiters", settings.max_waiters.map(|n| n.to_string()));
    parts.join(", ")
}

fn state_name(state: LockState) -> &'static str {
    match state {
        LockState::Free => "free",
        LockState::Held => "held",
        LockState::Delayed => "delayed",
    }
}

fn kind_name(kind: LockKind) -> &'static str {
    match kind {
        LockKind::Mutex => "mutex",
        LockKind::Rw => "rw",
        LockKind::Semaphore => "semaphore",
    }
}

fn mode_text(mode: Mode, permits: Option<u32>) -> String {
    match mode {
        Mode::Exclusive => "exclusive".to_owned(),
        Mode::Shared => "shared".to_owned(),
        Mode::Permits => format!("{} permits", permits.unwrap_or(1)),
    }
}
