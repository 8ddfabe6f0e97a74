//! How long a synced write takes: what decides the speed of a node and how short its election
//! timeout may be.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use holdfast_client::http_types::v1::health::Check;

/// Writes that are measured.
const ROUNDS: usize = 100;
/// Bytes of each.
const BLOCK: usize = 4096;
/// No longer than this in all, on however slow a disk.
const TIME_MAX: Duration = Duration::from_secs(10);
/// A slower 99th percentile makes elections with default timeouts unreliable.
const SLOW: Duration = Duration::from_millis(50);

/// Measures in this directory; leaves nothing behind.
pub(super) fn check(directory: &Path) -> Check {
    let name = format!("disk {}", directory.display());
    match measure(directory) {
        Ok(mut times) => {
            times.sort_unstable();
            let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
            let ok = p99 <= SLOW;
            let mut detail = format!("synced write p50 {p50:.1?}, p99 {p99:.1?}");
            if !ok {
                detail.push_str(": too slow for short election timeouts; use timing profile wan");
            }
            Check { name, ok, detail }
        }
        Err(error) => Check {
            name,
            ok: false,
            detail: error.to_string(),
        },
    }
}

fn measure(directory: &Path) -> io::Result<Vec<Duration>> {
    let path = directory.join(format!(".holdfast-doctor-{}", std::process::id()));
    let times = File::create_new(&path).and_then(write_and_sync);
    let removed = std::fs::remove_file(&path);
    let times = times?;
    removed?;
    Ok(times)
}

fn write_and_sync(mut file: File) -> io::Result<Vec<Duration>> {
    let began = Instant::now();
    let block = [0x5A; BLOCK];
    let mut times = Vec::with_capacity(ROUNDS);
    while times.len() < ROUNDS && began.elapsed() < TIME_MAX {
        let before = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(before.elapsed());
    }
    Ok(times)
}

/// Of sorted times.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measuring_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let check = check(directory.path());
        assert!(check.detail.contains("p99"), "{check:?}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_finding() {
        assert!(!check(Path::new("/nonexistent/holdfast")).ok);
    }

    #[test]
    fn percentiles_of_few_times_exist() {
        let ms = Duration::from_millis;
        assert_eq!(percentile(&[], 99), ms(0));
        assert_eq!(percentile(&[ms(1)], 99), ms(1));
        let hundred: Vec<_> = (1..=100).map(ms).collect();
        assert_eq!(percentile(&hundred, 99), ms(100));
        assert_eq!(percentile(&hundred, 50), ms(51));
    }
}
