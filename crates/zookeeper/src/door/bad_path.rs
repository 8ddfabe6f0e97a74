//! What is wrong with a write whose path is not valid.
//!
//! ZooKeeper looks for the parent before it looks at the whole path, and a parent with an impossible path
//! is simply not there. A `delete` never looks at the path at all.

use raft_core::ids::ZnodePath;

use crate::proto::error::ErrorCode;

/// Of any `create`.
pub(crate) fn of_create(path: &str) -> ErrorCode {
    match parent_of(path) {
        Some(parent) if ZnodePath::parse(parent).is_err() => ErrorCode::NoNode,
        Some(_) | None => ErrorCode::BadArguments,
    }
}

/// Of a `delete`.
pub(crate) fn of_delete(path: &str) -> ErrorCode {
    match parent_of(path) {
        Some(_) => ErrorCode::NoNode,
        None => ErrorCode::BadArguments,
    }
}

/// The parent's part; `None` when ZooKeeper finds none to look for.
fn parent_of(path: &str) -> Option<&str> {
    if path.contains('\0') {
        return None;
    }
    match path.rsplit_once('/')? {
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

#[cfg(test)]
mod tests {
    use super::{of_create, of_delete};
    use crate::proto::error::ErrorCode::{BadArguments, NoNode};

    #[test]
    fn a_create_below_what_cannot_exist_finds_no_parent() {
        for path in ["/a//b", "a/b", "/a/./b", "/a//", "/../b"] {
            assert_eq!(of_create(path), NoNode, "{path}");
        }
        for path in ["", "a", "/a/", "//a", "//", "/a/.", "/a/b\0", "/a\0/b"] {
            assert_eq!(of_create(path), BadArguments, "{path:?}");
        }
    }

    #[test]
    fn a_delete_at_what_cannot_exist_finds_no_znode() {
        for path in ["/a//b", "a/b", "/a/", "//a", "/a/.", "/a/\u{1}"] {
            assert_eq!(of_delete(path), NoNode, "{path:?}");
        }
        for path in ["", "a", "/a/b\0"] {
            assert_eq!(of_delete(path), BadArguments, "{path:?}");
        }
    }
}
