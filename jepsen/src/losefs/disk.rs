//! The disk itself: what is written, and what would survive a crash. Pure; no kernel in it.
//!
//! Of a file, what was synced last is kept as the length then and the bytes that were overwritten
//! since: a sync costs nothing, a crash undoes. Of a directory, names and synced names are kept
//! apart. In `strict` mode a name is durable when its directory was synced; otherwise, as with the
//! journal of ext4, every sync of anything makes all names durable.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use super::counters::Counters;
use crate::nemesis::lot::Lot;

/// Number of the root directory, as the kernel has it.
pub(super) const ROOT: u64 = 1;
/// Room for everything written.
pub(super) const BYTES_MAX: u64 = 2 << 30;
/// Blocks a crash keeps or loses as a whole.
const BLOCK: usize = 512;

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    Exists,
    NotEmpty,
    NotDirectory,
    IsDirectory,
    NoRoom,
}

type Names = BTreeMap<OsString, u64>;

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    live: Vec<u8>,
    /// Length at the last sync.
    synced: usize,
    /// What was overwritten below that length since, oldest first.
    undo: Vec<(usize, Vec<u8>)>,
    /// Ranges written since.
    dirty: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    live: Names,
    synced: Names,
}

#[derive(Clone, Debug)]
pub(super) enum Inode {
    File(File),
    Directory(Directory),
}

/// Everything on the disk.
#[derive(Debug)]
pub(super) struct Disk {
    inodes: BTreeMap<u64, Inode>,
    next: u64,
    strict: bool,
    /// Files held open, and how often.
    open: BTreeMap<u64, u64>,
    used: u64,
    pub(super) counters: Counters,
}

impl File {
    fn remember(&mut self, at: usize, end: usize) {
        let end = end.min(self.live.len()).min(self.synced);
        if let Some(old) = self.live.get(at..end).filter(|old| !old.is_empty()) {
            self.undo.push((at, old.to_vec()));
        }
    }

    fn write(&mut self, at: usize, data: &[u8]) {
        let end = at + data.len();
        self.remember(at, end);
        if self.live.len() < end {
            self.live.resize(end, 0);
        }
        if let Some(place) = self.live.get_mut(at..end) {
            place.copy_from_slice(data);
        }
        match self.dirty.last_mut() {
            Some(last) if last.1 == at => last.1 = end,
            _ => self.dirty.push((at, end)),
        }
    }

    fn truncate(&mut self, length: usize) {
        self.remember(length, usize::MAX);
        self.live.resize(length, 0);
    }

    fn sync(&mut self) {
        self.synced = self.live.len();
        self.undo.clear();
        self.dirty.clear();
    }

    /// Goes back to what was synced; answers the bytes that are gone.
    fn lose(&mut self, torn: Option<&mut Lot>) -> u64 {
        let lost: usize = self.dirty.iter().map(|(start, end)| end - start).sum();
        let (now, dirty) = (self.live.clone(), std::mem::take(&mut self.dirty));
        for (at, old) in std::mem::take(&mut self.undo).into_iter().rev() {
            let end = at + old.len();
            if self.live.len() < end {
                self.live.resize(end, 0);
            }
            if let Some(place) = self.live.get_mut(at..end) {
                place.copy_from_slice(&old);
            }
        }
        self.live.resize(self.synced, 0);
        if let Some(lot) = torn {
            self.keep_some(&now, &dirty, lot);
        }
        self.sync();
        u64::try_from(lost).unwrap_or(u64::MAX)
    }

    /// Of the blocks written and not synced, some reached the disk all the same.
    fn keep_some(&mut self, now: &[u8], dirty: &[(usize, usize)], lot: &mut Lot) {
        let blocks = dirty
            .iter()
            .flat_map(|&(start, end)| start / BLOCK..end.div_ceil(BLOCK));
        for block in blocks.collect::<BTreeSet<_>>() {
            let (at, end) = (block * BLOCK, ((block + 1) * BLOCK).min(now.len()));
            let Some(data) = now.get(at..end).filter(|_| lot.percent(50)) else {
                continue;
            };
            if self.live.len() < end {
                self.live.resize(end, 0);
            }
            if let Some(place) = self.live.get_mut(at..end) {
                place.copy_from_slice(data);
            }
        }
    }
}

impl Disk {
    pub(super) fn new(strict: bool) -> Disk {
        Disk {
            inodes: BTreeMap::from([(ROOT, Inode::Directory(Directory::default()))]),
            next: ROOT + 1,
            strict,
            open: BTreeMap::new(),
            used: 0,
            counters: Counters::default(),
        }
    }

    pub(super) fn inode(&self, id: u64) -> Result<&Inode, Refusal> {
        self.inodes.get(&id).ok_or(Refusal::NotFound)
    }

