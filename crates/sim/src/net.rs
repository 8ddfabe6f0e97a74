//! The network between machines, in virtual time.
//!
//! A connection is two pipes. Bytes are delivered in order after the latency of their link. A cut
//! link holds them back and tells nobody, as TCP does until it gives up; after healing they arrive.
//! A killed process ends its connections audibly; a machine without power says nothing, and whoever
//! speaks to its successor about an old connection is told that there is none.

mod stream;
mod wire;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures::future::BoxFuture;
use membership::peer::network::{BoxStream, PeerListener, PeerNetwork};
use raft_types::NodeId;

use crate::rng::Rng;
use crate::trace::Trace;

use self::stream::SimStream;
use self::wire::Wire;

/// Bytes one direction of a connection takes before its writer waits.
const WINDOW_BYTES: usize = 256 << 10;
/// Connections that may wait to be accepted.
const BACKLOG: usize = 64;

/// The network; clones are the same one.
#[derive(Clone)]
pub struct Net(Arc<Mutex<Wire>>);

impl Net {
    /// A network without machines, every link intact.
    pub fn new(rng: Rng, trace: Trace) -> Net {
        Net(Arc::new(Mutex::new(Wire::new(rng, trace))))
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the wire and then wakes whom that concerns; never while the wire is locked, since a
    /// task that ends may close connections.
    fn change<T>(&self, act: impl FnOnce(&mut Wire) -> T) -> T {
        let (result, wakers) = {
            let mut wire = self.wire();
            let result = act(&mut wire);
            (result, std::mem::take(&mut wire.wakers))
        };
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// Delivers everything due by `now_us`.
    pub fn advance(&self, now_us: u64) {
        self.change(|wire| wire.advance(now_us));
    }

    /// The network as a new process of `node` sees it; the machine has power from here on.
    pub fn boot(&self, node: NodeId, incarnation: u64) -> Endpoint {
        self.change(|wire| wire.boot(node, incarnation));
        Endpoint {
            net: self.clone(),
            node,
            incarnation,
        }
    }

    /// The process of `node` ends; its peers are told.
    pub fn kill(&self, node: NodeId) {
        self.change(|wire| wire.end_process(node, true));
    }

    /// The machine loses power; nobody is told.
    pub fn power_off(&self, node: NodeId) {
        self.change(|wire| wire.end_process(node, false));
    }

    /// Bytes from `from` no longer reach `to`.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        self.change(|wire| {
            wire.cuts.insert((from, to));
        });
    }

    /// They do again; what was held back arrives.
    pub fn heal(&self, from: NodeId, to: NodeId) {
        self.change(|wire| wire.heal(from, to));
    }

    /// Heals every link and makes every one fast.
    pub fn heal_all(&self) {
        self.change(Wire::heal_all);
    }

    /// Ends the connections between two machines, audibly.
    pub fn reset(&self, a: NodeId, b: NodeId) -> usize {
        self.change(|wire| wire.reset(a, b))
    }

    /// Bounds of the latency from one machine to another, microseconds, and how many of a hundred
    /// deliveries are lost and sent again.
    pub fn set_quality(&self, latency_us: (u64, u64), lost_percent: u64) {
        self.change(|wire| {
            wire.latency_us = latency_us;
            wire.lost_percent = lost_percent;
        });
    }

    /// Deliveries so far, and those that were held back by a cut.
    pub fn counts(&self) -> (u64, u64) {
        let wire = self.wire();
        (wire.delivered, wire.held_ever)
    }
}

/// One process's access to a [`Net`].
#[derive(Clone)]
pub struct Endpoint {
    net: Net,
    node: NodeId,
    incarnation: u64,
}

impl PeerNetwork for Endpoint {
    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<BoxStream>> {
        let dial = self
            .net
            .change(|wire| wire.dial(self.node, self.incarnation, address));
        Box::pin(async move {
            let dial = Dial(self.net.clone(), dial?);
            let ends = std::future::poll_fn(|context| {
                let mut wire = self.net.wire();
                match wire.dials.get_mut(&dial.1) {
                    None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                    Some(state) => match state.answer.take() {
                        Some(answer) => Poll::Ready(answer),
                        None => {
                            state.waker = Some(context.waker().clone());
                            Poll::Pending
                        }
                    },
                }
            });
            let ends = ends.await?;
            Ok(Box::new(SimStream::new(self.net.clone(), ends)) as BoxStream)
        })
    }

    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn PeerListener>>> {
        let opened = self
            .net
            .change(|wire| wire.listen(self.node, self.incarnation, address));
        Box::pin(async move {
            opened?;
            Ok(Box::new(Listener {
                net: self.net.clone(),
                address: address.to_owned(),
                incarnation: self.incarnation,
            }) as Box<dyn PeerListener>)
        })
    }
}

/// Forgets a dial when its caller gives up.
struct Dial(Net, u64);

impl Drop for Dial {
    fn drop(&mut self) {
        self.0.change(|wire| wire.dials.remove(&self.1));
    }
}

struct Listener {
    net: Net,
    address: String,
    incarnation: u64,
}

impl PeerListener for Listener {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, String)>> {
        Box::pin(std::future::poll_fn(|context| {
            let mut wire = self.net.wire();
            let Some(listener) = wire.listeners.get_mut(&self.address) else {
                return Poll::Pending;
            };
            if listener.incarnation != self.incarnation {
                return Poll::Pending;
            }
            match listener.backlog.pop_front() {
                Some((ends, from)) => {
                    let stream = Box::new(SimStream::new(self.net.clone(), ends)) as BoxStream;
                    Poll::Ready(Ok((stream, format!("machine {from}"))))
                }
                None => {
                    listener.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }))
    }

    fn local_address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.net
            .change(|wire| wire.close_listener(&self.address, self.incarnation));
    }
}
