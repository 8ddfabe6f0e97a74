//! How a znode of the ensemble and the one at its place here relate. Pure.

use super::check::hidden_entry;
use super::znode::{Found, Znode};

/// How they relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The ensemble has none.
    Gone,
    /// The ensemble does not show it.
    Unreadable,
    /// It goes with a session of the ensemble.
    Ephemeral,
    /// There is none here.
    Missing,
    /// There is one here, and we may not read it, or not its whole access list.
    Hidden,
    /// Data and access list are the same.
    Same,
    /// They are not.
    Differs {
        /// The data.
        data: bool,
        /// The access list.
        acl: bool,
    },
}

/// Compares. `here` is what stands at `target` in this cluster.
pub(super) fn relation(target: &str, source: &Found, here: &Found) -> Relation {
    let (source, here) = match (source, here) {
        (Found::Missing, _) => return Relation::Gone,
        (Found::Denied, _) => return Relation::Unreadable,
        (Found::Znode(znode), _) if znode.is_ephemeral() => return Relation::Ephemeral,
        (Found::Znode(_), Found::Missing) => return Relation::Missing,
        (Found::Znode(_), Found::Denied) => return Relation::Hidden,
        // What is shown in part cannot be compared.
        (Found::Znode(_), Found::Znode(here)) if hidden_entry(&here.acl).is_some() => {
            return Relation::Hidden;
        }
        (Found::Znode(source), Found::Znode(here)) => (source, here),
    };
    let (data, acl) = (!same_data(target, source, here), source.acl != here.acl);
    if data || acl {
        Relation::Differs { data, acl }
    } else {
        Relation::Same
    }
}

/// The data of a fresh root is null with one server and empty with another; nobody put it there.
fn same_data(target: &str, source: &Znode, here: &Znode) -> bool {
    let is_empty = |znode: &Znode| znode.data.as_ref().is_none_or(|data| data.is_empty());
    source.data == here.data || (target == "/" && is_empty(source) && is_empty(here))
}

/// Children that are only here, of two lists in any order.
pub(super) fn only_here<'a>(source: &[String], here: &'a [String]) -> Vec<&'a String> {
    let known: std::collections::HashSet<&String> = source.iter().collect();
    here.iter().filter(|name| !known.contains(name)).collect()
}

/// Whether a name ends in the ten digits of a sequential create.
pub(super) fn is_numbered(name: &str) -> bool {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits >= 10
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use zookeeper::proto::acl::Acl;

    use super::*;

    fn found(data: Option<&'static str>, acl: usize) -> Found {
        Found::Znode(Box::new(Znode {
            data: data.map(|text| Bytes::from_static(text.as_bytes())),
            acl: vec![Acl::open(); acl],
            ..Znode::default()
        }))
    }

    #[test]
    fn null_and_empty_data_differ_except_at_the_root() {
        let differs = |data, acl| Relation::Differs { data, acl };
        let (null, empty) = (found(None, 1), found(Some(""), 1));
        assert_eq!(relation("/a", &null, &empty), differs(true, false));
        assert_eq!(relation("/", &null, &empty), Relation::Same);
        assert_eq!(
            relation("/", &found(Some("x"), 1), &empty),
            differs(true, false)
        );
        assert_eq!(relation("/a", &null, &found(None, 2)), differs(false, true));
        assert_eq!(relation("/a", &null, &null), Relation::Same);
        assert_eq!(relation("/a", &null, &Found::Missing), Relation::Missing);
        assert_eq!(relation("/a", &Found::Missing, &null), Relation::Gone);
    }

    #[test]
    fn numbered_names_are_recognised() {
        for name in ["lock-0000000012", "0000000000", "_c_x-lock-1234567890"] {
            assert!(is_numbered(name), "{name}");
        }
        for name in ["lock-1", "000000001", "0000000012-lock", ""] {
            assert!(!is_numbered(name), "{name}");
        }
    }
}
