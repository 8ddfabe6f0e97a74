//! Barriers and their parties.

use http_types::v1::barriers as v1;
use raft_core::ids::{BarrierName, MemberId};
use raft_core::query::barrier::BarrierView;
use raft_core::query::group::MemberView;
use raft_core::state::State;

use crate::convert::session;
use crate::extract::path::party_url;
use crate::limits::PARTIES_SHOWN_MAX;
use crate::millis::rfc3339;

/// How a barrier stands, with how many are in it.
pub(crate) fn state_of(view: Option<&BarrierView<'_>>) -> (v1::BarrierState, u32) {
    let Some(view) = view else {
        return (v1::BarrierState::Free, 0);
    };
    let inside = u32::try_from(view.members.len()).unwrap_or(u32::MAX);
    let state = if view.is_open {
        v1::BarrierState::Open
    } else {
        v1::BarrierState::Waiting
    };
    (state, inside)
}

/// A barrier with the first of those who are in it.
pub(crate) fn barrier(state: &State, name: &BarrierName) -> v1::Barrier {
    let view = state.barrier(name);
    let (how, inside) = state_of(view.as_ref());
    let shown = view.iter().flat_map(|view| &view.members);
    v1::Barrier {
        barrier: name.to_string(),
        state: how,
        parties: view.as_ref().and_then(|view| view.parties),
        inside,
        opened_index: opened(view.as_ref()),
        members: shown
            .take(PARTIES_SHOWN_MAX)
            .map(|view| member(state, view))
            .collect(),
    }
}

fn opened(view: Option<&BarrierView<'_>>) -> Option<u64> {
    view?.opened.map(|opened| opened.0)
}

fn member(state: &State, member: &MemberView<'_>) -> v1::BarrierMember {
    v1::BarrierMember {
        member: member.id.to_owned(),
        session: session::label(state, member.session),
        owner: session::owner_of(state, member.session),
        entered_index: member.znode.czxid.0,
        entered_at: rfc3339(member.znode.ctime),
    }
}

/// A party. `None` when it is not in the barrier.
pub(crate) fn party(state: &State, name: &BarrierName, id: &MemberId) -> Option<v1::Party> {
    let view = state.barrier(name)?;
    let found = view.members.iter().find(|one| one.id == id.as_str())?;
    let (how, inside) = state_of(Some(&view));
    let found = member(state, found);
    Some(v1::Party {
        barrier: name.to_string(),
        member: found.member,
        state: how,
        parties: view.parties,
        inside,
        session: found.session,
        owner: found.owner,
        entered_index: found.entered_index,
        entered_at: found.entered_at,
        opened_index: opened(Some(&view)),
        leave: party_url(name, id),
    })
}
