//! A ZooKeeper client: one session over one connection at a time, taken up again at another node
//! with its watches. Written afresh from the protocol, sharing nothing with the server.

mod calls;
mod jute;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::clock;
use super::http::{Why, Wire, resolve};
use super::random::Random;
use crate::plan::Endpoint;
use jute::{Reader, Record};

pub use calls::{Kind, Op};

/// Longest frame accepted.
const FRAME_BYTES_MAX: usize = 8 << 20;
/// Most events kept until somebody asks for them.
const EVENTS_MAX: usize = 100_000;
/// The numbers of requests that are none: events and pings.
const XID_EVENT: i32 = -1;
const XID_PING: i32 = -2;
const XID_SET_WATCHES: i32 = -8;
const OP_PING: i32 = 11;
const OP_SET_WATCHES2: i32 = 105;

/// Numbers of a znode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Position that made it: the fence of a claim.
    pub czxid: i64,
    /// Position that changed it last.
    pub mzxid: i64,
    /// Version of its data.
    pub version: i32,
    /// Session it lives with; 0 for none.
    pub owner: i64,
}

/// A watch has fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// 1 created, 2 deleted, 3 changed, 4 children changed.
    pub event: i32,
    /// Of which znode.
    pub path: String,
    /// Position in the header of the event.
    pub zxid: i64,
    /// What the watches it ends were for; the event itself does not tell. Empty: there was none.
    pub kinds: Vec<Kind>,
    /// When it was read.
    pub time: u64,
}

/// An answer: its error code, position and what follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 0 when it was done.
    pub code: i32,
    /// Position in its header.
    pub zxid: i64,
    /// Text: a path, or data.
    pub text: Option<String>,
    /// Children.
    pub names: Vec<String>,
    /// Numbers of the znode.
    pub stat: Option<Stat>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Not one byte of it was sent: there was no connection to be had.
    NotSent(Why),
    /// It was sent, and no answer came.
    NoAnswer(Why),
    /// The answer.
    Answer(Answer),
}

/// See the module.
#[derive(Debug)]
pub struct ZooKeeper {
    nodes: Vec<Endpoint>,
    at: usize,
    wire: Option<Wire>,
    session: i64,
    password: Vec<u8>,
    /// Asked for.
    timeout_ms: i32,
    /// Granted.
    pub granted_ms: u64,
    /// When the session was asked for, until somebody took note of it.
    asked_for: Option<u64>,
    last_zxid: i64,
    xid: i32,
    /// When the connection last carried a request.
    spoke: Instant,
    events: VecDeque<Fired>,
    watches: BTreeSet<(Kind, String)>,
    /// Paths whose existence is watched and which existed: the server is asked again as for data, as
    /// ZooKeeper's own clients do, or it would call them created.
    existing: BTreeSet<String>,
}

impl ZooKeeper {
    /// A client without a session and without a connection.
    #[must_use]
    pub fn new(nodes: &[Endpoint], at: u64, timeout_ms: u64) -> ZooKeeper {
        ZooKeeper {
            at: usize::try_from(at).unwrap_or(0) % nodes.len().max(1),
            nodes: nodes.to_vec(),
            wire: None,
            session: 0,
            password: vec![0; 16],
            timeout_ms: i32::try_from(timeout_ms).unwrap_or(i32::MAX),
            granted_ms: 0,
            asked_for: None,
            last_zxid: 0,
            xid: 0,
            spoke: Instant::now(),
            events: VecDeque::new(),
            watches: BTreeSet::new(),
            existing: BTreeSet::new(),
        }
    }

    /// The number of the node it speaks to.
    #[must_use]
    pub fn node(&self) -> u64 {
        self.nodes.get(self.at).map_or(0, |endpoint| endpoint.node)
    }

    /// The name of its session; `None` when it has none.
    #[must_use]
    pub fn session(&self) -> Option<String> {
        (self.session != 0).then(|| format!("0x{:x}", self.session))
    }

    /// When a session was asked for that nobody took note of yet.
    pub fn take_note(&mut self) -> Option<u64> {
        self.asked_for.take()
    }

    /// Gives the session up: the next connection makes a new one.
    pub fn forget(&mut self) {
        self.session = 0;
        self.password = vec![0; 16];
        self.wire = None;
        self.watches.clear();
        self.existing.clear();
    }

