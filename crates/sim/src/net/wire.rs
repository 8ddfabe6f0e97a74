//! The state of the network: pipes, what is under way on them, and what prevents its arrival.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::task::Waker;

use raft_types::NodeId;

use super::BACKLOG;
use crate::rng::Rng;
use crate::trace;
use crate::trace::Trace;

/// How long TCP waits before it sends a lost segment again, microseconds.
const RESEND_US: u64 = 200_000;

/// The pipe an end reads from and the one it writes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) reads: u64,
    pub(super) writes: u64,
}

/// What travels.
pub(super) enum Event {
    Bytes(Vec<u8>),
    End,
    Reset,
    /// A connection is asked for: number of the dial.
    Syn(u64),
    /// Its answer.
    SynAck(u64, io::Result<Ends>),
}

/// One direction of a connection.
pub(super) struct Pipe {
    from: NodeId,
    to: NodeId,
    /// The pipe of the other direction.
    twin: u64,
    /// Nothing may overtake what is due then.
    last_due: u64,
    pub(super) ready: VecDeque<u8>,
    /// Bytes written and not read yet.
    pub(super) unread: usize,
    pub(super) ended: bool,
    pub(super) reset: bool,
    /// The writer has closed.
    pub(super) closed: bool,
    /// The reader is gone.
    abandoned: bool,
    /// The reader's machine lost power: what arrives vanishes.
    dark: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

pub(super) struct DialState {
    from: NodeId,
    address: String,
    pub(super) answer: Option<io::Result<Ends>>,
    pub(super) waker: Option<Waker>,
}

pub(super) struct ListenerState {
    node: NodeId,
    pub(super) incarnation: u64,
    pub(super) backlog: VecDeque<(Ends, NodeId)>,
    pub(super) waker: Option<Waker>,
}

/// A packet between two machines.
struct Packet {
    from: NodeId,
    to: NodeId,
    pipe: u64,
    event: Event,
}

pub(super) struct Wire {
    now_us: u64,
    next: u64,
    rng: Rng,
    trace: Trace,
    pub(super) latency_us: (u64, u64),
    pub(super) lost_percent: u64,
    pub(super) cuts: BTreeSet<(NodeId, NodeId)>,
    /// By when they are due, then in the order they were sent.
    under_way: BTreeMap<(u64, u64), Packet>,
    /// Due, and held back by a cut.
    held: BTreeMap<(NodeId, NodeId), Vec<Packet>>,
    pub(super) pipes: BTreeMap<u64, Pipe>,
    pub(super) dials: BTreeMap<u64, DialState>,
    pub(super) listeners: BTreeMap<String, ListenerState>,
    /// Owner of an address.
    owners: BTreeMap<String, NodeId>,
    /// The running process of each machine; `None`: no power.
    machines: BTreeMap<NodeId, Option<u64>>,
    pub(super) delivered: u64,
    pub(super) held_ever: u64,
    pub(super) wakers: Vec<Waker>,
}

impl Wire {
    pub(super) fn new(rng: Rng, trace: Trace) -> Wire {
        Wire {
            now_us: 0,
            next: 1,
            rng,
            trace,
            latency_us: (100, 1000),
            lost_percent: 0,
            cuts: BTreeSet::new(),
            under_way: BTreeMap::new(),
            held: BTreeMap::new(),
            pipes: BTreeMap::new(),
            dials: BTreeMap::new(),
            listeners: BTreeMap::new(),
            owners: BTreeMap::new(),
            machines: BTreeMap::new(),
            delivered: 0,
            held_ever: 0,
            wakers: Vec::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn boot(&mut self, node: NodeId, incarnation: u64) {
        self.machines.insert(node, Some(incarnation));
        // A machine that came back answers for connections it knows nothing of.
        for pipe in self.pipes.values_mut().filter(|pipe| pipe.to == node) {
            pipe.dark = false;
        }
    }

    pub(super) fn end_process(&mut self, node: NodeId, audible: bool) {
        if !audible {
            self.machines.insert(node, None);
        }
        self.listeners.retain(|_, listener| listener.node != node);
        self.dials.retain(|_, dial| dial.from != node);
        let own: Vec<_> = self.pipes_of(|pipe| pipe.from == node && !pipe.closed);
        for id in own {
            if let Some(pipe) = self.pipes.get_mut(&id) {
                pipe.closed = true;
            }
            if audible {
                self.send(id, Event::Reset);
            }
        }
        for pipe in self.pipes.values_mut().filter(|pipe| pipe.to == node) {
            pipe.abandoned = true;
            pipe.dark = !audible;
        }
    }

    fn pipes_of(&self, which: impl Fn(&Pipe) -> bool) -> Vec<u64> {
        let found = self.pipes.iter().filter(|(_, pipe)| which(pipe));
        found.map(|(id, _)| *id).collect()
    }

    pub(super) fn listen(
        &mut self,
        node: NodeId,
        incarnation: u64,
        address: &str,
    ) -> io::Result<()> {
        if self.machines.get(&node) != Some(&Some(incarnation)) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let listener = ListenerState {
            node,
            incarnation,
            backlog: VecDeque::new(),
            waker: None,
        };
        self.listeners.insert(address.to_owned(), listener);
        self.owners.insert(address.to_owned(), node);
        Ok(())
    }

    pub(super) fn close_listener(&mut self, address: &str, incarnation: u64) {
        if self
            .listeners
            .get(address)
            .is_some_and(|l| l.incarnation == incarnation)
        {
            self.listeners.remove(address);
        }
    }

    pub(super) fn dial(
        &mut self,
        from: NodeId,
        incarnation: u64,
        address: &str,
    ) -> io::Result<u64> {
        if self.machines.get(&from) != Some(&Some(incarnation)) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let Some(to) = self.owners.get(address).copied() else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let dial = self.number();
        let state = DialState {
            from,
            address: address.to_owned(),
            answer: None,
            waker: None,
        };
        self.dials.insert(dial, state);
        self.post(
            Packet {
                from,
                to,
                pipe: 0,
                event: Event::Syn(dial),
            },
            0,
        );
        Ok(dial)
    }

    /// Sends on a pipe.
    pub(super) fn send(&mut self, id: u64, event: Event) {
        let Some(pipe) = self.pipes.get(&id) else {
            return;
        };
        let (from, to, after) = (pipe.from, pipe.to, pipe.last_due);
        let due = self.post(
            Packet {
                from,
                to,
                pipe: id,
                event,
            },
            after,
        );
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.last_due = due;
        }
    }

    fn post(&mut self, packet: Packet, not_before: u64) -> u64 {
        let (low, high) = self.latency_us;
        let mut delay = self.rng.range(low, high);
        while self.rng.percent(self.lost_percent) {
            delay += RESEND_US;
        }
        let due = (self.now_us + delay).max(not_before);
        let number = self.number();
        self.under_way.insert((due, number), packet);
        due
    }

    /// The writer closes.
    pub(super) fn close(&mut self, id: u64) {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return;
        };
        if !pipe.closed {
            pipe.closed = true;
            self.send(id, Event::End);
        }
    }

