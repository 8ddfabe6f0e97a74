//! What is there when a stream begins, told piece by piece from one state.
//!
//! The state is a clone that shares everything with the live one, so a walk over a million znodes
//! stops nobody and holds only its own path in memory.

use http_types::v1::events::{EventKind, StateEvent};
use raft_core::acl::Identity;
use raft_core::command::SessionRef;
use raft_core::ids::{ElectionName, LockName, ServiceName, SessionId, ZnodePath};
use raft_core::path::{ELECTIONS, LOCKS};
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

use crate::convert;
use crate::limits::{OWNED_SHOWN_MAX, STATE_PAGE};
use crate::sse::filter::{Filter, Subject, lies_within};

/// See the module.
pub(super) struct Walk {
    state: State,
    /// Directories under way: the znode, and the child it stands behind.
    open: Vec<(ZnodePath, Option<String>)>,
    /// The top, until it was told.
    top: Option<ZnodePath>,
    locks: Option<LockWalk>,
    elections: Option<ElectionWalk>,
    services: Option<ServiceWalk>,
    sessions: Option<SessionWalk>,
}

enum ServiceWalk {
    All(Option<ServiceName>),
    One(ServiceName),
}

struct ElectionWalk {
    within: String,
    after: Option<ElectionName>,
}

struct LockWalk {
    within: String,
    after: Option<LockName>,
}

enum SessionWalk {
    All(Option<SessionId>),
    One(SessionId),
}

impl Walk {
    pub(super) fn new(state: State, filter: &Filter) -> Walk {
        let of_locks = |within: &str| {
            let within = within.to_owned();
            filter.wants_family("lock").then_some(LockWalk {
                within,
                after: None,
            })
        };
        let of_elections = |within: &str| {
            let within = within.to_owned();
            filter.wants_family("election").then_some(ElectionWalk {
                within,
                after: None,
            })
        };
        let mut walk = Walk {
            state,
            open: Vec::new(),
            top: None,
            locks: None,
            elections: None,
            services: None,
            sessions: None,
        };
        match &filter.subject {
            Subject::Everything => {
                walk.top = filter.wants_family("node").then(ZnodePath::root);
                walk.locks = of_locks("");
                walk.elections = of_elections("");
                let services = filter.wants_family("service");
                walk.services = services.then_some(ServiceWalk::All(None));
                let sessions = filter.wants_family("session");
                walk.sessions = sessions.then_some(SessionWalk::All(None));
            }
            Subject::Znodes(top) => {
                walk.top = filter.wants_family("node").then(|| top.clone());
                walk.locks = locks_below(top).and_then(|within| of_locks(&within));
                walk.elections = elections_below(top).and_then(|within| of_elections(&within));
            }
            Subject::Locks(name) => walk.locks = of_locks(name),
            Subject::Lock(name) => walk.locks = of_locks(name.as_str()),
            Subject::Election(name) => walk.elections = of_elections(name.as_str()),
            Subject::Service(name) => walk.services = Some(ServiceWalk::One(name.clone())),
            Subject::Session(id) => walk.sessions = Some(SessionWalk::One(*id)),
        }
        walk
    }

    /// The next few things; `None` when all were told.
    pub(super) fn page(&mut self, who: &[Identity], wall_ms: u64) -> Option<Vec<EventKind>> {
        if let Some(top) = self.top.take() {
            return Some(self.top_of_tree(top, who));
        }
        if let Some((path, after)) = self.open.pop() {
            return Some(self.children(path, after, who));
        }
        if let Some(locks) = self.locks.take() {
            return Some(self.locks(locks, wall_ms));
        }
        if let Some(elections) = self.elections.take() {
            return Some(self.elections(elections, wall_ms));
        }
        if let Some(services) = self.services.take() {
            return Some(self.services(services));
        }
        let sessions = self.sessions.take()?;
        Some(self.sessions(sessions, wall_ms))
    }

    fn top_of_tree(&mut self, top: ZnodePath, who: &[Identity]) -> Vec<EventKind> {
        let told = self.node(&top, who);
        if told.is_some() {
            self.open.push((top, None));
        }
        told.into_iter().collect()
    }

    fn node(&self, path: &ZnodePath, who: &[Identity]) -> Option<EventKind> {
        self.state.can_read(path, who).ok()?;
        let znode = self.state.znode(path)?;
        let node = Some(convert::node::node(path, znode));
        Some(told(StateEvent {
            node,
            ..StateEvent::default()
        }))
    }

