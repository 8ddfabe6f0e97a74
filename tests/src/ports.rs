//! Ports nobody else uses.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the system takes ports for outgoing connections, so that a port
/// stays free while its node is down.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
/// Distance between the starting points of two processes that run tests.
const STRIDE: u32 = 61;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port on loopback that is free now and that no other test is likely to take.
///
/// # Panics
/// When none is free.
#[must_use]
pub fn free_port() -> u16 {
    let start = std::process::id().wrapping_mul(STRIDE) % u32::from(COUNT);
    let start = u16::try_from(start).unwrap_or_default();
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = FIRST + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} to {}", FIRST + COUNT);
}
