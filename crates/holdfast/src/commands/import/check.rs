//! What cannot be carried over, as far as it can be seen before it is tried. Pure.

use raft_core::acl::{self, AclEntry, Perms};
use raft_core::{limits, path};
use zookeeper::proto::acl::Acl;

use super::report::Kind;
use super::znode::Znode;

/// Bytes of a request besides path, data and access list: frame, headers, lengths.
const REQUEST_BYTES: usize = 128;
/// What a server shows in the place of a hash to those who may not change the access list.
const HIDDEN_HASH: &str = ":x";

/// Why a znode cannot be made at this path of this cluster; `frame_bytes_max` is the longest request
/// it takes.
pub(super) fn obstacle(
    target: &str,
    znode: &Znode,
    frame_bytes_max: usize,
) -> Option<(Kind, String)> {
    if let Err(error) = path::validate(target) {
        return Some((Kind::PathNotValid, error.to_string()));
    }
    let data = znode.data.as_ref().map_or(0, |data| data.len());
    if data > limits::ZNODE_DATA_BYTES_MAX {
        let max = limits::ZNODE_DATA_BYTES_MAX;
        let why = format!("{data} bytes of data; a znode has at most {max} here");
        return Some((Kind::TooLarge, why));
    }
    let request = request_bytes(target, data, &znode.acl);
    if request > frame_bytes_max {
        let why = format!(
            "making it takes a request of {request} bytes, and this cluster takes {frame_bytes_max}: \
             raise its zookeeper-jute-maxbuffer, and say so with --jute-maxbuffer"
        );
        return Some((Kind::TooLarge, why));
    }
    let children = u32::try_from(znode.stat.num_children).unwrap_or(0);
    if children > limits::CHILDREN_PER_ZNODE_MAX {
        let max = limits::CHILDREN_PER_ZNODE_MAX;
        let why = format!("{children} children; a znode has at most {max} here");
        return Some((Kind::TooManyChildren, why));
    }
    acl_obstacle(target, &znode.acl)
}

/// Bytes of the request that makes a znode, at most.
pub(super) fn request_bytes(path: &str, data: usize, acl: &[Acl]) -> usize {
    let entries = acl.iter();
    let entries = entries.map(|entry| entry.id.scheme.len() + entry.id.id.len() + 12);
    path.len() + data + entries.sum::<usize>() + REQUEST_BYTES
}

/// An entry that was shown without its hash.
pub(super) fn hidden_entry(list: &[Acl]) -> Option<&Acl> {
    let hidden = |entry: &&Acl| entry.id.scheme == "digest" && entry.id.id.ends_with(HIDDEN_HASH);
    list.iter().find(hidden)
}

fn acl_obstacle(target: &str, list: &[Acl]) -> Option<(Kind, String)> {
    if let Some(entry) = hidden_entry(list) {
        let why = format!(
            "the ensemble does not show the hash of digest {}: be somebody who may change the access \
             list, or the super user, with --auth",
            entry.id.id.trim_end_matches(HIDDEN_HASH)
        );
        return Some((Kind::AclHidden, why));
    }
    let entry = |entry: &Acl| AclEntry {
        perms: Perms(u8::try_from(entry.perms.0 & 31).unwrap_or(0)),
        scheme: entry.id.scheme.clone(),
        id: entry.id.id.clone(),
    };
    let entries: Vec<AclEntry> = list.iter().map(entry).collect();
    let refusal = acl::fix_up(target, &entries, &[]).err()?;
    Some((Kind::AclNotValid, refusal.to_string()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use zookeeper::proto::acl::{Id, Perms as WirePerms};
    use zookeeper::proto::stat::Stat;

    use super::*;

    const FRAME: usize = 1_048_575;

    fn znode(bytes: usize) -> Znode {
        Znode {
            data: Some(Bytes::from(vec![b'x'; bytes])),
            acl: vec![Acl::open()],
            ..Znode::default()
        }
    }

    fn kind(target: &str, znode: &Znode) -> Option<Kind> {
        obstacle(target, znode, FRAME).map(|(kind, _)| kind)
    }

    fn with_acl(scheme: &str, id: &str) -> Znode {
        let entry = Acl {
            perms: WirePerms::ALL,
            id: Id {
                scheme: scheme.to_owned(),
                id: id.to_owned(),
            },
        };
        Znode {
            acl: vec![Acl::open(), entry],
            ..znode(1)
        }
    }

    #[test]
    fn ordinary_znodes_have_no_obstacle() {
        for ordinary in [
            znode(0),
            znode(1_000_000),
            with_acl("digest", "u:aGFzaA=="),
            with_acl("ip", "10.0.0.0/8"),
            with_acl("sasl", "hbase"),
            with_acl("x509", "CN=a"),
        ] {
            assert_eq!(kind("/a/b", &ordinary), None);
        }
    }

    #[test]
    fn limits_of_this_cluster_are_told_before_it_is_tried() {
        assert_eq!(kind("/a", &znode((1 << 20) + 1)), Some(Kind::TooLarge));
        assert_eq!(kind("/a", &znode(FRAME - 10)), Some(Kind::TooLarge));
        let long = format!("/{}", "a".repeat(4096));
        assert_eq!(kind(&long, &znode(1)), Some(Kind::PathNotValid));
        let crowded = Znode {
            stat: Stat {
                num_children: 1_000_001,
                ..Stat::default()
            },
            ..znode(1)
        };
        assert_eq!(kind("/a", &crowded), Some(Kind::TooManyChildren));
    }

    #[test]
    fn a_list_that_would_lock_everybody_out_is_not_copied() {
        assert_eq!(
            kind("/a", &with_acl("digest", "u:x")),
            Some(Kind::AclHidden)
        );
        assert_eq!(
            kind("/a", &with_acl("kerberos", "u")),
            Some(Kind::AclNotValid)
        );
        let many = Znode {
            acl: (0..65)
                .flat_map(|n| with_acl("digest", &format!("u{n}:aGFzaA==")).acl)
                .collect(),
            ..znode(1)
        };
        assert_eq!(kind("/a", &many), Some(Kind::AclNotValid));
    }
}
