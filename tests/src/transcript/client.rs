//! One client of a script.

use std::collections::VecDeque;

use super::layout::{Unreadable, Walk};
use super::names::{Names, PASSWORD_BYTES};
use super::ops;
use super::record::Entry;
use super::settle;
use crate::zookeeper::Wire;

/// Number of a watch event.
const XID_NOTIFICATION: i32 = -1;

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) node: usize,
    /// `None`: its connection is closed.
    pub(super) wire: Option<Wire>,
    pub(super) session: i64,
    pub(super) password: [u8; PASSWORD_BYTES],
    pub(super) last_xid: i32,
    /// Numbers and operations that are not answered yet.
    pub(super) asked: VecDeque<(i32, i32)>,
    /// Frames that leave with the next.
    pub(super) held_back: Vec<Vec<u8>>,
    /// Greatest zxid it was shown.
    pub(super) seen: i64,
}

impl Client {
    /// On this node, not connected.
    pub(super) fn new(node: usize) -> Client {
        Client {
            node,
            wire: None,
            session: 0,
            password: [0; PASSWORD_BYTES],
            last_xid: 0,
            asked: VecDeque::new(),
            held_back: Vec::new(),
            seen: 0,
        }
    }

    /// Sends what has been held back, at one go.
    pub(super) fn send(&mut self) {
        let payloads = std::mem::take(&mut self.held_back);
        if let Some(wire) = &mut self.wire {
            // A server that has closed is told by what is received.
            let _ = wire.send_all(&payloads);
        }
    }

    /// The next frame, or how the connection ended.
    pub(super) fn frame(&mut self) -> Result<Vec<u8>, &'static str> {
        let Some(wire) = &mut self.wire else {
            return Err("is not connected");
        };
        wire.frame().map(|frame| frame.to_vec()).map_err(|error| {
            self.wire = None;
            settle::end(&error)
        })
    }

    pub(super) fn show(&mut self, name: &str, frame: &[u8], names: &mut Names, entry: &mut Entry) {
        if let Some(zxid) = frame.get(4..12).and_then(|field| field.try_into().ok()) {
            self.seen = self.seen.max(i64::from_be_bytes(zxid));
        }
        let mut walk = Walk::new(frame, names);
        match self.read(&mut walk).and_then(|()| walk.finish()) {
            Ok((bytes, words)) => entry.frame(name, '<', &words, &bytes),
            Err(Unreadable) => entry.frame(name, '<', "unreadable", frame),
        }
    }

    fn read(&mut self, walk: &mut Walk<'_>) -> Result<(), Unreadable> {
        let xid = walk.int()?;
        let zxid = walk.zxid()?;
        let err = walk.int()?;
        let at = self.asked.iter().position(|(asked, _)| *asked == xid);
        if xid == XID_NOTIFICATION && at.is_none() {
            let (kind, state) = (walk.int()?, walk.int()?);
            let kind = ops::event_name(kind);
            walk.say(&format!("event zxid={zxid} err={err} state={state} {kind}"));
            return walk.fields("s");
        }
        let Some((_, code)) = at.and_then(|at| self.asked.remove(at)) else {
            walk.say(&format!("xid={xid} that nobody has asked for"));
            return walk.rest();
        };
        walk.say(&format!("xid={xid} zxid={zxid} {}", ops::error_name(err)));
        match ops::by_code(code) {
            Some(op) if err == 0 => walk.fields(op.reply),
            _ => walk.rest(),
        }
    }
}
