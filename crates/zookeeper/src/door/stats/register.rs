//! Who is connected, and how many from each address.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;

use super::connection::ConnectionStats;

#[derive(Debug, Default)]
struct Content {
    by_address: BTreeMap<IpAddr, usize>,
    all: BTreeMap<u64, Arc<ConnectionStats>>,
    last: u64,
}

/// The open connections of a node. Touched when one comes or goes, and when somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Register {
    content: Mutex<Content>,
}

/// The place of a connection; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    register: &'a Register,
    number: u64,
    pub(crate) connection: Arc<ConnectionStats>,
}

impl Register {
    /// A place for a connection from `peer`, unless its address has `limit` already.
    pub(crate) fn enter(&self, peer: SocketAddr, limit: usize, now_ms: u64) -> Option<Place<'_>> {
        let mut content = self.content.lock();
        let count = content.by_address.entry(peer.ip()).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        content.last += 1;
        let number = content.last;
        let connection = Arc::new(ConnectionStats::new(peer, now_ms));
        content.all.insert(number, Arc::clone(&connection));
        Some(Place {
            register: self,
            number,
            connection,
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.content.lock().all.len()
    }

    /// At most `limit` of them, oldest first. The lock is held for as long as it takes to copy that
    /// many pointers.
    pub(crate) fn list(&self, limit: usize) -> Vec<Arc<ConnectionStats>> {
        let content = self.content.lock();
        content.all.values().take(limit).map(Arc::clone).collect()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut content = self.register.content.lock();
        content.all.remove(&self.number);
        let address = self.connection.peer().ip();
        if let Some(count) = content.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                content.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_address_and_given_back() {
        let register = Register::default();
        let here: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let there: SocketAddr = "127.0.0.2:1".parse().unwrap();
        let first = register.enter(here, 1, 0).unwrap();
        assert!(register.enter(here, 1, 0).is_none());
        let second = register.enter(there, 1, 0).unwrap();
        let peers = |limit| {
            let list = register.list(limit);
            list.iter().map(|c| c.peer()).collect::<Vec<_>>()
        };
        assert_eq!(peers(9), [here, there]);
        assert_eq!(peers(1), [here]);
        drop(first);
        assert_eq!((register.len(), peers(9)), (1, vec![there]));
        assert!(register.enter(here, 1, 0).is_some());
        drop(second);
        assert_eq!(register.len(), 0);
    }
}
