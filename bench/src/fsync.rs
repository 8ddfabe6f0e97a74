//! Whether a contender syncs what it calls written: seen with `strace`, not believed.
//!
//! One client writes, one write after the other. For each of them a majority of the servers must have begun and
//! finished a sync between the moment it was sent and the moment it was acknowledged. Counting would not do: a
//! server that lags syncs two writes at once, and which server lags changes, so that each may have fewer syncs
//! than there were writes although every write was on a majority's disks; and syncs that somebody makes for other
//! reasons would count as well. Servers that sync by other means (`O_DSYNC`, `io_uring`) would be refused wrongly;
//! none that is compared here does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::contender::{Cluster, Contender};
use crate::one::{self, Errand};

/// Writes that must be synced.
pub const WRITES: u64 = 50;
/// Calls after which data is on the disk. Not `sync_file_range`: it does not wait for the disk's own cache.
const CALLS: [&str; 3] = ["fsync", "fdatasync", "msync"];
/// How long `strace` may take to get hold of a server, or to let go of it.
const ATTACH: Duration = Duration::from_secs(20);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(10);
/// After the last answer: syncs of a slower follower still count.
const SETTLE: Duration = Duration::from_millis(300);

/// Clocks are read in whole microseconds, here and there: one may seem to be before the other.
const CLOCKS_US: u64 = 2;

/// Between two moments, in microseconds since 1970: of a write, sent and acknowledged; of a sync, begun and done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) begun: u64,
    pub(crate) done: u64,
}

impl Span {
    fn within(self, outer: Span) -> bool {
        self.begun + CLOCKS_US >= outer.begun && self.done <= outer.done + CLOCKS_US
    }
}

/// Watches each server while one client writes [`WRITES`] times, and gives how often each has synced.
///
/// # Errors
/// There is no `strace`, or the contender does not sync: then nothing is to be compared with it.
pub fn check(cluster: &Cluster) -> Result<Vec<u64>> {
    let contender = cluster.contender();
    let endpoints = cluster.endpoints()?;
    let endpoint = endpoints.first().context("no endpoint")?;
    one::run(contender, endpoint, Errand::Ensure)?;
    let tracers = cluster
        .pids()?
        .into_iter()
        .map(|pid| Tracer::attach(pid, &cluster.dir().join(format!("strace-{pid}"))))
        .collect::<Result<Vec<Tracer>>>()?;
    let written = one::run(contender, endpoint, Errand::Write(WRITES));
    std::thread::sleep(SETTLE);
    let syncs: Result<Vec<Vec<Span>>> = tracers.into_iter().map(Tracer::end).collect();
    let (writes, syncs) = (written?, syncs?);
    judge(contender, &writes, &syncs)?;
    Ok(syncs.iter().map(|server| server.len() as u64).collect())
}

/// Refuses who has called a write written that was not synced on a majority of its servers.
fn judge(contender: Contender, writes: &[Span], syncs: &[Vec<Span>]) -> Result<()> {
    let majority = syncs.len() / 2 + 1;
    let synced = |write: &&Span| {
        let on = |server: &&Vec<Span>| server.iter().any(|sync| sync.within(**write));
        syncs.iter().filter(on).count() >= majority
    };
    let durable = writes.iter().filter(synced).count();
    if durable == writes.len() && !writes.is_empty() {
        return Ok(());
    }
    let counts: Vec<usize> = syncs.iter().map(Vec::len).collect();
    bail!(
        "{contender} does not sync what it calls written: of {} writes one after the other {durable} were \
         synced on {majority} of {} servers before they were acknowledged (syncs of each: {counts:?}); \
         nothing is compared with it (`--contenders` leaves it out)",
        writes.len(),
        syncs.len()
    )
}

/// `strace` on one server.
struct Tracer {
    child: Child,
    pid: u32,
    file: PathBuf,
}

impl Tracer {
    fn attach(pid: u32, file: &Path) -> Result<Tracer> {
        let child = Command::new("strace")
            .args([
                "-f",
                "-ttt",
                "-T",
                "-e",
                "trace=fsync,fdatasync,msync",
                "-o",
            ])
            .arg(file)
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("run strace, which sees syncs (apt-get install strace)")?;
        let mut tracer = Tracer {
            child,
            pid,
            file: file.to_owned(),
        };
        let begun = Instant::now();
        while !traced(pid)? {
            if tracer.child.try_wait()?.is_some() || begun.elapsed() > ATTACH {
                bail!("strace does not get hold of process {pid}: may it trace others?");
            }
            std::thread::sleep(LOOK);
        }
        Ok(tracer)
    }

