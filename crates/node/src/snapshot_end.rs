//! Which state a snapshot's content holds, told by its last record.
//!
//! The content is a stream of records (`raft_core::snapshot` has the format), the last of which
//! names position and time. Found while the bytes stream by for another purpose: it needs neither
//! a second reading nor the memory of a state.

use raft_core::command::Moment;
use raft_core::format;

/// Magic and version.
const HEADER_BYTES: usize = 10;
/// Section and length.
const HEAD_BYTES: usize = 5;
/// Section of the last record.
const END: u8 = 0xFF;
/// Bytes of the last record at most: three numbers of 64 bits and one of 128, in the encoding that
/// takes seven bits a byte.
const END_BYTES_MAX: usize = 3 * 10 + 19;

/// Takes the content of a snapshot piece by piece.
#[derive(Debug, Default)]
pub struct SnapshotEnd {
    part: Part,
    /// What is there of a part that is read.
    bytes: Vec<u8>,
    moment: Option<Moment>,
}

/// What comes next in the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Header,
    Head,
    /// So many bytes that say nothing here.
    Skipped(usize),
    /// The last record, so many bytes long.
    End(usize),
    /// Nothing that is understood.
    Over,
}

impl SnapshotEnd {
    /// Takes the next bytes.
    pub fn take(&mut self, mut content: &[u8]) {
        while !content.is_empty() && self.part != Part::Over {
            let (wanted, is_read) = match self.part {
                Part::Header => (HEADER_BYTES, true),
                Part::Head => (HEAD_BYTES, true),
                Part::Skipped(rest) => (rest, false),
                Part::End(length) => (length, true),
                Part::Over => return,
            };
            let missing = wanted.saturating_sub(self.bytes.len());
            let (now, later) = content.split_at(missing.min(content.len()));
            content = later;
            if is_read {
                self.bytes.extend_from_slice(now);
                if self.bytes.len() == wanted {
                    self.part = self.after();
                    self.bytes.clear();
                }
            } else {
                self.part = match wanted.saturating_sub(now.len()) {
                    0 => Part::Head,
                    rest => Part::Skipped(rest),
                };
            }
        }
    }

    /// Position and time of the state, once all of a content that this version knows was taken.
    #[must_use]
    pub fn moment(&self) -> Option<Moment> {
        self.moment
    }

    /// What follows the part that is complete now.
    fn after(&mut self) -> Part {
        match self.part {
            Part::Header => {
                let known = [
                    format::SNAPSHOT_MAGIC.as_slice(),
                    &format::SNAPSHOT.to_le_bytes(),
                ];
                if self.bytes == known.concat() {
                    Part::Head
                } else {
                    Part::Over
                }
            }
            Part::Head => self.record(),
            Part::End(_) => {
                self.moment = match postcard::take_from_bytes::<(Moment, u128)>(&self.bytes) {
                    Ok(((moment, _), [])) => Some(moment),
                    Ok(_) | Err(_) => None,
                };
                Part::Over
            }
            Part::Skipped(_) | Part::Over => self.part,
        }
    }

    fn record(&self) -> Part {
        let Some((section, length)) = self.bytes.split_first() else {
            return Part::Over;
        };
        let Ok(length) = length.try_into().map(u32::from_le_bytes) else {
            return Part::Over;
        };
        match (*section, length as usize) {
            (END, length @ 1..=END_BYTES_MAX) => Part::End(length),
            (END, _) => Part::Over,
            (_, 0) => Part::Head,
            (_, length) => Part::Skipped(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use raft_core::members::Member;
    use raft_core::state::State;

    use super::*;

    fn content() -> (Vec<u8>, State) {
        let mut state = State::new();
        let member = Member {
            voter: true,
            peer: "10.0.0.1:7500".to_owned(),
            api: "http://10.0.0.1:7400".to_owned(),
        };
        state.note_members(&BTreeMap::from([(1, member)]));
        let mut content = Vec::new();
        let mut out = |bytes: &[u8]| {
            content.extend_from_slice(bytes);
            Ok(())
        };
        state.encode_snapshot(&mut out).unwrap();
        (content, state)
    }

    fn moment_of(content: &[u8], piece: usize) -> Option<Moment> {
        let mut end = SnapshotEnd::default();
        content.chunks(piece).for_each(|piece| end.take(piece));
        end.moment()
    }

    #[test]
    fn the_state_is_told_however_the_content_is_cut_into_pieces() {
        let (content, state) = content();
        for piece in [1, 2, 3, 7, 64, content.len()] {
            let moment = moment_of(&content, piece).unwrap();
            assert_eq!(moment.zxid, state.last_zxid());
            assert_eq!(moment.log_time, state.log_time());
        }
    }

    #[test]
    fn what_is_cut_off_or_unknown_tells_nothing() {
        let (content, _) = content();
        assert_eq!(moment_of(&content[..content.len() - 1], 16), None);
        for damaged in [0, 8] {
            let mut other = content.clone();
            other[damaged] ^= 1;
            assert_eq!(moment_of(&other, 16), None);
        }
        assert_eq!(moment_of(b"", 1), None);
    }

    #[test]
    fn the_longest_last_record_fits() {
        let longest = Moment {
            zxid: raft_core::ids::Zxid(u64::MAX),
            log_time: raft_core::ids::LogTime(u64::MAX),
            wall: raft_core::ids::WallTime(u64::MAX),
        };
        let bytes = postcard::to_allocvec(&(longest, u128::MAX)).unwrap();
        assert_eq!(bytes.len(), END_BYTES_MAX);
    }
}
