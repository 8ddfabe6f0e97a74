//! The machine: what it is, and what its disk and its loopback cost.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::median::{median, quantile};
use crate::process::field_kib;
use crate::results::Costs;

/// How often the disk and the loopback are tried.
const TIMES: usize = 2_000;
/// About what a small write is in a log.
const APPEND_BYTES: usize = 300;
/// A small request, and a small answer.
const ROUND_TRIP_BYTES: usize = 64;

/// What the figures depend on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// When it was looked at.
    pub at: String,
    /// Its processor.
    pub cpu: String,
    /// Cores that may be used.
    pub cores: usize,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Kernel and its release.
    pub kernel: String,
    /// The file system that the data is on.
    pub file_system: String,
}

impl Machine {
    /// This one, with data below `dir`.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn look(dir: &Path) -> Result<Machine> {
        let read = |path: &str| fs::read_to_string(path).with_context(|| format!("read {path}"));
        let cpu = read("/proc/cpuinfo")?;
        let model = cpu.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": "));
        let dir = fs::canonicalize(dir).with_context(|| format!("find {}", dir.display()))?;
        Ok(Machine {
            at: jiff::Timestamp::now()
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string(),
            cpu: model.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_bytes: field_kib(&read("/proc/meminfo")?, "MemTotal:").unwrap_or(0) * 1024,
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease")?.trim()),
            file_system: file_system(&read("/proc/self/mounts")?, &dir).to_owned(),
        })
    }
}

/// The kind of the file system that a path is on: the longest mount point that it begins with; of equal ones the
/// last, which hides the others.
fn file_system<'a>(mounts: &'a str, path: &Path) -> &'a str {
    let mut found = (0, "unknown");
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        if path.starts_with(point) && point.len() >= found.0 {
            found = (point.len(), kind);
        }
    }
    found.1
}

/// Measures what a disk costs, by a file in `dir`, and the loopback.
///
/// # Errors
/// The disk or the loopback fails.
pub fn costs(dir: &Path) -> Result<Costs> {
    let path = dir.join("fsync-probe");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("open {}", path.display()))?;
    let disk = appends(&mut file);
    fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    let disk = disk.with_context(|| format!("write {}", path.display()))?;
    let loopback = round_trips().context("measure the loopback")?;
    Ok(Costs {
        fsync_p50_us: median(disk.iter().copied()),
        fsync_p99_us: quantile(disk, 0.99),
        loopback_p50_us: median(loopback.iter().copied()),
        loopback_p99_us: quantile(loopback, 0.99),
    })
}

fn appends(file: &mut File) -> std::io::Result<Vec<f64>> {
    timed(|| {
        file.write_all(&[b'x'; APPEND_BYTES])?;
        file.sync_data()
    })
}

fn round_trips() -> std::io::Result<Vec<f64>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut here = TcpStream::connect(listener.local_addr()?)?;
    let (mut there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    let echo = std::thread::spawn(move || {
        let mut bytes = [0; ROUND_TRIP_BYTES];
        while there.read_exact(&mut bytes).is_ok() && there.write_all(&bytes).is_ok() {}
    });
    let mut bytes = [0; ROUND_TRIP_BYTES];
    let times = timed(|| {
        here.write_all(&bytes)?;
        here.read_exact(&mut bytes)
    });
    drop(here);
    let _ = echo.join();
    times
}

/// How long something takes, many times, in microseconds.
fn timed(mut act: impl FnMut() -> std::io::Result<()>) -> std::io::Result<Vec<f64>> {
    (0..TIMES)
        .map(|_| {
            let begun = Instant::now();
            act()?;
            Ok(begun.elapsed().as_secs_f64() * 1e6)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_on_the_deepest_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nb /tmp/x btrfs rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/home/me")), "ext4");
        assert_eq!(file_system(mounts, Path::new("/tmp/y")), "tmpfs");
        assert_eq!(file_system(mounts, Path::new("/tmp/x/y")), "btrfs");
        assert_eq!(file_system(mounts, Path::new("/tmpfiles")), "ext4");
    }

    #[test]
    fn costs_are_measured() {
        let dir = tempfile::tempdir().unwrap();
        let costs = costs(dir.path()).unwrap();
        assert!(costs.fsync_p50_us > 0.0 && costs.fsync_p50_us <= costs.fsync_p99_us);
        assert!(costs.loopback_p50_us > 0.0 && costs.loopback_p50_us <= costs.loopback_p99_us);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