    /// Lets go of the server, and gives its syncs.
    fn end(mut self) -> Result<Vec<Span>> {
        self.interrupt()?;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > ATTACH {
                bail!("strace does not let go of process {}", self.pid);
            }
            std::thread::sleep(LOOK);
        }
        let text = fs::read_to_string(&self.file).context("read what strace saw")?;
        Ok(syncs(&text))
    }

    /// As from a keyboard: then it lets go of the server.
    fn interrupt(&self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok();
        let pid = pid.and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("strace has no process")?;
        rustix::process::kill_process(pid, rustix::process::Signal::INT).context("end strace")
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Killed, it would leave the server stopped.
        if matches!(self.child.try_wait(), Ok(None)) && self.interrupt().is_ok() {
            let _ = self.child.wait();
        }
    }
}

/// Whether all threads of a process are traced.
fn traced(pid: u32) -> Result<bool> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).context("list a server's threads")?;
    for task in tasks {
        let path = task?.path().join("status");
        // A thread may end meanwhile.
        let Ok(status) = fs::read_to_string(path) else {
            continue;
        };
        let tracer = status
            .lines()
            .find_map(|line| line.strip_prefix("TracerPid:"));
        if tracer.is_none_or(|pid| pid.trim() == "0") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The syncs that succeeded, from lines like these; of one that another thread's call interrupts only the end is
/// needed:
///
/// ```text
/// 12 1700000000.000100 fdatasync(9) = 0 <0.000200>
/// 12 1700000000.000400 <... fdatasync resumed>) = 0 <0.000250>
/// ```
fn syncs(trace: &str) -> Vec<Span> {
    trace.lines().filter_map(sync).collect()
}

fn sync(line: &str) -> Option<Span> {
    let (_thread, rest) = line.trim_start().split_once(' ')?;
    let (stamp, call) = rest.trim_start().split_once(' ')?;
    let (call, resumed) = match call.strip_prefix("<... ") {
        Some(call) => (call, true),
        None => (call, false),
    };
    CALLS.iter().find(|name| {
        let after = call.strip_prefix(**name);
        after.is_some_and(|after| after.starts_with('(') || after.starts_with(" resumed>"))
    })?;
    let (_, result) = call.rsplit_once("= ")?;
    let took = result.strip_prefix("0 <")?.strip_suffix('>')?;
    let (stamp, took) = (micros(stamp)?, micros(took)?);
    Some(if resumed {
        Span {
            begun: stamp.checked_sub(took)?,
            done: stamp,
        }
    } else {
        Span {
            begun: stamp,
            done: stamp.checked_add(took)?,
        }
    })
}

/// Seconds with six digits behind the point, in microseconds.
fn micros(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.')?;
    if part.len() != 6 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    whole
        .checked_mul(1_000_000)?
        .checked_add(part.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn span(begun: u64, done: u64) -> Span {
        Span { begun, done }
    }

    #[test]
    fn syncs_are_read_whole_or_resumed_and_only_if_they_succeeded() {
        let trace = "\
12 1700000000.000100 fdatasync(9) = 0 <0.000200>
12 1700000000.000400 fsync(9 <unfinished ...>
13 1700000000.000500 fsync(8) = -1 EIO (Input/output error) <0.000010>
12 1700000000.000700 <... fsync resumed>) = 0 <0.000300>
12 1700000000.000800 sync_file_range(9, 0, 1, SYNC_FILE_RANGE_WRITE) = 0 <0.000001>
12 1700000001.000000 +++ exited with 0 +++
";
        let base = 1_700_000_000_000_000;
        let expected = [span(base + 100, base + 300), span(base + 400, base + 700)];
        assert_eq!(syncs(trace), expected);
    }

    #[test]
    fn each_write_must_be_synced_on_a_majority_whichever() {
        let writes = [span(100, 200), span(300, 400)];
        let check = |syncs: &[Vec<Span>]| judge(Contender::Etcd, &writes, syncs);
        let (first, second) = (span(110, 190), span(310, 390));
        // Another server lags each time, and none but the first has as many syncs as there were writes.
        assert!(check(&[vec![first, second], vec![first], vec![second]]).is_ok());
        assert!(check(&[vec![first, second]]).is_ok());
    }

    #[test]
    fn too_few_too_early_or_too_late_is_refused() {
        let writes = [span(100, 200), span(300, 400)];
        let refused = |syncs: &[Vec<Span>]| {
            judge(Contender::Etcd, &writes, syncs)
                .unwrap_err()
                .to_string()
        };
        let (first, second) = (span(110, 190), span(310, 390));
        let text = refused(&[vec![first, second], vec![first], vec![]]);
        assert!(text.contains("etcd does not sync"), "{text}");
        assert!(text.contains("of 2 writes"), "{text}");
        assert!(text.contains("[2, 1, 0]"), "{text}");
        // Many syncs that belong to no write are worth nothing.
        let others = vec![span(210, 290), span(90, 150), span(350, 450)];
        refused(&[others.clone(), others.clone(), others]);
        refused(&[]);
        assert!(judge(Contender::Etcd, &[], &[vec![first]]).is_err());
    }
}
