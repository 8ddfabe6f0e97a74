//! What happened, line by line: the proof that a seed gives one run, and the story of a failure.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A trace; clones write to the same one.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Inner>>);

struct Inner {
    now_us: u64,
    lines: u64,
    hash: u64,
    out: Option<Box<dyn Write + Send>>,
    failed: Option<io::Error>,
}

impl Trace {
    /// A trace that is hashed, and also written where there is an `out`.
    pub fn new(out: Option<Box<dyn Write + Send>>) -> Trace {
        Trace(Arc::new(Mutex::new(Inner {
            now_us: 0,
            lines: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            out,
            failed: None,
        })))
    }

    /// Virtual time from here on.
    pub fn at(&self, now_us: u64) {
        self.with(|inner| inner.now_us = now_us);
    }

    /// Adds a line.
    pub fn line(&self, what: fmt::Arguments<'_>) {
        self.with(|inner| {
            let (s, us) = (inner.now_us / 1_000_000, inner.now_us % 1_000_000);
            let line = format!("{s}.{us:06} {what}\n");
            inner.lines += 1;
            for byte in line.bytes() {
                inner.hash = (inner.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            if let Some(out) = &mut inner.out
                && let Err(error) = out.write_all(line.as_bytes())
            {
                inner.failed.get_or_insert(error);
            }
        });
    }

    /// Lines so far, and the hash of them all.
    pub fn digest(&self) -> (u64, u64) {
        self.with(|inner| (inner.lines, inner.hash))
    }

    /// Everything is written.
    ///
    /// # Errors
    /// The first line that could not be.
    pub fn finish(&self) -> io::Result<()> {
        self.with(|inner| {
            if let Some(error) = inner.failed.take() {
                return Err(error);
            }
            inner.out.as_mut().map_or(Ok(()), |out| out.flush())
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds a line to a trace, with `format!`'s arguments.
#[macro_export]
macro_rules! trace {
    ($trace:expr, $($what:tt)*) => {
        $trace.line(format_args!($($what)*))
    };
}
