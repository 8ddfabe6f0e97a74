//! Members come, go, lose and regain their vote, while everything else goes on.
//!
//! The founders stay in the end: whoever was added leaves again, under a number never used twice.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::{Begun, Seen, Stage, targets};
use crate::world::{World, wait_for};

/// For a change that others hinder (a node that is away, another change) to be accepted.
const ACCEPTED: Duration = Duration::from_secs(20);
/// For the members to show it.
const SHOWN: Duration = Duration::from_secs(10);

/// A change, and its way back at the end of the fault.
pub(super) fn change(stage: &Stage) -> Result<Begun> {
    match stage.lot.clone().below(3) {
        0 => demote(stage),
        1 => grow(stage, false),
        _ => grow(stage, true),
    }
}

/// Asks until it is accepted; the leader answers, wherever it is asked.
fn ask(world: &World, method: &str, path: &str, body: &str) -> Result<()> {
    let mut said = String::from("no node answered");
    let accepted = wait_for(ACCEPTED, || {
        let ids = world.running();
        ids.into_iter().find(
            |&id| match world.http(id).map(|http| http.send(method, path, body)) {
                Ok(Ok(answer)) if answer.status == 200 => true,
                Ok(Ok(answer)) => {
                    said = format!("{} {}", answer.status, answer.body);
                    false
                }
                // Whether it took effect is unknown: the next asking finds out.
                Ok(Err(_)) | Err(_) => false,
            },
        )
    });
    match accepted {
        Some(_) => Ok(()),
        None => bail!("{method} {path} was not accepted within {ACCEPTED:?}: {said}"),
    }
}

fn role(world: &World, id: u64) -> Option<String> {
    targets::roles(world)?.remove(&id)
}

fn shows(world: &World, id: u64, wanted: Option<&str>) -> bool {
    wait_for(SHOWN, || {
        let mut roles = targets::roles(world)?;
        (roles.remove(&id).as_deref() == wanted).then_some(())
    })
    .is_some()
}

/// A follower loses its vote, and gets it back.
fn demote(stage: &Stage) -> Result<Begun> {
    let world = &stage.world;
    let id = *stage.targets()?.first().context("a target")?;
    ask(
        world,
        "POST",
        &format!("/v1/cluster/members/n{id}/demote"),
        "",
    )?;
    let shown = shows(world, id, Some("learner"));
    let seen = Seen::when(shown, format!("node {id} is a learner: {shown}"));
    Ok(Begun::new(&[id], seen, move |stage| {
        promote(&stage.world, id)?;
        Ok(Seen::yes(format!("node {id} votes again")))
    }))
}

fn promote(world: &World, id: u64) -> Result<()> {
    if role(world, id).as_deref() != Some("voter") {
        ask(
            world,
            "POST",
            &format!("/v1/cluster/members/n{id}/promote"),
            "",
        )?;
    }
    let shown = shows(world, id, Some("voter"));
    shown
        .then_some(())
        .with_context(|| format!("node {id} has no vote after its promotion"))
}

/// A new node joins with an empty disk and gets a vote; with `replace`, yet another one takes its
/// place. At the end the newcomer leaves.
fn grow(stage: &Stage, replace: bool) -> Result<Begun> {
    let world = &stage.world;
    let mut id = join(world)?;
    promote(world, id)?;
    let mut words = format!("node {id} joined and votes");
    if replace {
        let new = join(world)?;
        let peer = world.peer_address(new).context("the new node")?.to_string();
        let api = format!("http://{}", world.http(new)?.to);
        let (old_name, new_name) = (format!("n{id}"), format!("n{new}"));
        let body = json!({"old": old_name, "new": new_name, "peer": peer, "api": api});
        ask(
            world,
            "POST",
            "/v1/cluster/members/-/replace",
            &body.to_string(),
        )?;
        let shown = shows(world, new, Some("voter"));
        world.retire(id)?;
        words = format!("{words}; node {new} took its place: {shown}");
        id = new;
    }
    Ok(Begun::new(&[id], Seen::yes(words), move |stage| {
        leave(&stage.world, id)
    }))
}

fn join(world: &World) -> Result<u64> {
    let id = world.nodes().into_iter().max().unwrap_or(0) + 1;
    world.add_node(id)?;
    world.wait_ready(id)?;
    Ok(id)
}

fn leave(world: &World, id: u64) -> Result<Seen> {
    if role(world, id).is_some() {
        ask(world, "DELETE", &format!("/v1/cluster/members/n{id}"), "")?;
    }
    let gone = shows(world, id, None);
    world.retire(id)?;
    Ok(Seen::when(
        gone,
        format!("node {id} is no member any more: {gone}"),
    ))
}