    fn file_mut(&mut self, id: u64) -> Result<&mut File, Refusal> {
        match self.inodes.get_mut(&id).ok_or(Refusal::NotFound)? {
            Inode::File(file) => Ok(file),
            Inode::Directory(_) => Err(Refusal::IsDirectory),
        }
    }

    pub(super) fn names(&self, id: u64) -> Result<&Names, Refusal> {
        match self.inode(id)? {
            Inode::Directory(directory) => Ok(&directory.live),
            Inode::File(_) => Err(Refusal::NotDirectory),
        }
    }

    fn names_mut(&mut self, id: u64) -> Result<&mut Names, Refusal> {
        match self.inodes.get_mut(&id).ok_or(Refusal::NotFound)? {
            Inode::Directory(directory) => Ok(&mut directory.live),
            Inode::File(_) => Err(Refusal::NotDirectory),
        }
    }

    pub(super) fn find(&self, parent: u64, name: &OsStr) -> Result<u64, Refusal> {
        self.names(parent)?
            .get(name)
            .copied()
            .ok_or(Refusal::NotFound)
    }

    fn make(&mut self, parent: u64, name: &OsStr, inode: Inode) -> Result<u64, Refusal> {
        if self.names(parent)?.contains_key(name) {
            return Err(Refusal::Exists);
        }
        let id = self.next;
        self.next += 1;
        self.inodes.insert(id, inode);
        self.names_mut(parent)?.insert(name.to_owned(), id);
        Ok(id)
    }

    pub(super) fn make_file(&mut self, parent: u64, name: &OsStr) -> Result<u64, Refusal> {
        self.make(parent, name, Inode::File(File::default()))
    }

    pub(super) fn make_directory(&mut self, parent: u64, name: &OsStr) -> Result<u64, Refusal> {
        self.make(parent, name, Inode::Directory(Directory::default()))
    }

