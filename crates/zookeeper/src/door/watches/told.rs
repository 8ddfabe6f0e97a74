//! How many were told what.

use crate::proto::event::EventType;

/// How many connections each event of one type was told to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fires {
    /// Events that anybody was told.
    pub(crate) count: u64,
    /// Connections they were told to.
    pub(crate) sum: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
}

/// Counted under the lock of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    created: Fires,
    deleted: Fires,
    changed: Fires,
    children: Fires,
    /// Sessions of the cluster that expired while this node looked on.
    pub(crate) sessions_expired: u64,
}

impl Told {
    /// An event of this type was told to so many.
    pub(super) fn fired(&mut self, kind: EventType, told: u64) {
        if told == 0 {
            return;
        }
        let fires = match kind {
            EventType::NodeCreated => &mut self.created,
            EventType::NodeDeleted => &mut self.deleted,
            EventType::NodeDataChanged => &mut self.changed,
            EventType::NodeChildrenChanged => &mut self.children,
        };
        fires.min = if fires.count == 0 {
            told
        } else {
            fires.min.min(told)
        };
        fires.max = fires.max.max(told);
        fires.count += 1;
        fires.sum += told;
    }

    /// Of one type.
    pub(crate) fn of(&self, kind: EventType) -> Fires {
        match kind {
            EventType::NodeCreated => self.created,
            EventType::NodeDeleted => self.deleted,
            EventType::NodeDataChanged => self.changed,
            EventType::NodeChildrenChanged => self.children,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_nobody_watches_is_not_counted() {
        let mut told = Told::default();
        for connections in [0, 3, 1, 0, 2] {
            told.fired(EventType::NodeDeleted, connections);
        }
        let expected = Fires {
            count: 3,
            sum: 6,
            min: 1,
            max: 3,
        };
        assert_eq!(told.of(EventType::NodeDeleted), expected);
        assert_eq!(told.of(EventType::NodeCreated), Fires::default());
    }
}
