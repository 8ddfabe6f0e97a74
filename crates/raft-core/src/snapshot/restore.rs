//! Reading a snapshot.

use std::io::{self, Read};
use std::sync::Arc;

use mutant::Mutant;
use serde::de::DeserializeOwned;

use crate::command::Moment;
use crate::format;
use crate::ids::ZnodePath;
use crate::limits;
use crate::snapshot::Section;
use crate::state::{Index, State};
use crate::table::{Fingerprint, Table};
use crate::znode::{Znode, ZnodeRecord};

/// Why a stream is not a snapshot of this format, or not whole. No state came of it.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It could not be read, or ended too early.
    #[error("read snapshot")]
    Read(#[from] io::Error),
    /// It does not begin as a snapshot does.
    #[error("this is not a snapshot: it begins with {found:02x?}")]
    NotASnapshot {
        /// What stands there instead.
        found: [u8; 8],
    },
    /// A version this build does not know.
    #[error("snapshot format {found} is not known, this build knows {known}")]
    UnknownVersion {
        /// What stands there.
        found: u16,
        /// What would be understood.
        known: u16,
    },
    /// A record is malformed, out of order or over its limit.
    #[error("snapshot record {record} is damaged: {why}")]
    Damaged {
        /// Which, from 0.
        record: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Something follows the end record.
    #[error("bytes follow the end of the snapshot")]
    TrailingBytes,
    /// The state restored is not the one written.
    #[error("the snapshot was written with digest {written:032x} and gives {restored:032x}")]
    DigestMismatch {
        /// What the writer had.
        written: u128,
        /// What came out.
        restored: u128,
    },
}

impl State {
    /// Reads a state that [`State::encode_snapshot`] wrote, to the end of `reader`, which should be
    /// buffered. Never panics, whatever the bytes are.
    ///
    /// # Errors
    /// Why there is no state in it.
    pub fn restore(reader: &mut dyn Read) -> Result<State, RestoreError> {
        read_header(reader)?;
        let mut records = Records {
            reader,
            buffer: Vec::new(),
            number: 0,
            section: None,
        };
        let mut state = State::empty();
        let (clock, written) = loop {
            let section = records.next()?;
            if section == Section::End {
                break records.decode::<(Moment, u128)>()?;
            }
            state.take_record(section, &records)?;
        };
        if records.reader.read(&mut [0])? != 0 {
            return Err(RestoreError::TrailingBytes);
        }
        state.clock = clock;
        let restored = state.digest_with_members();
        if written != restored && !mutant::is(Mutant::ChecksumNotVerified) {
            return Err(RestoreError::DigestMismatch { written, restored });
        }
        if mutant::is(Mutant::FenceNotInSnapshot) {
            state.clock.zxid = state.highest_number_in_use();
        }
        state.index = Index::rebuild(&state);
        Ok(state)
    }

    fn take_record(&mut self, section: Section, records: &Records<'_>) -> Result<(), RestoreError> {
        match section {
            Section::Znodes => {
                let (path, record): (ZnodePath, ZnodeRecord) = records.decode()?;
                let Some(mut znode) = record.into_znode() else {
                    let why = format!("the data of {path} is not what was stored");
                    return Err(records.damaged(why));
                };
                self.share_acl(&path, &mut znode);
                records.append(&mut self.znodes, path, znode)
            }
            Section::Sessions => records.append_to(&mut self.sessions),
            Section::EndedSessions => records.append_to(&mut self.ended_sessions),
            Section::Locks => records.append_to(&mut self.locks),
            Section::Claims => records.append_to(&mut self.claims),
            Section::EndedClaims => records.append_to(&mut self.ended_claims),
            Section::Answers => records.append_to(&mut self.answers),
            Section::MembersEver => records.append_to(&mut self.members_ever),
            Section::Staging => records.append_to(&mut self.staging),
            Section::StagedParts => records.append_to(&mut self.staged_parts),
            Section::Elections => records.append_to(&mut self.elections),
            Section::Candidates => records.append_to(&mut self.candidates),
            Section::EndedCandidates => records.append_to(&mut self.ended_candidates),
            Section::FenceRegisters => records.append_to(&mut self.fence_registers),
            Section::Histories => records.append_to(&mut self.histories),
            Section::Instances => records.append_to(&mut self.instances),
            Section::Reservations => records.append_to(&mut self.reservations),
            Section::Cursors => records.append_to(&mut self.cursors),
            Section::SigningKeys => records.append_to(&mut self.signing_keys),
            // The caller ends there.
            Section::End => Ok(()),
        }
    }

    /// Parents come before their children: a list that is the parent's is stored once, as when the
    /// znode was created.
    fn share_acl(&self, path: &ZnodePath, znode: &mut Znode) {
        let parent = path.parent().and_then(|parent| self.znodes.get(&parent));
        if let Some(parent) = parent.filter(|parent| parent.acl == znode.acl) {
            znode.acl = Arc::clone(&parent.acl);
        }
    }
}

fn read_header(reader: &mut dyn Read) -> Result<(), RestoreError> {
    let mut found = [0; 8];
    reader.read_exact(&mut found)?;
    if found != format::SNAPSHOT_MAGIC {
        return Err(RestoreError::NotASnapshot { found });
    }
    let mut version = [0; 2];
    reader.read_exact(&mut version)?;
    let found = u16::from_le_bytes(version);
    if found != format::SNAPSHOT {
        return Err(RestoreError::UnknownVersion {
            found,
            known: format::SNAPSHOT,
        });
    }
    Ok(())
}

struct Records<'a> {
    reader: &'a mut dyn Read,
    buffer: Vec<u8>,
    /// Records read.
    number: u64,
    /// Section of the last one.
    section: Option<Section>,
}

