//! A snapshot file of a ZooKeeper server: nothing else tells which znodes are containers or have a
//! time to live.
//!
//! Header, sessions, access lists, then the znodes, each after its path; the path `/` ends them
//! (the root itself is written as the empty path). The format is the same from 3.4 to 3.9.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::Kind;

/// `ZKSN`
const MAGIC: [u8; 4] = *b"ZKSN";
/// Begins a file compressed by gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Longest text accepted: a path is never longer than a request was.
const TEXT_BYTES_MAX: u64 = 16 << 20;
/// Ephemeral owner that marks a container.
const CONTAINER: u64 = 1 << 63;
/// Ephemeral owners whose upper three bytes are these hold a time to live in the others.
const TTL_MARK: u64 = 0xff_0000;
const TTL_BITS: u32 = 40;

/// The znodes of a snapshot that are not ordinary, by path.
///
/// # Errors
/// It cannot be read, or is no snapshot.
pub(super) fn read(file: &Path) -> io::Result<HashMap<String, (i64, Kind)>> {
    kinds_in(BufReader::new(File::open(file)?))
}

fn kinds_in(mut from: impl Read) -> io::Result<HashMap<String, (i64, Kind)>> {
    header(&mut from)?;
    for _ in 0..count(&mut from)? {
        skip(&mut from, 8 + 4)?;
    }
    access_lists(&mut from)?;
    let mut kinds = HashMap::new();
    loop {
        let path = text(&mut from)?;
        if path == "/" {
            return Ok(kinds);
        }
        skip_buffer(&mut from)?;
        skip(&mut from, 8)?;
        let czxid = i64::from_be_bytes(array(&mut from)?);
        // mzxid, ctime, mtime; version, cversion, aversion.
        skip(&mut from, 3 * 8 + 3 * 4)?;
        let owner = u64::from_be_bytes(array(&mut from)?);
        skip(&mut from, 8)?;
        if let Some(kind) = kind_of(owner) {
            kinds.insert(path, (czxid, kind));
        }
    }
}

fn kind_of(owner: u64) -> Option<Kind> {
    if owner == CONTAINER {
        return Some(Kind::Container);
    }
    if owner >> TTL_BITS == TTL_MARK {
        let ttl = owner & ((1 << TTL_BITS) - 1);
        return i64::try_from(ttl).ok().map(Kind::Ttl);
    }
    None
}

fn header(from: &mut impl Read) -> io::Result<()> {
    let magic: [u8; 4] = array(from)?;
    if magic.starts_with(&GZIP) {
        return Err(bad("it is compressed; decompress it with gunzip first"));
    }
    if magic != MAGIC {
        return Err(bad(
            "it is not a snapshot of ZooKeeper, or compressed with snappy",
        ));
    }
    // Version, id of the database.
    skip(from, 4 + 8)
}

fn access_lists(from: &mut impl Read) -> io::Result<()> {
    for _ in 0..count(from)? {
        skip(from, 8)?;
        for _ in 0..count(from)? {
            skip(from, 4)?;
            skip_buffer(from)?;
            skip_buffer(from)?;
        }
    }
    Ok(())
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A length or count; null counts as none.
fn count(from: &mut impl Read) -> io::Result<u64> {
    let count = i32::from_be_bytes(array(from)?);
    match u64::try_from(count) {
        Ok(count) => Ok(count),
        Err(_) if count == -1 => Ok(0),
        Err(_) => Err(bad("it has an impossible length in it")),
    }
}

fn text(from: &mut impl Read) -> io::Result<String> {
    let length = count(from)?;
    if length > TEXT_BYTES_MAX {
        return Err(bad("it has an impossible length in it"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(bytes).map_err(|_| bad("it has a path that is not UTF-8"))
}

fn skip_buffer(from: &mut impl Read) -> io::Result<()> {
    let length = count(from)?;
    skip(from, length)
}

fn skip(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut from.take(bytes), &mut io::sink())?;
    if skipped == bytes {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_text(out: &mut Vec<u8>, text: &str) {
        out.extend(i32::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(text.as_bytes());
    }

    fn put_znode(out: &mut Vec<u8>, path: &str, czxid: i64, owner: u64) {
        put_text(out, path);
        out.extend((-1_i32).to_be_bytes());
        out.extend(1_i64.to_be_bytes());
        out.extend(czxid.to_be_bytes());
        out.extend([0; 36]);
        out.extend(owner.to_be_bytes());
        out.extend(czxid.to_be_bytes());
    }

    fn snapshot() -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([0; 12]);
        out.extend(1_i32.to_be_bytes());
        out.extend([7; 12]);
        out.extend(1_i32.to_be_bytes());
        out.extend(1_i64.to_be_bytes());
        out.extend(1_i32.to_be_bytes());
        out.extend(31_i32.to_be_bytes());
        put_text(&mut out, "world");
        put_text(&mut out, "anyone");
        put_znode(&mut out, "", 0, 0);
        put_znode(&mut out, "/plain", 1, 0);
        put_znode(&mut out, "/container", 2, CONTAINER);
        put_znode(&mut out, "/ttl", 3, 0xff00_0000_0000_0000 | 60_000);
        put_znode(&mut out, "/ephemeral", 4, 0x0100_0abc_def0_0001);
        put_text(&mut out, "/");
        out
    }

    #[test]
    fn containers_and_times_to_live_are_found() {
        let kinds = kinds_in(snapshot().as_slice()).unwrap();
        assert_eq!(kinds.len(), 2);
        assert_eq!(kinds["/container"], (2, Kind::Container));
        assert_eq!(kinds["/ttl"], (3, Kind::Ttl(60_000)));
    }

    /// Written by ZooKeeper 3.9.3 with `/plain`, `/container` with a child, `/ttl` (one hour) and an
    /// ephemeral.
    const RECORDED: &[u8] = include_bytes!("../../../../tests/data/zookeeper-3.9.3.snapshot");

    #[test]
    fn a_snapshot_of_a_real_server_is_read() {
        let kinds = kinds_in(RECORDED).unwrap();
        let mut found: Vec<(&str, Kind)> = Vec::new();
        found.extend(kinds.iter().map(|(path, (_, kind))| (path.as_str(), *kind)));
        found.sort_by_key(|(path, _)| *path);
        let expected = [
            ("/container", Kind::Container),
            ("/ttl", Kind::Ttl(3_600_000)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_whole_snapshot_is_refused() {
        let whole = snapshot();
        for length in 0..whole.len() {
            assert!(kinds_in(&whole[..length]).is_err(), "{length}");
        }
        let gzip = kinds_in([0x1f, 0x8b, 8, 0].as_slice()).unwrap_err();
        assert!(gzip.to_string().contains("gunzip"), "{gzip}");
        let mut huge = whole[..16].to_vec();
        huge.extend(i32::MIN.to_be_bytes());
        assert!(kinds_in(huge.as_slice()).is_err());
    }
}
