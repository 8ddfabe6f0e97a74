//! What is in the tables, for administrators.

use std::ops::Bound;

use raft_core::ids::SessionId;

use super::{Connected, ConnectionId, Table, Tables, Told};

/// How many there are. A watch here is a connection that watches a path in one of the tables, in
/// whichever modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) connections: usize,
    pub(crate) paths: usize,
    pub(crate) watches: usize,
}

/// One watch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watch {
    connection: ConnectionId,
    table: Table,
    pub(crate) path: String,
    pub(crate) session: SessionId,
}

impl Tables {
    pub(in crate::door::watches) fn counts(&self) -> Counts {
        let watching = self.connections.values().filter(|c| !c.watching.is_empty());
        Counts {
            connections: watching.count(),
            paths: self.paths,
            watches: self.watches,
        }
    }

    pub(in crate::door::watches) fn told(&self) -> Told {
        self.told
    }

    /// Watches after one, by connection; at most `limit`.
    pub(in crate::door::watches) fn page(&self, after: Option<&Watch>, limit: usize) -> Vec<Watch> {
        let start = after.map_or(0, |watch| watch.connection);
        let of = |(id, connected): (&ConnectionId, &'_ Connected)| {
            let seen = after.filter(|watch| watch.connection == *id);
            let from = match seen {
                Some(watch) => Bound::Excluded((watch.table, watch.path.clone())),
                None => Bound::Unbounded,
            };
            let watching = connected
                .watching
                .range((from, Bound::Unbounded))
                .take(limit);
            let watch = |(table, path): &(Table, String)| Watch {
                connection: *id,
                table: *table,
                path: path.clone(),
                session: connected.outbox.session,
            };
            watching.map(watch).collect::<Vec<_>>()
        };
        let connections = self.connections.range(start..);
        connections.flat_map(of).take(limit).collect()
    }
}