    /// Cuts the connection; the next request goes to any node.
    pub fn hop(&mut self, random: &mut Random) {
        self.wire = None;
        let count = u64::try_from(self.nodes.len()).unwrap_or(1);
        self.at = usize::try_from(random.below(count)).unwrap_or(0);
    }

    fn lose(&mut self) {
        self.wire = None;
        self.at = self.at.wrapping_add(1) % self.nodes.len().max(1);
    }

    /// Makes sure that there is a connection, and a session.
    ///
    /// # Errors
    /// Why there is none.
    pub fn connect(&mut self, deadline: Instant) -> Result<(), Why> {
        if self.wire.is_some() {
            return Ok(());
        }
        let connected = self.handshake(deadline);
        if connected.is_err() {
            self.lose();
        }
        connected
    }

    fn handshake(&mut self, deadline: Instant) -> Result<(), Why> {
        let endpoint = self.nodes.get(self.at).ok_or(Why::Unreachable)?;
        let address = resolve(&endpoint.zookeeper).ok_or(Why::Unreachable)?;
        let began = clock::now();
        let mut wire = Wire::connect(address, deadline)?;
        let request = Record::default()
            .int(0)
            .long(self.last_zxid)
            .int(self.timeout_ms)
            .long(self.session)
            .bytes(&self.password)
            .bool(false);
        send(&mut wire, &request, deadline).map_err(|(why, _)| why)?;
        let reply = frame(&mut wire, deadline)?;
        let mut reader = Reader(&reply);
        let read = (|| {
            reader.int()?;
            Some((reader.int()?, reader.long()?, reader.bytes()?.to_vec()))
        })();
        let (timeout, session, password) = read.ok_or(Why::Malformed)?;
        if timeout <= 0 {
            // The session has expired: this is how a server says so.
            self.forget();
            return Err(Why::Reset);
        }
        self.granted_ms = u64::try_from(timeout).unwrap_or(0);
        if session != self.session {
            self.asked_for = Some(began);
        }
        (self.session, self.password) = (session, password);
        self.wire = Some(wire);
        self.restore_watches(deadline)
    }

    fn restore_watches(&mut self, deadline: Instant) -> Result<(), Why> {
        if self.watches.is_empty() {
            return Ok(());
        }
        let of = |kind| -> BTreeSet<String> {
            let as_asked = |(watched, path): &&(Kind, String)| {
                let existed = *watched == Kind::Exists && self.existing.contains(path);
                kind == if existed { Kind::Data } else { *watched }
            };
            let watches = self.watches.iter().filter(as_asked);
            watches.map(|(_, path)| path.clone()).collect()
        };
        let record = Record::default()
            .int(XID_SET_WATCHES)
            .int(OP_SET_WATCHES2)
            .long(self.last_zxid)
            .texts(of(Kind::Data).iter())
            .texts(of(Kind::Exists).iter())
            .texts(of(Kind::Child).iter())
            .int(0)
            .int(0);
        let wire = self.wire.as_mut().ok_or(Why::Reset)?;
        send(wire, &record, deadline).map_err(|(why, _)| why)?;
        // Events that were missed come before the answer.
        self.answer(XID_SET_WATCHES, None, deadline).map(|_| ())
    }

    /// Asks, and waits for the answer until `deadline` at most. Events that come before it are kept.
    pub fn ask(&mut self, op: &Op, deadline: Instant) -> Reply {
        // What was closed meanwhile is noticed before anything is sent.
        if self.wire.as_ref().is_some_and(Wire::is_closed) {
            self.lose();
        }
        if let Err(why) = self.connect(deadline) {
            return Reply::NotSent(why);
        }
        self.xid = self.xid.checked_add(1).unwrap_or(1);
        let record = op.record(self.xid);
        let Some(wire) = self.wire.as_mut() else {
            return Reply::NotSent(Why::Reset);
        };
        self.spoke = Instant::now();
        if let Err((why, began)) = send(wire, &record, deadline) {
            self.lose();
            return if began {
                Reply::NoAnswer(why)
            } else {
                Reply::NotSent(why)
            };
        }
        match self.answer(self.xid, Some(op), deadline) {
            Ok(answer) => {
                if let Some(watch) = op.watch().filter(|_| op.leaves_watch(answer.code)) {
                    if watch.0 == Kind::Exists && answer.code == 0 {
                        self.existing.insert(watch.1.clone());
                    }
                    self.watches.insert(watch);
                }
                Reply::Answer(answer)
            }
            Err(why) => {
                self.lose();
                Reply::NoAnswer(why)
            }
        }
    }

