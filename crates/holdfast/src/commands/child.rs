//! The command under a lock, a leadership, a membership or in a barrier, and everything it started.
//!
//! It gets a process group of its own, so that a signal reaches all of it; and this program adopts
//! processes whose parent in the group ended, so that it knows when the last one is gone.

use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, set_child_subreaper, test_kill_process_group,
    waitpgid,
};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};

use super::signals::Signals;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Between two looks at whether all are gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// After killing, how long the system may take to be done with it.
const KILL_TIME: Duration = Duration::from_secs(10);

/// What is to be run.
pub(super) struct Program<'a> {
    /// The program and its arguments.
    pub(super) command: &'a [String],
    /// What it reads.
    pub(super) input: Input,
    /// What it must know of what protects it.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// What a command reads.
pub(super) enum Input {
    /// Nothing.
    None,
    /// What this program could read.
    Passed,
    /// These bytes.
    Bytes(Bytes),
}

impl Input {
    /// What this program could read, if it is to be passed on.
    pub(super) fn passed(pass_stdin: bool) -> Input {
        if pass_stdin {
            Input::Passed
        } else {
            Input::None
        }
    }

    fn stdio(&self) -> Stdio {
        match self {
            Input::None => Stdio::null(),
            Input::Passed => Stdio::inherit(),
            Input::Bytes(_) => Stdio::piped(),
        }
    }
}

/// A running command.
pub(super) struct Child {
    process: tokio::process::Child,
    group: Pid,
    ended: Option<ExitStatus>,
}

/// Runs a program to its end, or stops it, within a time of grace, when what it runs under is lost (`None`).
/// Signals are passed on to it. `behind` is said when it ends and leaves processes running.
pub(super) async fn run(
    out: Output,
    program: &Program<'_>,
    (lost, grace): (impl Future<Output = ()>, Duration),
    signals: &mut Signals,
    behind: &str,
) -> Result<Option<u8>, Failure> {
    let mut child = Child::spawn(program)?;
    let mut lost = std::pin::pin!(lost);
    loop {
        tokio::select! {
            biased;
            code = child.finished() => {
                let code = code?;
                if child.leaves_others_behind() {
                    out.warn(behind);
                }
                return Ok(Some(code));
            }
            () = &mut lost => break,
            signal = signals.next() => child.signal(signal),
        }
    }
    out.warn("stopping the command");
    if !child.stop(grace).await {
        out.warn("some of its processes could not be stopped");
    }
    Ok(None)
}

