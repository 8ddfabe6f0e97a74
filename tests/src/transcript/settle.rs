//! Waiting until everything that a step brings about has arrived, at every node and every client.

use std::io;
use std::net::SocketAddr;

use crate::zookeeper::Wire;

const SYNC: i32 = 9;
const EXISTS: i32 = 3;
const PING: i32 = 11;
/// Number of every ping.
const XID_PING: i32 = -2;

/// A connection of the runner's own to one node.
#[derive(Debug)]
pub(super) struct Helper {
    wire: Wire,
}

impl Helper {
    pub(super) fn open(address: SocketAddr) -> Helper {
        let mut wire = Wire::open(address).expect("a connection of the runner");
        let mut request = Vec::new();
        request.extend_from_slice(&[0; 12]);
        request.extend_from_slice(&40_000_i32.to_be_bytes());
        request.extend_from_slice(&[0; 8]);
        request.extend_from_slice(&16_i32.to_be_bytes());
        request.extend_from_slice(&[0; 17]);
        wire.send(&request).expect("send");
        wire.frame().expect("a session of the runner");
        Helper { wire }
    }

    /// Waits until this node is as current as its cluster, and returns its zxid.
    pub(super) fn current(&mut self) -> i64 {
        let path = [0, 0, 0, 1, b'/'];
        self.ask(SYNC, &path);
        let reply = self.ask(EXISTS, &[&path[..], &[0]].concat());
        i64::from_be_bytes(reply[4..12].try_into().expect("a zxid"))
    }

    fn ask(&mut self, op: i32, body: &[u8]) -> Vec<u8> {
        let header = [1_i32.to_be_bytes(), op.to_be_bytes()].concat();
        self.wire.send(&[&header[..], body].concat()).expect("send");
        self.wire.frame().expect("an answer to the runner").to_vec()
    }
}

/// The frame of a ping.
pub(super) fn ping() -> Vec<u8> {
    [XID_PING.to_be_bytes(), PING.to_be_bytes()].concat()
}

/// Whether a frame answers a ping.
pub(super) fn is_pong(frame: &[u8]) -> bool {
    frame.starts_with(&XID_PING.to_be_bytes())
}

/// What is left to say of a connection that gives no more frames.
pub(super) fn end(error: &io::Error) -> &'static str {
    if crate::zookeeper::is_end(error) {
        "is disconnected"
    } else {
        "hears nothing"
    }
}
