//! Offline verification of a data directory: reads everything, changes nothing.

use std::fmt;
use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use raft_types::snapshot::SnapshotSource;
use raft_types::{LogId, Vote};

use crate::backend::{LogBackend, Table};
use crate::error::StoreError;
use crate::limits::FINDINGS_MAX;
use crate::marker::{MARKER_FILE, Marker, State};
use crate::open::{DATABASE_DIR, LOCK_FILE, SNAPSHOT_DIR};
use crate::record::{
    Identity, KEY_COMMITTED, KEY_IDENTITY, KEY_PURGED, KEY_VOTE, decode_identity, decode_log_id,
    decode_vote, parse_log_key,
};
use crate::recover::{check_record, meta};
use crate::rocks::RocksBackend;
use crate::secret_file::{SECRET_FILE, SecretFile};
use crate::snapshot_store::{list, open_verified};

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or directory.
    pub file: PathBuf,
    /// What is wrong and what to do, for people.
    pub problem: String,
}

/// A snapshot that was found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSummary {
    /// The file.
    pub file: PathBuf,
    /// The last entry whose effect it holds.
    pub last_log_id: Option<LogId>,
    /// Bytes of content.
    pub content_len: u64,
}

/// What [`check_directory`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The directory.
    pub path: PathBuf,
    /// Whose data it is, if the marker could be read.
    pub identity: Option<Identity>,
    /// The vote, if there is one and it could be read.
    pub vote: Option<Vote>,
    /// The last purged position.
    pub purged: Option<LogId>,
    /// The last committed position that was written down.
    pub committed: Option<LogId>,
    /// First and last entry of the log that could be read.
    pub log: Option<(LogId, LogId)>,
    /// Log records read.
    pub records: u64,
    /// Sound snapshots, oldest first.
    pub snapshots: Vec<SnapshotSummary>,
    /// Everything wrong, at most [`FINDINGS_MAX`] of them.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing wrong was found.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn found(&mut self, file: impl Into<PathBuf>, problem: impl fmt::Display) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                file: file.into(),
                problem: problem.to_string(),
            });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "data directory {}", self.path.display())?;
        if let Some(Identity {
            format_version,
            node_id,
            cluster_id,
        }) = self.identity
        {
            let cluster = cluster_id.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
            writeln!(
                f,
                "  node {node_id}, cluster {cluster}, format {format_version}"
            )?;
        }
        if let Some(vote) = self.vote {
            writeln!(f, "  vote {vote}")?;
        }
        match &self.log {
            Some((first, last)) => {
                writeln!(f, "  log {first} to {last}, {} records read", self.records)?;
            }
            None => writeln!(f, "  log without entries")?,
        }
        for snapshot in &self.snapshots {
            let (file, len) = (snapshot.file.display(), snapshot.content_len);
            writeln!(f, "  snapshot {file}, {len} bytes of content")?;
        }
        for finding in &self.findings {
            writeln!(
                f,
                "  PROBLEM {}: {}",
                finding.file.display(),
                finding.problem
            )?;
        }
        let verdict = if self.is_sound() {
            "sound"
        } else {
            "not sound"
        };
        write!(f, "  {verdict}")
    }
}

/// Reads markers, the node's key, vote, every log record and every snapshot of a data directory that no process
/// uses, and reports what is wrong. Changes and deletes nothing. Blocking; reads everything once.
pub fn check_directory(path: &Path) -> Report {
    let mut report = Report {
        path: path.to_owned(),
        ..Report::default()
    };
    if !path.join(MARKER_FILE).exists() {
        report.found(
            path,
            format!("this is no Holdfast data directory: it has no {MARKER_FILE}"),
        );
        return report;
    }
    // Held until the end, so that no node starts writing under the check.
    let _lock = match lock_shared(path) {
        Ok(lock) => lock,
        Err(problem) => {
            report.found(path.join(LOCK_FILE), problem);
            return report;
        }
    };
    match Marker::read(path) {
        Ok(marker) => {
            report.identity = Some(marker.identity);
            if marker.state == State::Creating {
                report.found(
                    path.join(MARKER_FILE),
                    "the directory was never finished; start the node",
                );
            }
            if let Err(error) = SecretFile::of(path, marker.identity.node_id).read() {
                report.found(path.join(SECRET_FILE), error);
            }
        }
        Err(error) => report.found(path.join(MARKER_FILE), error),
    }
    check_database(&path.join(DATABASE_DIR), &mut report);
    check_snapshots(&path.join(SNAPSHOT_DIR), &mut report);
    report
}