    /// The reader is gone.
    pub(super) fn abandon(&mut self, id: u64) {
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.abandoned = true;
            pipe.ready.clear();
        }
        self.forget(id);
    }

    /// A pipe nobody writes to or reads from is no more.
    fn forget(&mut self, id: u64) {
        let over = |pipe: &Pipe| pipe.closed && pipe.abandoned && pipe.ended | pipe.reset;
        if self.pipes.get(&id).is_some_and(over) {
            self.pipes.remove(&id);
        }
    }

    pub(super) fn reset(&mut self, a: NodeId, b: NodeId) -> usize {
        let between =
            self.pipes_of(|pipe| (pipe.from, pipe.to) == (a, b) || (pipe.from, pipe.to) == (b, a));
        let count = between.len();
        for id in between {
            self.break_pipe(id);
        }
        count
    }

    fn break_pipe(&mut self, id: u64) {
        if let Some(pipe) = self.pipes.get_mut(&id) {
            pipe.reset = true;
            self.wakers.extend(pipe.reader.take());
            self.wakers.extend(pipe.writer.take());
        }
        self.forget(id);
    }

    pub(super) fn heal(&mut self, from: NodeId, to: NodeId) {
        self.cuts.remove(&(from, to));
        for packet in self.held.remove(&(from, to)).unwrap_or_default() {
            let id = packet.pipe;
            let after = self.pipes.get(&id).map_or(0, |pipe| pipe.last_due);
            let due = self.post(packet, after);
            if let Some(pipe) = self.pipes.get_mut(&id) {
                pipe.last_due = due;
            }
        }
    }

    pub(super) fn heal_all(&mut self) {
        self.latency_us = (100, 1000);
        self.lost_percent = 0;
        for (from, to) in std::mem::take(&mut self.cuts) {
            self.heal(from, to);
        }
    }

