//! Logs: one line per event on standard error, for people or for machines.
//!
//! Every line carries the node's number. Fields are values, not prose: `session`, `zxid`, `term`,
//! `node` mean the same everywhere.

mod format;

use std::str::FromStr;

use raft_types::NodeId;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use self::format::LineFormat;

/// What the consensus library may say by default: it reports each of its steps at `info`, and at
/// `warn` and `error` what our own network code has reported already with the peer's name.
const QUIET: &str = "openraft=off";

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogSettings {
    pub(crate) format: LogFormat,
    /// A level, or a list of directives.
    pub(crate) level: String,
}

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("{other:?} is not a log format; use text or json")),
        }
    }
}

/// Whether `level` can be understood.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_level(level: &str) -> Result<(), String> {
    filter(level).map(drop)
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    let quiet = if level.contains("openraft") {
        String::new()
    } else {
        format!("{QUIET},")
    };
    EnvFilter::try_new(format!("{quiet}{level}")).map_err(|error| error.to_string())
}

/// Starts logging, and logs panics. Once per process.
///
/// # Errors
/// When the level is malformed or something logs already.
pub(crate) fn init(settings: &LogSettings, node: NodeId) -> Result<(), InitError> {
    let filter = filter(&settings.level).map_err(InitError::Level)?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(LineFormat {
            node,
            format: settings.format,
        });
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()?;
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("(no message)");
        tracing::error!(
            location,
            message,
            "this is a bug of holdfast: the node panics and stops"
        );
        before(panic);
    }));
    Ok(())
}

/// Logging could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// The level is malformed.
    #[error("log level: {0}")]
    Level(String),
    /// Something logs already.
    #[error("start logging: {0}")]
    Twice(#[from] TryInitError),
}
