//! Script words of signing keys. A key is a number. Commands: `publish-key NODE KEY [lifetime=MS]`,
//! `replace-keys [NODE]`, `revoke-key KEY`. Query: `keys`.

use raft_core::command::Command;
use raft_core::ids::PublicKey;
use raft_core::outcome::Reply;
use raft_core::signing_key::{KeyStanding, SigningKey};
use raft_core::state::State;

use crate::words::{Words, joined};

/// Thirty days.
const LIFETIME_MS: u64 = 30 * 24 * 3_600_000;

/// The key with this number.
pub(crate) fn key(number: u8) -> PublicKey {
    let mut bytes = [0; 32];
    bytes[31] = number;
    PublicKey(bytes)
}

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    match words.peek()? {
        "publish-key" => {
            words.next();
            Some(Command::PublishSigningKey {
                node: words.expect("a node").parse().expect("a number"),
                key: key(words.expect("a key").parse().expect("a number")),
                lifetime_ms: words.number("lifetime").unwrap_or(LIFETIME_MS),
            })
        }
        "replace-keys" => {
            words.next();
            let node = words.next().map(|node| node.parse().expect("a number"));
            Some(Command::ReplaceSigningKeys { node })
        }
        "revoke-key" => {
            words.next();
            let key = key(words.expect("a key").parse().expect("a number"));
            Some(Command::RevokeSigningKey { key })
        }
        _ => None,
    }
}

/// Runs a query of this family.
pub(crate) fn query(state: &State, words: &mut Words) -> Option<String> {
    if words.peek() != Some("keys") {
        return None;
    }
    words.next();
    let row =
        |(key, record): (&PublicKey, &SigningKey)| format!("{}: {}", key.0[31], shown(record));
    Some(joined(state.signing_keys().map(row)))
}

fn shown(record: &SigningKey) -> String {
    let SigningKey {
        node,
        published,
        standing,
    } = record;
    let standing = match standing {
        KeyStanding::Current { replace_at } => format!("current, replace at {replace_at}"),
        KeyStanding::Due => "due".to_owned(),
        KeyStanding::Former { forget_at } => format!("former, forget at {forget_at}"),
        KeyStanding::Revoked { forget_at } => format!("revoked, forget at {forget_at}"),
    };
    format!("node {node} since {}, {standing}", published.zxid)
}

/// Shows a reply of this family.
pub(crate) fn shown_reply(reply: &Reply) -> String {
    match reply {
        Reply::SigningKey(record) => shown(record),
        Reply::SigningKeysDue { count } => format!("{count} due"),
        other => panic!("not of this family: {other:?}"),
    }
}
