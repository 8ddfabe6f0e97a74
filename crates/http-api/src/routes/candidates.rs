//! `/v1/elections/{election}/-/candidates/{candidate}`: standing for election.

use std::time::Duration;

use axum::http::StatusCode;
use http_types::problem::Problem as Document;
use http_types::v1::elections as v1;
use raft_core::command::{Campaign, Command};
use raft_core::ids::{CandidateId, ElectionName, LogTime, SessionId};
use raft_core::outcome::{Refusal, Reply as Replied};
use raft_core::query::election::CandidateStatus;
use raft_core::state::State;
use tokio::time::Instant;

use crate::call::Call;
use crate::change;
use crate::convert::{election as convert, event, node};
use crate::error::{Check, Problem, problem_of};
use crate::extract::path::candidate_url;
use crate::keeper::Keeper;
use crate::reply::Reply;

/// Stand for election, or ask how the candidate of this id stands; a repeat changes value and weight
/// to what it says.
///
/// With `Prefer: wait=30` the request is answered when the candidate leads or has ended, or after that
/// time with 202. While it waits, the session is renewed.
#[utoipa::path(
    put, path = "/v1/elections/{election}/-/candidates/{candidate}", tag = "elections", operation_id = "campaign",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        ("candidate" = String, Path, description = "Id of the candidate, chosen by the client"),
        ("Holdfast-Session" = String, Header, description = "The owning session"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    request_body = v1::CampaignRequest,
    responses(
        (status = 200, description = "It leads, as an earlier request found", body = v1::Candidate),
        (status = 201, description = "It leads now", body = v1::Candidate),
        (status = 202, description = "It stands by", body = v1::Candidate),
        (status = 400, description = "`session_required`", body = Document),
        (status = 409, description = "`candidate_taken`, `stands_already`", body = Document),
        (status = 410, description = "`candidate_ended`, `session_expired`", body = Document),
    )
)]
pub(crate) async fn campaign(call: Call) -> Result<Reply, Problem> {
    let key = (call.election()?, call.candidate()?);
    let request: v1::CampaignRequest = call.json_or_empty()?;
    if call.session.is_none() {
        let what = "standing for election".to_owned();
        return Err(call.refused(&Refusal::SessionRequired { what }));
    }
    let encoding = request.encoding.unwrap_or_default();
    let value = request.value.map(|value| node::bytes_in(&value, encoding));
    let command = Command::Campaign(Campaign {
        election: key.0.clone(),
        candidate: key.1.clone(),
        value: value.transpose()?,
        content_type: request.content_type.map(Into::into),
        weight: request.weight,
    });
    let check = Check::or_repeat(candidate_url(&key.0, &key.1));
    let mut keeper = Keeper::of(&call);
    let done = keeper.during(call.propose(command, check)).await?;
    let Replied::Candidate(reply) = done.reply else {
        return Err(Problem::internal(
            "campaign was answered with something else",
        ));
    };
    let patience = call.wait().filter(|_| reply.term.is_none());
    // Of one that came to lead while the request waited: after it was sent.
    let as_of = patience.is_none().then_some(done.moment.log_time);
    if let Some(patience) = patience {
        wait_to_lead(&call, &mut keeper, &key, patience).await?;
    }
    let was_leader = !reply.created && reply.term.is_some();
    let (view, zxid) = standing(&call, &mut keeper, &key, as_of).await?;
    let status = match (view.state, was_leader) {
        (v1::CandidateState::Leader, true) => StatusCode::OK,
        (v1::CandidateState::Leader, false) => StatusCode::CREATED,
        (v1::CandidateState::Standby, _) => StatusCode::ACCEPTED,
    };
    let mut answer = Reply::json(status, &view)?
        .at(zxid.max(done.moment.zxid))
        .location(&candidate_url(&key.0, &key.1));
    if let Some(wait) = call.prefer.wait {
        answer = answer.preferred(&format!("wait={}", wait.as_secs()));
    }
    Ok(answer)
}

/// Do I lead? Says how the candidate stands; with `Prefer: wait=30` waits for it to lead or end.
#[utoipa::path(
    get, path = "/v1/elections/{election}/-/candidates/{candidate}", tag = "elections", operation_id = "candidate",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        ("candidate" = String, Path, description = "Id of the candidate"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    responses(
        (status = 200, description = "It leads or stands by", body = v1::Candidate),
        (status = 404, description = "`no_candidate`: never seen, or long forgotten", body = Document),
        (status = 410, description = "`candidate_ended`", body = Document),
    )
)]
pub(crate) async fn candidate(call: Call) -> Result<Reply, Problem> {
    let key = (call.election()?, call.candidate()?);
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| owner_and_lead(state, wall_ms, &key);
    let answer = call.read(read).await?;
    let mut keeper = Keeper::of(&call);
    let (_, leads) = answer.value;
    if let Some(patience) = call.wait().filter(|_| !leads) {
        wait_to_lead(&call, &mut keeper, &key, patience).await?;
    }
    let (view, zxid) = standing(&call, &mut keeper, &key, None).await?;
    Ok(Reply::ok(&view)?.at(zxid.max(answer.zxid)).aged(answer.age))
}

