//! `holdfast cluster …`.

use std::collections::BTreeMap;

use holdfast_client::ChangeMode;
use holdfast_client::http_types::v1::cluster::{
    Cluster, Digest, Member, MemberChange, ReplaceRequest, Role,
};
use holdfast_client::http_types::v1::health::{Health, HealthStatus};
use serde::Serialize;

use super::App;
use crate::args::{ChangeArgs, ClusterCommand};
use crate::exit::{Context as _, Exit, Failure};
use crate::output::{Shown, ago};

pub(super) async fn run(app: &App, command: ClusterCommand) -> Result<u8, Failure> {
    match command {
        ClusterCommand::Status => status(app).await?,
        ClusterCommand::Members => {
            let cluster = read(app).await?;
            app.out.show(&members(&cluster)?)?;
        }
        ClusterCommand::Add {
            id,
            peer,
            api,
            change,
        } => {
            let done = app.client.add_member(&id, &peer, &api, mode(change)).await;
            show_change(app, &done.cannot(|| format!("add {id}"))?)?;
        }
        ClusterCommand::Promote { id, change } => {
            let done = app.client.promote_member(&id, mode(change)).await;
            show_change(app, &done.cannot(|| format!("promote {id}"))?)?;
        }
        ClusterCommand::Remove { id, change } => {
            let done = app.client.remove_member(&id, mode(change)).await;
            show_change(app, &done.cannot(|| format!("remove {id}"))?)?;
        }
        ClusterCommand::Replace {
            old,
            new,
            peer,
            api,
            change,
        } => {
            let what = format!("replace {old} by {new}");
            let request = ReplaceRequest {
                old,
                new,
                peer,
                api,
            };
            let done = app.client.replace_member(&request, mode(change)).await;
            show_change(app, &done.cannot(|| what)?)?;
        }
        ClusterCommand::Transfer { to } => {
            let done = app
                .client
                .transfer_leadership(to.as_deref())
                .await
                .cannot(|| "hand leadership over".to_owned())?;
            let text = format!(
                "{} leads instead of {} in term {}, after {} ms\n",
                done.to, done.from, done.term, done.took_ms
            );
            app.out.show(&Shown::text(&done, done.to.clone(), text)?)?;
        }
        ClusterCommand::Health => return health(app).await,
        ClusterCommand::Digest => return digest(app).await,
    }
    Ok(0)
}

fn mode(change: ChangeArgs) -> ChangeMode {
    ChangeMode {
        dry_run: change.dry_run,
        force: change.force,
    }
}

async fn read(app: &App) -> Result<Cluster, Failure> {
    app.client
        .cluster()
        .await
        .cannot(|| "read the cluster".to_owned())
}

/// Where each member answers. If no node can say, the endpoints that were given must do.
pub(super) async fn addresses(app: &App) -> Vec<(String, String)> {
    match app.client.cluster().await {
        Ok(cluster) => cluster
            .members
            .into_iter()
            .map(|member| (member.id, member.api))
            .collect(),
        Err(_) => app
            .client
            .endpoints()
            .iter()
            .map(|url| ("-".to_owned(), url.clone()))
            .collect(),
    }
}

fn members(cluster: &Cluster) -> Result<Shown, Failure> {
    let columns = [
        "NODE", "ROLE", "STATE", "APPLIED", "LAG", "CONTACT", "VERSION", "PEER", "API",
    ];
    Shown::list(&cluster.members, &columns, |member: &Member| {
        let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let role = match member.role {
            _ if member.leader => "leader",
            Role::Voter => "voter",
            Role::Learner => "learner",
        };
        vec![
            member.id.clone(),
            role.to_owned(),
            if member.reachable {
                "ok"
            } else {
                "unreachable"
            }
            .to_owned(),
            number(member.applied_index),
            number(member.lag_entries),
            member.last_contact_ms.map_or_else(|| "-".to_owned(), ago),
            member.version.clone().unwrap_or_else(|| "-".to_owned()),
            member.peer.clone(),
            member.api.clone(),
        ]
    })
}

