//! Whom a fault hits: decided when it begins, by asking the nodes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::lot::Lot;
use crate::world::{World, wait_for};

/// For a leader to be known; one that is missing longer is replaced by lot.
const LEADER_WAIT: Duration = Duration::from_secs(3);

/// Names of targets.
pub(crate) const TARGETS: &[&str] = &[
    "leader", "follower", "one", "minority", "majority", "all", "client",
];

/// A node's own view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) term: Option<u64>,
    pub(crate) leader: Option<u64>,
    pub(crate) applied: u64,
}

/// Number of a node from its name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_prefix('n')?.parse().ok()
}

/// What a node says of itself; none when it does not answer.
pub(crate) fn view(world: &World, id: u64) -> Option<View> {
    let answer = world.http(id).ok()?.get("/v1/health").ok()?;
    let health = answer.json();
    let checks = health.get("checks")?.as_array()?;
    let leader_check = checks
        .iter()
        .find(|check| check.get("name").is_some_and(|name| name == "leader"))?;
    // "node 2 leads term 7", "no leader known in term 7"
    let term = leader_check.get("detail")?.as_str()?.rsplit(' ').next()?;
    Some(View {
        term: term.parse().ok(),
        leader: health
            .get("leader")
            .and_then(Value::as_str)
            .and_then(number),
        applied: health.get("applied_index")?.as_u64()?,
    })
}

/// The leader of the highest term that a node takes itself for.
pub(crate) fn leader(world: &World) -> Option<u64> {
    let views = world
        .running()
        .into_iter()
        .filter_map(|id| Some((id, view(world, id)?)));
    let leaders = views.filter(|(id, view)| view.leader == Some(*id));
    leaders.max_by_key(|(_, view)| view.term).map(|(id, _)| id)
}

/// Members and their roles, as the first node says that knows.
pub(crate) fn roles(world: &World) -> Option<BTreeMap<u64, String>> {
    world.running().into_iter().find_map(|id| {
        let answer = world.http(id).ok()?.get("/v1/cluster").ok()?;
        let cluster = answer.json();
        let members = cluster.get("members")?.as_array()?.iter();
        let role = |member: &Value| {
            let id = number(member.get("id")?.as_str()?)?;
            Some((id, member.get("role")?.as_str()?.to_owned()))
        };
        Some(members.filter_map(role).collect())
    })
}

/// The nodes that vote; all that run when nobody knows.
pub(crate) fn voters(world: &World) -> Vec<u64> {
    let roles = roles(world).unwrap_or_default();
    let voters = roles.into_iter().filter(|(_, role)| role == "voter");
    let voters: Vec<u64> = voters.map(|(id, _)| id).collect();
    if voters.is_empty() {
        world.running()
    } else {
        voters
    }
}

/// Numbers of the nodes that a target means.
pub(crate) fn resolve(world: &World, target: &str, lot: &mut Lot) -> Result<Vec<u64>> {
    let mut voters = voters(world);
    let quorum = voters.len() / 2 + 1;
    lot.shuffle(&mut voters);
    let leader = || wait_for(LEADER_WAIT, || leader(world));
    let few = match target {
        "client" => return Ok(Vec::new()),
        "all" => voters.len(),
        "majority" => quorum,
        "minority" => voters.len().saturating_sub(quorum).max(1),
        "one" => 1,
        "leader" => {
            // Without a leader the lot decides; the history says who it was.
            let first = voters.first().copied().context("no node runs")?;
            return Ok(vec![leader().unwrap_or(first)]);
        }
        "follower" => {
            let leader = leader();
            voters.retain(|&id| Some(id) != leader);
            1
        }
        other => bail!("there is no target {other}"),
    };
    voters.truncate(few);
    if voters.is_empty() {
        bail!("no node is there to be hit as {target}");
    }
    voters.sort_unstable();
    Ok(voters)
}
