//! `holdfast elections …`.

use holdfast_client::http_types::duration::TextDuration;
use holdfast_client::http_types::v1::elections::{
    Candidate, Election, ElectionsQuery, HandoverRequest,
};

use super::locks::{owner_or, show_token};
use super::pages::{Page, read_all};
use super::{App, events};
use crate::args::ElectionsCommand;
use crate::exit::{Context as _, Failure};
use crate::output::{Shown, ago};

pub(super) async fn run(app: &App, command: ElectionsCommand) -> Result<(), Failure> {
    match command {
        ElectionsCommand::Ls { prefix, limit } => list(app, prefix, limit).await,
        ElectionsCommand::Get { name } => {
            let election = app.client.election_info(&name).await;
            show(app, &election.cannot(|| format!("read {name}"))?)
        }
        ElectionsCommand::Transfer {
            name,
            to,
            deadline,
            term,
            reason,
        } => {
            let request = HandoverRequest {
                to,
                deadline: Some(TextDuration::from(deadline)),
                term,
                reason,
            };
            let election = app.client.hand_over(&name, &request).await;
            show(app, &election.cannot(|| format!("hand over {name}"))?)
        }
        ElectionsCommand::Token { name, candidate } => {
            let token = app.client.candidate_token(&name, &candidate).await;
            show_token(app, &token.cannot(|| format!("sign the term of {name}"))?)
        }
        ElectionsCommand::Watch {
            name,
            after,
            initial,
        } => events::watch_elections(app, name, after, initial).await,
    }
}

async fn list(app: &App, prefix: String, limit: Option<usize>) -> Result<(), Failure> {
    let elections = read_all(limit, async |after, count| {
        let query = ElectionsQuery {
            prefix: Some(prefix.clone()),
            after,
            limit: Some(count),
        };
        let page = app.client.elections(&query).await;
        let page = page.cannot(|| "list the elections".to_owned())?;
        Ok(Page {
            items: page.elections,
            next: page.next,
        })
    })
    .await?;
    let columns = ["ELECTION", "LEADER", "TERM", "OWNER", "FOR", "CANDIDATES"];
    let shown = Shown::list(&elections, &columns, |election| {
        vec![
            election.election.clone(),
            election.leader.clone(),
            election.term.to_string(),
            owner_or(election.owner.as_ref(), &election.session),
            ago(election.led_ms),
            election.candidate_count.to_string(),
        ]
    })?;
    app.out.show(&shown)
}

fn show(app: &App, election: &Election) -> Result<(), Failure> {
    let candidates: Vec<&Candidate> = std::iter::once(&election.leader)
        .chain(&election.standby)
        .collect();
    let columns = ["CANDIDATE", "PLACE", "WEIGHT", "OWNER", "VALUE"];
    let foot = match &election.leader.transfer {
        Some(transfer) => format!(
            "hands over to {} within {}",
            transfer.to,
            ago(transfer.remaining_ms)
        ),
        None => format!("term {} for {}", election.term, ago(election.led_ms)),
    };
    let shown = Shown::list(&candidates, &columns, |candidate| {
        let place = candidate.position.map(|place| format!("#{place}"));
        vec![
            candidate.candidate.clone(),
            place.unwrap_or_else(|| "leads".to_owned()),
            candidate.weight.to_string(),
            owner_or(candidate.owner.as_ref(), &candidate.session),
            candidate.value.clone().unwrap_or_default(),
        ]
    })?
    .foot(foot)
    .json(election)?;
    app.out.show(&shown)
}
