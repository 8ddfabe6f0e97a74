//! Requests answered from this node's state as it is: ZooKeeper's reads.

use bytes::Bytes;
use mutant::Mutant;
use node::Node;
use raft_core::acl::Identity;
use raft_core::ids::{SessionId, ZnodePath, Zxid};
use raft_core::state::State;

use super::convert;
use super::watches::{Mode, Table, Watcher};
use crate::proto::acl::Acl;
use crate::proto::error::ErrorCode;
use crate::proto::event::{EventType, WatcherEvent};
use crate::proto::multi::{MultiReadOp, OpResult};
use crate::proto::request::{
    AddWatchRequest, ReadRequest, Request, SetWatches, SetWatches2, WatchesRequest,
};
use crate::proto::response::{
    ClientInfo, GetAclResponse, GetChildren2Response, GetDataResponse, Response,
};
use crate::proto::watch::{AddWatchMode, WatcherType};

/// Events of a catch-up have no transaction.
const NO_ZXID: i64 = -1;

type Result<T> = std::result::Result<T, ErrorCode>;

/// Who reads, and where its watches go.
pub(crate) struct Reader<'a> {
    pub(crate) node: &'a Node,
    pub(crate) watcher: &'a Watcher,
    pub(crate) identities: &'a [Identity],
    pub(crate) session: SessionId,
}

/// What was read: the position it shows, events to be told before it, and the answer.
pub(crate) struct Read {
    pub(crate) zxid: Zxid,
    pub(crate) events: Vec<WatcherEvent>,
    pub(crate) result: Result<Response>,
}

