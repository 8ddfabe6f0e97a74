//! Finds what a crash left half written at the end of RocksDB's write-ahead log.
//!
//! RocksDB drops a torn last record without a word: nothing that was acknowledged is in it. Whoever
//! looks into a log after a crash wants to know all the same. Only the framing is read here (blocks
//! of 32 KiB, each record with checksum, length and type in front); what is damaged before the end is
//! found, and refused, by RocksDB itself.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

/// Bytes of a block of the write-ahead log.
const BLOCK_BYTES: u64 = 32 * 1024;
/// Bytes before a record: checksum 4, length 2, type 1.
const HEADER_BYTES: u64 = 7;
/// Types of records that are a part of a longer one, and of its last part.
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;

/// A record at the end of a write-ahead log that is not whole. It was never acknowledged: a node that
/// starts drops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub file: PathBuf,
    /// Where the record that is not whole begins.
    pub at: u64,
    /// Bytes from there to the end of the file.
    pub bytes: u64,
}

/// The torn ends of the write-ahead logs in a database directory, oldest file first.
pub(crate) fn find(database: &Path) -> io::Result<Vec<TornTail>> {
    let mut files = Vec::new();
    for file in std::fs::read_dir(database)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            files.push(path);
        }
    }
    files.sort();
    let mut torn = Vec::new();
    for file in files {
        let length = std::fs::metadata(&file)?.len();
        if let Some(at) = whole_up_to(&mut BufReader::new(File::open(&file)?), length)? {
            let bytes = length - at;
            torn.push(TornTail { file, at, bytes });
        }
    }
    Ok(torn)
}

/// Where the whole records end, if something follows them.
fn whole_up_to<R: Read + Seek>(log: &mut BufReader<R>, length: u64) -> io::Result<Option<u64>> {
    let mut at = 0;
    // Where a record of several parts began that is not finished.
    let mut open = None;
    loop {
        let left_in_block = BLOCK_BYTES - at % BLOCK_BYTES;
        if left_in_block < HEADER_BYTES {
            // Too small for a header: filled up, unless the file ends.
            at += left_in_block;
            log.seek_relative(left_in_block.cast_signed())?;
        }
        if at >= length {
            return Ok(open);
        }
        let mut header = [0; 7];
        match log.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(Some(open.unwrap_or(at)));
            }
            Err(error) => return Err(error),
        }
        let [_, _, _, _, low, high, kind] = header;
        let end = at + HEADER_BYTES + u64::from(u16::from_le_bytes([low, high]));
        // Zeros are what some file systems leave of bytes that were never written.
        if end > length || header == [0; 7] {
            return Ok(Some(open.unwrap_or(at)));
        }
        open = match kind {
            FIRST => Some(at),
            MIDDLE => open,
            _ => None,
        };
        log.seek_relative((end - at - HEADER_BYTES).cast_signed())?;
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::{FIRST, MIDDLE, whole_up_to};

    const FULL: u8 = 1;
    const LAST: u8 = 4;

    fn record(kind: u8, length: u16) -> Vec<u8> {
        let [low, high] = length.to_le_bytes();
        let mut bytes = vec![9, 9, 9, 9, low, high, kind];
        bytes.resize(7 + usize::from(length), 7);
        bytes
    }

    fn torn(log: &[u8]) -> Option<u64> {
        let length = log.len() as u64;
        whole_up_to(&mut BufReader::new(Cursor::new(log)), length).unwrap()
    }

    #[test]
    fn a_whole_log_is_whole_and_every_cut_within_a_record_is_seen() {
        let log = [record(FULL, 10), record(FULL, 20)].concat();
        assert_eq!(torn(&[]), None);
        for end in 1..=log.len() {
            let expected = match end {
                17 | 44 => None,
                0..17 => Some(0),
                _ => Some(17),
            };
            assert_eq!(torn(&log[..end]), expected, "cut at {end}");
        }
    }

    #[test]
    fn a_record_of_several_parts_is_torn_from_its_beginning() {
        let parts = [
            record(FULL, 1),
            record(FIRST, 5),
            record(MIDDLE, 5),
            record(LAST, 5),
        ];
        assert_eq!(torn(&parts.concat()), None);
        assert_eq!(torn(&parts[..3].concat()), Some(8));
        assert_eq!(torn(&parts[..2].concat()), Some(8));
    }

    #[test]
    fn the_filling_at_the_end_of_a_block_is_no_record() {
        // Leaves five bytes in the block.
        let mut log = record(FULL, 32 * 1024 - 7 - 5);
        assert_eq!(torn(&log), None);
        log.extend([0; 5]);
        log.extend(record(FULL, 3));
        assert_eq!(torn(&log), None);
        log.pop();
        assert_eq!(torn(&log), Some(32 * 1024));
    }

    #[test]
    fn zeros_at_the_end_were_never_written() {
        let log = [record(FULL, 3), vec![0; 100]].concat();
        assert_eq!(torn(&log), Some(10));
    }
}
