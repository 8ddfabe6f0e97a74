//! What ZooKeeper's `AdminServer` answers under `/commands/NAME`, as values: whoever speaks HTTP
//! puts them on the wire.

mod table;
mod values;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::table::{Command, TABLE};
use super::Door;
use super::mode::server_mode;
use super::words::NOT_SERVING;

/// How a command was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandAnswer {
    /// Status of HTTP. 200 also for most errors, as the `AdminServer` has it.
    pub status: u16,
    /// Fields, `command` and `error` among them.
    pub fields: Map<String, Value>,
}

/// Names of all commands, in order; each may have shorter ones beside.
#[must_use]
pub fn command_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names
}

/// Runs a command.
pub(crate) async fn run(door: &Arc<Door>, name: &str, method: Method) -> CommandAnswer {
    let Some(entry) = TABLE.iter().find(|entry| entry.is_called(name)) else {
        return answer(name, 200, Err(format!("Unknown command: {name}")));
    };
    let primary = entry.name;
    if entry.method != method {
        let error = format!("This command has to be asked for with {:?}", entry.method);
        return answer(
            primary,
            405,
            Err(error.replace("Get", "GET").replace("Post", "POST")),
        );
    }
    match entry.command {
        Command::Impossible { status, why } => answer(primary, status, Err(why.to_owned())),
        Command::Always(values) => answer(primary, 200, values(door)),
        Command::Serving(_) if server_mode(door).is_none() => {
            answer(primary, 200, Err(NOT_SERVING.to_owned()))
        }
        Command::Serving(values) => {
            // Some grow with what there is.
            let fields = door.in_turn(values).await;
            let failed = || Err("The command failed inside".to_owned());
            answer(primary, 200, fields.unwrap_or_else(failed))
        }
    }
}

/// What a command tells, or in words why it does not.
type Fields = Result<Map<String, Value>, String>;

fn answer(name: &str, status: u16, fields: Fields) -> CommandAnswer {
    let (mut fields, error) = match fields {
        Ok(fields) => (fields, Value::Null),
        Err(error) => (Map::new(), json!(error)),
    };
    fields.insert("command".to_owned(), json!(name));
    fields.insert("error".to_owned(), error);
    CommandAnswer { status, fields }
}
