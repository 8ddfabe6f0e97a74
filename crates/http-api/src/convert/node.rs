//! Znodes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_types::v1::Encoding;
use http_types::v1::nodes as v1;
use raft_core::acl::{AclEntry, Perms};
use raft_core::command::CreateKind;
use raft_core::ids::ZnodePath;
use raft_core::outcome::ReadZnode;
use raft_core::znode::{Stat, Znode, ZnodeKind};

use crate::error::Problem;
use crate::millis::rfc3339;

/// A stat.
pub(crate) fn stat(stat: &Stat) -> v1::Stat {
    v1::Stat {
        czxid: stat.czxid.0,
        mzxid: stat.mzxid.0,
        pzxid: stat.pzxid.0,
        ctime: rfc3339(stat.ctime),
        mtime: rfc3339(stat.mtime),
        version: stat.version,
        cversion: stat.cversion,
        aversion: stat.aversion,
        ephemeral_owner: stat.ephemeral_owner.0,
        data_length: stat.data_length,
        num_children: stat.num_children,
    }
}

/// Bytes as a JSON text: themselves where they are UTF-8, base64 otherwise.
pub(crate) fn text(data: &[u8]) -> (String, Encoding) {
    match std::str::from_utf8(data) {
        Ok(text) => (text.to_owned(), Encoding::Utf8),
        Err(_) => (BASE64.encode(data), Encoding::Base64),
    }
}

/// The bytes of a JSON text.
///
/// # Errors
/// When it says base64 and is none.
pub(crate) fn bytes_in(value: &str, encoding: Encoding) -> Result<Bytes, Problem> {
    match encoding {
        Encoding::Utf8 => Ok(Bytes::copy_from_slice(value.as_bytes())),
        Encoding::Base64 => BASE64
            .decode(value)
            .map(Bytes::from)
            .map_err(|error| Problem::bad_request(format!("the value is no base64: {error}"))),
    }
}

/// What ends a znode, outward.
pub(crate) fn mode(kind: ZnodeKind) -> (v1::NodeMode, Option<u64>) {
    match kind {
        ZnodeKind::Persistent => (v1::NodeMode::Persistent, None),
        ZnodeKind::Ephemeral(_) => (v1::NodeMode::Ephemeral, None),
        ZnodeKind::Container => (v1::NodeMode::Container, None),
        ZnodeKind::Ttl(ttl_ms) => (v1::NodeMode::Ttl, Some(ttl_ms)),
    }
}

/// What ends a znode, inward.
///
/// # Errors
/// When mode and time to live contradict each other.
pub(crate) fn kind_in(
    mode: Option<v1::NodeMode>,
    ttl_ms: Option<u64>,
) -> Result<CreateKind, Problem> {
    match (mode, ttl_ms) {
        (None | Some(v1::NodeMode::Ttl), Some(ttl_ms)) => Ok(CreateKind::Ttl { ttl_ms }),
        (None | Some(v1::NodeMode::Persistent), None) => Ok(CreateKind::Persistent),
        (Some(v1::NodeMode::Ephemeral), None) => Ok(CreateKind::Ephemeral),
        (Some(v1::NodeMode::Container), None) => Ok(CreateKind::Container),
        (Some(v1::NodeMode::Ttl), None) => Err(Problem::bad_request(
            "mode ttl needs a ttl, for example ttl=60s",
        )),
        (
            Some(v1::NodeMode::Persistent | v1::NodeMode::Ephemeral | v1::NodeMode::Container),
            Some(_),
        ) => Err(Problem::bad_request("a ttl belongs to mode ttl only")),
    }
}

/// A znode with its data.
pub(crate) fn node(path: &ZnodePath, znode: &Znode) -> v1::Node {
    let (mode, ttl_ms) = mode(znode.kind());
    let (value, encoding) = value_of(znode.data.as_deref());
    v1::Node {
        path: path.to_string(),
        value,
        encoding,
        content_type: znode.content_type().map(str::to_owned),
        mode,
        ttl_ms,
        version: znode.version,
        stat: stat(&znode.stat()),
    }
}

