//! Reading a log back at start: every record is checked, nothing is repaired.

use std::ops::ControlFlow;

use raft_types::LogId;

use crate::backend::{LogBackend, Table};
use crate::error::{RecordError, StoreError};
use crate::record::{
    self, KEY_COMMITTED, KEY_PURGED, KEY_VOTE, decode_entry, decode_log_id, decode_vote, term_of,
};
use crate::view::LogView;

/// Reads vote, positions and the whole log, and leaves the log's end in the cache. Blocking.
///
/// # Errors
/// Damage, holes and contradictions, each naming the place and the record.
pub(crate) fn recover(
    backend: &dyn LogBackend,
    tail_bytes_max: usize,
) -> Result<LogView, StoreError> {
    let purged = meta(backend, KEY_PURGED, |bytes| {
        decode_log_id(KEY_PURGED, bytes)
    })?;
    let mut view = LogView::new(tail_bytes_max, purged);
    view.vote = meta(backend, KEY_VOTE, decode_vote)?;
    let committed = meta(backend, KEY_COMMITTED, |bytes| {
        decode_log_id(KEY_COMMITTED, bytes)
    })?;
    view.recovered_committed(committed);

    let mut failure = None;
    backend.scan(Table::Log, &[], None, &mut |key, value| match check_record(
        backend,
        view.expected_next(),
        view.last(),
        key,
        value,
    ) {
        Ok(entry) => {
            view.push_recovered(entry);
            ControlFlow::Continue(())
        }
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    match failure {
        Some(error) => Err(error),
        None => Ok(view),
    }
}

/// Decodes one record of the log table and checks that it continues the log after `last`.
///
/// # Errors
/// Damage, a hole, or a term that goes back.
pub(crate) fn check_record(
    backend: &dyn LogBackend,
    expected: Option<u64>,
    last: Option<LogId>,
    key: &[u8],
    value: &[u8],
) -> Result<raft_types::Entry, StoreError> {
    let index = record::parse_log_key(key)
        .map_err(|cause| damaged(backend, Table::Log, readable(key), cause))?;
    let entry = decode_entry(index, value)
        .map_err(|cause| damaged(backend, Table::Log, index.to_string(), cause))?;
    match expected {
        Some(expected) if index > expected => {
            return Err(StoreError::Hole {
                place: backend.place(),
                expected,
                found: index.to_string(),
            });
        }
        Some(expected) if index < expected => {
            return Err(StoreError::Inconsistent {
                place: backend.place(),
                what: format!("entry {index} exists although the log begins with {expected}"),
            });
        }
        Some(_) | None => {}
    }
    let last_term = last.as_ref().map_or(0, term_of);
    if term_of(&entry.log_id) < last_term {
        let what = format!(
            "entry {index} has term {} after an entry of term {last_term}",
            term_of(&entry.log_id)
        );
        return Err(StoreError::Inconsistent {
            place: backend.place(),
            what,
        });
    }
    Ok(entry)
}

/// Reads and decodes a record of the meta table.
///
/// # Errors
/// Damage, or what the disk says.
pub(crate) fn meta<T>(
    backend: &dyn LogBackend,
    key: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, RecordError>,
) -> Result<Option<T>, StoreError> {
    let Some(bytes) = backend.get(Table::Meta, key)? else {
        return Ok(None);
    };
    decode(&bytes)
        .map(Some)
        .map_err(|cause| damaged(backend, Table::Meta, readable(key), cause))
}

pub(crate) fn damaged(
    backend: &dyn LogBackend,
    table: Table,
    key: String,
    cause: RecordError,
) -> StoreError {
    StoreError::Damaged {
        place: backend.place(),
        table: table.name(),
        key,
        cause,
    }
}

fn readable(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}
