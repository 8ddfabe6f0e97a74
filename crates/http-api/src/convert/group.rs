//! Groups and their members.

use http_types::v1::groups as v1;
use raft_core::acl::Identity;
use raft_core::ids::{GroupName, Zxid};
use raft_core::query::group::MemberView;
use raft_core::state::State;

use crate::convert::{node, session};
use crate::limits::MEMBERS_PAGE_BYTES;
use crate::millis::rfc3339;

/// Where a page of members ends: the position at which its last one joined, and its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(Zxid, String);

impl Place {
    /// Reads `index.id`.
    pub(crate) fn parse(text: &str) -> Option<Place> {
        let (index, id) = text.split_once('.')?;
        Some(Place(Zxid(index.parse().ok()?), id.to_owned()))
    }

    fn of(member: &MemberView<'_>) -> Place {
        Place(member.znode.czxid, member.id.to_owned())
    }

    fn text(&self) -> String {
        let Place(index, id) = self;
        format!("{index}.{id}")
    }
}

/// A member, with its value where `who` may read it.
pub(crate) fn member(
    state: &State,
    group: &GroupName,
    member: &MemberView<'_>,
    who: &[Identity],
) -> v1::GroupMember {
    let MemberView { id, session, znode } = *member;
    let path = group.znode().child(id);
    let is_readable = path.is_ok_and(|path| state.can_read(&path, who).is_ok());
    let data = znode.data.as_deref().filter(|_| is_readable);
    let (value, encoding) = data.map(node::text).unzip();
    let content_type = znode.content_type().filter(|_| is_readable);
    v1::GroupMember {
        group: group.to_string(),
        member: id.to_owned(),
        session: session::label(state, session),
        owner: session::owner_of(state, session),
        value,
        encoding,
        content_type: content_type.map(str::to_owned),
        joined_index: znode.czxid.0,
        joined_at: rfc3339(znode.ctime),
        changed_index: znode.mzxid.0,
    }
}

/// One page of a group, of at most `limit` members.
pub(crate) fn group(
    state: &State,
    name: &GroupName,
    members: &[MemberView<'_>],
    (after, limit): (Option<&Place>, usize),
    who: &[Identity],
) -> v1::Group {
    let first = after.map_or(0, |after| {
        members.partition_point(|member| Place::of(member) <= *after)
    });
    let mut bytes = 0_usize;
    let page: Vec<&MemberView<'_>> = members
        .iter()
        .skip(first)
        .take(limit)
        .take_while(|member| {
            let is_room = bytes < MEMBERS_PAGE_BYTES;
            let length = member.znode.data.as_ref().map_or(0, |data| data.len());
            bytes = bytes.saturating_add(length);
            is_room
        })
        .collect();
    let has_more = first.saturating_add(page.len()) < members.len();
    let last = page.last().filter(|_| has_more);
    v1::Group {
        group: name.to_string(),
        next: last.map(|last| Place::of(last).text()),
        member_count: u32::try_from(members.len()).unwrap_or(u32::MAX),
        members: page
            .into_iter()
            .map(|view| member(state, name, view, who))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place(Zxid(17), "web.7".to_owned());
        assert_eq!(place.text(), "17.web.7");
        assert_eq!(Place::parse("17.web.7"), Some(place));
        for text in ["", "17", "x.web", "-1.web"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn places_are_ordered_as_members_are() {
        let mut places = [(9, "b"), (10, "a"), (9, "a")].map(|(zxid, id)| {
            let id = id.to_owned();
            Place(Zxid(zxid), id)
        });
        places.sort();
        assert_eq!(places.map(|place| place.text()), ["9.a", "9.b", "10.a"]);
    }
}