/// As [`node()`], as a transaction read it: without what ends it.
pub(crate) fn node_read(path: &ZnodePath, znode: &ReadZnode) -> v1::Node {
    let (value, encoding) = value_of(znode.data.as_deref());
    let mode = if znode.stat.ephemeral_owner.0 == 0 {
        v1::NodeMode::Persistent
    } else {
        v1::NodeMode::Ephemeral
    };
    v1::Node {
        path: path.to_string(),
        value,
        encoding,
        content_type: znode.content_type.as_deref().map(str::to_owned),
        mode,
        ttl_ms: None,
        version: znode.stat.version,
        stat: stat(&znode.stat),
    }
}

fn value_of(data: Option<&[u8]>) -> (Option<String>, Encoding) {
    match data.map(text) {
        Some((text, encoding)) => (Some(text), encoding),
        None => (None, Encoding::Utf8),
    }
}

/// Letters of permissions in ZooKeeper's order.
const LETTERS: [(char, Perms); 5] = [
    ('r', Perms::READ),
    ('w', Perms::WRITE),
    ('c', Perms::CREATE),
    ('d', Perms::DELETE),
    ('a', Perms::ADMIN),
];

/// An access list, outward.
pub(crate) fn acl(entries: &[AclEntry]) -> Vec<v1::AclEntry> {
    let letters = |perms: Perms| {
        LETTERS
            .iter()
            .filter(|(_, bit)| perms.0 & bit.0 != 0)
            .map(|(letter, _)| *letter)
            .collect()
    };
    entries
        .iter()
        .map(|entry| v1::AclEntry {
            scheme: entry.scheme.clone(),
            id: entry.id.clone(),
            perms: letters(entry.perms),
        })
        .collect()
}

/// An access list, inward.
///
/// # Errors
/// When permissions hold another letter than `rwcda`.
pub(crate) fn acl_in(entries: Vec<v1::AclEntry>) -> Result<Vec<AclEntry>, Problem> {
    entries
        .into_iter()
        .map(|entry| {
            let perms = perms_in(&entry.perms)?;
            Ok(AclEntry {
                perms,
                scheme: entry.scheme,
                id: entry.id,
            })
        })
        .collect()
}

fn perms_in(text: &str) -> Result<Perms, Problem> {
    text.chars().try_fold(Perms(0), |perms, c| {
        match LETTERS.iter().find(|(letter, _)| *letter == c) {
            Some((_, bit)) => Ok(Perms(perms.0 | bit.0)),
            None => Err(Problem::bad_request(format!(
                "permissions {text:?} hold {c:?}, expected letters out of rwcda"
            ))),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_through_json() {
        for data in [&b""[..], b"plain", "ü".as_bytes(), &[0xff, 0x00, 0x80]] {
            let data = Bytes::copy_from_slice(data);
            let (text, encoding) = text(&data);
            assert_eq!(bytes_in(&text, encoding).unwrap(), data);
        }
        assert!(bytes_in("!", Encoding::Base64).is_err());
    }

    #[test]
    fn permissions_are_letters() {
        assert_eq!(perms_in("rwcda").unwrap(), Perms::ALL);
        assert_eq!(perms_in("").unwrap(), Perms(0));
        assert!(perms_in("rx").is_err());
        let open = acl(&[AclEntry::open()]);
        assert_eq!(acl_in(open).unwrap(), [AclEntry::open()]);
    }

    #[test]
    fn a_ttl_and_a_mode_must_agree() {
        assert_eq!(
            kind_in(None, Some(5)).unwrap(),
            CreateKind::Ttl { ttl_ms: 5 }
        );
        assert_eq!(kind_in(None, None).unwrap(), CreateKind::Persistent);
        assert!(kind_in(Some(v1::NodeMode::Ttl), None).is_err());
        assert!(kind_in(Some(v1::NodeMode::Ephemeral), Some(5)).is_err());
    }
}
