//! Script words of the tree. Commands:
//!
//! ```text
//! create PATH [data=TEXT|size=N|null] [type=T] [acl=LIST] [seq] [ephemeral|container|ttl=MS] [parents]
//! delete PATH [version=N]              set PATH [data=…] [type=T] [version=N]
//! put PATH [data=…] [version=N] [ephemeral|container|ttl=MS] [parents]
//! setacl PATH acl=LIST [version=N]     check PATH [version=N]
//! rmr PATH max=N                       multi OP ; OP ; …
//! txn GUARD ; … then STEP ; … [else STEP ; …]
//! ```
//!
//! An access list is `perms:scheme:id,…` with perms of `rwcda`, or `none` for an empty one. Guards:
//! `version PATH N`, `exists PATH yes|no`, `value PATH TEXT`, `fence LOCK:N`. Steps: an operation,
//! `get PATH`, `release LOCK CLAIM`. Queries: `stat PATH`, `data PATH`, `ls PATH [after=NAME]
//! [limit=N]`, `tree PATH [depth=N] [limit=N]`, `acl PATH`, `can-read PATH`.

mod show;

use bytes::Bytes;
use raft_core::acl::{AclEntry, Identity, Perms};
use raft_core::command::{
    Command, Create, CreateKind, Expect, Guard, SetData, Txn, TxnOp, ZnodeOp,
};
use raft_core::ids::{ClaimId, LockName, ZnodePath};
use raft_core::state::State;

use crate::harness::{fence_guard, shown_refusal, term_guard};
use crate::words::{Words, joined};

use show::{shown_acl, shown_data, shown_stat};
pub(crate) use show::{shown_event, shown_reply};

/// Parses a command of this family.
pub(crate) fn command(words: &mut Words) -> Option<Command> {
    match words.peek()? {
        "multi" => {
            words.next();
            let parts = words.until("").parts();
            let op = |mut part: Words| {
                let op = znode_op(&mut part).expect("an operation");
                part.finish();
                op
            };
            Some(Command::Multi(parts.into_iter().map(op).collect()))
        }
        "txn" => {
            words.next();
            Some(Command::Txn(txn(words)))
        }
        "rmr" => {
            words.next();
            let max = words.number("max").expect("max=N");
            Some(Command::DeleteSubtree {
                path: path(words),
                max,
            })
        }
        _ => znode_op(words).map(Command::Znode),
    }
}

fn znode_op(words: &mut Words) -> Option<ZnodeOp> {
    let verb = words.peek()?.to_owned();
    if !matches!(
        &*verb,
        "create" | "delete" | "set" | "put" | "setacl" | "check"
    ) {
        return None;
    }
    words.next();
    let path = words.expect("a path");
    let expect = words.number("version").map_or(Expect::Any, Expect::Version);
    Some(match &*verb {
        "create" => ZnodeOp::Create(Create {
            path,
            kind: kind(words),
            sequential: words.flag("seq"),
            parents: words.flag("parents"),
            acl: acl(words).unwrap_or_else(|| vec![AclEntry::open()]),
            content_type: words.value("type").map(Into::into),
            data: data(words),
        }),
        "delete" => ZnodeOp::Delete { path, expect },
        "set" => ZnodeOp::SetData(set(path, expect, words)),
        "put" => ZnodeOp::Put {
            kind: kind(words),
            parents: words.flag("parents"),
            set: set(path, expect, words),
        },
        "setacl" => ZnodeOp::SetAcl {
            path,
            expect,
            acl: acl(words).expect("acl=LIST"),
        },
        _ => ZnodeOp::Check { path, expect },
    })
}

fn set(path: String, expect: Expect, words: &mut Words) -> SetData {
    SetData {
        path,
        expect,
        content_type: words.value("type").map(Into::into),
        data: data(words),
    }
}

fn kind(words: &mut Words) -> CreateKind {
    if words.flag("ephemeral") {
        CreateKind::Ephemeral
    } else if words.flag("container") {
        CreateKind::Container
    } else if let Some(ttl_ms) = words.number("ttl") {
        CreateKind::Ttl { ttl_ms }
    } else {
        CreateKind::Persistent
    }
}

/// Empty unless said otherwise.
fn data(words: &mut Words) -> Option<Bytes> {
    if words.flag("null") {
        return None;
    }
    if let Some(size) = words.number("size") {
        return Some(Bytes::from(vec![b'x'; size]));
    }
    Some(Bytes::from(words.value("data").unwrap_or_default()))
}