fn lock_shared(path: &Path) -> Result<Option<File>, String> {
    let Ok(lock) = File::open(path.join(LOCK_FILE)) else {
        return Ok(None);
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {
            Err("the directory is in use; stop the node, then check again".to_owned())
        }
        Err(TryLockError::Error(e)) => Err(format!("the lock cannot be taken: {e}")),
    }
}

fn check_database(database: &Path, report: &mut Report) {
    // RocksDB would make the directory.
    if !database.join("CURRENT").exists() {
        return report.found(database, "the database is missing");
    }
    let backend = match RocksBackend::open_read_only(database) {
        Ok(backend) => backend,
        Err(error) => return report.found(database, error),
    };
    let identity = read(&backend, database, KEY_IDENTITY, decode_identity, report);
    if let (Some(said), Some(found)) = (report.identity, identity)
        && said.node_id != found.node_id
    {
        let (said, found) = (said.node_id, found.node_id);
        let problem = format!("the marker says node {said}, the database says node {found}");
        report.found(database, problem);
    }
    report.vote = read(&backend, database, KEY_VOTE, decode_vote, report);
    let purged = |bytes: &[u8]| decode_log_id(KEY_PURGED, bytes);
    report.purged = read(&backend, database, KEY_PURGED, purged, report);
    let committed = |bytes: &[u8]| decode_log_id(KEY_COMMITTED, bytes);
    report.committed = read(&backend, database, KEY_COMMITTED, committed, report);
    check_log(&backend, database, report);
}

fn read<T>(
    backend: &RocksBackend,
    database: &Path,
    key: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, crate::error::RecordError>,
    report: &mut Report,
) -> Option<T> {
    match meta(backend, key, decode) {
        Ok(value) => value,
        Err(error) => {
            report.found(database, error);
            None
        }
    }
}

fn check_log(backend: &RocksBackend, database: &Path, report: &mut Report) {
    let mut expected = report.purged.map(|id| id.index + 1);
    let mut last = report.purged;
    let scanned = backend.scan(Table::Log, &[], None, &mut |key, value| {
        report.records += 1;
        match check_record(backend, expected, last, key, value) {
            Ok(entry) => {
                let first = report.log.map_or(entry.log_id, |(first, _)| first);
                report.log = Some((first, entry.log_id));
                last = Some(entry.log_id);
            }
            Err(error) => report.found(database, error),
        }
        // Go on after the record as it is, so that one problem is reported once.
        expected = parse_log_key(key)
            .ok()
            .and_then(|index| index.checked_add(1));
        if report.findings.len() < FINDINGS_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if let Err(error) = scanned {
        report.found(database, StoreError::from(error));
    }
}

fn check_snapshots(directory: &Path, report: &mut Report) {
    let named = match list(directory) {
        Ok(named) => named,
        Err(error) => return report.found(directory, format!("cannot be listed: {error}")),
    };
    let cluster = report.identity.and_then(|identity| identity.cluster_id);
    for named in named {
        match open_verified(&named, cluster) {
            Ok(snapshot) => report.snapshots.push(SnapshotSummary {
                file: named.path,
                last_log_id: named.id,
                content_len: snapshot.content_len(),
            }),
            Err(error) => report.found(named.path, error),
        }
    }
    let newest = report
        .snapshots
        .last()
        .and_then(|snapshot| snapshot.last_log_id);
    if let Some(purged) = report.purged
        && newest < Some(purged)
    {
        let problem =
            format!("the log is purged up to {purged}, but no sound snapshot reaches that far");
        report.found(directory, problem);
    }
}
