//! Signals that would end this program while it holds a lock or leads.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};

use crate::exit::{Exit, Failure};

/// Taken over from the system: from here on nothing ends this program unseen.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
    /// Taken over and not acted on: a suspended program could not keep the session alive, and the
    /// command would go on without the lock.
    _suspend: unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Signals, Failure> {
        let listen = |signal: Signal| {
            unix::signal(SignalKind::from_raw(signal.as_raw()))
                .map_err(|error| Failure::new(Exit::Internal, "listen for signals", error))
        };
        Ok(Signals {
            interrupt: listen(Signal::INT)?,
            terminate: listen(Signal::TERM)?,
            hangup: listen(Signal::HUP)?,
            _suspend: listen(Signal::TSTP)?,
        })
    }

    /// The next one, by its number. Cancel safe.
    pub(super) async fn next(&mut self) -> i32 {
        let signal = tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
        };
        signal.as_raw()
    }
}

/// Exit code of a program that a signal ended.
pub(super) fn by_signal(signal: i32) -> u8 {
    u8::try_from(signal).map_or(u8::MAX, |signal| 128_u8.saturating_add(signal))
}
