//! The operations, as the specification's table has them. Written down a second time, apart from the
//! product's codec, so that a mistake in that one shows.
//!
//! A layout is a letter for each field:
//!
//! | | | | |
//! |---|---|---|---|
//! | `i` | int | `l` | long |
//! | `x` | zxid | `z` | boolean |
//! | `s` | string | `b` | buffer |
//! | `A` | vector of ACL | `V` | vector of strings |
//! | `C` | vector of strings in no order | `W` | vector of identities in no order |
//! | `S` | stat | `M` | members of a multi |

/// An operation.
#[derive(Debug)]
pub(super) struct Op {
    pub(super) name: &'static str,
    pub(super) code: i32,
    pub(super) request: &'static str,
    pub(super) reply: &'static str,
    /// What its result is headed by inside a multi.
    pub(super) result: i32,
}

const fn op(name: &'static str, code: i32, request: &'static str, reply: &'static str) -> Op {
    let result = match code {
        19 | 21 => 15,
        code => code,
    };
    Op {
        name,
        code,
        request,
        reply,
        result,
    }
}

const OPS: &[Op] = &[
    op("create", 1, "sbAi", "s"),
    op("delete", 2, "si", ""),
    op("exists", 3, "sz", "S"),
    op("getData", 4, "sz", "bS"),
    op("setData", 5, "sbi", "S"),
    op("getACL", 6, "s", "AS"),
    op("setACL", 7, "sAi", "S"),
    op("getChildren", 8, "sz", "C"),
    op("sync", 9, "s", "s"),
    op("ping", 11, "", ""),
    op("getChildren2", 12, "sz", "CS"),
    op("check", 13, "si", ""),
    op("multi", 14, "M", "M"),
    op("create2", 15, "sbAi", "sS"),
    op("reconfig", 16, "sssl", "bS"),
    op("checkWatches", 17, "si", ""),
    op("removeWatches", 18, "si", ""),
    op("createContainer", 19, "sbAi", "sS"),
    op("deleteContainer", 20, "b", ""),
    op("createTTL", 21, "sbAil", "sS"),
    op("multiRead", 22, "M", "M"),
    op("auth", 100, "isb", ""),
    op("setWatches", 101, "xVVV", ""),
    op("sasl", 102, "b", "b"),
    op("getEphemerals", 103, "s", "C"),
    op("getAllChildrenNumber", 104, "s", "i"),
    op("setWatches2", 105, "xVVVVV", ""),
    op("addWatch", 106, "si", "i"),
    op("whoAmI", 107, "", "W"),
    op("createSession", -10, "i", ""),
    op("closeSession", -11, "", ""),
];

/// The operation of this name.
pub(super) fn by_name(name: &str) -> Option<&'static Op> {
    OPS.iter().find(|op| op.name == name)
}

/// The operation with this code.
pub(super) fn by_code(code: i32) -> Option<&'static Op> {
    OPS.iter().find(|op| op.code == code)
}

/// The layout of a result inside a multi.
pub(super) fn result_layout(result: i32) -> Option<&'static str> {
    if result == -1 {
        return Some("i");
    }
    let op = OPS.iter().find(|op| op.result == result)?;
    Some(op.reply)
}

/// Numbers that have a name in scripts.
pub(super) const NUMBERS: &[(&str, i64)] = &[
    ("any", -1),
    // `CreateMode`
    ("persistent", 0),
    ("ephemeral", 1),
    ("sequential", 2),
    ("ephemeral-sequential", 3),
    ("container", 4),
    ("ttl", 5),
    ("ttl-sequential", 6),
    // `WatcherType`
    ("children", 1),
    ("data", 2),
    ("every-kind", 3),
    ("the-persistent", 4),
    ("the-recursive", 5),
    // `AddWatchMode`; 0 is `persistent` here too.
    ("recursive", 1),
];

/// Name of an error code.
pub(super) fn error_name(code: i32) -> &'static str {
    match code {
        0 => "OK",
        -1 => "SYSTEMERROR",
        -2 => "RUNTIMEINCONSISTENCY",
        -5 => "MARSHALLINGERROR",
        -6 => "UNIMPLEMENTED",
        -8 => "BADARGUMENTS",
        -101 => "NONODE",
        -102 => "NOAUTH",
        -103 => "BADVERSION",
        -108 => "NOCHILDRENFOREPHEMERALS",
        -110 => "NODEEXISTS",
        -111 => "NOTEMPTY",
        -112 => "SESSIONEXPIRED",
        -114 => "INVALIDACL",
        -115 => "AUTHFAILED",
        -118 => "SESSIONMOVED",
        -121 => "NOWATCHER",
        -123 => "RECONFIGDISABLED",
        -125 => "QUOTAEXCEEDED",
        _ => "another error",
    }
}

/// Name of an event.
pub(super) fn event_name(kind: i32) -> &'static str {
    match kind {
        1 => "NodeCreated",
        2 => "NodeDeleted",
        3 => "NodeDataChanged",
        4 => "NodeChildrenChanged",
        _ => "another event",
    }
}