impl Child {
    /// Starts it.
    pub(super) fn spawn(what: &Program<'_>) -> Result<Child, Failure> {
        let Program {
            command,
            input,
            environment,
        } = what;
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Failure::new(Exit::Usage, "run the command", "there is no command"))?;
        let what = || format!("run {program}");
        if matches!(input, Input::Passed) && std::io::stdin().is_terminal() {
            let why = "a terminal cannot be given to a process group of its own";
            return Err(Failure::new(Exit::Usage, what(), why)
                .remedy("pipe the input in, or leave --pass-stdin out"));
        }
        // Only a convenience: without it a grandchild that ended is noticed a little later.
        let _ = set_child_subreaper(Some(rustix::process::getpid()));
        let mut process = Command::new(program)
            .args(arguments)
            .process_group(0)
            .stdin(input.stdio())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .spawn()
            .map_err(|error| {
                let exit = if error.kind() == std::io::ErrorKind::NotFound {
                    Exit::NotFound
                } else if error.kind() == std::io::ErrorKind::PermissionDenied {
                    Exit::Permission
                } else {
                    Exit::Internal
                };
                Failure::new(exit, what(), error)
            })?;
        if let (Some(pipe), Input::Bytes(bytes)) = (process.stdin.take(), input) {
            feed(pipe, bytes.clone());
        }
        let group = process
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        match group {
            Some(group) => Ok(Child {
                process,
                group,
                ended: None,
            }),
            None => Err(Failure::new(Exit::Internal, what(), "it has no process id")),
        }
    }

    /// Its process, which is also the number of its group.
    pub(super) fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits until the command itself ends, and says with which code: its own, or 128 and the
    /// number of the signal that ended it. Cancel safe.
    pub(super) async fn finished(&mut self) -> Result<u8, Failure> {
        let status = self
            .process
            .wait()
            .await
            .map_err(|error| Failure::new(Exit::Internal, "wait for the command", error))?;
        self.ended = Some(status);
        Ok(code_of(status))
    }

    /// Passes a signal on to the whole group.
    pub(super) fn signal(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            // Nobody left to receive it is fine.
            let _ = kill_process_group(self.group, signal);
        }
    }

    /// Whether processes of the group outlived the command.
    pub(super) fn leaves_others_behind(&mut self) -> bool {
        !self.is_gone()
    }

    /// Asks the whole group to end, kills what is left after `grace`, and waits until all are gone.
    /// False if some could not be stopped.
    pub(super) async fn stop(&mut self, grace: Duration) -> bool {
        self.signal(Signal::TERM.as_raw());
        if self.gone_within(grace).await {
            return true;
        }
        self.signal(Signal::KILL.as_raw());
        self.gone_within(KILL_TIME).await
    }

    async fn gone_within(&mut self, time: Duration) -> bool {
        let began = Instant::now();
        loop {
            if self.is_gone() {
                return true;
            }
            if began.elapsed() >= time {
                return false;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whether no process of the group is left. One that ended and was not waited for still counts
    /// as a member, so those adopted are waited for here; the command itself first, whose status
    /// belongs to the runtime.
    fn is_gone(&mut self) -> bool {
        if self.ended.is_none() {
            match self.process.try_wait() {
                Ok(Some(status)) => self.ended = Some(status),
                Ok(None) | Err(_) => return false,
            }
        }
        while let Ok(Some(_)) = waitpgid(self.group, WaitOptions::NOHANG) {}
        test_kill_process_group(self.group) == Err(Errno::SRCH)
    }
}

/// Writes to a command while it runs. One that does not want to read all of it need not.
fn feed(mut pipe: ChildStdin, bytes: Bytes) {
    tokio::spawn(async move {
        if let Err(error) = pipe.write_all(&bytes).await {
            tracing::debug!(%error, "the command did not read all of its input");
        }
    });
}

fn code_of(status: ExitStatus) -> u8 {
    let number = status
        .code()
        .or_else(|| Some(128 + status.signal()?))
        .unwrap_or(1);
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell that runs `script` in a group of its own.
    fn shell(script: &str) -> Child {
        let _ = set_child_subreaper(Some(rustix::process::getpid()));
        let process = Command::new("/bin/sh")
            .args(["-c", script])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let group = Pid::from_raw(i32::try_from(process.id().unwrap()).unwrap()).unwrap();
        Child {
            process,
            group,
            ended: None,
        }
    }

    #[tokio::test]
    async fn the_code_of_the_command_is_passed_on() {
        assert_eq!(shell("exit 7").finished().await.unwrap(), 7);
        assert_eq!(shell("kill -TERM $$").finished().await.unwrap(), 143);
    }

    #[tokio::test]
    async fn stopping_ends_grandchildren_that_do_not_want_to() {
        // The grandchild ignores the request and outlives its parent.
        let mut child = shell("sh -c 'trap \"\" TERM; while :; do sleep 1; done' & wait");
        assert!(child.stop(Duration::from_millis(200)).await);
        assert_eq!(test_kill_process_group(child.group), Err(Errno::SRCH));
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_is_noticed() {
        let mut child = shell("sleep 30 & exit 0");
        assert_eq!(child.finished().await.unwrap(), 0);
        assert!(child.leaves_others_behind());
        assert!(child.stop(Duration::from_secs(5)).await);
        assert!(!child.leaves_others_behind());
    }
}
