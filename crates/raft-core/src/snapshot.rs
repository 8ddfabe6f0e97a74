//! The whole state as a stream of bytes.
//!
//! ```text
//! magic 8 | version u16 | records … | end record
//! record: table u8 | length u32 | postcard of (key, value)
//! end:    0xFF     | length u32 | postcard of (clock, digest)
//! ```
//!
//! Tables come in the order of their numbers and keys in order within a table, so the same state
//! is always the same bytes. Writing and reading go record by record: neither needs the whole in
//! memory. The digest at the end is compared with the one the restored tables have (I-10), so a
//! damaged or truncated stream is never taken for a state.

mod restore;

use std::io;

use mutant::Mutant;
use serde::Serialize;

pub use self::restore::RestoreError;
use crate::format;
use crate::state::State;

/// Number of each table in a snapshot. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Section {
    Znodes = 1,
    Sessions = 2,
    EndedSessions = 3,
    Locks = 4,
    Claims = 5,
    EndedClaims = 6,
    Answers = 7,
    MembersEver = 8,
    Staging = 9,
    StagedParts = 10,
    Elections = 11,
    Candidates = 12,
    EndedCandidates = 13,
    FenceRegisters = 14,
    Histories = 15,
    Instances = 16,
    Reservations = 17,
    Cursors = 18,
    SigningKeys = 21,
    End = 0xFF,
}

impl State {
    /// Writes the state. Call it on a clone: it is O(1) to make, and later commands do not change
    /// it. `out` is called with pieces of usually a few hundred bytes and should be buffered.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn encode_snapshot(&self, out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if mutant::is(Mutant::SnapshotWithoutSessions) && self.sessions.len() > 0 {
            return self.without_sessions().encode_snapshot(out);
        }
        out(&format::SNAPSHOT_MAGIC)?;
        out(&format::SNAPSHOT.to_le_bytes())?;
        let mut writer = Writer {
            out,
            buffer: Vec::new(),
        };
        writer.section(Section::Znodes, self.znodes.iter())?;
        writer.section(Section::Sessions, self.sessions.iter())?;
        writer.section(Section::EndedSessions, self.ended_sessions.iter())?;
        writer.section(Section::Locks, self.locks.iter())?;
        writer.section(Section::Claims, self.claims.iter())?;
        writer.section(Section::EndedClaims, self.ended_claims.iter())?;
        writer.section(Section::Answers, self.answers.iter())?;
        writer.section(Section::MembersEver, self.members_ever.iter())?;
        writer.section(Section::Staging, self.staging.iter())?;
        writer.section(Section::StagedParts, self.staged_parts.iter())?;
        writer.section(Section::Elections, self.elections.iter())?;
        writer.section(Section::Candidates, self.candidates.iter())?;
        writer.section(Section::EndedCandidates, self.ended_candidates.iter())?;
        writer.section(Section::FenceRegisters, self.fence_registers.iter())?;
        writer.section(Section::Histories, self.histories.iter())?;
        writer.section(Section::Instances, self.instances.iter())?;
        writer.section(Section::Reservations, self.reservations.iter())?;
        writer.section(Section::Cursors, self.cursors.iter())?;
        writer.section(Section::SigningKeys, self.signing_keys.iter())?;
        writer.record(Section::End, &(self.clock, self.digest_with_members()))
    }
}

struct Writer<'a> {
    out: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn section<'t, K: Serialize + 't, V: Serialize + 't>(
        &mut self,
        section: Section,
        mut entries: impl Iterator<Item = (&'t K, &'t V)>,
    ) -> io::Result<()> {
        entries.try_for_each(|entry| self.record(section, &entry))
    }

    fn record<T: Serialize>(&mut self, section: Section, record: &T) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let buffer = postcard::to_extend(record, buffer).map_err(io::Error::other)?;
        let length = u32::try_from(buffer.len()).map_err(io::Error::other)?;
        (self.out)(&[section as u8])?;
        (self.out)(&length.to_le_bytes())?;
        (self.out)(&buffer)?;
        self.buffer = buffer;
        Ok(())
    }
}
