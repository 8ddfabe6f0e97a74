//! On the leader: health checks of instances of services.
//!
//! The targets are the instances of the local state, the verdicts are proposals bound to this leader's term: a leader
//! that was replaced, and does not know it, says nothing any more. Nothing else is kept; the next leader goes
//! on from the verdicts in the state. How a check is made and counted is crate `checks`' business.

use std::sync::Arc;
use std::time::Duration;

use checks::{Kind, Spec, Target, Verdict};
use futures::Stream;
use futures::stream::unfold;
use raft_core::command::{Command, ServiceCommand, ServiceOp};
use raft_core::event::EventKind;
use raft_core::ids::{InstanceId, ServiceName, Zxid};
use raft_core::query::service::InstanceView;
use raft_core::service::Probe;
use raft_core::state::State;
use tokio::time::{sleep, timeout};

use crate::events::EventStream;
use crate::proposal::Draft;
use crate::runtime::Runtime;

/// The list of targets is not made more often than this, however much happens to instances: it names all of them.
const LISTS_APART: Duration = Duration::from_millis(500);
/// And made anew after this also when nothing was heard of: a restore changes all instances and tells of none.
const LIST_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// An instance, and since which position it is what is checked.
type Key = (ServiceName, InstanceId, Zxid);

/// Checks while this node leads, until it stops.
pub(crate) async fn run(runtime: Arc<Runtime>) {
    while let Some(term) = runtime.await_leading().await {
        tokio::select! {
            () = runtime.stop.cancelled() => return,
            () = runtime.await_not_leading(term) => {}
            () = checks::run(lists(&runtime), |verdict| tell(&runtime, term, verdict)) => {}
        }
    }
}

/// The list, and again whenever it may have changed. Does not end.
fn lists(runtime: &Runtime) -> impl Stream<Item = Vec<Target<Key>>> {
    unfold(None, async |before: Option<EventStream>| {
        if let Some(mut events) = before {
            // Whichever comes first.
            let _ = timeout(LIST_AGAIN_AFTER, instance_changes(&mut events)).await;
            sleep(LISTS_APART).await;
        }
        let (state, events) = runtime.state_and_events();
        Some((targets(&state), Some(events)))
    })
}

/// Waits until something happens to an instance, or events were missed.
async fn instance_changes(events: &mut EventStream) {
    while let Ok(commit) = events.next().await {
        let mut kinds = commit.events.iter().map(|event| &event.kind);
        if kinds.any(|kind| matches!(kind, EventKind::Instance { .. })) {
            return;
        }
    }
}

fn targets(state: &State) -> Vec<Target<Key>> {
    state.checked_instances().filter_map(target).collect()
}

fn target(view: InstanceView<'_>) -> Option<Target<Key>> {
    let registration = &view.instance.registration;
    let check = registration.check.as_ref()?;
    let kind = match &check.probe {
        Probe::Http(path) => Kind::Http {
            path: path.clone(),
            host: None,
        },
        Probe::Tcp => Kind::Tcp,
    };
    Some(Target {
        key: (
            view.service.clone(),
            view.id.clone(),
            view.instance.incarnation,
        ),
        address: registration.address.clone(),
        port: registration.port,
        spec: Spec {
            kind,
            interval: Duration::from_millis(check.interval_ms),
            timeout: Duration::from_millis(check.timeout_ms),
            fail_after: check.fail_after,
            pass_after: check.pass_after,
        },
        known: view.instance.verdict.as_ref().map(|known| known.passing),
    })
}

/// Has a verdict noted by the cluster. Whether it was is seen in the next list.
async fn tell(runtime: &Runtime, term: u64, verdict: Verdict<Key>) {
    let (service, instance, incarnation) = verdict.key;
    let (passing, text) = (verdict.passing, verdict.text);
    tracing::info!(%service, %instance, passing, text, "a health check has another verdict");
    let op = ServiceOp::ReportCheck {
        instance,
        incarnation,
        passing,
        text,
    };
    let draft = Draft::internal(Command::Service(ServiceCommand { service, op }));
    match runtime
        .propose_in_term(term, draft)
        .await
        .map(|outcome| outcome.result)
    {
        Ok(Ok(_)) => {}
        // It went, or is another by now: no longer in the list either.
        Ok(Err(refusal)) => tracing::debug!(%refusal, "a verdict is not taken"),
        Err(error) => tracing::debug!(%error, "a verdict is told again"),
    }
}
