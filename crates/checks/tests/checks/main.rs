//! Probes and the whole loop over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod over_time;
mod probes;
mod server;

use std::time::Duration;

use checks::{Kind, Spec, Target};

/// Long enough never to be reached on a busy machine.
const LONG: Duration = Duration::from_secs(60);

fn target(address: &str, port: u16, kind: Kind) -> Target<()> {
    Target {
        key: (),
        address: address.to_owned(),
        port,
        spec: Spec {
            kind,
            interval: LONG,
            timeout: LONG,
            fail_after: 1,
            pass_after: 1,
        },
        known: None,
    }
}

fn get(path: &str) -> Kind {
    Kind::Http {
        path: path.to_owned(),
        host: None,
    }
}
