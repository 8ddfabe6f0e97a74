//! Commands to a disk, one per connection, a line each way.
//!
//! `lose`, `lose torn SEED`, `full on|off`, `eio on|off`, `lie on|off`, `slow MS`, `stat` and
//! `keep` (writes the content below the backing directory). The answer is the counters as JSON, or
//! `error: ` and why.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Shared;
use super::disk::{Disk, Inode, ROOT};
use crate::nemesis::lot::Lot;

/// Longest command.
const LINE_MAX: u64 = 4096;
/// For an answer: `keep` writes everything.
const ANSWER: Duration = Duration::from_secs(30);

/// Where a disk takes commands.
#[derive(Clone, Debug)]
pub struct Control(pub PathBuf);

impl Control {
    /// Gives a command, and answers what the disk says.
    ///
    /// # Errors
    /// When the disk is not there, or refuses.
    pub fn ask(&self, command: &str) -> Result<String> {
        let mut stream = UnixStream::connect(&self.0).context("reach the losing disk")?;
        stream
            .set_read_timeout(Some(ANSWER))
            .context("set a time limit")?;
        writeln!(stream, "{command}").context("give a command to the losing disk")?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .context("read the disk's answer")?;
        if let Some(why) = answer.strip_prefix("error: ") {
            bail!("the losing disk refused '{command}': {}", why.trim());
        }
        Ok(answer.trim().to_owned())
    }
}

/// Serves commands until the socket fails.
pub(super) fn serve(shared: &Arc<Shared>, backing: &Path, socket: &Path) -> Result<()> {
    // Left by an earlier disk of the same place.
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket).context("listen for commands")?;
    for stream in listener.incoming() {
        let stream = stream.context("take a command")?;
        // Whoever went away does not need the answer.
        let _ = answer(shared, backing, stream);
    }
    Ok(())
}

fn answer(shared: &Shared, backing: &Path, mut stream: UnixStream) -> Result<()> {
    let mut line = String::new();
    BufReader::new(stream.try_clone()?.take(LINE_MAX)).read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let done = obey(shared, backing, &words);
    let counters = shared
        .disk
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .counters;
    match done {
        Ok(()) => writeln!(stream, "{}", serde_json::to_string(&counters)?)?,
        Err(error) => writeln!(stream, "error: {error:#}")?,
    }
    Ok(())
}

fn obey(shared: &Shared, backing: &Path, words: &[&str]) -> Result<()> {
    let on = |word: &str| match word {
        "on" => Ok(true),
        "off" => Ok(false),
        other => bail!("'{other}' is neither on nor off"),
    };
    let disk = || shared.disk.lock().unwrap_or_else(PoisonError::into_inner);
    match words {
        ["stat"] => {}
        ["lose"] => disk().lose(None),
        ["lose", "torn", seed] => {
            let seed = seed.parse().context("the seed of torn blocks")?;
            disk().lose(Some(Lot::new(seed, "torn")));
        }
        ["full", word] => shared.change().full = on(word)?,
        ["eio", word] => shared.change().eio = on(word)?,
        ["lie", word] => shared.change().lie = on(word)?,
        ["slow", ms] => shared.change().slow_ms = ms.parse().context("milliseconds")?,
        ["keep"] => keep(&disk(), ROOT, backing)?,
        other => bail!("there is no command {other:?}"),
    }
    Ok(())
}

/// Writes a directory and all below it.
fn keep(disk: &Disk, id: u64, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    let names = disk
        .names(id)
        .map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
    for (name, &id) in names {
        let path = to.join(name);
        match disk.inode(id) {
            Ok(Inode::Directory(_)) => keep(disk, id, &path)?,
            Ok(Inode::File(_)) => {
                let all = disk.read(id, 0, usize::MAX).unwrap_or_default();
                fs::write(&path, all).with_context(|| format!("write {}", path.display()))?;
            }
            Err(refusal) => bail!("{}: {refusal:?}", path.display()),
        }
    }
    Ok(())
}
