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

/// A change, and its way back at the end of the fault: by lot, or the one that the amount `change`
/// names (0 demote and promote, 1 grow, 2 grow and replace, 3 grow by two).
pub(super) fn change(stage: &Stage) -> Result<Begun> {
    let drawn = stage.lot.clone().below(4).cast_signed();
    match stage.amount("change", drawn) {
        0 => demote(stage),
        1 => grow(stage),
        2 => replace(stage),
        _ => grow_by_two(stage),
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

/// A new node joins with an empty disk and gets a vote; at the end it leaves.
fn grow(stage: &Stage) -> Result<Begun> {
    let world = &stage.world;
    let id = join(world)?;
    promote(world, id)?;
    let words = format!("node {id} joined and votes");
    Ok(Begun::new(&[id], Seen::yes(words), move |stage| {
        leave(&stage.world, id)
    }))
}

/// Two of them, so that a majority of the founders is none any more.
fn grow_by_two(stage: &Stage) -> Result<Begun> {
    let world = &stage.world;
    let (first, second) = (join(world)?, join(world)?);
    promote(world, first)?;
    promote(world, second)?;
    let words = format!("nodes {first} and {second} joined and vote");
    Ok(Begun::new(
        &[first, second],
        Seen::yes(words),
        move |stage| {
            let one = leave(&stage.world, second)?;
            let other = leave(&stage.world, first)?;
            let words = format!("{}; {}", one.evidence, other.evidence);
            Ok(Seen::when(one.observed && other.observed, words))
        },
    ))
}

/// A new node joins, and yet another one takes its place; at the end that one leaves.
fn replace(stage: &Stage) -> Result<Begun> {
    let world = &stage.world;
    let old = join(world)?;
    promote(world, old)?;
    let new = join(world)?;
    let peer = world.peer_address(new).context("the new node")?.to_string();
    let api = format!("http://{}", world.http(new)?.to);
    let (old_name, new_name) = (format!("n{old}"), format!("n{new}"));
    let body = json!({"old": old_name, "new": new_name, "peer": peer, "api": api});
    let path = "/v1/cluster/members/-/replace";
    ask(world, "POST", path, &body.to_string())?;
    let shown = shows(world, new, Some("voter"));
    world.retire(old)?;
    let words = format!("node {old} joined and votes; node {new} took its place: {shown}");
    Ok(Begun::new(&[new], Seen::when(shown, words), move |stage| {
        leave(&stage.world, new)
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