/// Resign: stand no more, and lead no more. Repeating it gives the same answer for 15 minutes.
#[utoipa::path(
    delete, path = "/v1/elections/{election}/-/candidates/{candidate}", tag = "elections", operation_id = "resign",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        ("candidate" = String, Path, description = "Id of the candidate"),
        ("Holdfast-Session" = String, Header, description = "The owning session"),
    ),
    responses(
        (status = 200, description = "It has ended by its owner's wish", body = v1::EndedCandidate),
        (status = 404, description = "`no_candidate`", body = Document),
        (status = 409, description = "`candidate_taken`", body = Document),
        (status = 410, description = "`candidate_ended` otherwise: its owner did not lead until now", body = Document),
    )
)]
pub(crate) async fn resign(call: Call) -> Result<Reply, Problem> {
    let (election, candidate) = (call.election()?, call.candidate()?);
    let check = Check::or_repeat(candidate_url(&election, &candidate));
    let command = Command::Resign {
        election: election.clone(),
        candidate: candidate.clone(),
    };
    let done = call.propose(command, check).await?;
    let Replied::CandidateEnded(ended) = &done.reply else {
        return Err(Problem::internal("resign was answered with something else"));
    };
    let view = call
        .api
        .node
        .peek(|state| convert::ended(state, (&election, &candidate), ended));
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

/// Which candidate.
type Key = (ElectionName, CandidateId);

/// The session of a candidate that stands, and whether it leads.
fn owner_and_lead(state: &State, wall_ms: u64, key: &Key) -> Result<(SessionId, bool), Problem> {
    let (election, candidate) = key.clone();
    let refusal = match state.candidate(&election, &candidate) {
        CandidateStatus::Live(view) => {
            return Ok((view.candidate.session, view.term().is_some()));
        }
        CandidateStatus::Ended(ended) => Refusal::CandidateEnded {
            ended: Box::new(ended.clone()),
            election,
            candidate,
        },
        CandidateStatus::Unknown => Refusal::NoCandidate {
            election,
            candidate,
        },
    };
    Err(problem_of(state, wall_ms, &refusal))
}

/// Waits until a candidate leads, and renews its session meanwhile; also returns when the time is up.
///
/// # Errors
/// That it has ended, or that the node is stopping.
async fn wait_to_lead(
    call: &Call,
    keeper: &mut Keeper,
    key: &Key,
    patience: Duration,
) -> Result<(), Problem> {
    let wall_ms = call.api.wall_ms();
    let concerns = |kind: &_| event::election(kind) == Some(&key.0);
    let until = Instant::now() + patience;
    let leads = change::wait_for(call, until, concerns, |state| {
        let (_, leads) = owner_and_lead(state, wall_ms, key)?;
        Ok(leads.then_some(()))
    });
    keeper.during(leads).await.map(|_| ())
}

/// How a candidate stands now, with what is certain of its leadership. `as_of` is a log time not before
/// the request was sent; for one that leads since later it is not needed.
async fn standing(
    call: &Call,
    keeper: &mut Keeper,
    key: &Key,
    as_of: Option<LogTime>,
) -> Result<(v1::Candidate, raft_core::ids::Zxid), Problem> {
    let wall_ms = call.api.wall_ms();
    let found = call.api.node.peek(|state| {
        let (session, leads) = owner_and_lead(state, wall_ms, key)?;
        let election = state.election(&key.0).filter(|_| leads).cloned();
        Ok::<_, Problem>((session, election))
    });
    let (session, election) = found?;
    let safe_ms = match &election {
        Some(election) => keeper.safe_leadership(session, election, as_of).await,
        None => None,
    };
    call.api.node.peek(|state| {
        owner_and_lead(state, wall_ms, key)?;
        let CandidateStatus::Live(view) = state.candidate(&key.0, &key.1) else {
            return Err(Problem::internal("a candidate is live and is not"));
        };
        // What was found safe is so for that leadership only.
        let same = election.as_ref() == state.election(&key.0);
        let safe_ms = safe_ms.filter(|_| same);
        let shown = convert::candidate(state, wall_ms, (&key.0, &view), safe_ms);
        Ok((shown, state.last_zxid()))
    })
}
