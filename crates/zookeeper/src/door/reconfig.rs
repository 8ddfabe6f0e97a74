//! `reconfig`: the members of the cluster, changed by a ZooKeeper client.
//!
//! ZooKeeper's second port is that of elections; there are none of that kind here, and a member
//! needs an address for its API that ZooKeeper's format has no place for. So the second port is
//! that of the API (HTTP), at the host of the first.
//!
//! The order of checks is ZooKeeper's. Those up to the reading of the request are made here, on a
//! state that a quorum confirms to be the present one, the rest by the leader
//! ([`Node::reconfigure`]).

use bytes::Bytes;
use std::collections::BTreeSet;
use std::time::Duration;

use node::{Node, ReadOptions, Reconfiguration, ReconfigureFailure, WantedMember};
use raft_core::acl::Identity;
use raft_core::command::SessionRef;
use raft_core::ids::{ZnodePath, Zxid};
use raft_core::path;
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

use super::convert;
use crate::proto::config::{self, ConfigError, Role, ServerLine};
use crate::proto::error::ErrorCode;
use crate::proto::request::ReconfigRequest;
use crate::proto::response::{GetDataResponse, Response};

/// The version that stands for any.
const ANY_VERSION: i64 = -1;

/// What came of it; `None`: the connection is to be closed, because it is not known, or because
/// a part was done, and the protocol has no other word for that.
pub(crate) type Reconfigured = Option<Result<Response, ErrorCode>>;

/// Who asks.
pub(crate) struct Asker {
    pub(crate) session: SessionRef,
    pub(crate) identities: Vec<Identity>,
}

/// Does it, or says why not.
pub(crate) async fn reconfigure(
    node: Node,
    asker: Asker,
    request: ReconfigRequest,
    deadline: Duration,
) -> Reconfigured {
    let present = node.query(ReadOptions::default(), deadline, State::clone);
    let state = present.await.ok()?.value;
    if let Err(refused) = check_session(&state, &asker.session) {
        return refused.map(Err);
    }
    let asked = match wanted(&state, asker.identities, &request) {
        Ok(asked) => asked,
        Err(refused) => return Some(Err(refused)),
    };
    match node.reconfigure(asked, deadline).await {
        Ok(_) => node.peek(shown).map(Ok),
        Err(failure) => told(&failure).map(Err),
    }
}

/// The session must be live, and attached where this comes from; `None`: the client has moved on.
fn check_session(state: &State, session: &SessionRef) -> Result<(), Option<ErrorCode>> {
    match state.session(session) {
        SessionStatus::Live(live) => match session {
            SessionRef::Attached(_, attached) if *attached != live.attached => Err(None),
            SessionRef::Attached(..) | SessionRef::Id(_) | SessionRef::Name(_) => Ok(()),
        },
        SessionStatus::Ended(_) | SessionStatus::Unknown => Err(Some(ErrorCode::SessionExpired)),
    }
}

fn wanted(
    state: &State,
    identities: Vec<Identity>,
    request: &ReconfigRequest,
) -> Result<Reconfiguration, ErrorCode> {
    if state.config_is_behind() {
        return Err(ErrorCode::ReconfigInProgress);
    }
    let current = state.config_version();
    let based_on = match request.cur_config_id {
        ANY_VERSION => None,
        id if id == convert::zxid(current) => Some(current),
        _ => return Err(ErrorCode::BadVersion),
    };
    read(request, identities, based_on).map_err(|error| {
        tracing::info!(%error, "a reconfiguration cannot be read");
        ErrorCode::BadArguments
    })
}

fn read(
    request: &ReconfigRequest,
    identities: Vec<Identity>,
    based_on: Option<Zxid>,
) -> Result<Reconfiguration, ConfigError> {
    let replaces_all = request.new_members.is_some();
    let (joining, leaving) = match &request.new_members {
        Some(all) => (config::servers(all)?, BTreeSet::new()),
        None => (
            config::servers(request.joining_servers.as_deref().unwrap_or_default())?,
            config::ids(request.leaving_servers.as_deref().unwrap_or_default())?
                .into_iter()
                .collect(),
        ),
    };
    Ok(Reconfiguration {
        joining: joining.into_iter().map(member).collect(),
        leaving,
        replaces_all,
        based_on,
        identities,
    })
}

fn member(line: ServerLine) -> WantedMember {
    let ServerLine {
        id,
        host,
        first_port,
        second_port,
        role,
        clients: (client_host, client_port),
    } = line;
    WantedMember {
        id,
        peer: format!("{host}:{first_port}"),
        api: format!("http://{host}:{second_port}"),
        clients: format!("{client_host}:{client_port}"),
        voter: role == Role::Participant,
    }
}

/// The new configuration as the reply carries it.
fn shown(state: &State) -> Option<Response> {
    let znode = state.znode(&ZnodePath::parse(path::CONFIG).ok()?)?;
    Some(Response::Data(GetDataResponse {
        data: znode.data.clone().map(Bytes::from),
        stat: convert::stat(&znode.stat()),
    }))
}

fn told(failure: &ReconfigureFailure) -> Option<ErrorCode> {
    let code = match failure {
        ReconfigureFailure::InProgress => Some(ErrorCode::ReconfigInProgress),
        ReconfigureFailure::BadVersion { .. } => Some(ErrorCode::BadVersion),
        ReconfigureFailure::BadArguments(_) => Some(ErrorCode::BadArguments),
        ReconfigureFailure::NoQuorum(_) => Some(ErrorCode::NewConfigNoQuorum),
        ReconfigureFailure::NoAuth => Some(ErrorCode::NoAuth),
        ReconfigureFailure::NoLeader
        | ReconfigureFailure::Partly { .. }
        | ReconfigureFailure::Unknown(_) => None,
    };
    // The codes do not say what was wrong with which server.
    match failure {
        ReconfigureFailure::Partly { .. } => tracing::warn!(%failure, "reconfiguration"),
        ReconfigureFailure::InProgress
        | ReconfigureFailure::BadVersion { .. }
        | ReconfigureFailure::BadArguments(_)
        | ReconfigureFailure::NoQuorum(_)
        | ReconfigureFailure::NoAuth
        | ReconfigureFailure::NoLeader
        | ReconfigureFailure::Unknown(_) => tracing::info!(%failure, "reconfiguration"),
    }
    code
}
