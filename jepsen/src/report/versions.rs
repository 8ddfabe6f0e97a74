//! What exactly ran: of the tree, of the binary, of the machine.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest wait for a program that says what it is.
const PROBE_TIME_MAX: Duration = Duration::from_secs(10);

/// Most that is read of what it says.
const PROBE_BYTES_MAX: u64 = 64 << 10;

/// What ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// Commit of the tree, with `-dirty` where files differ from it; absent outside of a checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<String>,
    /// What `holdfast version` says of itself.
    #[serde(default)]
    pub holdfast: Value,
    /// SHA-256 of the binary of the nodes.
    pub binary_sha256: String,
    /// Planted bug, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
    /// Kernel and architecture.
    pub kernel: String,
    /// Version of this program.
    pub harness: String,
}

impl Versions {
    /// Asks the tree in the working directory, the binary and the kernel.
    ///
    /// # Errors
    /// The binary cannot be read: then there is nothing to run either.
    pub fn probe(binary: &Path, mutant: Option<String>) -> Result<Versions> {
        let asked = said(Command::new(binary).args(["version", "--output", "json"]));
        Ok(Versions {
            git: git(),
            holdfast: asked
                .and_then(|text| serde_json::from_str::<Value>(&text).ok())
                .and_then(|version| version.get("client").cloned())
                .unwrap_or_default(),
            binary_sha256: sha256(binary)?,
            mutant,
            kernel: kernel(),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

fn kernel() -> String {
    let name = rustix::system::uname();
    let parts = [name.sysname(), name.release(), name.machine()];
    parts.map(|part| part.to_string_lossy()).join(" ")
}

fn git() -> Option<String> {
    let sha = said(Command::new("git").args(["rev-parse", "HEAD"]))?;
    let changes = said(Command::new("git").args(["status", "--porcelain"]));
    let dirty = changes.is_none_or(|text| !text.trim().is_empty());
    Some(format!(
        "{}{}",
        sha.trim(),
        if dirty { "-dirty" } else { "" }
    ))
}

/// SHA-256 of a file in hex.
fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).with_context(|| format!("read {}", path.display()))?;
    let hex = |byte: &u8| format!("{byte:02x}");
    Ok(hash.finalize().iter().map(hex).collect())
}

/// What a program prints when it ends well and in time.
fn said(command: &mut Command) -> Option<String> {
    let command = command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let out = child.stdout.take()?;
    // Read beside the wait: a full pipe would hold it up.
    let reader = thread::spawn(move || {
        let mut text = String::new();
        out.take(PROBE_BYTES_MAX)
            .read_to_string(&mut text)
            .map(|_| text)
    });
    let begun = Instant::now();
    let ended = loop {
        match child.try_wait() {
            Ok(None) if begun.elapsed() < PROBE_TIME_MAX => thread::sleep(Duration::from_millis(5)),
            Ok(Some(status)) => break status.success(),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        }
    };
    let text = reader.join().ok()?.ok()?;
    ended.then_some(text)
}