async fn status(app: &App) -> Result<(), Failure> {
    let cluster = read(app).await?;
    let voters = cluster
        .members
        .iter()
        .filter(|member| member.role == Role::Voter)
        .count();
    let nodes = if cluster.failure_tolerance == 1 {
        "node"
    } else {
        "nodes"
    };
    let mut foot = format!(
        "quorum {} of {voters}, can lose {} {nodes}; leader {}, term {}",
        cluster.quorum,
        cluster.failure_tolerance,
        cluster.leader.as_deref().unwrap_or("unknown"),
        cluster.term,
    );
    if let Some(digest) = &cluster.digest {
        foot.push_str(&format!("; digest equal at {}", digest.index));
    }
    app.out.show(&members(&cluster)?.foot(foot).json(&cluster)?)
}

fn show_change(app: &App, change: &MemberChange) -> Result<(), Failure> {
    let mut text = format!("{}\n", change.summary);
    for (when, side) in [("before", &change.before), ("after", &change.after)] {
        text.push_str(&format!(
            "  {when}: voters {}, quorum {}, can lose {}\n",
            side.voters.join(" "),
            side.quorum,
            side.failure_tolerance
        ));
    }
    for warning in &change.warnings {
        app.out.warn(warning);
    }
    app.out
        .show(&Shown::text(change, change.after.voters.join("\n"), text)?)
}

/// One member and what it said.
#[derive(Serialize)]
struct Told<T> {
    node: String,
    api: String,
    answer: Option<T>,
    error: Option<String>,
}

async fn health(app: &App) -> Result<u8, Failure> {
    let told = ask_all(app, async |api: &str| app.client.health_at(api).await).await;
    let columns = ["NODE", "HEALTH", "API", "DETAIL"];
    let shown = Shown::list(&told, &columns, |told| {
        let (verdict, detail) = match (&told.answer, &told.error) {
            (Some(health), _) => {
                let failing = health.checks.iter().filter(|check| !check.ok);
                let detail: Vec<_> = failing
                    .map(|check| format!("{}: {}", check.name, check.detail))
                    .collect();
                (
                    if is_well(health) { "ok" } else { "failing" },
                    detail.join("; "),
                )
            }
            (None, error) => ("no answer", error.clone().unwrap_or_default()),
        };
        vec![
            told.node.clone(),
            verdict.to_owned(),
            told.api.clone(),
            detail,
        ]
    })?;
    app.out.show(&shown)?;
    let well = told
        .iter()
        .all(|told| told.answer.as_ref().is_some_and(is_well));
    Ok(if well { 0 } else { Exit::Unhealthy.code() })
}

fn is_well(health: &Health) -> bool {
    health.status == HealthStatus::Ok
}

/// What every node answers, one after the other.
async fn ask_all<T>(
    app: &App,
    ask: impl AsyncFn(&str) -> Result<T, holdfast_client::Error>,
) -> Vec<Told<T>> {
    let mut told = Vec::new();
    for (node, api) in addresses(app).await {
        let (answer, error) = match ask(&api).await {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(error.to_string())),
        };
        told.push(Told {
            node,
            api,
            answer,
            error,
        });
    }
    told
}

async fn digest(app: &App) -> Result<u8, Failure> {
    let told = ask_all(app, async |api: &str| app.client.digest_at(api).await).await;
    let shown = Shown::list(&told, &["NODE", "INDEX", "DIGEST", "API"], |told| {
        let (index, digest) = match &told.answer {
            Some(answer) => (answer.index.to_string(), answer.digest.clone()),
            None => ("-".to_owned(), told.error.clone().unwrap_or_default()),
        };
        vec![told.node.clone(), index, digest, told.api.clone()]
    })?;
    app.out.show(&shown)?;
    let digests: Vec<&Digest> = told
        .iter()
        .filter_map(|told| told.answer.as_ref())
        .collect();
    if let Some(index) = disagreement(&digests) {
        app.out
            .warn(&format!("two nodes show different states at index {index}"));
        return Ok(Exit::Unhealthy.code());
    }
    Ok(0)
}

/// An index at which two nodes show different digests.
fn disagreement(digests: &[&Digest]) -> Option<u64> {
    let mut seen: BTreeMap<u64, &str> = BTreeMap::new();
    digests.iter().find_map(|digest| {
        let first = *seen.entry(digest.index).or_insert(&digest.digest);
        (first != digest.digest).then_some(digest.index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digests_of_one_index_can_disagree() {
        let digest = |index, text: &str| Digest {
            index,
            digest: text.into(),
        };
        let (a, b, c) = (digest(5, "x"), digest(6, "y"), digest(5, "z"));
        assert_eq!(disagreement(&[&a, &b, &a]), None);
        assert_eq!(disagreement(&[&a, &b, &c]), Some(5));
    }
}
