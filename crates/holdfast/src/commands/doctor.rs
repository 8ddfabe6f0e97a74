//! `holdfast doctor`: looks for what could be wrong before it is.

mod disk;

use std::path::Path;

use holdfast_client::http_types::v1::cluster::{Cluster, Role};
use holdfast_client::http_types::v1::health::{Check, HealthStatus};

use super::App;
use crate::args::DoctorArgs;
use crate::exit::{Exit, Failure};
use crate::output::Shown;

pub(super) async fn run(app: &App, args: DoctorArgs) -> Result<u8, Failure> {
    let mut checks = Vec::new();
    if !args.offline {
        cluster(app, &mut checks).await;
    }
    if let Some(directory) = &args.data_dir {
        checks.push(data_directory(directory));
    }
    if let Some(directory) = args.disk.as_ref().or(args.data_dir.as_ref()) {
        checks.push(disk::check(directory));
    }
    let shown = Shown::list(&checks, &["CHECK", "RESULT", "DETAIL"], |check: &Check| {
        let result = if check.ok { "ok" } else { "FAIL" };
        vec![check.name.clone(), result.to_owned(), check.detail.clone()]
    })?;
    app.out.show(&shown)?;
    Ok(if checks.iter().all(|check| check.ok) {
        0
    } else {
        Exit::Unhealthy.code()
    })
}

fn check(name: impl Into<String>, ok: bool, detail: impl Into<String>) -> Check {
    Check {
        name: name.into(),
        ok,
        detail: detail.into(),
    }
}

async fn cluster(app: &App, checks: &mut Vec<Check>) {
    for endpoint in app.client.endpoints() {
        let name = format!("endpoint {endpoint}");
        checks.push(match app.client.health_at(endpoint).await {
            Ok(health) => {
                let failing: Vec<String> = health
                    .checks
                    .iter()
                    .filter(|check| !check.ok)
                    .map(|check| format!("{}: {}", check.name, check.detail))
                    .collect();
                let ok = health.status == HealthStatus::Ok;
                let detail = if ok {
                    format!("{} version {}", health.node, health.version)
                } else {
                    failing.join("; ")
                };
                check(name, ok, detail)
            }
            Err(error) => check(name, false, error.to_string()),
        });
    }
    match app.client.cluster().await {
        Ok(cluster) => members(&cluster, checks),
        Err(error) => checks.push(check("cluster", false, error.to_string())),
    }
}

fn members(cluster: &Cluster, checks: &mut Vec<Check>) {
    let leader = cluster.leader.clone();
    let detail = leader.clone().unwrap_or_else(|| "nobody leads".to_owned());
    checks.push(check("leader", leader.is_some(), detail));
    let voters = cluster
        .members
        .iter()
        .filter(|member| member.role == Role::Voter)
        .count();
    let lost: Vec<&str> = cluster
        .members
        .iter()
        .filter(|member| !member.reachable)
        .map(|member| member.id.as_str())
        .collect();
    let detail = if lost.is_empty() {
        format!("all {} reachable", cluster.members.len())
    } else {
        format!("{} not reachable", lost.join(", "))
    };
    checks.push(check("members", lost.is_empty(), detail));
    let tolerance = cluster.failure_tolerance;
    let detail = match (tolerance, voters) {
        (0, 0..3) => format!("none can be lost with {voters} voters: use three or five"),
        (0, _) => "none can be lost now: bring back or replace those that are gone".to_owned(),
        (n, _) => format!("{n} of {voters} voters can be lost"),
    };
    checks.push(check("failure tolerance", tolerance > 0, detail));
    if voters > 0 && voters.is_multiple_of(2) {
        let detail = format!(
            "{voters} voters tolerate no more failures than {}",
            voters - 1
        );
        checks.push(check("even number of voters", false, detail));
    }
}

fn data_directory(directory: &Path) -> Check {
    let report = storage::check_directory(directory);
    let name = format!("data directory {}", directory.display());
    check(name, report.is_sound(), report.to_string())
}

#[cfg(test)]
mod tests {
    use holdfast_client::http_types::v1::cluster::Member;

    use super::*;

    fn cluster(voters: usize, unreachable: usize, tolerance: u32) -> Vec<Check> {
        let member = |i: usize| Member {
            id: format!("n{i}"),
            role: Role::Voter,
            reachable: i >= unreachable,
            ..Member::default()
        };
        let cluster = Cluster {
            leader: Some("n2".into()),
            members: (0..voters).map(member).collect(),
            failure_tolerance: tolerance,
            ..Cluster::default()
        };
        let mut checks = Vec::new();
        members(&cluster, &mut checks);
        checks
    }

    #[test]
    fn a_cluster_of_three_is_well_and_others_are_told_why_not() {
        assert!(cluster(3, 0, 1).iter().all(|check| check.ok));
        let failing = |checks: Vec<Check>| -> Vec<String> {
            checks
                .into_iter()
                .filter(|check| !check.ok)
                .map(|check| check.name)
                .collect()
        };
        assert_eq!(failing(cluster(3, 1, 0)), ["members", "failure tolerance"]);
        assert_eq!(failing(cluster(1, 0, 0)), ["failure tolerance"]);
        assert_eq!(failing(cluster(4, 0, 1)), ["even number of voters"]);
    }
}
