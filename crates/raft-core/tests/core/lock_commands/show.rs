//! How sessions, claims and locks look in scripts.

use raft_core::event::EventKind;
use raft_core::history::PastHold;
use raft_core::ids::{LockName, SessionName};
use raft_core::lock::{Claim, ClaimState, EndedClaim, Lock};
use raft_core::outcome::{ClaimReply, Reply};
use raft_core::query::lock::ClaimView;
use raft_core::session::{EndedSession, ReleasedHold, Session};
use raft_core::state::State;

use crate::words::joined;

pub(super) fn shown_live_session(state: &State, session: &Session) -> String {
    let claims = state.claims_of(session.id);
    let claims = joined(
        claims
            .iter()
            .map(|claim| format!("{}:{}", claim.lock, claim.id)),
    );
    let ephemerals = joined(state.ephemerals(session.id).iter().map(ToString::to_string));
    format!(
        "session {} {:?} timeout={} delay={} activity={} claims {claims} ephemerals {ephemerals}",
        session.id, session.kind, session.timeout_ms, session.lock_delay_ms, session.activity
    )
}

pub(super) fn shown_ended_session(ended: &EndedSession) -> String {
    let mut text = format!(
        "session {} ended {:?}, {} ephemerals",
        ended.id, ended.end, ended.ephemerals_removed
    );
    if !ended.released.is_empty() {
        let hold = |hold: &ReleasedHold| format!("{}:{}:f{}", hold.lock, hold.claim, hold.fence);
        text.push_str(&format!(
            ", released {}",
            joined(ended.released.iter().map(hold))
        ));
    }
    text
}

pub(super) fn shown_lock(state: &State, name: &LockName) -> String {
    let Some(view) = state.lock(name) else {
        return "not known".to_owned();
    };
    let Lock {
        settings,
        agreed_limit,
        holders,
        waiters,
        permits_held,
        delayed_until,
        ..
    } = &view.lock;
    let mut text = format!(
        "held {} waiting {}",
        joined(view.holders.iter().map(|claim| shown_claim(claim))),
        joined(view.waiters.iter().map(|claim| shown_claim(claim)))
    );
    text.push_str(&format!(" ({holders}+{waiters})"));
    if *permits_held > 0 {
        text.push_str(&format!(" permits {permits_held} of {agreed_limit:?}"));
    }
    if let Some(until) = delayed_until {
        text.push_str(&format!(" delayed until {until}"));
    }
    if let Some(settings) = settings {
        text.push_str(&format!(" {:?}", settings.kind));
    }
    text
}

/// What the holds have in common, then each, the newest first.
pub(super) fn shown_history(state: &State, name: &LockName) -> String {
    let Some(history) = state.history(name) else {
        return "nothing is remembered".to_owned();
    };
    let statistics = history.statistics().unwrap();
    let mut text = format!(
        "{} of {} holds since {}, held {}/{} waited {}/{}",
        statistics.holds,
        history.count(),
        statistics.since.log_time,
        statistics.held.p50,
        statistics.held.p95,
        statistics.waited.p50,
        statistics.waited.p95,
    );
    for hold in history.newest_first() {
        text.push_str(&format!("\n  {}", shown_past_hold(hold)));
    }
    text
}

fn shown_past_hold(hold: &PastHold) -> String {
    let mut text = format!(
        "{}:f{} of {} {:?} waited {} held {} {:?} at {}",
        hold.claim,
        hold.fence,
        hold.session,
        hold.mode,
        hold.waited_ms(),
        hold.held_ms(),
        hold.end,
        hold.ended.log_time
    );
    let mut add = |name: &str, said: Option<&str>| {
        text.extend(said.map(|said| format!(" {name}={said:?}")));
    };
    add("name", hold.session_name.as_ref().map(SessionName::as_str));
    add("owner", hold.owner.as_deref());
    add("reason", hold.reason.as_deref());
    add("because", hold.end_reason.as_deref());
    text
}

/// Id, fence and what it is about to do.
fn shown_claim(claim: &Claim) -> String {
    let mut text = format!("{}:f{}", claim.id, claim.fence);
    let time = |name: &str, at: Option<raft_core::ids::LogTime>| {
        at.map_or(String::new(), |at| format!(",{name}={at}"))
    };
    match &claim.state {
        ClaimState::Waiting { deadline } => text.push_str(&time("until", *deadline)),
        ClaimState::Held {
            granted: _,
            expires,
            acknowledge_by,
        } => {
            text.push_str(&time("expires", *expires));
            text.push_str(&time("ack-by", *acknowledge_by));
        }
    }
    if !claim.all_of.is_empty() {
        let locks: Vec<&str> = claim.all_of.iter().map(|lock| lock.as_str()).collect();
        text.push_str(&format!(",all-of={}", locks.join("+")));
    }
    if let Some(request) = &claim.release_request {
        let needs = request
            .needs_until
            .map_or(String::new(), |until| format!(",needs-until={until}"));
        text.push_str(&format!(
            ",asked-by={:?},until={}{needs}",
            request.who, request.until
        ));
    }
    let others = claim.reentries.iter().map(|id| format!(",+{id}"));
    text.extend(others);
    if claim.first_released {
        text.push_str(",first-released");
    }
    text
}

