//! Ports of a node.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// HTTP API, where each node has an address of its own.
pub const API: u16 = 7400;
/// Between nodes.
pub const PEER: u16 = 7500;
/// ZooKeeper clients.
pub const ZOOKEEPER: u16 = 2181;

/// Below the range from which the system takes ports for outgoing connections, so that a port stays
/// free while its node is down; and below those that the tests of the product take.
const FIRST: u16 = 12_000;
const COUNT: u16 = 8_000;
/// Distance between the starting points of two harnesses.
const STRIDE: u32 = 61;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on loopback that is free now and that no other harness is likely to take.
pub(crate) fn free_port() -> Result<u16> {
    let start = std::process::id().wrapping_mul(STRIDE) % u32::from(COUNT);
    let start = u16::try_from(start).unwrap_or_default();
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on loopback from {FIRST} on")
}