    pub(super) fn remove(&mut self, parent: u64, name: &OsStr) -> Result<(), Refusal> {
        let id = self.find(parent, name)?;
        if self.names(id).is_ok_and(|names| !names.is_empty()) {
            return Err(Refusal::NotEmpty);
        }
        self.names_mut(parent)?.remove(name);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Result<(), Refusal> {
        let id = self.find(from.0, from.1)?;
        if let Ok(there) = self.find(to.0, to.1)
            && self.names(there).is_ok_and(|names| !names.is_empty())
        {
            return Err(Refusal::NotEmpty);
        }
        self.names_mut(to.0)?.insert(to.1.to_owned(), id);
        if from != to {
            self.names_mut(from.0)?.remove(from.1);
        }
        Ok(())
    }

    pub(super) fn read(&self, id: u64, at: u64, size: usize) -> Result<&[u8], Refusal> {
        let Inode::File(file) = self.inode(id)? else {
            return Err(Refusal::IsDirectory);
        };
        let start = usize::try_from(at)
            .unwrap_or(usize::MAX)
            .min(file.live.len());
        let end = start.saturating_add(size).min(file.live.len());
        Ok(file.live.get(start..end).unwrap_or_default())
    }

    pub(super) fn length(&self, id: u64) -> u64 {
        match self.inode(id) {
            Ok(Inode::File(file)) => file.live.len() as u64,
            Ok(Inode::Directory(_)) | Err(_) => 0,
        }
    }

    fn room(&mut self, id: u64, end: u64) -> Result<usize, Refusal> {
        let more = end.saturating_sub(self.length(id));
        if self.used.saturating_add(more) > BYTES_MAX {
            return Err(Refusal::NoRoom);
        }
        self.used += more;
        usize::try_from(end).map_err(|_| Refusal::NoRoom)
    }

    pub(super) fn write(&mut self, id: u64, at: u64, data: &[u8]) -> Result<(), Refusal> {
        let end = self.room(id, at.saturating_add(data.len() as u64))?;
        self.file_mut(id)?.write(end - data.len(), data);
        self.counters.writes += 1;
        Ok(())
    }

    pub(super) fn truncate(&mut self, id: u64, length: u64) -> Result<(), Refusal> {
        let length = self.room(id, length)?;
        self.file_mut(id)?.truncate(length);
        Ok(())
    }

    /// A file's content is durable from now on.
    pub(super) fn sync(&mut self, id: u64) -> Result<(), Refusal> {
        self.file_mut(id)?.sync();
        self.counters.fsyncs += 1;
        if !self.strict {
            self.sync_all_names();
        }
        Ok(())
    }

    /// A directory's names are durable from now on.
    pub(super) fn sync_names(&mut self, id: u64) -> Result<(), Refusal> {
        self.counters.directory_fsyncs += 1;
        match self.inodes.get_mut(&id).ok_or(Refusal::NotFound)? {
            Inode::Directory(directory) => directory.synced.clone_from(&directory.live),
            Inode::File(_) => return Err(Refusal::NotDirectory),
        }
        if !self.strict {
            self.sync_all_names();
        }
        self.forget_unnamed();
        Ok(())
    }

    fn sync_all_names(&mut self) {
        for inode in self.inodes.values_mut() {
            if let Inode::Directory(directory) = inode
                && directory.synced != directory.live
            {
                directory.synced.clone_from(&directory.live);
            }
        }
    }

    pub(super) fn opened(&mut self, id: u64) {
        *self.open.entry(id).or_default() += 1;
    }

    pub(super) fn closed(&mut self, id: u64) {
        if let Some(count) = self.open.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&id);
                self.forget_unnamed();
            }
        }
    }

    /// Inodes without a name, durable or not, that nobody holds open.
    fn forget_unnamed(&mut self) {
        let mut named = BTreeSet::from([ROOT]);
        for inode in self.inodes.values() {
            if let Inode::Directory(directory) = inode {
                named.extend(directory.live.values().chain(directory.synced.values()));
            }
        }
        let open = &self.open;
        self.inodes
            .retain(|id, _| named.contains(id) || open.contains_key(id));
        let lengths = self.inodes.keys().map(|&id| self.length(id));
        self.used = lengths.sum();
    }

    /// A crash: whatever was not synced is gone, but for torn blocks where a lot is given.
    pub(super) fn lose(&mut self, mut torn: Option<Lot>) {
        self.counters.loses += 1;
        for inode in self.inodes.values_mut() {
            match inode {
                Inode::File(file) => self.counters.lost_bytes += file.lose(torn.as_mut()),
                Inode::Directory(directory) => {
                    let gone = directory
                        .live
                        .iter()
                        .filter(|(name, id)| directory.synced.get(*name) != Some(id));
                    self.counters.lost_names += u64::try_from(gone.count()).unwrap_or(u64::MAX);
                    directory.live.clone_from(&directory.synced);
                }
            }
        }
        self.forget_unnamed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    #[test]
    fn a_crash_takes_back_what_was_not_synced_and_nothing_else() {
        let mut disk = Disk::new(false);
        let id = disk.make_file(ROOT, name("log")).unwrap();
        disk.write(id, 0, b"durable").unwrap();
        disk.sync(id).unwrap();
        disk.write(id, 3, b"XXXXXXXX").unwrap();
        disk.truncate(id, 2).unwrap();
        disk.write(id, 1, b"yyyyyyyyyyyyyyyy").unwrap();
        disk.lose(None);
        assert_eq!(disk.read(id, 0, 100).unwrap(), b"durable");
    }

    #[test]
    fn a_name_survives_by_the_sync_of_its_directory_or_by_the_journal() {
        for (strict, survives) in [(true, false), (false, true)] {
            let mut disk = Disk::new(strict);
            let id = disk.make_file(ROOT, name("log")).unwrap();
            disk.sync(id).unwrap();
            disk.lose(None);
            assert_eq!(
                disk.find(ROOT, name("log")).is_ok(),
                survives,
                "strict: {strict}"
            );
        }
        let mut disk = Disk::new(true);
        let id = disk.make_file(ROOT, name("new")).unwrap();
        disk.write(id, 0, b"x").unwrap();
        disk.sync_names(ROOT).unwrap();
        disk.rename((ROOT, name("new")), (ROOT, name("old")))
            .unwrap();
        disk.lose(None);
        // The name is durable, the content was never synced, the renaming is undone.
        assert_eq!(disk.find(ROOT, name("new")), Ok(id));
        assert_eq!(disk.read(id, 0, 10).unwrap(), b"");
    }

    #[test]
    fn a_torn_crash_keeps_whole_blocks_of_the_tail() {
        let mut disk = Disk::new(false);
        let id = disk.make_file(ROOT, name("log")).unwrap();
        disk.write(id, 0, &[1; 700]).unwrap();
        disk.sync(id).unwrap();
        disk.write(id, 700, &[2; 9000]).unwrap();
        disk.lose(Some(Lot::new(3, "torn")));
        let left = disk.read(id, 0, 10_000).unwrap();
        assert!(left.starts_with(&[1; 700]));
        let kept = left.iter().filter(|byte| **byte == 2).count();
        assert!(kept > 0 && kept < 9000, "{kept}");
    }

    #[test]
    fn a_removed_file_comes_back_until_its_removal_is_durable() {
        let mut disk = Disk::new(false);
        let id = disk.make_file(ROOT, name("a")).unwrap();
        disk.sync(id).unwrap();
        disk.remove(ROOT, name("a")).unwrap();
        disk.lose(None);
        assert!(disk.find(ROOT, name("a")).is_ok());
        disk.remove(ROOT, name("a")).unwrap();
        disk.sync_names(ROOT).unwrap();
        disk.lose(None);
        assert_eq!(disk.find(ROOT, name("a")), Err(Refusal::NotFound));
    }
}
