//! Scripts: what is asked, a step on each line.

use std::path::Path;

use super::encode;
use super::ops;
use super::token;

/// Marks a step that is deliberately answered otherwise here; the reason follows.
const DIFFERS: &str = "! ";
/// Stands before an operation that leaves together with the next of the same client.
const HELD_BACK: &str = "+";

/// A script.
#[derive(Clone, Debug)]
pub struct Script {
    /// Name of its file, without the ending.
    pub name: String,
    /// What is asked, in order.
    pub steps: Vec<Step>,
}

/// A line of a script.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line as it stands.
    pub text: String,
    /// Why the answer is deliberately another one here.
    pub differs: Option<String>,
    /// Which client does it.
    pub(super) client: String,
    pub(super) act: Act,
}

/// What a client does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Opens a connection and asks for a session.
    Connect(Connect),
    /// Closes the connection and leaves the session to itself.
    Cut,
    /// Asks something.
    Ask(Ask),
    /// Sends bytes as they are.
    Bytes(Vec<u8>),
}

/// The first frame of a connection.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    pub(super) node: usize,
    pub(super) version: i32,
    /// `0`, or a word for a zxid.
    pub(super) seen: String,
    pub(super) timeout: i32,
    pub(super) session: Session,
    pub(super) password: Password,
    pub(super) read_only: Option<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum Session {
    Number(i64),
    OfClient(String),
}

#[derive(Clone, Debug)]
pub(super) enum Password {
    Zeros,
    Null,
    Wrong,
    Short,
    OfClient(String),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Number of its own.
    pub(super) xid: Option<i32>,
    pub(super) code: i32,
    /// Its fields, as words; for an operation without a name hexadecimal digits.
    pub(super) words: Vec<String>,
    /// Bytes that do not belong there.
    pub(super) trailing: Vec<u8>,
    /// Bytes missing at the end.
    pub(super) missing: usize,
    pub(super) is_held_back: bool,
}

impl Script {
    /// Reads one.
    ///
    /// # Panics
    /// With the line that cannot be understood.
    #[must_use]
    pub fn read(file: &Path) -> Script {
        let text = std::fs::read_to_string(file).expect("a script");
        let name = file.file_stem().expect("a name").to_string_lossy();
        let mut steps = Vec::new();
        let mut differs = None;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(reason) = line.strip_prefix(DIFFERS) {
                differs = Some(reason.to_owned());
                continue;
            }
            match step(line, differs.take()) {
                Ok(step) => steps.push(step),
                Err(why) => panic!("{}:{}: {why}", file.display(), at + 1),
            }
        }
        Script {
            name: name.into_owned(),
            steps,
        }
    }
}

fn step(line: &str, differs: Option<String>) -> Result<Step, String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (client, words) = words.split_first().ok_or("an empty line")?;
    let act = match words {
        ["connect", settings @ ..] => Act::Connect(connect(settings)?),
        ["cut"] => Act::Cut,
        ["bytes", digits] => Act::Bytes(token::hex(digits)?),
        words => Act::Ask(ask(words)?),
    };
    Ok(Step {
        text: line.to_owned(),
        differs,
        client: (*client).to_owned(),
        act,
    })
}

fn connect(settings: &[&str]) -> Result<Connect, String> {
    let mut connect = Connect {
        node: 1,
        version: 0,
        seen: "0".to_owned(),
        timeout: 30_000,
        session: Session::Number(0),
        password: Password::Zeros,
        read_only: Some(0),
    };
    for setting in settings {
        let (name, value) = setting.split_once('=').ok_or("name=value is meant")?;
        match name {
            "node" => connect.node = value.parse().map_err(|_| "which node?")?,
            "version" => connect.version = token::int(value)?,
            "seen" => value.clone_into(&mut connect.seen),
            "timeout" => connect.timeout = token::int(value)?,
            "session" => {
                connect.session = token::number(value)
                    .map_or_else(|_| Session::OfClient(value.to_owned()), Session::Number);
            }
            "password" => {
                connect.password = match value {
                    "zeros" => Password::Zeros,
                    "null" => Password::Null,
                    "wrong" => Password::Wrong,
                    "short" => Password::Short,
                    client => Password::OfClient(client.to_owned()),
                };
            }
            "readOnly" => {
                connect.read_only = match value {
                    "absent" => None,
                    value => Some(value.parse().map_err(|_| "readOnly=0, 1 or absent")?),
                };
            }
            other => return Err(format!("{other}: no such setting")),
        }
    }
    Ok(connect)
}

fn ask(words: &[&str]) -> Result<Ask, String> {
    let mut ask = Ask {
        xid: None,
        code: 0,
        words: Vec::new(),
        trailing: Vec::new(),
        missing: 0,
        is_held_back: false,
    };
    let mut words = words;
    while let Some((word, rest)) = words.split_first() {
        if *word == HELD_BACK {
            ask.is_held_back = true;
        } else if let Some(xid) = word.strip_prefix("xid=") {
            ask.xid = Some(token::int(xid)?);
        } else if let Some(digits) = word.strip_prefix("trailing=") {
            ask.trailing = token::hex(digits)?;
        } else if let Some(count) = word.strip_prefix("missing=") {
            ask.missing = count.parse().map_err(|_| "how many bytes are missing?")?;
        } else {
            ask.code = match ops::by_name(word) {
                Some(op) => op.code,
                None => encode::unknown_code(word)?,
            };
            ask.words = rest.iter().map(|word| (*word).to_owned()).collect();
            return Ok(ask);
        }
        words = rest;
    }
    Err("nothing is asked".to_owned())
}

impl Ask {
    /// The request as a payload. `zxid` knows what a word for a zxid means.
    pub(super) fn payload(
        &self,
        xid: i32,
        zxid: &dyn Fn(&str) -> Result<i64, String>,
    ) -> Result<Vec<u8>, String> {
        let mut payload = Vec::new();
        payload.extend_from_slice(&xid.to_be_bytes());
        payload.extend_from_slice(&self.code.to_be_bytes());
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let is_raw = words.first().is_some_and(|word| word.starts_with("raw="));
        let body = match ops::by_code(self.code) {
            Some(op) if !is_raw => encode::body(op, &words, zxid)?,
            _ => {
                let digits: Vec<&str> = words
                    .iter()
                    .map(|word| word.trim_start_matches("raw="))
                    .collect();
                encode::raw(&digits)?
            }
        };
        payload.extend_from_slice(&body);
        payload.truncate(payload.len().saturating_sub(self.missing));
        payload.extend_from_slice(&self.trailing);
        Ok(payload)
    }
}