fn acl(words: &mut Words) -> Option<Vec<AclEntry>> {
    let text = words.value("acl")?;
    if text == "none" {
        return Some(Vec::new());
    }
    Some(text.split(',').map(acl_entry).collect())
}

fn acl_entry(text: &str) -> AclEntry {
    let (perms, rest) = text.split_once(':').expect("perms:scheme:id");
    let (scheme, id) = rest.split_once(':').expect("scheme:id");
    let bits = perms.chars().map(|perm| match perm {
        'r' => Perms::READ.0,
        'w' => Perms::WRITE.0,
        'c' => Perms::CREATE.0,
        'd' => Perms::DELETE.0,
        'a' => Perms::ADMIN.0,
        _ => 32,
    });
    let perms = Perms(bits.fold(0, |all, bit| all | bit));
    AclEntry {
        perms,
        scheme: scheme.to_owned(),
        id: id.to_owned(),
    }
}

fn txn(words: &mut Words) -> Txn {
    let guards = words.until("then").parts().into_iter().map(guard).collect();
    let has_otherwise = words.clone().flag("else");
    let then = words
        .until("else")
        .parts()
        .into_iter()
        .map(txn_op)
        .collect();
    let otherwise = words.until("").parts().into_iter().map(txn_op).collect();
    Txn {
        guards,
        then,
        otherwise: has_otherwise.then_some(otherwise),
    }
}

fn guard(mut words: Words) -> Guard {
    let guard = match &*words.expect("a guard") {
        "version" => {
            let path = path(&mut words);
            let version = words.expect("a version").parse().expect("a number");
            Guard::Version { path, version }
        }
        "exists" => {
            let path = path(&mut words);
            Guard::Exists {
                path,
                exists: words.expect("yes or no") == "yes",
            }
        }
        "value" => {
            let path = path(&mut words);
            Guard::Value {
                path,
                value: Bytes::from(words.expect("a value")),
            }
        }
        "fence" => Guard::Fence(fence_guard(&words.expect("lock:fence"))),
        "term" => Guard::Term(term_guard(&words.expect("election:term"))),
        other => panic!("no such guard: {other}"),
    };
    words.finish();
    guard
}

fn txn_op(mut words: Words) -> TxnOp {
    let op = if words.flag("get") {
        TxnOp::Get {
            path: path(&mut words),
        }
    } else if words.flag("release") {
        let lock = LockName::parse(&words.expect("a lock")).unwrap();
        TxnOp::Release {
            lock,
            claim: ClaimId::parse(&words.expect("a claim")).unwrap(),
        }
    } else {
        TxnOp::Znode(znode_op(&mut words).expect("an operation"))
    };
    words.finish();
    op
}

fn path(words: &mut Words) -> ZnodePath {
    ZnodePath::parse(&words.expect("a path")).unwrap()
}

/// Runs a query of this family.
pub(crate) fn query(state: &State, who: &[Identity], words: &mut Words) -> Option<String> {
    let verb = words.peek()?.to_owned();
    if !matches!(&*verb, "stat" | "data" | "ls" | "tree" | "acl" | "can-read") {
        return None;
    }
    words.next();
    let path = path(words);
    let limit = words.number("limit").unwrap_or(usize::MAX);
    let nothing = || format!("no znode {path}");
    Some(match &*verb {
        "stat" => state
            .stat(&path)
            .map_or_else(nothing, |stat| shown_stat(&stat)),
        "data" => state.znode(&path).map_or_else(nothing, |znode| {
            let kind = znode.content_type().unwrap_or("-");
            format!(
                "{} {kind} {:?}",
                shown_data(znode.data.as_ref()),
                znode.kind()
            )
        }),
        "ls" => {
            let after = words.value("after");
            let found = state.children(&path, after.as_deref(), limit);
            found.map_or_else(nothing, |found| {
                joined(found.iter().map(|(name, _)| name.clone()))
            })
        }
        "tree" => {
            let depth = words.number("depth").unwrap_or(usize::MAX);
            let found = state.subtree(&path, depth, limit);
            found.map_or_else(nothing, |found| {
                joined(found.iter().map(|(p, _)| p.to_string()))
            })
        }
        "acl" => match state.acl(&path, who) {
            Ok((acl, stat)) => {
                format!("{} av={}", joined(acl.iter().map(shown_acl)), stat.aversion)
            }
            Err(refusal) => shown_refusal(&refusal),
        },
        _ => match state.can_read(&path, who) {
            Ok(()) => "may read".to_owned(),
            Err(refusal) => shown_refusal(&refusal),
        },
    })
}
