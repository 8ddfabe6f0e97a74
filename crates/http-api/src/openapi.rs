//! The OpenAPI document, made from the attributes of the endpoints and the types of the contract.

use utoipa::openapi::{InfoBuilder, OpenApi, Tag};

use crate::endpoints;
use crate::routes::commands::is_command;

const DESCRIPTION: &str = "Distributed locks with fencing tokens, sessions, znodes and events. \
Names of locks and paths of znodes may contain slashes; a view of one comes after the segment `-`. \
Any node answers; durations in requests are text with a unit, in answers whole milliseconds. \
Every error is a problem document (RFC 9457) whose `outcome` says whether the request happened.";

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = endpoints::described();
    document.info = InfoBuilder::new()
        .title("Holdfast")
        .version("v1")
        .description(Some(DESCRIPTION))
        .build();
    let tags = [
        ("locks", "Locks, claims and queues"),
        ("elections", "Candidates, and which of them leads"),
        ("groups", "Who is there"),
        ("barriers", "Parties that wait for each other"),
        (
            "services",
            "Instances, and which of them gets the next request",
        ),
        (
            "queues",
            "Items that are taken, and gone when they are acknowledged",
        ),
        ("sessions", "Sessions and what they own"),
        ("nodes", "Znodes and transactions"),
        ("counters", "Whole numbers that are added to"),
        (
            "fences",
            "Fences for resources outside: signed tokens, and registers of the highest that was shown",
        ),
        ("events", "What changes, in order"),
        ("cluster", "Members and leadership"),
        ("snapshots", "Copies of the whole state"),
        ("health", "Is this node fit to serve?"),
        ("meta", "What the API says about itself"),
        (
            "zookeeper",
            "Commands of ZooKeeper's AdminServer, on a node with a port for ZooKeeper clients",
        ),
    ];
    let tag = |(name, description): (&str, &str)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        tag
    };
    document.tags = Some(tags.into_iter().map(tag).collect());
    document
}

/// The document as it is served, and committed in `docs/reference/openapi.json`.
///
/// Empty if it could not be written, which a test rules out.
#[must_use]
pub fn document_text() -> String {
    text_of(&document())
}

/// The document of a node with or without the commands of another door.
pub(crate) fn text_for(has_commands: bool) -> String {
    let mut document = document();
    if !has_commands {
        let paths = &mut document.paths.paths;
        paths.retain(|path, _| !is_command(path));
    }
    text_of(&document)
}

fn text_of(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