    fn children(
        &mut self,
        path: ZnodePath,
        after: Option<String>,
        who: &[Identity],
    ) -> Vec<EventKind> {
        let found = self
            .state
            .children(&path, after.as_deref(), STATE_PAGE)
            .unwrap_or_default();
        let mut told = Vec::new();
        let mut deeper = Vec::new();
        for (name, stat) in &found {
            // A child's name has passed the rules when it was made.
            let Ok(child) = path.child(name) else {
                continue;
            };
            if let Some(node) = self.node(&child, who) {
                told.push(node);
                if stat.num_children > 0 {
                    deeper.push((child, None));
                }
            }
        }
        if found.len() == STATE_PAGE
            && let Some((last, _)) = found.last()
        {
            self.open.push((path, Some(last.clone())));
        }
        deeper.reverse();
        self.open.append(&mut deeper);
        told
    }

    fn locks(&mut self, walk: LockWalk, wall_ms: u64) -> Vec<EventKind> {
        let LockWalk { within, after } = walk;
        let found = self.state.locks(&within, after.as_ref(), STATE_PAGE);
        let mut all = Vec::new();
        for (name, _) in &found {
            let is_within = within.is_empty() || lies_within(name.as_str(), &within);
            if let Some(view) = self.state.lock(name).filter(|_| is_within) {
                let lock = Some(convert::lock::lock(&self.state, wall_ms, name, &view));
                all.push(told(StateEvent {
                    lock,
                    ..StateEvent::default()
                }));
            }
        }
        if found.len() == STATE_PAGE
            && let Some((last, _)) = found.last()
        {
            self.locks = Some(LockWalk {
                within,
                after: Some(last.clone()),
            });
        }
        all
    }

    fn elections(&mut self, walk: ElectionWalk, wall_ms: u64) -> Vec<EventKind> {
        let ElectionWalk { within, after } = walk;
        let found = self.state.elections(&within, after.as_ref(), STATE_PAGE);
        let mut all = Vec::new();
        for (name, _) in &found {
            let is_within = within.is_empty() || lies_within(name.as_str(), &within);
            if is_within {
                let election = convert::election::election(&self.state, wall_ms, name);
                all.push(told(StateEvent {
                    election,
                    ..StateEvent::default()
                }));
            }
        }
        if found.len() == STATE_PAGE
            && let Some((last, _)) = found.last()
        {
            self.elections = Some(ElectionWalk {
                within,
                after: Some(last.clone()),
            });
        }
        all
    }

    /// The instances of one service.
    fn services(&mut self, walk: ServiceWalk) -> Vec<EventKind> {
        let service = match walk {
            ServiceWalk::One(service) => service,
            ServiceWalk::All(after) => {
                let found = self.state.services("", after.as_ref(), 1);
                let Some(next) = found.into_iter().next() else {
                    return Vec::new();
                };
                self.services = Some(ServiceWalk::All(Some(next.service.clone())));
                next.service
            }
        };
        let instances = self.state.instances(&service);
        let shown = instances.map(|view| {
            let instance = Some(convert::service::instance(&self.state, &view));
            told(StateEvent {
                instance,
                ..StateEvent::default()
            })
        });
        shown.collect()
    }

    fn sessions(&mut self, walk: SessionWalk, wall_ms: u64) -> Vec<EventKind> {
        match walk {
            SessionWalk::One(id) => self.session_with_claims(id, wall_ms),
            SessionWalk::All(after) => {
                let found = self.state.sessions(after, STATE_PAGE);
                let told = found.iter().map(|session| session_state(session)).collect();
                if found.len() == STATE_PAGE {
                    self.sessions = found.last().map(|last| SessionWalk::All(Some(last.id)));
                }
                told
            }
        }
    }

    fn session_with_claims(&self, id: SessionId, wall_ms: u64) -> Vec<EventKind> {
        let SessionStatus::Live(session) = self.state.session(&SessionRef::Id(id)) else {
            return Vec::new();
        };
        let mut all = vec![session_state(session)];
        for claim in self.state.claims_of(id).into_iter().take(OWNED_SHOWN_MAX) {
            let claim = Some(convert::lock::claim_standing(&self.state, wall_ms, claim));
            all.push(told(StateEvent {
                claim,
                ..StateEvent::default()
            }));
        }
        all
    }
}

fn session_state(session: &raft_core::session::Session) -> EventKind {
    let session = Some(convert::session::live(
        session,
        convert::session::Liveness::default(),
    ));
    told(StateEvent {
        session,
        ..StateEvent::default()
    })
}

fn told(state: StateEvent) -> EventKind {
    EventKind::State(Box::new(state))
}

/// The names of elections whose znodes are at or below `top`; `None` when there can be none.
fn elections_below(top: &ZnodePath) -> Option<String> {
    if top.is_root() || top.as_str() == ELECTIONS {
        return Some(String::new());
    }
    ElectionName::of_znode(top).map(|name| name.to_string())
}

/// The names of locks whose znodes are at or below `top`; `None` when there can be none.
fn locks_below(top: &ZnodePath) -> Option<String> {
    if top.is_root() || top.as_str() == LOCKS {
        return Some(String::new());
    }
    LockName::of_znode(top).map(|name| name.to_string())
}
