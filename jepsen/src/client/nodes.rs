//! Which node a client speaks to. Most have a home, leave it when it fails and come back after a
//! while; two of each worker roam: another node for every request.

use std::time::{Duration, Instant};

use super::http::Http;
use super::random::Random;
use crate::plan::WorkerSpec;

/// Roaming clients of a worker, where it has at least twice as many.
const ROAMING: u64 = 2;

/// See the module.
#[derive(Debug)]
pub struct Nodes {
    nodes: Vec<(u64, Http)>,
    home: usize,
    current: usize,
    roams: bool,
    home_again: Instant,
}

impl Nodes {
    /// The nodes of client number `place` of a worker.
    #[must_use]
    pub fn new(spec: &WorkerSpec, place: u64) -> Nodes {
        let nodes: Vec<(u64, Http)> = spec
            .nodes
            .iter()
            .map(|endpoint| (endpoint.node, Http::new(&endpoint.api)))
            .collect();
        let number = spec.first_process.saturating_add(place);
        let home = usize::try_from(number).unwrap_or(0) % nodes.len().max(1);
        let roams = spec.clients >= 2 * ROAMING && place >= spec.clients.saturating_sub(ROAMING);
        Nodes {
            nodes,
            home,
            current: home,
            roams,
            home_again: Instant::now(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Chooses for the next request.
    pub fn choose(&mut self, random: &mut Random) -> usize {
        if self.roams {
            self.wander(random);
        } else if self.current != self.home && Instant::now() >= self.home_again {
            self.current = self.home;
        }
        self.current
    }

    /// Goes to any node, and makes it home.
    pub fn wander(&mut self, random: &mut Random) {
        let count = u64::try_from(self.nodes.len()).unwrap_or(1);
        self.current = usize::try_from(random.below(count)).unwrap_or(0);
        self.home = self.current;
    }

    /// Goes to this node, and makes it home.
    pub fn settle(&mut self, at: usize) {
        self.current = at % self.nodes.len().max(1);
        self.home = self.current;
    }

    /// The current one has failed: another for a while.
    pub fn leave(&mut self, random: &mut Random) {
        self.current = self.current.wrapping_add(1) % self.nodes.len().max(1);
        self.home_again = Instant::now() + Duration::from_millis(random.between(500, 3000));
    }

    /// The number of the node at a place.
    #[must_use]
    pub fn number(&self, at: usize) -> u64 {
        self.nodes.get(at).map_or(0, |(number, _)| *number)
    }

    /// The client of the node at a place.
    ///
    /// # Panics
    /// Never: places are taken modulo the number of nodes, and a spec without nodes is refused.
    pub fn http(&mut self, at: usize) -> &mut Http {
        let count = self.nodes.len().max(1);
        #[expect(clippy::indexing_slicing, reason = "a spec without nodes is refused")]
        let (_, http) = &mut self.nodes[at % count];
        http
    }
}
