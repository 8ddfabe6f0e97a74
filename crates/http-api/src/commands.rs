//! Commands of another door that are served here, because administrators expect them over HTTP.

use futures::future::BoxFuture;
use serde_json::{Map, Value};

/// Commands by name, as ZooKeeper's `AdminServer` has them. What they mean is known to the door they
/// come from.
pub trait AdminCommands: Send + Sync + 'static {
    /// Names of all commands, in order.
    fn names(&self) -> Vec<&'static str>;

    /// Runs one. An unknown name is answered, not refused.
    fn run(&self, name: String, method: CommandMethod) -> BoxFuture<'static, CommandAnswer>;
}

/// How a command is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandMethod {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandAnswer {
    /// Status of HTTP.
    pub status: u16,
    /// The fields of the JSON object.
    pub fields: Map<String, Value>,
}
