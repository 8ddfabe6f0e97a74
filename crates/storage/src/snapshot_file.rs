//! The format of a snapshot file, and reading one.
//!
//! ```text
//! magic 8 | version u32 | header length u32 | header | crc32 of all of these
//! block:  length u32 (not 0) | crc32 over block number and content | content
//! ...
//! footer: 0 u32 | crc32 over the rest | blocks u64 | content length u64 | xxh3 of all content u64
//! ```
//!
//! Header: cluster id, last log id, membership with its log id. Nothing follows the footer, so a
//! file cut anywhere is noticed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use mutant::Mutant;
use raft_types::ClusterId;
use raft_types::snapshot::{SnapshotMeta, SnapshotSource};
use xxhash_rust::xxh3::Xxh3;

use crate::codec::{Reader, Writer};
use crate::error::{RecordError, snapshot_damaged};
use crate::limits::{SNAPSHOT_BLOCK_BYTES, SNAPSHOT_HEADER_BYTES_MAX};
use crate::record::{
    put_optional_log_id, put_stored_membership, take_optional_log_id, take_stored_membership,
};

const MAGIC: &[u8; 8] = b"HOLDSNAP";
const VERSION: u32 = 1;
const PREFIX_BYTES: usize = 16;
const FOOTER_BYTES: usize = 32;

/// Encodes the header with everything in front of it.
pub(crate) fn encode_header(
    cluster: ClusterId,
    meta: &SnapshotMeta,
) -> Result<Vec<u8>, RecordError> {
    let mut header = Writer::default();
    header.u128(cluster.0);
    put_optional_log_id(&mut header, meta.last_log_id.as_ref());
    put_stored_membership(&mut header, &meta.last_membership)?;
    let header = header.finish();
    if header.len() > SNAPSHOT_HEADER_BYTES_MAX {
        return Err(RecordError::TooLong { len: header.len() });
    }
    let mut out = Writer::with_capacity(header.len() + PREFIX_BYTES + 4);
    out.raw(MAGIC);
    out.u32(VERSION);
    out.prefixed(&header)?;
    Ok(out.seal(&[]))
}

/// Encodes one block with its length and checksum in front.
pub(crate) fn encode_block(number: u64, content: &[u8]) -> Result<Vec<u8>, RecordError> {
    let mut out = Writer::with_capacity(content.len() + 8);
    out.count(content.len())?;
    out.u32(block_crc(number, content));
    out.raw(content);
    Ok(out.finish())
}

/// Encodes the footer.
pub(crate) fn encode_footer(footer: Footer) -> Vec<u8> {
    let mut body = Writer::default();
    body.u64(footer.blocks);
    body.u64(footer.content_len);
    body.u64(footer.content_hash);
    let body = body.finish();
    let mut out = Writer::default();
    out.u32(0);
    out.u32(crc32fast::hash(&body));
    out.raw(&body);
    out.finish()
}

/// What the footer says about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) blocks: u64,
    pub(crate) content_len: u64,
    pub(crate) content_hash: u64,
}

fn decode_footer(bytes: &[u8]) -> Result<Footer, RecordError> {
    let mut from = Reader::new(bytes);
    if from.u32()? != 0 {
        return Err(RecordError::Truncated);
    }
    let stored = from.u32()?;
    let body = from.take(FOOTER_BYTES - 8)?;
    from.end()?;
    let computed = crc32fast::hash(body);
    if stored != computed && !mutant::is(Mutant::ChecksumNotVerified) {
        return Err(RecordError::Checksum { stored, computed });
    }
    let mut from = Reader::new(body);
    Ok(Footer {
        blocks: from.u64()?,
        content_len: from.u64()?,
        content_hash: from.u64()?,
    })
}

fn block_crc(number: u64, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

/// A snapshot file that is open: it stays readable when its name is removed.
#[derive(Debug)]
pub(crate) struct SnapshotFile {
    path: PathBuf,
    file: Arc<File>,
    meta: SnapshotMeta,
    footer: Footer,
    content_at: u64,
    created_ms: Option<u64>,
}

impl SnapshotFile {
    /// Reads header and footer of a finished snapshot.
    ///
    /// # Errors
    /// `InvalidData` for damage and for a snapshot of another cluster; what the disk says.
    pub(crate) fn open(path: &Path, cluster: Option<ClusterId>) -> io::Result<Self> {
        let file = File::open(path).map_err(|e| with_path(&e, path))?;
        Self::from_file(path, file, cluster)
    }

    pub(crate) fn from_file(
        path: &Path,
        file: File,
        cluster: Option<ClusterId>,
    ) -> io::Result<Self> {
        let damaged = |what: &str| snapshot_damaged(path, what);
        // Keeps `snapshot_removal` from it. Where there are no locks nothing gets one, and nothing is shrunk.
        let _ = file.try_lock_shared();
        let metadata = file.metadata().map_err(|e| with_path(&e, path))?;
        let file_len = metadata.len();
        let (found, meta, content_at) = read_header(&file, path)?;
        if let Some(expected) = cluster
            && found != expected
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "snapshot {} belongs to cluster {found}, this node to cluster {expected}; it was \
                     not used; move it out of the directory it was copied into",
                    path.display()
                ),
            ));
        }
        let footer_at = file_len
            .checked_sub(FOOTER_BYTES as u64)
            .filter(|at| *at >= content_at)
            .ok_or_else(|| damaged("it ends before its footer"))?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_exact_at(&mut footer, footer_at)
            .map_err(|e| with_path(&e, path))?;
        let footer =
            decode_footer(&footer).map_err(|cause| damaged(&format!("its footer: {cause}")))?;
        Ok(SnapshotFile {
            path: path.to_owned(),
            file: Arc::new(file),
            meta,
            footer,
            content_at,
            created_ms: created_ms(&metadata),
        })
    }

    /// Reads the whole content once and checks every checksum.
    ///
    /// # Errors
    /// `InvalidData` for damage; what the disk says.
    pub(crate) fn verify(&self) -> io::Result<()> {
        io::copy(&mut self.open()?, &mut io::sink()).map(|_| ())
    }
}