impl Reader<'_> {
    /// Answers a request that reads. `None`: it is not one.
    pub(crate) fn read(&self, request: &Request) -> Option<Read> {
        let mut events = Vec::new();
        let (state, result) = match request {
            Request::Exists(asked) => self.watching(asked, Kind::Existence, |state| {
                exists(state, self.identities, &asked.path)
            }),
            Request::GetData(asked) => self.watching(asked, Kind::Data, |state| {
                data(state, self.identities, &asked.path).map(Response::Data)
            }),
            Request::GetChildren(asked) => self.watching(asked, Kind::Children, |state| {
                let found = children(state, self.identities, &asked.path)?;
                Ok(Response::Children(found.children))
            }),
            Request::GetChildren2(asked) => self.watching(asked, Kind::Children, |state| {
                children(state, self.identities, &asked.path).map(Response::Children2)
            }),
            Request::SetWatches(lists) => self.set_watches(&lists_of(lists), &mut events),
            Request::SetWatches2(lists) => self.set_watches(lists, &mut events),
            Request::AddWatch(add) => self.add_watch(add),
            Request::CheckWatches(asked) => self.watches(asked, |table, mode| {
                self.watcher.has(table, &asked.path, mode)
            }),
            Request::RemoveWatches(asked) => self.watches(asked, |table, mode| {
                self.watcher.remove(table, &asked.path, mode)
            }),
            Request::GetAcl(_)
            | Request::MultiRead(_)
            | Request::GetEphemerals(_)
            | Request::GetAllChildrenNumber(_)
            | Request::WhoAmI => {
                let state = self.watcher.read(self.node, |_| []);
                let result = self.plain(&state, request);
                (state, result)
            }
            Request::Create(_)
            | Request::Create2(_)
            | Request::CreateContainer(_)
            | Request::CreateTtl(_)
            | Request::Delete(_)
            | Request::SetData(_)
            | Request::SetAcl(_)
            | Request::Multi(_)
            | Request::Reconfig(_)
            | Request::Sync(_)
            | Request::Ping
            | Request::Auth(_)
            | Request::Sasl(_)
            | Request::CloseSession => return None,
        };
        Some(Read {
            zxid: state.last_zxid(),
            events,
            result,
        })
    }

    /// Reads that leave no watch.
    fn plain(&self, state: &State, request: &Request) -> Result<Response> {
        if let Request::GetAcl(asked) = request {
            let (acl, stat) = state
                .acl(&parsed(&asked.path)?, self.identities)
                .map_err(|refusal| convert::error_of(&refusal))?;
            let acl: Vec<Acl> = convert::acl_out(&acl);
            let stat = convert::stat(&stat);
            return Ok(Response::Acl(GetAclResponse { acl, stat }));
        }
        if let Request::MultiRead(ops) = request {
            let one = |op: &MultiReadOp| match op {
                MultiReadOp::GetChildren { path } => {
                    children(state, self.identities, path).map(|found| OpResult::GetChildren {
                        children: found.children,
                    })
                }
                MultiReadOp::GetData { path } => {
                    data(state, self.identities, path).map(OpResult::GetData)
                }
            };
            let results = ops.iter().map(|op| one(op).unwrap_or_else(OpResult::Error));
            return Ok(Response::Multi(results.collect()));
        }
        if let Request::GetAllChildrenNumber(asked) = request {
            let path = readable(state, self.identities, &asked.path)?;
            let all = state.subtree(&path, usize::MAX, usize::MAX);
            let mut below = all.map_or(0, |all| all.len().saturating_sub(1));
            if asked.path.is_empty() {
                // By this name ZooKeeper counts the root among what is below it.
                below = below.saturating_add(1);
            }
            return Ok(Response::TotalNumber(
                i32::try_from(below).unwrap_or(i32::MAX),
            ));
        }
        if let Request::GetEphemerals(asked) = request {
            let prefix = match asked.prefix_path.as_str() {
                blank if blank.trim().is_empty() => "",
                prefix => prefix,
            };
            let all = state.znodes_of(self.session).map(ToString::to_string);
            return Ok(Response::Ephemerals(
                all.filter(|path| path.starts_with(prefix)).collect(),
            ));
        }
        let shown = |identity: &Identity| ClientInfo {
            auth_scheme: identity.scheme.clone(),
            user: match identity.id.split_once(':') {
                Some((user, _)) if identity.scheme == "digest" => user.to_owned(),
                Some(_) | None => identity.id.clone(),
            },
        };
        Ok(Response::WhoAmI(
            self.identities.iter().map(shown).collect(),
        ))
    }

    /// A read that leaves a one-shot watch of `kind` if it is asked to and succeeds.
    fn watching(
        &self,
        asked: &ReadRequest,
        kind: Kind,
        read: impl Fn(&State) -> Result<Response>,
    ) -> (State, Result<Response>) {
        let mut result = Err(ErrorCode::SystemError);
        let state = self.watcher.read(self.node, |state| {
            result = read(state);
            // `exists` also waits for what is not there yet.
            let leaves = match &result {
                Ok(_) => true,
                Err(error) => *error == ErrorCode::NoNode && kind == Kind::Existence,
            };
            (asked.watch && leaves).then(|| (kind.table(), asked.path.clone(), Mode::Standard))
        });
        (state, result)
    }

    /// Persistent watches ask neither whether the znode is there nor who may read it.
    fn add_watch(&self, add: &AddWatchRequest) -> (State, Result<Response>) {
        let mode = AddWatchMode::from_code(add.mode);
        let state = self.watcher.read(self.node, |_| match mode {
            Some(AddWatchMode::Persistent) => vec![
                (Table::Data, add.path.clone(), Mode::Persistent),
                (Table::Children, add.path.clone(), Mode::Persistent),
            ],
            Some(AddWatchMode::PersistentRecursive) => {
                vec![(Table::Data, add.path.clone(), Mode::Recursive)]
            }
            None => Vec::new(),
        });
        let result = match mode {
            Some(_) => Ok(Response::AddWatch),
            None => Err(ErrorCode::MarshallingError),
        };
        (state, result)
    }

    /// Does `act` with every kind and mode the request means; there must be one.
    fn watches(
        &self,
        asked: &WatchesRequest,
        mut act: impl FnMut(Table, Mode) -> bool,
    ) -> (State, Result<Response>) {
        let state = self.watcher.read(self.node, |_| []);
        let meant: &[(Table, Mode)] = match asked.kind() {
            Some(WatcherType::Children) => &[(Table::Children, Mode::Standard)],
            Some(WatcherType::Data) => &[(Table::Data, Mode::Standard)],
            Some(WatcherType::Persistent) => &[
                (Table::Data, Mode::Persistent),
                (Table::Children, Mode::Persistent),
            ],
            Some(WatcherType::PersistentRecursive) => &[(Table::Data, Mode::Recursive)],
            Some(WatcherType::Any) => &[
                (Table::Data, Mode::Standard),
                (Table::Children, Mode::Standard),
                (Table::Data, Mode::Persistent),
                (Table::Children, Mode::Persistent),
                (Table::Data, Mode::Recursive),
            ],
            None => return (state, Err(ErrorCode::MarshallingError)),
        };
        let mut found = false;
        for (table, mode) in meant {
            found |= act(*table, *mode);
        }
        let result = if found {
            Ok(Response::Empty)
        } else {
            Err(ErrorCode::NoWatcher)
        };
        (state, result)
    }

    /// Registers again what a client watched elsewhere, and tells what it has missed since.
    fn set_watches(
        &self,
        lists: &SetWatches2,
        events: &mut Vec<WatcherEvent>,
    ) -> (State, Result<Response>) {
        if mutant::is(Mutant::WatchGap) {
            return (self.watcher.read(self.node, |_| []), Ok(Response::Empty));
        }
        let replays = mutant::is(Mutant::WatchReplays);
        let seen = Zxid(u64::try_from(lists.relative_zxid).unwrap_or(0));
        let seen = if replays { Zxid(0) } else { seen };
        let state = self.watcher.read(self.node, |state| {
            let mut missed = |kind: EventType, path: &String| {
                events.push(WatcherEvent {
                    zxid: NO_ZXID,
                    kind,
                    path: path.clone(),
                });
            };
            let stat = |path: &String| parsed(path).ok().and_then(|path| state.stat(&path));
            let mut again = Vec::new();
            for path in &lists.data_watches {
                match stat(path) {
                    None => missed(EventType::NodeDeleted, path),
                    Some(stat) if stat.mzxid > seen => missed(EventType::NodeDataChanged, path),
                    Some(_) => again.push((Table::Data, path.clone(), Mode::Standard)),
                }
            }
            for path in &lists.exist_watches {
                match stat(path) {
                    Some(_) => missed(EventType::NodeCreated, path),
                    None => again.push((Table::Data, path.clone(), Mode::Standard)),
                }
            }
            for path in &lists.child_watches {
                match stat(path) {
                    None => missed(EventType::NodeDeleted, path),
                    Some(stat) if stat.pzxid > seen => {
                        missed(EventType::NodeChildrenChanged, path);
                    }
                    Some(_) => again.push((Table::Children, path.clone(), Mode::Standard)),
                }
            }
            for path in &lists.persistent_watches {
                again.push((Table::Data, path.clone(), Mode::Persistent));
                again.push((Table::Children, path.clone(), Mode::Persistent));
            }
            for path in &lists.persistent_recursive_watches {
                again.push((Table::Data, path.clone(), Mode::Recursive));
            }
            again
        });
        (state, Ok(Response::Empty))
    }
}

