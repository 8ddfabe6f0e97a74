//! Requests, as the doors make them.

use bytes::Bytes;
use node::Draft;
use raft_core::acl::AclEntry;
use raft_core::command::{Command, Create, CreateKind, Expect, IdempotencyKey, SetData, ZnodeOp};
use raft_core::ids::ZnodePath;

/// A request of nobody in particular.
pub(super) fn plain(command: Command) -> Draft {
    Draft {
        identities: Vec::new(),
        session: None,
        fences: Vec::new(),
        terms: Vec::new(),
        idempotency: None,
        command,
    }
}

fn set_data(path: &str, data: String, expect: Expect) -> SetData {
    SetData {
        path: path.to_owned(),
        data: Some(Bytes::from(data)),
        content_type: None,
        expect,
    }
}

/// Writes a znode, made if need be.
pub(super) fn put(path: &str, data: String) -> Draft {
    plain(Command::Znode(ZnodeOp::Put {
        set: set_data(path, data, Expect::Any),
        kind: CreateKind::Persistent,
        parents: true,
    }))
}

/// Writes a znode that has a certain version.
pub(super) fn put_if(path: &str, data: String, version: i32) -> Draft {
    let set = set_data(path, data, Expect::Version(version));
    plain(Command::Znode(ZnodeOp::SetData(set)))
}

/// Makes a znode.
pub(super) fn create(path: &str, data: String, kind: CreateKind, sequential: bool) -> Command {
    Command::Znode(ZnodeOp::Create(Create {
        path: path.to_owned(),
        data: Some(Bytes::from(data)),
        content_type: None,
        acl: vec![AclEntry::open()],
        kind,
        sequential,
        parents: true,
    }))
}

/// Deletes a znode, whatever its version.
pub(super) fn delete(path: &str) -> Command {
    Command::Znode(ZnodeOp::Delete {
        path: path.to_owned(),
        expect: Expect::Any,
    })
}

/// The same, done at most once however often it is sent.
pub(super) fn repeatable(key: u64, command: Command) -> Draft {
    Draft {
        idempotency: Some(IdempotencyKey {
            key: format!("sim-{key}"),
            fingerprint: key,
        }),
        ..plain(command)
    }
}

/// A path the simulation made up.
pub(super) fn path(text: &str) -> ZnodePath {
    ZnodePath::parse(text).unwrap_or_else(|_| ZnodePath::root())
}

/// What a znode holds, as a number.
pub(super) fn number(data: Option<&[u8]>) -> Option<u64> {
    std::str::from_utf8(data?).ok()?.parse().ok()
}
