//! The requests, and how their answers are read.

use super::Answer;
use super::jute::{Reader, Record};

/// Everybody may do everything: the open access list.
const PERMS_ALL: i32 = 31;
/// NONODE.
const NO_NODE: i32 = -101;

/// What a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The data of a znode.
    Data,
    /// Whether it exists.
    Exists,
    /// Its children.
    Child,
}

impl Kind {
    /// Its name in a history.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Data => "data",
            Kind::Exists => "exists",
            Kind::Child => "child",
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// `create2`, with the flags of ephemeral (1) and sequential (2) znodes.
    Create {
        /// Where.
        path: String,
        /// Its data.
        data: String,
        /// 0 to 3.
        flags: i32,
    },
    /// `createContainer`.
    CreateContainer(String),
    /// `delete`, of any version.
    Delete(String),
    /// `setData`, on this version or, at -1, on any.
    Set {
        /// Where.
        path: String,
        /// The data.
        data: String,
        /// The version expected.
        version: i32,
    },
    /// `getData`; leaves a watch.
    Get(String, bool),
    /// `exists`; leaves a watch.
    Exists(String, bool),
    /// `getChildren2`; leaves a watch.
    Children(String, bool),
    /// `sync`.
    Sync(String),
    /// `multi` of a check and a `setData`, both of this version: all or nothing.
    CheckAndSet {
        /// What is checked.
        checked: (String, i32),
        /// What is set, on any version.
        path: String,
        /// The data.
        data: String,
    },
    /// `closeSession`.
    Close,
}

impl Op {
    fn code(&self) -> i32 {
        match self {
            Op::Create { .. } => 15,
            Op::CreateContainer(_) => 19,
            Op::Delete(_) => 2,
            Op::Set { .. } => 5,
            Op::Get(..) => 4,
            Op::Exists(..) => 3,
            Op::Children(..) => 12,
            Op::Sync(_) => 9,
            Op::CheckAndSet { .. } => 14,
            Op::Close => -11,
        }
    }

    /// The request as bytes.
    pub(super) fn record(&self, xid: i32) -> Record {
        let head = Record::default().int(xid).int(self.code());
        match self {
            Op::Create { path, data, flags } => create(head, path, data, *flags),
            Op::CreateContainer(path) => create(head, path, "", 4),
            Op::Delete(path) => head.text(path).int(-1),
            Op::Set {
                path,
                data,
                version,
            } => head.text(path).text(data).int(*version),
            Op::Get(path, watch) | Op::Exists(path, watch) | Op::Children(path, watch) => {
                head.text(path).bool(*watch)
            }
            Op::Sync(path) => head.text(path),
            Op::CheckAndSet {
                checked: (guard, version),
                path,
                data,
            } => {
                let head = head.int(13).bool(false).int(-1).text(guard).int(*version);
                let head = head
                    .int(5)
                    .bool(false)
                    .int(-1)
                    .text(path)
                    .text(data)
                    .int(-1);
                head.int(-1).bool(true).int(-1)
            }
            Op::Close => head,
        }
    }

    /// Reads what follows the header of a success.
    pub(super) fn read(&self, reader: &mut Reader<'_>, mut answer: Answer) -> Option<Answer> {
        match self {
            Op::Create { .. } | Op::CreateContainer(_) => {
                answer.text = Some(reader.text()?);
                answer.stat = Some(reader.stat()?);
            }
            Op::Set { .. } | Op::Exists(..) => answer.stat = Some(reader.stat()?),
            Op::Get(..) => {
                answer.text = Some(reader.text()?);
                answer.stat = Some(reader.stat()?);
            }
            Op::Children(..) => {
                answer.names = reader.texts()?;
                answer.stat = Some(reader.stat()?);
            }
            Op::CheckAndSet { .. } => {
                // One result for each step; a refused multi has results of type -1.
                let kind = reader.int()?;
                reader.0 = reader.0.get(5..)?;
                if kind == -1 {
                    answer.code = reader.int()?;
                    if answer.code == 0 {
                        // The step that was refused is the other one.
                        reader.0 = reader.0.get(9..)?;
                        answer.code = reader.int()?;
                    }
                } else {
                    reader.0 = reader.0.get(9..)?;
                    answer.stat = Some(reader.stat()?);
                }
            }
            Op::Delete(_) | Op::Sync(_) | Op::Close => {}
        }
        Some(answer)
    }

    /// The watch it asks for.
    pub(super) fn watch(&self) -> Option<(Kind, String)> {
        match self {
            Op::Get(path, true) => Some((Kind::Data, path.clone())),
            Op::Exists(path, true) => Some((Kind::Exists, path.clone())),
            Op::Children(path, true) => Some((Kind::Child, path.clone())),
            Op::Get(_, false)
            | Op::Exists(_, false)
            | Op::Children(_, false)
            | Op::Create { .. }
            | Op::CreateContainer(_)
            | Op::Delete(_)
            | Op::Set { .. }
            | Op::Sync(_)
            | Op::CheckAndSet { .. }
            | Op::Close => None,
        }
    }

    /// Whether an answer of this code leaves it: a watch for something to come into being, too.
    pub(super) fn leaves_watch(&self, code: i32) -> bool {
        code == 0 || (code == NO_NODE && matches!(self, Op::Exists(..)))
    }
}

fn create(head: Record, path: &str, data: &str, flags: i32) -> Record {
    let acl = head.text(path).text(data).int(1).int(PERMS_ALL);
    acl.text("world").text("anyone").int(flags)
}