    /// Reads until the answer to that request.
    fn answer(&mut self, xid: i32, op: Option<&Op>, deadline: Instant) -> Result<Answer, Why> {
        loop {
            let wire = self.wire.as_mut().ok_or(Why::Reset)?;
            let bytes = frame(wire, deadline)?;
            let mut reader = Reader(&bytes);
            let header = (|| Some((reader.int()?, reader.long()?, reader.int()?)))();
            let (of, zxid, code) = header.ok_or(Why::Malformed)?;
            self.last_zxid = self.last_zxid.max(zxid);
            if of == XID_EVENT {
                self.hear(&mut reader, zxid).ok_or(Why::Malformed)?;
            } else if of == xid {
                let answer = Answer {
                    code,
                    zxid,
                    ..Answer::default()
                };
                let Some(op) = op.filter(|_| code == 0) else {
                    return Ok(answer);
                };
                return op.read(&mut reader, answer).ok_or(Why::Malformed);
            } else if of != XID_PING {
                return Err(Why::Malformed);
            }
        }
    }

    fn hear(&mut self, reader: &mut Reader<'_>, zxid: i64) -> Option<()> {
        let (event, _state, path) = (reader.int()?, reader.int()?, reader.text()?);
        // A watch fires once; what it was for follows from what happened.
        let kinds: &[Kind] = match event {
            4 => &[Kind::Child],
            2 => &[Kind::Data, Kind::Exists, Kind::Child],
            _ => &[Kind::Data, Kind::Exists],
        };
        let kinds = kinds.iter().copied();
        let kinds = kinds.filter(|kind| self.watches.remove(&(*kind, path.clone())));
        let kinds: Vec<Kind> = kinds.collect();
        if kinds.contains(&Kind::Exists) {
            self.existing.remove(&path);
        }
        if self.events.len() < EVENTS_MAX {
            let time = clock::now();
            self.events.push_back(Fired {
                event,
                path,
                zxid,
                kinds,
                time,
            });
        }
        Some(())
    }

    /// The next event that has been read already.
    pub fn next_heard(&mut self) -> Option<Fired> {
        self.events.pop_front()
    }

    /// The next event that has come, waiting until `deadline` at most; pings meanwhile. `None` when
    /// none came, or the connection was lost.
    pub fn next_event(&mut self, deadline: Instant) -> Option<Fired> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let interval = Duration::from_millis(self.granted_ms / 3);
            let now = Instant::now();
            if now >= deadline {
                return None;
            }
            let wire = self.wire.as_mut()?;
            if self.spoke + interval <= now {
                let ping = Record::default().int(XID_PING).int(OP_PING);
                self.spoke = now;
                if send(wire, &ping, deadline).is_err() {
                    self.lose();
                    return None;
                }
            }
            let until = deadline.min(self.spoke + interval);
            // Only an event can be among what comes now: nothing was asked.
            match self.answer(XID_PING, None, until) {
                Ok(_) | Err(Why::Timeout) => {}
                Err(_) => {
                    self.lose();
                    return None;
                }
            }
        }
    }

    /// Whether this watch stands.
    #[must_use]
    pub fn has_watch(&self, kind: Kind, path: &str) -> bool {
        self.watches.contains(&(kind, path.to_owned()))
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.wire.is_some()
    }
}

fn send(wire: &mut Wire, record: &Record, deadline: Instant) -> Result<(), (Why, bool)> {
    let framed = Record::default().bytes(&record.0);
    wire.send(&framed.0, deadline)
}

/// The next frame. Nothing is taken when it does not come in time.
fn frame(wire: &mut Wire, deadline: Instant) -> Result<Vec<u8>, Why> {
    let length = wire.peek(4, deadline)?;
    let length = <[u8; 4]>::try_from(length).map_or(0, u32::from_be_bytes);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(Why::Malformed);
    }
    let whole = wire.exact(length.saturating_add(4), deadline)?;
    Ok(whole.get(4..).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests;