    pub(super) fn advance(&mut self, now_us: u64) {
        while let Some(first) = self.under_way.first_entry() {
            let due = first.key().0;
            if due > now_us {
                break;
            }
            let packet = first.remove();
            self.now_us = due;
            let link = (packet.from, packet.to);
            if self.cuts.contains(&link) {
                self.held_ever += 1;
                self.held.entry(link).or_default().push(packet);
            } else {
                self.deliver(packet);
            }
        }
        self.now_us = now_us;
    }

    fn deliver(&mut self, packet: Packet) {
        self.delivered += 1;
        let Packet {
            from,
            to,
            pipe: id,
            event,
        } = packet;
        let (what, size) = match &event {
            Event::Bytes(bytes) => ("data", bytes.len()),
            Event::End => ("end", 0),
            Event::Reset => ("reset", 0),
            Event::Syn(_) => ("syn", 0),
            Event::SynAck(_, answer) => (if answer.is_ok() { "open" } else { "refused" }, 0),
        };
        let sum = match &event {
            Event::Bytes(bytes) => crc32fast::hash(bytes),
            Event::End | Event::Reset | Event::Syn(_) | Event::SynAck(..) => 0,
        };
        trace!(
            self.trace,
            "net {from}>{to} pipe {id} {what} {size} {sum:08x}"
        );
        match event {
            Event::Syn(dial) => self.answer_dial(dial, to),
            Event::SynAck(dial, answer) => self.dialled(dial, answer),
            Event::Bytes(bytes) => self.arrived(id, &bytes),
            Event::End => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.ended = true;
                    self.wakers.extend(pipe.reader.take());
                }
                self.forget(id);
            }
            Event::Reset => {
                let twin = self.pipes.get(&id).map(|pipe| pipe.twin);
                self.break_pipe(id);
                // The same message says that nothing sent the other way will be read.
                if let Some(twin) = twin {
                    self.break_pipe(twin);
                }
            }
        }
    }

    fn arrived(&mut self, id: u64, bytes: &[u8]) {
        let Some(pipe) = self.pipes.get_mut(&id) else {
            return;
        };
        if pipe.dark || pipe.reset {
            return;
        }
        if pipe.abandoned {
            // "There is no such connection", says the machine.
            let twin = pipe.twin;
            self.send(twin, Event::Reset);
            return;
        }
        pipe.ready.extend(bytes);
        self.wakers.extend(pipe.reader.take());
    }

    fn answer_dial(&mut self, dial: u64, at: NodeId) {
        let Some((from, address)) = self.dials.get(&dial).map(|d| (d.from, d.address.clone()))
        else {
            return;
        };
        let powered = matches!(self.machines.get(&at), Some(Some(_)));
        if !powered {
            return;
        }
        let full = |l: &ListenerState| l.backlog.len() >= BACKLOG;
        let answer = match self.listeners.get(&address) {
            Some(listener) if !full(listener) => {
                let (theirs, ours) = self.connect(from, at);
                if let Some(listener) = self.listeners.get_mut(&address) {
                    listener.backlog.push_back((ours, from));
                    self.wakers.extend(listener.waker.take());
                }
                Ok(theirs)
            }
            Some(_) | None => Err(io::ErrorKind::ConnectionRefused.into()),
        };
        let event = Event::SynAck(dial, answer);
        self.post(
            Packet {
                from: at,
                to: from,
                pipe: 0,
                event,
            },
            0,
        );
    }

    fn dialled(&mut self, dial: u64, answer: io::Result<Ends>) {
        match self.dials.get_mut(&dial) {
            Some(state) => {
                state.answer = Some(answer);
                self.wakers.extend(state.waker.take());
            }
            None => {
                // Given up meanwhile.
                if let Ok(ends) = answer {
                    self.close(ends.writes);
                    self.abandon(ends.reads);
                }
            }
        }
    }

    /// Two pipes; the ends of the first and of the second machine.
    fn connect(&mut self, a: NodeId, b: NodeId) -> (Ends, Ends) {
        let (forth, back) = (self.number(), self.number());
        for (id, from, to, twin) in [(forth, a, b, back), (back, b, a, forth)] {
            let pipe = Pipe {
                from,
                to,
                twin,
                last_due: 0,
                ready: VecDeque::new(),
                unread: 0,
                ended: false,
                reset: false,
                closed: false,
                abandoned: false,
                dark: false,
                reader: None,
                writer: None,
            };
            self.pipes.insert(id, pipe);
        }
        let first = Ends {
            reads: back,
            writes: forth,
        };
        let second = Ends {
            reads: forth,
            writes: back,
        };
        (first, second)
    }
}