pub(super) fn shown_view(view: &ClaimView<'_>) -> String {
    let ClaimView {
        claim,
        position,
        holders,
        waiters,
    } = view;
    let state = if claim.is_held() { "held" } else { "waiting" };
    format!(
        "{state} {} position={position} ({holders}+{waiters})",
        shown_claim(claim)
    )
}

pub(super) fn shown_ended_claim(ended: &EndedClaim) -> String {
    let was = if ended.held { "held" } else { "waited" };
    let reason = ended
        .reason
        .as_ref()
        .map_or(String::new(), |reason| format!(" {reason:?}"));
    format!(
        "{}:f{} ended {:?}, {was}{reason}",
        ended.id, ended.fence, ended.end
    )
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::SessionOpened { session, created } => {
            format!(
                "session {} {}",
                session.id,
                if *created { "opened" } else { "is open" }
            )
        }
        Reply::SessionEnded(ended) => shown_ended_session(ended),
        Reply::LockConfigured { stat } => format!("configured v{}", stat.version),
        Reply::Claim(reply) => {
            let ClaimReply {
                claim,
                created,
                position,
                holders,
                waiters,
            } = &**reply;
            let view = ClaimView {
                claim,
                position: *position,
                holders: *holders,
                waiters: *waiters,
            };
            format!(
                "{}{}",
                shown_view(&view),
                if *created { "" } else { " (was there)" }
            )
        }
        Reply::ClaimEnded(ended) => shown_ended_claim(ended),
        Reply::ExpiredDue { count, more } => format!("due {count} more={more}"),
        Reply::Znode(_)
        | Reply::Multi(_)
        | Reply::Txn { .. }
        | Reply::SubtreeDeleted { .. }
        | Reply::GroupJoined { .. }
        | Reply::GroupLeft { .. }
        | Reply::Barrier(_)
        | Reply::BarrierLeft { .. }
        | Reply::Service(_)
        | Reply::ItemPut { .. }
        | Reply::ItemsTaken { .. }
        | Reply::ItemAcked
        | Reply::ItemGivenBack { .. }
        | Reply::QueueConfigured
        | Reply::Redriven { .. }
        | Reply::RestoreStaged { .. }
        | Reply::Restored(_)
        | Reply::MembersPublished { .. }
        | Reply::Candidate(_)
        | Reply::CandidateEnded(_)
        | Reply::LeadershipTransfer(_)
        | Reply::CounterChanged { .. }
        | Reply::FenceAdvanced { .. }
        | Reply::FenceForgotten(_)
        | Reply::SigningKey(_)
        | Reply::SigningKeysDue { .. } => {
            panic!("not of this family: {reply:?}")
        }
    }
}

/// Shows an event of this family.
#[expect(
    clippy::too_many_lines,
    reason = "a flat match, one arm for each event"
)]
pub(crate) fn shown_event(kind: &EventKind) -> String {
    match kind {
        EventKind::SessionOpened { session, .. } => format!("session.opened {session}"),
        EventKind::SessionEnded { session, end, .. } => format!("session.ended {session} {end:?}"),
        EventKind::LockConfigured { lock } => format!("lock.configured {lock}"),
        EventKind::ClaimQueued {
            lock,
            claim,
            fence,
            session,
            mode,
            position,
        } => {
            format!("lock.queued {lock} {claim}:f{fence} of {session} {mode:?} position={position}")
        }
        EventKind::ClaimGranted {
            lock,
            claim,
            fence,
            session,
            mode,
            handed_over,
        } => {
            let how = if *handed_over { " handed over" } else { "" };
            format!("lock.granted {lock} {claim}:f{fence} of {session} {mode:?}{how}")
        }
        EventKind::ClaimEnded {
            lock,
            claim,
            fence,
            session,
            held,
            end,
            reason,
        } => {
            let name = if *held { "lock.released" } else { "lock.left" };
            let reason = reason
                .as_ref()
                .map_or(String::new(), |reason| format!(" {reason:?}"));
            format!("{name} {lock} {claim}:f{fence} of {session} {end:?}{reason}")
        }
        EventKind::ClaimExtended { lock, claim, fence } => {
            format!("lock.extended {lock} {claim}:f{fence}")
        }
        EventKind::ReleaseRequested {
            lock,
            claim,
            fence,
            session,
            who,
            within_ms,
            reason,
        } => {
            format!(
                "lock.release_requested {lock} {claim}:f{fence} of {session} by {who:?} \
                 within={within_ms} {reason:?}"
            )
        }
        EventKind::ReleaseAnswered {
            lock,
            claim,
            fence,
            session,
            needs_ms,
        } => {
            format!("lock.release_answered {lock} {claim}:f{fence} of {session} needs={needs_ms}")
        }
        EventKind::NodeCreated { .. }
        | EventKind::NodeChanged { .. }
        | EventKind::NodeAclChanged { .. }
        | EventKind::NodeDeleted { .. }
        | EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. }
        | EventKind::Instance { .. } => panic!("not of this family: {kind:?}"),
    }
}
