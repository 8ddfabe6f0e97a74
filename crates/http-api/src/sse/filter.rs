//! Which events a stream delivers.

use raft_core::event::EventKind;
use raft_core::ids::{ElectionName, LockName, ServiceName, SessionId, ZnodePath};

use crate::convert::event as convert;
use crate::error::Problem;
use crate::limits::EVENT_KINDS_MAX;

/// What the events must be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Anything.
    Everything,
    /// Znodes at or below this path, and locks and elections whose znode is.
    Znodes(ZnodePath),
    /// Locks of this name, or below it.
    Locks(String),
    /// One lock.
    Lock(LockName),
    /// One election.
    Election(ElectionName),
    /// One service.
    Service(ServiceName),
    /// One session, and its claims, candidates and instances.
    Session(SessionId),
}

/// Names of events, `node.*` for a family, `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    Beginning(String),
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) subject: Subject,
    /// Empty: all.
    kinds: Vec<Pattern>,
}

impl Filter {
    /// Reads the `kinds` of a query.
    ///
    /// # Errors
    /// When a pattern can match no event, or there are too many.
    pub(crate) fn new(subject: Subject, kinds: Option<&str>) -> Result<Filter, Problem> {
        let mut patterns = Vec::new();
        for text in kinds
            .into_iter()
            .flat_map(|kinds| kinds.split(','))
            .map(str::trim)
        {
            if text.is_empty() {
                continue;
            }
            if patterns.len() == EVENT_KINDS_MAX {
                return Err(Problem::bad_request(format!(
                    "at most {EVENT_KINDS_MAX} kinds of events can be named"
                )));
            }
            patterns.push(Pattern::parse(text)?);
        }
        Ok(Filter {
            subject,
            kinds: patterns,
        })
    }

    /// The subject a `prefix` means.
    ///
    /// # Errors
    /// When it begins with a slash and is no path.
    pub(crate) fn subject_of(prefix: Option<&str>) -> Result<Subject, Problem> {
        let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else {
            return Ok(Subject::Everything);
        };
        let trimmed = prefix.strip_suffix('/').unwrap_or(prefix);
        match (prefix.starts_with('/'), trimmed) {
            (true, "") => Ok(Subject::Znodes(ZnodePath::root())),
            (true, "/") => Err(ZnodePath::parse(prefix).err().map_or_else(
                || Problem::bad_request("the prefix is no path"),
                Problem::from,
            )),
            (true, path) => Ok(Subject::Znodes(ZnodePath::parse(path)?)),
            (false, name) => Ok(Subject::Locks(LockName::parse(name)?.to_string())),
        }
    }

    /// Whether a stream with this filter delivers such an event.
    pub(crate) fn wants(&self, kind: &EventKind) -> bool {
        self.wants_named(convert::name(kind)) && self.is_about(kind)
    }

    /// Whether events of a family (`node`, `lock`, `election`, `service`, `session`) can pass at all.
    pub(crate) fn wants_family(&self, family: &str) -> bool {
        let names = http_types::v1::events::CHANGE_NAMES;
        names
            .iter()
            .any(|name| name.split('.').next() == Some(family) && self.wants_named(name))
    }

    fn wants_named(&self, name: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|pattern| pattern.matches(name))
    }

    fn is_about(&self, kind: &EventKind) -> bool {
        match &self.subject {
            Subject::Everything => true,
            Subject::Znodes(top) => {
                convert::znode(kind).is_some_and(|path| path.is_within(top))
                    || convert::lock(kind).is_some_and(|lock| lock.znode().is_within(top))
                    || convert::election(kind).is_some_and(|name| name.znode().is_within(top))
            }
            Subject::Locks(name) => {
                convert::lock(kind).is_some_and(|lock| lies_within(lock.as_str(), name))
            }
            Subject::Lock(name) => convert::lock(kind) == Some(name),
            Subject::Election(name) => convert::election(kind) == Some(name),
            Subject::Service(name) => convert::service(kind) == Some(name),
            Subject::Session(session) => convert::session(kind) == Some(*session),
        }
    }
}

/// Whether a lock name is `top` or lies below it.
pub(super) fn lies_within(name: &str, top: &str) -> bool {
    name.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, Problem> {
        let pattern = match text.strip_suffix('*') {
            Some(beginning) => Pattern::Beginning(beginning.to_owned()),
            None => Pattern::Exact(text.to_owned()),
        };
        let names = http_types::v1::events::CHANGE_NAMES;
        if names.iter().any(|name| pattern.matches(name)) {
            Ok(pattern)
        } else {
            Err(Problem::bad_request(format!(
                "no event is called {text:?}; there are {}",
                names.join(", ")
            )))
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Exact(text) => text == name,
            Pattern::Beginning(text) => name.starts_with(text.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use raft_core::ids::Fence;
    use raft_core::znode::Stat;

    use super::*;

    fn created(path: &str) -> EventKind {
        let path = ZnodePath::parse(path).unwrap();
        EventKind::NodeCreated {
            path,
            value: None,
            content_type: None,
            stat: Stat::default(),
            acl: std::sync::Arc::default(),
        }
    }

    fn extended(lock: &str) -> EventKind {
        let claim = raft_core::ids::ClaimId::parse("c").unwrap();
        EventKind::ClaimExtended {
            lock: LockName::parse(lock).unwrap(),
            claim,
            fence: Fence(1),
        }
    }

    fn filter(prefix: Option<&str>, kinds: Option<&str>) -> Filter {
        Filter::new(Filter::subject_of(prefix).unwrap(), kinds).unwrap()
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        for prefix in ["/app", "/app/"] {
            let filter = filter(Some(prefix), None);
            assert!(filter.wants(&created("/app")));
            assert!(filter.wants(&created("/app/x")));
            assert!(!filter.wants(&created("/apple")));
            assert!(!filter.wants(&extended("app/x")));
        }
        assert!(filter(Some("/"), None).wants(&created("/x")));
    }

    #[test]
    fn a_prefix_without_slash_is_of_locks() {
        let filter = filter(Some("orders/"), None);
        assert!(filter.wants(&extended("orders/42")) && filter.wants(&extended("orders")));
        assert!(!filter.wants(&extended("orders2")) && !filter.wants(&created("/orders/42")));
    }

    #[test]
    fn a_lock_is_a_znode_too() {
        assert!(filter(Some("/locks/orders"), None).wants(&extended("orders/42")));
    }

    #[test]
    fn kinds_are_names_or_families() {
        let filter = filter(None, Some("node.*, lock.granted"));
        assert!(filter.wants(&created("/x")));
        assert!(!filter.wants(&extended("x")));
        assert!(filter.wants_family("lock") && !filter.wants_family("session"));
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_an_error() {
        for kinds in ["nodes.*", "lock", "node.*.x", "Node.created"] {
            assert!(
                Filter::new(Subject::Everything, Some(kinds)).is_err(),
                "{kinds}"
            );
        }
        let many = vec!["*"; EVENT_KINDS_MAX + 1].join(",");
        assert!(Filter::new(Subject::Everything, Some(&many)).is_err());
        assert!(Filter::subject_of(Some("/a//b")).is_err());
        assert!(Filter::subject_of(Some("//")).is_err());
        assert!(Filter::subject_of(Some("a b")).is_err());
    }
}