/// What a read is about: which table its watch goes into, and whether it waits for what is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Existence,
    Data,
    Children,
}

impl Kind {
    fn table(self) -> Table {
        match self {
            Kind::Existence | Kind::Data => Table::Data,
            Kind::Children => Table::Children,
        }
    }
}

/// The lists of the older request.
fn lists_of(lists: &SetWatches) -> SetWatches2 {
    SetWatches2 {
        relative_zxid: lists.relative_zxid,
        data_watches: lists.data_watches.clone(),
        exist_watches: lists.exist_watches.clone(),
        child_watches: lists.child_watches.clone(),
        persistent_watches: Vec::new(),
        persistent_recursive_watches: Vec::new(),
    }
}

/// Reads do not check paths: nothing is at one that is malformed. The root has a second name there.
fn parsed(path: &str) -> Result<ZnodePath> {
    if path.is_empty() {
        return Ok(ZnodePath::root());
    }
    ZnodePath::parse(path).map_err(|_| ErrorCode::NoNode)
}

fn readable(state: &State, who: &[Identity], path: &str) -> Result<ZnodePath> {
    let path = parsed(path)?;
    match state.can_read(&path, who) {
        Ok(()) => Ok(path),
        Err(refusal) => Err(convert::error_of(&refusal)),
    }
}

fn exists(state: &State, who: &[Identity], path: &str) -> Result<Response> {
    if path.contains('\0') {
        return Err(ErrorCode::BadArguments);
    }
    let path = readable(state, who, path)?;
    let stat = state.stat(&path).ok_or(ErrorCode::NoNode)?;
    Ok(Response::Stat(convert::stat(&stat)))
}

fn data(state: &State, who: &[Identity], path: &str) -> Result<GetDataResponse> {
    let path = readable(state, who, path)?;
    let znode = state.znode(&path).ok_or(ErrorCode::NoNode)?;
    Ok(GetDataResponse {
        data: znode.data.clone().map(Bytes::from),
        stat: convert::stat(&znode.stat()),
    })
}

fn children(state: &State, who: &[Identity], path: &str) -> Result<GetChildren2Response> {
    let path = readable(state, who, path)?;
    let znode = state.znode(&path).ok_or(ErrorCode::NoNode)?;
    let found = state.children(&path, None, usize::MAX).unwrap_or_default();
    Ok(GetChildren2Response {
        children: found.into_iter().map(|(name, _)| name).collect(),
        stat: convert::stat(&znode.stat()),
    })
}
