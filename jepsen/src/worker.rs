//! A worker: a process of its own that is nothing but clients, so that it can be stopped and killed
//! like the program of a user.
//!
//! What it is told and what it says: [`WorkerSpec`]. After the end of its input it finishes the
//! operation of the moment, and the last reads if it was told `final`, and ends.

use std::fs::File;
use std::io::{self, BufRead, BufWriter};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::{Context as _, ensure};

use crate::client::Client;
use crate::client::journal::Sink;
use crate::client::shared::{Shared, Stage};
use crate::plan::WorkerSpec;
use crate::workload::{self, Workload};

/// Most clients of one worker: each is a thread.
const CLIENTS_MAX: u64 = 1_000;

/// Runs the worker whose orders are in this file, with standard input and output.
///
/// # Errors
/// The orders cannot be read or make no sense; a client died.
pub fn run(orders: &Path) -> anyhow::Result<()> {
    let file = File::open(orders).with_context(|| format!("read {}", orders.display()))?;
    let spec = serde_json::from_reader(io::BufReader::new(file))
        .with_context(|| format!("understand the orders in {}", orders.display()))?;
    let sink: Sink = Arc::new(Mutex::new(Box::new(BufWriter::new(io::stdout()))));
    work(spec, io::stdin().lock(), &sink)
}

/// Runs a worker; events go to `sink`.
///
/// # Errors
/// As [`run`].
pub fn work(spec: WorkerSpec, orders: impl BufRead, sink: &Sink) -> anyhow::Result<()> {
    ensure!(!spec.nodes.is_empty(), "the orders name no nodes");
    ensure!(
        (1..=CLIENTS_MAX).contains(&spec.clients),
        "{} clients: a worker has 1 to {CLIENTS_MAX}",
        spec.clients
    );
    let shared = Arc::new(Shared::new(spec));
    let mut threads = Vec::new();
    for place in 0..shared.spec.clients {
        let workload = workload::make(&shared, place)?;
        let client = Client::new(&shared, place, sink);
        let thread = std::thread::Builder::new().name(format!("client-{place}"));
        let spawned = thread.spawn(move || live(client, workload));
        threads.push(spawned.with_context(|| format!("start client {place}"))?);
    }
    for line in orders.lines() {
        match line.context("read orders from standard input")?.trim() {
            "stop" => shared.advance(Stage::Quiet),
            "final" => shared.advance(Stage::Last),
            _ => {}
        }
    }
    if shared.stage() != Stage::Last {
        shared.end();
    }
    join(threads)
}

fn join(threads: Vec<JoinHandle<()>>) -> anyhow::Result<()> {
    let mut died = 0;
    for thread in threads {
        died += u32::from(thread.join().is_err());
    }
    ensure!(
        died == 0,
        "{died} clients panicked: a defect of the harness"
    );
    Ok(())
}

/// The life of one client.
fn live(mut client: Client, mut workload: Box<dyn Workload>) {
    while client.turn() {
        workload.step(&mut client);
    }
    client.shared.wait_for(Stage::Last);
    if client.shared.stage() == Stage::Last {
        workload.last(&mut client);
    }
}
