//! The disk as the kernel sees it (FUSE). Nothing is cached by the kernel: what a crash takes back
//! must not be seen again.

use std::ffi::OsStr;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::Shared;
use super::disk::{BYTES_MAX, Disk, Inode, Refusal};

/// For which the kernel may believe a name or a length.
const TTL: Duration = Duration::ZERO;
const BLOCK: u64 = 512;
const HANDLE: FileHandle = FileHandle(0);

/// What the kernel calls.
#[derive(Debug)]
pub(super) struct Door(pub(super) Arc<Shared>);

impl Door {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a change is refused now.
    fn refusal(&self, disk: &mut Disk) -> Option<Errno> {
        let switches = self.0.switches();
        if switches.eio {
            disk.counters.failed += 1;
            return Some(Errno::EIO);
        }
        if switches.full {
            disk.counters.refused += 1;
            return Some(Errno::ENOSPC);
        }
        None
    }

    fn sync(&self, directory: bool, id: u64, reply: ReplyEmpty) {
        let switches = self.0.switches();
        if switches.slow_ms > 0 {
            self.disk().counters.slowed += 1;
            // Not under the lock: other files go on.
            std::thread::sleep(Duration::from_millis(switches.slow_ms));
        }
        let mut disk = self.disk();
        if switches.eio {
            disk.counters.failed += 1;
            return reply.error(Errno::EIO);
        }
        if switches.lie {
            disk.counters.lied += 1;
            return reply.ok();
        }
        match if directory {
            disk.sync_names(id)
        } else {
            disk.sync(id)
        } {
            Ok(()) => reply.ok(),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }
}

fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::NotFound => Errno::ENOENT,
        Refusal::Exists => Errno::EEXIST,
        Refusal::NotEmpty => Errno::ENOTEMPTY,
        Refusal::NotDirectory => Errno::ENOTDIR,
        Refusal::IsDirectory => Errno::EISDIR,
        Refusal::NoRoom => Errno::ENOSPC,
    }
}

/// Modes are not kept: everything is for its owner alone, as nodes want it of their signing keys.
fn attributes(disk: &Disk, id: u64) -> Result<FileAttr, Errno> {
    let (kind, perm, nlink) = match disk.inode(id).map_err(errno)? {
        Inode::File(_) => (FileType::RegularFile, 0o600, 1),
        Inode::Directory(_) => (FileType::Directory, 0o700, 2),
    };
    let size = disk.length(id);
    Ok(FileAttr {
        ino: INodeNo(id),
        size,
        blocks: size.div_ceil(BLOCK),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

fn answer_entry(disk: &Disk, found: Result<u64, Refusal>, reply: ReplyEntry) {
    match found.map_err(errno).and_then(|id| attributes(disk, id)) {
        Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn answer_empty(done: Result<(), Refusal>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(refusal) => reply.error(errno(refusal)),
    }
}

impl Filesystem for Door {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = self.disk();
        answer_entry(&disk, disk.find(parent.0, name), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match attributes(&self.disk(), ino.0) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<std::time::SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<std::time::SystemTime>,
        _chgtime: Option<std::time::SystemTime>,
        _bkuptime: Option<std::time::SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let resized = size.map_or(Ok(()), |size| disk.truncate(ino.0, size));
        match resized
            .map_err(errno)
            .and_then(|()| attributes(&disk, ino.0))
        {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        let mut disk = self.disk();
        if let Some(error) = self.refusal(&mut disk) {
            return reply.error(error);
        }
        let made = disk.make_directory(parent.0, name);
        answer_entry(&disk, made, reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer_empty(self.disk().remove(parent.0, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer_empty(self.disk().remove(parent.0, name), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut disk = self.disk();
        if flags.contains(RenameFlags::RENAME_EXCHANGE) {
            return reply.error(Errno::EINVAL);
        }
        if flags.contains(RenameFlags::RENAME_NOREPLACE) && disk.find(newparent.0, newname).is_ok()
        {
            return reply.error(Errno::EEXIST);
        }
        answer_empty(disk.rename((parent.0, name), (newparent.0, newname)), reply);
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.disk().opened(ino.0);
        reply.opened(HANDLE, FopenFlags::empty());
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let mut disk = self.disk();
        if let Some(error) = self.refusal(&mut disk) {
            return reply.error(error);
        }
        let made = disk.make_file(parent.0, name).map_err(errno);
        match made.and_then(|id| attributes(&disk, id)) {
            Ok(attr) => {
                disk.opened(attr.ino.0);
                reply.created(&TTL, &attr, Generation(0), HANDLE, FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let size = usize::try_from(size).unwrap_or_default();
        match self.disk().read(ino.0, offset, size) {
            Ok(data) => reply.data(data),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut disk = self.disk();
        if let Some(error) = self.refusal(&mut disk) {
            return reply.error(error);
        }
        match disk.write(ino.0, offset, data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or_default()),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.disk().closed(ino.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(false, ino.0, reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(true, ino.0, reply);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let disk = self.disk();
        let names = match disk.names(ino.0) {
            Ok(names) => names,
            Err(refusal) => return reply.error(errno(refusal)),
        };
        let kind = |id: u64| match disk.inode(id) {
            Ok(Inode::Directory(_)) => FileType::Directory,
            Ok(Inode::File(_)) | Err(_) => FileType::RegularFile,
        };
        for ((name, &id), next) in names.iter().zip(1u64..) {
            if next > offset && reply.add(INodeNo(id), next, kind(id), name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let blocks = BYTES_MAX / BLOCK;
        let free = if self.0.switches().full { 0 } else { blocks };
        let block = u32::try_from(BLOCK).unwrap_or(512);
        reply.statfs(blocks, free, free, 0, 0, block, 255, block);
    }
}
