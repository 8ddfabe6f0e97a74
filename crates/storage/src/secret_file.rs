//! A secret of this node: 32 bytes in a file that nobody else may read.
//!
//! ```text
//! holdfast signing key
//! format 1
//! node 3
//! secret 64 hexadecimal digits
//! crc32 8 hexadecimal digits
//! ```
//!
//! It is in no snapshot and no log, and a backup of the cluster does not need it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use raft_types::NodeId;

use crate::durable;

/// Name of the file in a data directory.
pub(crate) const SECRET_FILE: &str = "signing-key";

const TITLE: &str = "holdfast signing key";
const FORMAT: u32 = 1;
/// Reading and writing for the owner, nothing for others.
const OWNER_ONLY: u32 = 0o600;

/// See the module.
#[derive(Clone, Debug)]
pub struct SecretFile {
    path: PathBuf,
    node: NodeId,
}

/// The file cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The disk does not give it or take it.
    #[error("{verb} {path}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Others may read it.
    #[error(
        "{path} has mode {mode:o}, so others on this machine may have read the key in it: the node makes another \
         one when it starts; if they may have, revoke this one on the cluster (`holdfast fence-keys revoke`), \
         otherwise what it has signed counts until it is over"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Its bytes are not what was written.
    #[error(
        "{path} is damaged: {cause}; check the disk, then remove the file: a new key is made at the next start, \
         and tokens signed with the old one stay valid as long as they say"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// A newer program wrote it.
    #[error(
        "{path} has format {found}, this program knows {FORMAT}: start the newer program again, or remove the file"
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

impl SecretFile {
    /// The file of a data directory.
    pub(crate) fn of(directory: &Path, node: NodeId) -> SecretFile {
        let path = directory.join(SECRET_FILE);
        SecretFile { path, node }
    }

    /// The secret; `None`: none was written yet. Blocking.
    ///
    /// # Errors
    /// [`SecretError`], which says what to do.
    pub fn read(&self) -> Result<Option<[u8; 32]>, SecretError> {
        let path = &self.path;
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(self.failed("read", cause)),
        };
        let mode = meta.permissions().mode() & 0o777;
        if mode & !OWNER_ONLY != 0 {
            let path = path.clone();
            return Err(SecretError::Exposed { path, mode });
        }
        let bytes = fs::read(path).map_err(|cause| self.failed("read", cause))?;
        self.parse(&bytes).map(Some)
    }

    /// Replaces the secret; durable on return. After a power cut the file has the old one or the new one.
    /// Blocking.
    ///
    /// # Errors
    /// [`SecretError::Io`].
    pub fn write(&self, secret: &[u8; 32]) -> Result<(), SecretError> {
        let replaced = self.replace(self.render(secret).as_bytes());
        replaced.map_err(|cause| self.failed("write", cause))
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let aside = durable::aside(&self.path);
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        let mut file = options.mode(OWNER_ONLY).open(&aside)?;
        // One that a crash left behind may have been given another mode since.
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
        file.write_all(content)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&aside, &self.path)?;
        durable::sync_dir(durable::parent(&self.path))
    }

    fn render(&self, secret: &[u8; 32]) -> String {
        let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let node = self.node;
        let body = format!("{TITLE}\nformat {FORMAT}\nnode {node}\nsecret {digits}\n");
        let crc = crc32fast::hash(body.as_bytes());
        format!("{body}crc32 {crc:08x}\n")
    }

    /// As with the marker, the first line, the `format` line and the `crc32` line are the same in every
    /// format.
    fn parse(&self, bytes: &[u8]) -> Result<[u8; 32], SecretError> {
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("it is not text"))?;
        let crc_at = text.rfind("crc32 ");
        let crc_at = crc_at.ok_or_else(|| self.damaged("it has no crc32 line"))?;
        let (body, crc) = text.split_at(crc_at);
        if crc != format!("crc32 {:08x}\n", crc32fast::hash(body.as_bytes())) {
            return Err(self.damaged("its checksum is another"));
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return Err(self.damaged("its first line is not that of a signing key"));
        }
        let mut field = |name: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            line.ok_or_else(|| self.damaged(&format!("it has no line `{name}`")))
        };
        let found: u32 = field("format ")?
            .parse()
            .map_err(|_| self.damaged("its format is not a number"))?;
        if found != FORMAT {
            let path = self.path.clone();
            return Err(SecretError::Newer { path, found });
        }
        if field("node ")? != self.node.to_string() {
            return Err(self.damaged("it is the key of another node"));
        }
        let secret = unhex(field("secret ")?);
        secret.ok_or_else(|| self.damaged("its secret is not 64 hexadecimal digits"))
    }

    fn damaged(&self, cause: &str) -> SecretError {
        SecretError::Damaged {
            path: self.path.clone(),
            cause: cause.to_owned(),
        }
    }

    fn failed(&self, verb: &'static str, cause: io::Error) -> SecretError {
        let path = self.path.clone();
        SecretError::Io { verb, path, cause }
    }
}

fn unhex(digits: &str) -> Option<[u8; 32]> {
    let mut secret = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (at, byte) in secret.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2)?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &tempfile::TempDir) -> SecretFile {
        SecretFile::of(directory.path(), 3)
    }

    #[test]
    fn a_secret_reads_back_and_is_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        assert_eq!(file.read().unwrap(), None);
        for secret in [[7; 32], [0xab; 32]] {
            file.write(&secret).unwrap();
            assert_eq!(file.read().unwrap(), Some(secret));
        }
        let mode = fs::metadata(&file.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn what_others_may_read_is_not_given_and_it_is_said_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        file.write(&[7; 32]).unwrap();
        for mode in [0o640, 0o604, 0o777] {
            fs::set_permissions(&file.path, Permissions::from_mode(mode)).unwrap();
            let error = file.read().unwrap_err();
            assert!(matches!(error, SecretError::Exposed { .. }), "{error}");
            assert!(error.to_string().contains("fence-keys revoke"), "{error}");
        }
        fs::set_permissions(&file.path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(file.read().unwrap(), Some([7; 32]));
    }

    #[test]
    fn every_flipped_bit_is_noticed_and_so_are_other_nodes_and_formats() {
        let directory = tempfile::tempdir().unwrap();
        let file = file(&directory);
        let text = file.render(&[7; 32]);
        for at in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            let error = file.parse(&bytes).unwrap_err();
            assert!(
                matches!(error, SecretError::Damaged { .. }),
                "bit {at}: {error}"
            );
        }
        let other = SecretFile::of(directory.path(), 4).parse(text.as_bytes());
        assert!(other.unwrap_err().to_string().contains("another node"));
        let body = format!("{TITLE}\nformat 2\nsomething else\n");
        let newer = format!("{body}crc32 {:08x}\n", crc32fast::hash(body.as_bytes()));
        let error = file.parse(newer.as_bytes()).unwrap_err();
        assert!(
            matches!(error, SecretError::Newer { found: 2, .. }),
            "{error}"
        );
    }
}
