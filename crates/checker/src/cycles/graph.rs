//! A graph of transactions, and the circles in it.

use std::collections::{BTreeMap, VecDeque};

use super::txn::{Element, Key};

/// Why one comes before the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ww(Key, Element, Element),
    Wr(Key, Element),
    /// Read the list before this element.
    Rw(Key, Element),
    Process,
    Realtime,
}

impl Kind {
    /// One bit for each kind.
    pub(super) fn bit(self) -> u8 {
        match self {
            Kind::Ww(..) => WW,
            Kind::Wr(..) => WR,
            Kind::Rw(..) => RW,
            Kind::Process => PROCESS,
            Kind::Realtime => REALTIME,
        }
    }
}

pub(super) const WW: u8 = 1;
pub(super) const WR: u8 = 2;
pub(super) const RW: u8 = 4;
pub(super) const PROCESS: u8 = 8;
pub(super) const REALTIME: u8 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
}

#[derive(Default)]
pub(super) struct Graph {
    out: Vec<Vec<Edge>>,
    edges: usize,
}

impl Graph {
    pub(super) fn new(nodes: usize) -> Graph {
        Graph {
            out: vec![Vec::new(); nodes],
            edges: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.edges
    }

    pub(super) fn add(&mut self, from: usize, to: usize, kind: Kind) {
        if from == to {
            return;
        }
        if let Some(out) = self.out.get_mut(from) {
            out.push(Edge { from, to, kind });
            self.edges += 1;
        }
    }

    pub(super) fn out(&self, node: usize) -> &[Edge] {
        self.out.get(node).map_or(&[], Vec::as_slice)
    }

    /// Sets of more than one node in which each can be reached from each other (Tarjan, without
    /// recursion: histories are long).
    pub(super) fn components(&self) -> Vec<Vec<usize>> {
        let mut tarjan = Tarjan {
            graph: self,
            number: vec![0; self.out.len()],
            low: vec![0; self.out.len()],
            on_stack: vec![false; self.out.len()],
            stack: Vec::new(),
            next: 0,
            found: Vec::new(),
        };
        for root in 0..self.out.len() {
            tarjan.visit(root);
        }
        tarjan.found
    }

    /// The shortest way between two nodes of a component over edges of some kinds.
    pub(super) fn way(
        &self,
        from: usize,
        to: usize,
        kinds: u8,
        inside: &[usize],
    ) -> Option<Vec<Edge>> {
        let mut came: BTreeMap<usize, Edge> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if node == to {
                return Some(walk_back(&came, from, to));
            }
            for edge in self.out(node) {
                let fits = edge.kind.bit() & kinds != 0 && inside.binary_search(&edge.to).is_ok();
                if fits && edge.to != from && !came.contains_key(&edge.to) {
                    came.insert(edge.to, *edge);
                    queue.push_back(edge.to);
                }
            }
        }
        None
    }
}

fn walk_back(came: &BTreeMap<usize, Edge>, from: usize, to: usize) -> Vec<Edge> {
    let mut way = Vec::new();
    let mut node = to;
    while let Some(edge) = came.get(&node).filter(|_| node != from) {
        way.push(*edge);
        node = edge.from;
    }
    way.reverse();
    way
}

struct Tarjan<'a> {
    graph: &'a Graph,
    /// Order of discovery, from 1; 0: not yet.
    number: Vec<usize>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    found: Vec<Vec<usize>>,
}

impl Tarjan<'_> {
    fn visit(&mut self, root: usize) {
        if get(&self.number, root) != 0 {
            return;
        }
        let mut path = vec![(root, 0)];
        self.discover(root);
        while let Some((node, at)) = path.last_mut() {
            let node = *node;
            let Some(edge) = self.graph.out(node).get(*at) else {
                path.pop();
                self.finish(node, path.last().map(|(parent, _)| *parent));
                continue;
            };
            *at += 1;
            if get(&self.number, edge.to) == 0 {
                self.discover(edge.to);
                path.push((edge.to, 0));
            } else if self.on_stack.get(edge.to) == Some(&true) {
                let seen = get(&self.number, edge.to);
                self.lower(node, seen);
            }
        }
    }

    fn discover(&mut self, node: usize) {
        self.next += 1;
        let next = self.next;
        for numbers in [&mut self.number, &mut self.low] {
            if let Some(number) = numbers.get_mut(node) {
                *number = next;
            }
        }
        self.mark(node, true);
        self.stack.push(node);
    }

    fn finish(&mut self, node: usize, parent: Option<usize>) {
        let low = get(&self.low, node);
        if let Some(parent) = parent {
            self.lower(parent, low);
        }
        if low != get(&self.number, node) {
            return;
        }
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.mark(member, false);
            component.push(member);
            if member == node {
                break;
            }
        }
        if component.len() > 1 {
            component.sort_unstable();
            self.found.push(component);
        }
    }

    fn lower(&mut self, node: usize, to: usize) {
        if let Some(low) = self.low.get_mut(node) {
            *low = (*low).min(to);
        }
    }

    fn mark(&mut self, node: usize, on: bool) {
        if let Some(mark) = self.on_stack.get_mut(node) {
            *mark = on;
        }
    }
}

fn get(numbers: &[usize], at: usize) -> usize {
    numbers.get(at).copied().unwrap_or(0)
}
