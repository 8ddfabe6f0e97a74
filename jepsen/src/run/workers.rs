//! The worker processes of a run: started, listened to, told to stop, replaced when killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Place;
use crate::merge::Source;
use crate::plan::{Endpoint, Plan, WorkerSpec};
use crate::report::progress::Live;

/// Processes of clients: enough that one can be stopped or killed while others go on.
const WORKERS: u64 = 3;
/// Longest wait for one answer.
const TIMEOUT_MS: u64 = 5_000;
/// The processes of a worker that replaces a killed one begin so much higher for each replacement.
const GENERATION: u64 = 1_000_000;
/// How often the end of a worker is looked for.
const POLL: Duration = Duration::from_millis(20);

/// All workers of a run.
pub(super) struct Workers {
    plan: Plan,
    directory: PathBuf,
    harness: PathBuf,
    /// A bug planted in the client library, for a harness that has them.
    mutant: Option<String>,
    live: Arc<Live>,
    running: Vec<Worker>,
    ended: Vec<Ended>,
}

/// One worker process.
struct Worker {
    place: u64,
    generation: u64,
    child: Child,
    orders: Option<ChildStdin>,
    listener: JoinHandle<Result<()>>,
    said: PathBuf,
}

/// What a worker left behind.
struct Ended {
    said: PathBuf,
    killed: bool,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// A process or a file could not be made.
    pub(super) fn start(
        plan: &Plan,
        endpoints: &[Endpoint],
        place: &Place,
        harness: &Path,
        live: &Arc<Live>,
    ) -> Result<Workers> {
        let directory = place.run_dir.join("clients");
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("make {}", directory.display()))?;
        let mut workers = Workers {
            plan: plan.clone(),
            directory,
            harness: harness.to_owned(),
            mutant: place.mutant.clone(),
            live: Arc::clone(live),
            running: Vec::new(),
            ended: Vec::new(),
        };
        for place in 0..WORKERS.min(plan.concurrency) {
            let worker = workers.employ(place, 0, endpoints)?;
            workers.running.push(worker);
        }
        Ok(workers)
    }

    fn employ(&self, place: u64, generation: u64, endpoints: &[Endpoint]) -> Result<Worker> {
        let workers = WORKERS.min(self.plan.concurrency);
        let concurrency = self.plan.concurrency;
        let share = |whole: u64| whole * (place + 1) / workers - whole * place / workers;
        let spec = WorkerSpec {
            seed: self.plan.seed ^ (place + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ generation,
            workload: self.plan.workload.clone(),
            door: self.plan.door.clone(),
            first_process: concurrency * place / workers + generation * GENERATION * concurrency,
            clients: share(concurrency),
            concurrency,
            rate: share(self.plan.rate).max(1),
            nodes: endpoints.to_vec(),
            timeout_ms: TIMEOUT_MS,
            sizes: self.plan.sizes.clone(),
        };
        let name = format!("worker-{place}-{generation}");
        let orders_file = self.directory.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(&spec).context("write a worker's orders")?;
        std::fs::write(&orders_file, text)
            .with_context(|| format!("write {}", orders_file.display()))?;
        let words = self.directory.join(format!("{name}.stderr"));
        let stderr = File::create(&words).with_context(|| format!("make {}", words.display()))?;
        let mut child = Command::new(&self.harness)
            .arg("worker")
            .arg(&orders_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .envs(self.mutant.iter().map(|id| ("HOLDFAST_MUTANT", id)))
            .spawn()
            .context("start a worker")?;
        let said = self.directory.join(format!("{name}.jsonl"));
        let output = child.stdout.take().context("a worker without output")?;
        let listener = listen(output, &said, Arc::clone(&self.live))?;
        Ok(Worker {
            place,
            generation,
            orders: child.stdin.take(),
            child,
            listener,
            said,
        })
    }

    /// Process ids of those that run.
    #[must_use]
    pub(super) fn pids(&self) -> Vec<u32> {
        self.running
            .iter()
            .map(|worker| worker.child.id())
            .collect()
    }

    /// Puts a new worker in the place of each that was killed, with new processes: what the old
    /// ones had begun is unknown for ever. Whether there was any.
    ///
    /// # Errors
    /// One ended by itself, which is a failure of the harness; or a new one could not be started.
    pub(super) fn replace_killed(&mut self, endpoints: &[Endpoint]) -> Result<bool> {
        let mut replaced = false;
        for at in 0..self.running.len() {
            let Some(worker) = self.running.get_mut(at) else {
                break;
            };
            let Some(status) = worker.child.try_wait().context("look at a worker")? else {
                continue;
            };
            if status.code().is_some() {
                bail!(
                    "a worker ended by itself: {status}; see {}",
                    worker.said.display()
                );
            }
            let (place, generation) = (worker.place, worker.generation + 1);
            let successor = self.employ(place, generation, endpoints)?;
            self.running.push(successor);
            let dead = self.running.swap_remove(at);
            self.bury(dead, true)?;
            replaced = true;
        }
        Ok(replaced)
    }

    fn bury(&mut self, worker: Worker, killed: bool) -> Result<()> {
        drop(worker.orders);
        match worker.listener.join() {
            Ok(heard) => heard?,
            Err(_) => bail!("the listener of a worker panicked"),
        }
        self.ended.push(Ended {
            said: worker.said,
            killed,
        });
        Ok(())
    }

    /// Tells all of them something: `stop` ends the load, `final` begins the last reads.
    pub(super) fn tell(&mut self, order: &str) {
        for worker in &mut self.running {
            if let Some(orders) = &mut worker.orders {
                // One that was killed meanwhile is noticed when it is waited for.
                let _ = writeln!(orders, "{order}").and_then(|()| orders.flush());
            }
        }
    }

    /// Lets them end, and kills those that do not within the time; what all of them said.
    ///
    /// # Errors
    /// One failed, or what one said cannot be read.
    pub(super) fn finish(mut self, within: Duration) -> Result<Vec<Source>> {
        let deadline = Instant::now() + within;
        for mut worker in std::mem::take(&mut self.running) {
            worker.orders = None;
            let killed = wait(&mut worker.child, deadline)?;
            self.bury(worker, killed)?;
        }
        let mut sources = Vec::new();
        for ended in &self.ended {
            let file = File::open(&ended.said)
                .with_context(|| format!("open {}", ended.said.display()))?;
            let name = ended.said.display().to_string();
            sources.push(Source::read(&name, ended.killed, BufReader::new(file))?);
        }
        Ok(sources)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.running {
            // Ended already: nothing to do.
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}

/// Waits for the end of a worker; whether it was killed, by whomever.
fn wait(child: &mut Child, deadline: Instant) -> Result<bool> {
    loop {
        if let Some(status) = child.try_wait().context("wait for a worker")? {
            return match status.code() {
                None => Ok(true),
                Some(0) => Ok(false),
                Some(code) => bail!("a worker failed with exit code {code}; see its .stderr"),
            };
        }
        if Instant::now() >= deadline {
            child.kill().context("kill a worker that did not end")?;
            child.wait().context("wait for a killed worker")?;
            return Ok(true);
        }
        std::thread::sleep(POLL);
    }
}

/// Keeps what a worker says, and shows it to the line of progress.
fn listen(output: ChildStdout, said: &Path, live: Arc<Live>) -> Result<JoinHandle<Result<()>>> {
    let mut file = File::create(said).with_context(|| format!("make {}", said.display()))?;
    let copy = move || -> Result<()> {
        let mut output = BufReader::with_capacity(1 << 16, output);
        let mut line = Vec::new();
        while output
            .read_until(b'\n', &mut line)
            .context("read from a worker")?
            > 0
        {
            live.hear_line(&line);
            file.write_all(&line).context("keep what a worker said")?;
            line.clear();
        }
        Ok(())
    };
    std::thread::Builder::new()
        .name("worker-listener".to_owned())
        .spawn(copy)
        .context("start the listener of a worker")
}
