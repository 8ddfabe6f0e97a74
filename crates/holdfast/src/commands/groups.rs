//! `holdfast groups …`.

use holdfast_client::http_types::v1::groups::{Group, GroupQuery, GroupsQuery};

use super::locks::owner_or;
use super::pages::{Page, read_all};
use super::{App, events};
use crate::args::GroupsCommand;
use crate::exit::{Context as _, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, command: GroupsCommand) -> Result<(), Failure> {
    match command {
        GroupsCommand::Ls { prefix, limit } => list(app, prefix, limit).await,
        GroupsCommand::Get { name, limit } => get(app, name, limit).await,
        GroupsCommand::Watch {
            name,
            after,
            initial,
        } => events::watch_groups(app, name, after, initial).await,
    }
}

async fn list(app: &App, prefix: String, limit: Option<usize>) -> Result<(), Failure> {
    let groups = read_all(limit, async |after, count| {
        let query = GroupsQuery {
            prefix: Some(prefix.clone()),
            after,
            limit: Some(count),
        };
        let page = app.client.groups(&query).await;
        let page = page.cannot(|| "list the groups".to_owned())?;
        Ok(Page {
            items: page.groups,
            next: page.next,
        })
    })
    .await?;
    let shown = Shown::list(&groups, &["GROUP", "MEMBERS"], |group| {
        vec![group.group.clone(), group.member_count.to_string()]
    })?;
    app.out.show(&shown)
}

async fn get(app: &App, name: String, limit: Option<usize>) -> Result<(), Failure> {
    let mut count = 0;
    let members = read_all(limit, async |after, limit| {
        let query = GroupQuery {
            limit: Some(limit),
            after,
        };
        let page = app.client.group_info(&name, &query).await;
        let page = page.cannot(|| format!("read {name}"))?;
        count = page.member_count;
        Ok(Page {
            items: page.members,
            next: page.next,
        })
    })
    .await?;
    let group = Group {
        group: name,
        members,
        member_count: count,
        next: None,
    };
    let columns = ["MEMBER", "OWNER", "SINCE", "VALUE"];
    let shown = Shown::list(&group.members, &columns, |member| {
        vec![
            member.member.clone(),
            owner_or(member.owner.as_ref(), &member.session),
            member.joined_at.clone(),
            member.value.clone().unwrap_or_default(),
        ]
    })?
    .foot(format!("{count} members"))
    .json(&group)?;
    app.out.show(&shown)
}
