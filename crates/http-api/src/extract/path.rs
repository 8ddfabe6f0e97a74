//! Names in paths.

use http_types::paths;
use http_types::v1::sessions::{number_text, parse_number};
use raft_core::command::SessionRef;
use raft_core::ids::{
    BarrierName, CandidateId, ClaimId, CounterName, ElectionName, GroupName, InstanceId, ItemId,
    LockName, MemberId, QueueName, ResourceName, ServiceName, SessionId, SessionName, ZnodePath,
};

use crate::error::Problem;

/// Decodes a raw value segment by segment. The separator was found before this, so what looks like
/// one now is part of the name.
///
/// # Errors
/// When an escape is malformed, hides a slash, or the result is not UTF-8.
fn decode(raw: &str) -> Result<String, Problem> {
    let segments: Result<Vec<String>, _> = raw.split('/').map(paths::decode_segment).collect();
    match segments {
        Ok(segments) => Ok(segments.join("/")),
        Err(error) => Err(Problem::bad_request(error.to_string())),
    }
}

/// One segment.
///
/// # Errors
/// When it cannot be decoded.
pub(crate) fn segment(raw: &str) -> Result<String, Problem> {
    decode(raw)
}

/// A lock name.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn lock_name(raw: &str) -> Result<LockName, Problem> {
    Ok(LockName::parse(&decode(raw)?)?)
}

/// A counter name.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn counter_name(raw: &str) -> Result<CounterName, Problem> {
    Ok(CounterName::parse(&decode(raw)?)?)
}

/// A resource name.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn resource_name(raw: &str) -> Result<ResourceName, Problem> {
    Ok(ResourceName::parse(&decode(raw)?)?)
}

/// A claim id.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn claim_id(raw: &str) -> Result<ClaimId, Problem> {
    Ok(ClaimId::parse(&decode(raw)?)?)
}

/// The name of an election.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn election_name(raw: &str) -> Result<ElectionName, Problem> {
    Ok(ElectionName::parse(&decode(raw)?)?)
}

/// A candidate's id.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn candidate_id(raw: &str) -> Result<CandidateId, Problem> {
    Ok(CandidateId::parse(&decode(raw)?)?)
}

/// The name of a group.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn group_name(raw: &str) -> Result<GroupName, Problem> {
    Ok(GroupName::parse(&decode(raw)?)?)
}

/// The name of a barrier.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn barrier_name(raw: &str) -> Result<BarrierName, Problem> {
    Ok(BarrierName::parse(&decode(raw)?)?)
}

/// The id of a group's member, or of a barrier's party.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn member_id(raw: &str) -> Result<MemberId, Problem> {
    Ok(MemberId::parse(&decode(raw)?)?)
}

/// The name of a service.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn service_name(raw: &str) -> Result<ServiceName, Problem> {
    Ok(ServiceName::parse(&decode(raw)?)?)
}

/// The id of an instance of a service.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn instance_id(raw: &str) -> Result<InstanceId, Problem> {
    Ok(InstanceId::parse(&decode(raw)?)?)
}

/// The name of a work queue.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn queue_name(raw: &str) -> Result<QueueName, Problem> {
    Ok(QueueName::parse(&decode(raw)?)?)
}

/// The name of an item, or of a dead letter.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn item_id(raw: &str) -> Result<ItemId, Problem> {
    Ok(ItemId::parse(&decode(raw)?)?)
}

/// The path of a znode, written without its first slash. Nothing is the root.
///
/// # Errors
/// Which rule for paths it breaks.
pub(crate) fn znode_path(raw: &str) -> Result<ZnodePath, Problem> {
    Ok(ZnodePath::parse(&znode_text(raw)?)?)
}

/// As [`znode_path`], not validated: for operations that append to it first.
///
/// # Errors
/// When it cannot be decoded.
pub(crate) fn znode_text(raw: &str) -> Result<String, Problem> {
    Ok(format!("/{}", decode(raw)?))
}

/// A session, by name or as `0x` and its number.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn session_ref(raw: &str) -> Result<SessionRef, Problem> {
    session_text(&decode(raw)?)
}

/// As [`session_ref`], from a header or a body.
///
/// # Errors
/// Which rule for names it breaks.
pub(crate) fn session_text(text: &str) -> Result<SessionRef, Problem> {
    match parse_number(text) {
        Some(number) => Ok(SessionRef::Id(SessionId(number))),
        None => Ok(SessionRef::Name(SessionName::parse(text)?)),
    }
}

/// The way a session is written: its name, or `0x` and its number.
pub(crate) fn session_label(id: SessionId, name: Option<&SessionName>) -> String {
    name.map_or_else(|| number_text(id.0), ToString::to_string)
}

/// As [`session_label`] of a reference.
pub(crate) fn session_ref_label(session: &SessionRef) -> String {
    match session {
        SessionRef::Id(id) | SessionRef::Attached(id, _) => number_text(id.0),
        SessionRef::Name(name) => name.to_string(),
    }
}

/// Where a claim is found.
pub(crate) fn claim_url(lock: &LockName, claim: &ClaimId) -> String {
    paths::claim(lock.as_str(), claim.as_str())
}

/// Where a candidate is found.
pub(crate) fn candidate_url(election: &ElectionName, candidate: &CandidateId) -> String {
    paths::candidate(election.as_str(), candidate.as_str())
}

/// Where a member of a group is found.
pub(crate) fn member_url(group: &GroupName, member: &MemberId) -> String {
    paths::group_member(group.as_str(), member.as_str())
}

/// Where an instance of a service is found.
pub(crate) fn instance_url(service: &ServiceName, instance: &InstanceId) -> String {
    paths::service_instance(service.as_str(), instance.as_str())
}

/// Where a party of a barrier is found.
pub(crate) fn party_url(barrier: &BarrierName, party: &MemberId) -> String {
    paths::barrier_member(barrier.as_str(), party.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_after_the_split() {
        assert_eq!(znode_path("app/%2D/x").unwrap().as_str(), "/app/-/x");
        assert_eq!(znode_path("").unwrap().as_str(), "/");
        assert_eq!(lock_name("orders/4%32").unwrap().as_str(), "orders/42");
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for raw in ["%", "a%", "a%2", "a%zz", "%+1", "%ff", "a%2Fb"] {
            assert!(decode(raw).is_err(), "{raw} was accepted");
        }
    }

    #[test]
    fn a_lock_name_has_no_reserved_segment() {
        for raw in ["", "a//b", "a/%2D", "..", "a/../b", "a%20b", "a/"] {
            assert!(lock_name(raw).is_err(), "{raw} was accepted");
        }
    }

    #[test]
    fn urls_lead_back() {
        for path in ["/", "/app/cfg", "/a b/ü%", "/x/-/y"] {
            let path = ZnodePath::parse(path).unwrap();
            let url = paths::node(path.as_str());
            let raw = url.strip_prefix("/v1/nodes/").unwrap();
            assert_eq!(znode_path(raw).unwrap(), path);
            assert!(!raw.split('/').any(|segment| segment == "-"), "{raw}");
        }
    }

    #[test]
    fn sessions_have_names_or_numbers() {
        assert_eq!(session_text("0x12").unwrap(), SessionRef::Id(SessionId(18)));
        assert!(matches!(session_text("s_1").unwrap(), SessionRef::Name(_)));
        assert!(session_text("").is_err());
    }
}