impl Records<'_> {
    /// Reads the next record into the buffer.
    fn next(&mut self) -> Result<Section, RestoreError> {
        let mut head = [0; 5];
        self.reader.read_exact(&mut head)?;
        self.number = self.number.saturating_add(1);
        let [section, length @ ..] = head;
        let section = Section::of(section)
            .ok_or_else(|| self.damaged(format!("section {section} is not known")))?;
        if self.section > Some(section) {
            return Err(self.damaged(format!("{section:?} after {:?}", self.section)));
        }
        self.section = Some(section);
        let length = u32::from_le_bytes(length);
        if length > limits::SNAPSHOT_RECORD_BYTES_MAX {
            return Err(self.damaged(format!("{length} bytes long")));
        }
        self.buffer.clear();
        // Grows as bytes arrive: a false length allocates nothing.
        let read = (&mut *self.reader)
            .take(u64::from(length))
            .read_to_end(&mut self.buffer)?;
        if read != length as usize {
            return Err(RestoreError::Read(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(section)
    }

    fn decode<T: DeserializeOwned>(&self) -> Result<T, RestoreError> {
        match postcard::take_from_bytes(&self.buffer) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(self.damaged(format!("{} bytes too long", rest.len()))),
            Err(error) => Err(self.damaged(error.to_string())),
        }
    }

    fn append_to<K, V>(&self, table: &mut Table<K, V>) -> Result<(), RestoreError>
    where
        K: Ord + Clone + DeserializeOwned,
        V: Clone + DeserializeOwned + Fingerprint<K>,
    {
        let (key, value) = self.decode()?;
        self.append(table, key, value)
    }

    fn append<K, V>(&self, table: &mut Table<K, V>, key: K, value: V) -> Result<(), RestoreError>
    where
        K: Ord + Clone,
        V: Clone + Fingerprint<K>,
    {
        if table.last().is_some_and(|last| *last >= key) {
            return Err(self.damaged("its key is out of order".to_owned()));
        }
        table.insert(key, value);
        Ok(())
    }

    fn damaged(&self, why: String) -> RestoreError {
        RestoreError::Damaged {
            record: self.number.saturating_sub(1),
            why,
        }
    }
}

impl Section {
    fn of(number: u8) -> Option<Section> {
        let all = [
            Section::Znodes,
            Section::Sessions,
            Section::EndedSessions,
            Section::Locks,
            Section::Claims,
            Section::EndedClaims,
            Section::Answers,
            Section::MembersEver,
            Section::Staging,
            Section::StagedParts,
            Section::Elections,
            Section::Candidates,
            Section::EndedCandidates,
            Section::FenceRegisters,
            Section::Histories,
            Section::Instances,
            Section::Reservations,
            Section::Cursors,
            Section::SigningKeys,
            Section::End,
        ];
        all.into_iter().find(|section| *section as u8 == number)
    }
}