impl SnapshotSource for SnapshotFile {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn content_len(&self) -> u64 {
        self.footer.content_len
    }

    fn created_ms(&self) -> Option<u64> {
        self.created_ms
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(ContentReader {
            path: self.path.clone(),
            file: Arc::clone(&self.file),
            footer: self.footer,
            at: self.content_at,
            block: Vec::new(),
            used: 0,
            blocks: 0,
            content_len: 0,
            hasher: Xxh3::new(),
            ended: false,
        }))
    }
}

/// When the file was written last, which is when it was completed: renaming does not count.
fn created_ms(metadata: &Metadata) -> Option<u64> {
    let since_1970 = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since_1970.as_millis()).ok()
}

fn with_path(error: &io::Error, path: &Path) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("read snapshot {}: {error}", path.display()),
    )
}

fn read_header(file: &File, path: &Path) -> io::Result<(ClusterId, SnapshotMeta, u64)> {
    let damaged = |what: String| snapshot_damaged(path, &what);
    let mut prefix = [0; PREFIX_BYTES];
    read_at(file, path, &mut prefix, 0)?;
    let mut from = Reader::new(&prefix);
    let parse = |e: RecordError| damaged(format!("its header: {e}"));
    if from.take(MAGIC.len()).map_err(parse)? != MAGIC {
        return Err(damaged("it does not begin as a snapshot does".to_owned()));
    }
    let version = from.u32().map_err(parse)?;
    let header_len = from.u32().map_err(parse)? as usize;
    if header_len > SNAPSHOT_HEADER_BYTES_MAX {
        return Err(damaged(format!(
            "its header says it is {header_len} bytes long"
        )));
    }
    let mut whole = vec![0; PREFIX_BYTES + header_len + 4];
    read_at(file, path, &mut whole, 0)?;
    let mut from = Reader::unseal(&whole, &[]).map_err(parse)?;
    if version != VERSION {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "snapshot {} has version {version}, this program knows version {VERSION}; start the \
                 newer Holdfast that wrote it",
                path.display()
            ),
        ));
    }
    from.take(PREFIX_BYTES).map_err(parse)?;
    let cluster = ClusterId(from.u128().map_err(parse)?);
    let last_log_id = take_optional_log_id(&mut from).map_err(parse)?;
    let last_membership = take_stored_membership(&mut from).map_err(parse)?;
    from.end().map_err(parse)?;
    Ok((
        cluster,
        SnapshotMeta {
            last_log_id,
            last_membership,
        },
        whole.len() as u64,
    ))
}

fn read_at(file: &File, path: &Path, into: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(into, at).map_err(|e| {
        if e.kind() == io::ErrorKind::UnexpectedEof {
            snapshot_damaged(path, "it ends too soon")
        } else {
            with_path(&e, path)
        }
    })
}

/// Reads content block by block; hands out a block only after its checksum was found right.
struct ContentReader {
    path: PathBuf,
    file: Arc<File>,
    footer: Footer,
    at: u64,
    block: Vec<u8>,
    used: usize,
    blocks: u64,
    content_len: u64,
    hasher: Xxh3,
    ended: bool,
}

impl ContentReader {
    fn next_block(&mut self) -> io::Result<()> {
        let mut head = [0; 8];
        read_at(&self.file, &self.path, &mut head, self.at)?;
        let mut from = Reader::new(&head);
        let parse = |e: RecordError| snapshot_damaged(&self.path, &e.to_string());
        let len = from.u32().map_err(parse)? as usize;
        let stored = from.u32().map_err(parse)?;
        if len == 0 {
            return self.check_end();
        }
        if len > SNAPSHOT_BLOCK_BYTES {
            let what = format!("block {} says it is {len} bytes long", self.blocks);
            return Err(snapshot_damaged(&self.path, &what));
        }
        self.block.resize(len, 0);
        self.used = len;
        read_at(&self.file, &self.path, &mut self.block, self.at + 8)?;
        let computed = block_crc(self.blocks, &self.block);
        if stored != computed && !mutant::is(Mutant::ChecksumNotVerified) {
            let what = format!(
                "block {} has checksum {stored:08x} but its bytes give {computed:08x}",
                self.blocks
            );
            return Err(snapshot_damaged(&self.path, &what));
        }
        self.hasher.update(&self.block);
        self.used = 0;
        self.at += 8 + len as u64;
        self.content_len += len as u64;
        self.blocks += 1;
        Ok(())
    }

    fn check_end(&mut self) -> io::Result<()> {
        self.ended = true;
        self.block.clear();
        self.used = 0;
        let found = Footer {
            blocks: self.blocks,
            content_len: self.content_len,
            content_hash: self.hasher.digest(),
        };
        let file_len = self.file.metadata()?.len();
        if mutant::is(Mutant::ChecksumNotVerified) {
            return Ok(());
        }
        if found == self.footer && file_len == self.at + FOOTER_BYTES as u64 {
            Ok(())
        } else {
            Err(snapshot_damaged(
                &self.path,
                "its content is not what its footer says",
            ))
        }
    }
}

impl Read for ContentReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used == self.block.len() && !self.ended && !into.is_empty() {
            self.next_block()?;
        }
        let rest = self.block.get(self.used..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(from), Some(to)) = (rest.get(..count), into.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.used += count;
        Ok(count)
    }
}
